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
    /// Flushes so far.
    flushes: u64,
    /// What marks the last flush.
    flush: Option<u32>,
    /// What marks the segment.
    segment: Option<u32>,
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

    /// The video was flushed: running time begins anew.
    pub fn flush(&mut self, seqnum: u32) {
        *self = Self { flushes: self.flushes + 1, flush: Some(seqnum), ..Self::default() };
    }

    /// Frames of another segment follow.
    pub fn start_segment(&mut self, seqnum: u32) {
        self.segment = Some(seqnum);
    }

    fn is_of_seek(&self, seqnum: u32) -> bool {
        [self.flush, self.segment].contains(&Some(seqnum))
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

/// Whether another stream is in a seek that has not reached the video.
///
/// What such a stream brings is not judged by the video from before the seek: it waits for the flush of the video. Where it
/// was flushed alone none comes: so it waits only while the video comes a given time further, and where the video has ended,
/// until both have.
#[derive(Debug, Clone, Default)]
pub struct Ahead {
    /// Flushes of the video that the stream had too.
    had: u64,
    seek: Option<Seek>,
}

/// What a stream waits for.
#[derive(Debug, Clone)]
struct Seek {
    seqnum: u32,
    /// How far the video comes meanwhile at most.
    until: u64,
}

impl Ahead {
    /// The stream was flushed. It waits unless the video had that flush before, while the video comes `patience` further at
    /// most.
    pub fn flush(&mut self, seqnum: u32, follow: &Follow, patience: u64) {
        // A flush of the video that this stream did not have is the same, however the sources mark them.
        let is_ahead = self.had == follow.flushes && !follow.is_of_seek(seqnum);
        let until = follow.decided.saturating_add(patience);
        *self = Self { had: follow.flushes, seek: is_ahead.then_some(Seek { seqnum, until }) };
    }

    /// Whether the stream waits; it may have `ended` since its flush.
    pub fn waits(&mut self, follow: &Follow, ended: bool) -> bool {
        let is_over = |seek: &Seek| {
            self.had != follow.flushes
                || follow.is_of_seek(seek.seqnum)
                || follow.decided >= seek.until
                || (follow.ended && ended)
        };
        if self.seek.as_ref().is_some_and(is_over) {
            *self = Self { had: follow.flushes, seek: None };
        }
        self.seek.is_some()
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
    fn a_stream_that_is_flushed_first_waits_for_the_video() {
        let (mut follow, mut ahead) = (Follow::default(), Ahead::default());
        assert!(!ahead.waits(&follow, false));
        follow.reach(100);
        follow.finish();
        // A source may mark its flushes in its own way.
        for (audio, video) in [(7, 7), (8, 108)] {
            ahead.flush(audio, &follow, 50);
            assert!(ahead.waits(&follow, false), "the end was that before the seek");
            follow.flush(video);
            assert!(!ahead.waits(&follow, false));
            assert_eq!(follow.passes(0), None, "nothing is known of the video after the seek");
            follow.reach(100);
        }
    }

    #[test]
    fn a_stream_that_is_flushed_after_the_video_does_not_wait() {
        let (mut follow, mut ahead) = (Follow::default(), Ahead::default());
        for (video, segment, audio) in [(7, 7, 7), (8, 9, 9), (10, 11, 12)] {
            follow.flush(video);
            follow.start_segment(segment);
            ahead.flush(audio, &follow, 50);
            assert!(!ahead.waits(&follow, false));
        }
        follow.start_segment(13);
        ahead.flush(13, &follow, 50);
        assert!(!ahead.waits(&follow, false), "a source may begin a segment without a flush");
        ahead.flush(14, &follow, 50);
        assert!(ahead.waits(&follow, false));
    }

    #[test]
    fn a_stream_that_is_flushed_alone_does_not_wait_for_ever() {
        let (mut follow, mut ahead) = (Follow::default(), Ahead::default());
        follow.reach(100);
        ahead.flush(7, &follow, 50);
        follow.reach(149);
        assert!(ahead.waits(&follow, true));
        follow.reach(150);
        assert!(!ahead.waits(&follow, false));
        ahead.flush(8, &follow, 50);
        follow.finish();
        assert!(ahead.waits(&follow, false));
        assert!(!ahead.waits(&follow, true));
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
