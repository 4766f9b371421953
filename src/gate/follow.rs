//! What the clips of the video say of another stream beside it.

use std::collections::VecDeque;

/// Clips that are remembered at most: a stream that is so many behind has lost its place.
const CAPACITY: usize = 4096;

/// The stretches that passed, and up to where it is known. Times are running time, in nanoseconds.
#[derive(Debug, Clone, Default)]
pub struct Follow {
    /// Start and end of each clip, in order; no end for the one that is leaving.
    clips: VecDeque<(u64, Option<u64>)>,
    /// Before this all is decided.
    decided: u64,
    /// No frame comes any more.
    ended: bool,
}

impl Follow {
    /// A clip begins with the frame that shows at `start`.
    pub fn start(&mut self, start: u64) {
        if self.clips.len() == CAPACITY {
            self.clips.pop_front();
        }
        self.clips.push_back((start, None));
    }

    /// The clip ends at `end`.
    pub fn stop(&mut self, end: u64) {
        if let Some(clip) = self.clips.back_mut() {
            clip.1 = Some(end);
        }
        self.reach(end);
    }

    /// The frame that shows at `time` left, in the clip or outside of all.
    pub fn reach(&mut self, time: u64) {
        self.decided = self.decided.max(time);
    }

    /// No frame comes any more.
    pub fn finish(&mut self) {
        self.ended = true;
    }

    /// Frames come again.
    pub fn resume(&mut self) {
        self.ended = false;
    }

    /// Whether what sounds at `time` passes; `None` while that is open.
    #[must_use]
    pub fn passes(&self, time: u64) -> Option<bool> {
        if time >= self.decided && !self.ended {
            return None;
        }
        let after = self.clips.partition_point(|&(start, _)| start <= time);
        let clip = after.checked_sub(1).and_then(|last| self.clips.get(last));
        Some(clip.is_some_and(|&(_, end)| end.is_none_or(|end| time < end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sounds_with_a_clip_passes_with_it() {
        let mut follow = Follow::default();
        assert_eq!(follow.passes(0), None);
        follow.reach(10);
        follow.start(10);
        follow.reach(20);
        assert_eq!([5, 9, 10, 19].map(|time| follow.passes(time)), [false, false, true, true].map(Some));
        assert_eq!(follow.passes(20), None);
        follow.stop(25);
        follow.reach(40);
        assert_eq!([24, 25, 39].map(|time| follow.passes(time)), [true, false, false].map(Some));
        follow.start(40);
        follow.stop(50);
        follow.finish();
        assert_eq!([20, 30, 49, 50].map(|time| follow.passes(time)), [true, false, true, false].map(Some));
    }

    #[test]
    fn clips_of_long_ago_are_forgotten() {
        let mut follow = Follow::default();
        for n in 0..2 * CAPACITY as u64 {
            follow.start(10 * n);
            follow.stop(10 * n + 5);
        }
        assert_eq!(follow.clips.len(), CAPACITY);
        assert_eq!(follow.passes(20 * CAPACITY as u64 - 8), Some(true));
    }
}
