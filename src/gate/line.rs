//! The frames that stand in line, as groups of pictures.

use std::collections::VecDeque;

/// A frame of an encoded stream. Times are running time, in nanoseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame<T> {
    /// When it shows.
    pub time: u64,
    /// When it ends.
    pub end: u64,
    /// When it is decoded: frames come in this order.
    pub decode: u64,
    /// Whether decoding can start here.
    pub key: bool,
    /// Memory that it takes.
    pub bytes: u64,
    /// The frame itself.
    pub item: T,
}

/// A keyframe and what depends on it, or what is left of them.
#[derive(Debug)]
struct Group<T> {
    /// When its keyframe shows.
    start: u64,
    frames: VecDeque<Frame<T>>,
}

/// Frames in line.
#[derive(Debug)]
pub(super) struct Line<T> {
    groups: VecDeque<Group<T>>,
    bytes: u64,
}

impl<T> Default for Line<T> {
    fn default() -> Self {
        Self { groups: VecDeque::new(), bytes: 0 }
    }
}

impl<T> Line<T> {
    /// Memory that the frames take.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds a frame behind the others. One that depends on frames which are gone is given back.
    pub(super) fn add(&mut self, frame: Frame<T>) -> Result<(), Frame<T>> {
        if frame.key {
            self.groups.push_back(Group { start: frame.time, frames: VecDeque::new() });
        }
        let Some(group) = self.groups.back_mut() else { return Err(frame) };
        self.bytes += frame.bytes;
        group.frames.push_back(frame);
        self.tidy();
        Ok(())
    }

    /// The first frame in line.
    pub(super) fn first(&self) -> Option<&Frame<T>> {
        self.groups.front().and_then(|group| group.frames.front())
    }

    /// When the newest group starts.
    pub(super) fn newest_start(&self) -> Option<u64> {
        self.groups.back().map(|group| group.start)
    }

    /// When the first group starts that starts later than `time`.
    pub(super) fn start_after(&self, time: u64) -> Option<u64> {
        let later = self.groups.partition_point(|group| group.start <= time);
        self.groups.get(later).map(|group| group.start)
    }

    /// Takes the first frame.
    pub(super) fn take(&mut self) -> Option<Frame<T>> {
        let frame = self.groups.front_mut()?.frames.pop_front()?;
        self.bytes -= frame.bytes;
        self.tidy();
        Some(frame)
    }

    /// Takes what is left of the first group. Frames of it that are still to come cannot be added any more.
    pub(super) fn take_group(&mut self) -> VecDeque<Frame<T>> {
        let frames = self.groups.pop_front().map(|group| group.frames).unwrap_or_default();
        self.bytes -= frames.iter().map(|frame| frame.bytes).sum::<u64>();
        frames
    }

    /// Forgets first groups whose frames are gone. Of the newest more may come.
    fn tidy(&mut self) {
        while self.groups.len() > 1 && self.groups.front().is_some_and(|group| group.frames.is_empty()) {
            self.groups.pop_front();
        }
    }
}
