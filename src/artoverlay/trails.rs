//! Where the centres of tracklets were. Pure.

use std::collections::{BTreeMap, VecDeque};

/// A point in pixels of the frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
}

/// A point of a trail.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// Where.
    pub at: Point,
    /// 0 for now, 1 for the oldest that is still shown.
    pub age: f64,
}

/// The trails of all tracklets.
#[derive(Debug, Default)]
pub struct Trails {
    past: BTreeMap<u64, VecDeque<(u64, Point)>>,
    /// PTS of the newest frame, in nanoseconds.
    now: u64,
}

impl Trails {
    /// Begins a frame at `now` and drops what is older than `length`, both in nanoseconds; time that goes backwards
    /// drops all.
    pub fn advance(&mut self, now: u64, length: u64) {
        if now < self.now {
            self.past.clear();
        }
        self.now = now;
        let oldest = now.saturating_sub(length);
        self.past.retain(|_, trail| {
            while trail.front().is_some_and(|(pts, _)| *pts < oldest) {
                trail.pop_front();
            }
            !trail.is_empty()
        });
    }

    /// Adds where a tracklet is on the frame that was begun last.
    pub fn add(&mut self, id: u64, at: Point) {
        let trail = self.past.entry(id).or_default();
        if trail.back().is_none_or(|(pts, _)| *pts < self.now) {
            trail.push_back((self.now, at));
        }
    }

    /// The trail of a tracklet, newest first, thinned out to points that lie at least `spacing` pixels apart.
    pub fn marks(&self, id: u64, length: u64, spacing: f64) -> impl Iterator<Item = Mark> + '_ {
        let trail = self.past.get(&id).into_iter().flatten().rev();
        let mut last = None;
        trail.filter_map(move |&(pts, at)| {
            let near = last.is_some_and(|l: Point| (l.x - at.x).hypot(l.y - at.y) < spacing);
            if near {
                return None;
            }
            let first = last.replace(at).is_none();
            (!first).then(|| Mark { at, age: (self.now - pts) as f64 / length.max(1) as f64 })
        })
    }

    /// Drops all trails.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(steps: u64) -> Trails {
        let mut trails = Trails::default();
        for n in 0..steps {
            trails.advance(n * 10, 50);
            trails.add(7, Point { x: n as f64 * 4.0, y: 0.0 });
        }
        trails
    }

    #[test]
    fn a_trail_is_newest_first_thinned_and_as_long_as_stated() {
        let trails = walk(100);
        let marks: Vec<_> = trails.marks(7, 50, 8.0).collect();
        assert_eq!(marks.iter().map(|m| m.at.x).collect::<Vec<_>>(), [388.0, 380.0]);
        assert_eq!(marks[1].age, 0.8);
        assert_eq!(trails.marks(8, 50, 8.0).count(), 0);
    }

    #[test]
    fn backward_time_and_silence_forget() {
        let mut trails = walk(10);
        trails.advance(10_000, 50);
        assert!(trails.past.is_empty());
        let mut trails = walk(10);
        trails.advance(5, 50);
        assert!(trails.past.is_empty());
    }
}
