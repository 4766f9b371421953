//! The references of one kind that a stream brought, and what they say of the moments around them.

use std::collections::VecDeque;

/// How long a reference holds after the last frame that confirmed it, in nanoseconds.
const REACH: u64 = 60_000_000_000;

/// References that are kept at most: those of a minute at 60 frames a second where each departs from the one
/// before it.
const CAPACITY: usize = 3600;

/// How far two UTC times may lie apart and still mean the same moment, in nanoseconds.
const UTC_TOLERANCE: u64 = 1_000_000;

/// What a clock outside of the stream said at one frame.
pub trait Reference: Clone {
    /// What the clock says `elapsed` nanoseconds later; `None` where that cannot be told.
    fn after(&self, elapsed: u64) -> Option<Self>;

    /// Whether both mean the same moment, as well as clocks agree.
    fn agrees(&self, other: &Self) -> bool;
}

/// UTC, in nanoseconds since 1970-01-01 without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Utc(pub u64);

impl Reference for Utc {
    fn after(&self, elapsed: u64) -> Option<Self> {
        self.0.checked_add(elapsed).map(Self)
    }

    fn agrees(&self, other: &Self) -> bool {
        self.0.abs_diff(other.0) <= UTC_TOLERANCE
    }
}

/// References in the order of their time stamps. One that an earlier one foretells is not kept, so that an
/// even stream of any length takes one.
#[derive(Debug, Clone)]
pub struct Track<R> {
    kept: VecDeque<Kept<R>>,
}

#[derive(Debug, Clone)]
struct Kept<R> {
    pts: u64,
    reference: R,
    /// PTS of the last frame whose reference agreed.
    confirmed: u64,
}

impl<R> Default for Track<R> {
    fn default() -> Self {
        Self { kept: VecDeque::new() }
    }
}

impl<R: Reference> Track<R> {
    /// Takes the reference of the frame at `pts` nanoseconds. Those of later frames are forgotten.
    pub fn note(&mut self, pts: u64, reference: R) {
        let later = self.kept.partition_point(|kept| kept.pts <= pts);
        self.kept.truncate(later);
        let foretold = self.at(pts).is_some_and(|foretold| foretold.agrees(&reference));
        match self.kept.back_mut() {
            Some(newest) if foretold => newest.confirmed = pts,
            Some(newest) if newest.pts == pts => *newest = Kept { pts, reference, confirmed: pts },
            _ => {
                if self.kept.len() == CAPACITY {
                    self.kept.pop_front();
                }
                self.kept.push_back(Kept { pts, reference, confirmed: pts });
            }
        }
    }

    /// What the clock said at `pts` nanoseconds: the nearest reference that is not later, and the time since
    /// it. `None` before the first one, and where none came for a minute.
    #[must_use]
    pub fn at(&self, pts: u64) -> Option<R> {
        let not_later = self.kept.partition_point(|kept| kept.pts <= pts);
        let nearest = self.kept.get(not_later.checked_sub(1)?)?;
        if pts.saturating_sub(nearest.confirmed) > REACH {
            return None;
        }
        nearest.reference.after(pts - nearest.pts)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: u64 = 1_000_000;
    const SECOND: u64 = 1_000 * MS;
    const EPOCH: u64 = 1_700_000_000 * SECOND;

    fn track(references: &[(u64, u64)]) -> Track<Utc> {
        let mut track = Track::default();
        references.iter().for_each(|&(pts, utc)| track.note(pts, Utc(utc)));
        track
    }

    #[test]
    fn a_moment_is_told_by_the_nearest_reference_before_it() {
        let track = track(&[(SECOND, EPOCH), (3 * SECOND, EPOCH + 10 * SECOND)]);
        assert_eq!(track.at(SECOND - 1), None);
        assert_eq!(track.at(SECOND), Some(Utc(EPOCH)));
        assert_eq!(track.at(3 * SECOND - 1), Some(Utc(EPOCH + 2 * SECOND - 1)));
        assert_eq!(track.at(3 * SECOND), Some(Utc(EPOCH + 10 * SECOND)));
        assert_eq!(track.at(4 * SECOND), Some(Utc(EPOCH + 11 * SECOND)));
    }

    #[test]
    fn a_reference_holds_for_a_minute_after_its_last_confirmation() {
        let mut track = track(&[(0, EPOCH)]);
        assert_eq!(track.at(REACH), Some(Utc(EPOCH + REACH)));
        assert_eq!(track.at(REACH + 1), None);
        track.note(REACH, Utc(EPOCH + REACH + UTC_TOLERANCE));
        assert_eq!(track.at(2 * REACH), Some(Utc(EPOCH + 2 * REACH)));
        track.note(4 * REACH, Utc(EPOCH + 4 * REACH));
        assert_eq!(track.at(3 * REACH + 1), None, "what comes later says nothing of the time without");
        assert_eq!(track.kept.len(), 2);
    }

    #[test]
    fn a_day_of_an_even_stream_is_one_reference() {
        let mut track = Track::default();
        for n in 0..24 * 3600 * 5 {
            track.note(n * SECOND / 5, Utc(EPOCH + n * SECOND / 5 + n % 2 * MS / 2));
        }
        assert_eq!(track.kept.len(), 1);
    }

    #[test]
    fn an_uneven_stream_takes_no_more_than_its_room() {
        let mut track = Track::default();
        for n in 0..3 * CAPACITY as u64 {
            track.note(n * 40 * MS, Utc(EPOCH + n * 80 * MS));
        }
        assert_eq!(track.kept.len(), CAPACITY);
    }

    #[test]
    fn a_frame_noted_again_and_a_step_back_replace_what_they_contradict() {
        let mut track = track(&[(0, EPOCH), (SECOND, EPOCH + 5 * SECOND), (SECOND, EPOCH + 7 * SECOND)]);
        assert_eq!((track.at(SECOND), track.kept.len()), (Some(Utc(EPOCH + 7 * SECOND)), 2));
        track.note(SECOND / 2, Utc(EPOCH + SECOND / 2));
        assert_eq!((track.at(SECOND), track.kept.len()), (Some(Utc(EPOCH + SECOND)), 1));
    }

    proptest! {
        /// At a frame with a reference the track says the same as the frame, whatever it left out.
        #[test]
        fn frames_are_told_as_they_told(
            frames in prop::collection::vec((1u64..200, 0u64..3 * MS), 1..200),
        ) {
            let (mut pts, mut references) = (0, Vec::new());
            for (step, jitter) in frames {
                pts += step * MS;
                references.push((pts, EPOCH + pts + jitter));
            }
            let track = track(&references);
            for (pts, utc) in references {
                let told = track.at(pts).map(|told| told.0.abs_diff(utc));
                prop_assert!(told.is_some_and(|difference| difference <= UTC_TOLERANCE), "{told:?} at {pts}");
            }
        }
    }
}
