//! Tracklets of overlapping windows become one: an assignment over the frames that both windows saw.

use pathfinding::prelude::{Matrix, kuhn_munkres};

use super::Numbers;
use crate::classification::{PixelBox, Tracklet};

/// Smallest mean overlap over the shared frames at which two tracklets are one.
const LEAST_OVERLAP: f64 = 0.1;

/// Gives tracklets identities that persist from window to window.
#[derive(Debug, Clone, Default)]
pub struct Linker {
    ids: Numbers,
    last: Vec<Tracklet>,
}

impl Linker {
    /// A linker for one of several objects, which share the identities of tracklets.
    #[must_use]
    pub fn sharing(ids: Numbers) -> Self {
        Self { ids, last: Vec::new() }
    }

    /// Frames are of another width and height from now on.
    pub fn scale(&mut self, from: (u32, u32), to: (u32, u32)) {
        self.last.iter_mut().for_each(|tracklet| tracklet.scale(from, to));
    }

    /// Sets the `id` and `first_seen` of each tracklet of the next window: those of the tracklet of the window before whose
    /// boxes overlap it most on the frames they share, or new ones. The assignment maximises the sum of
    /// overlaps.
    pub fn link(&mut self, tracklets: &mut [Tracklet]) {
        let overlaps: Vec<Vec<f64>> = tracklets
            .iter()
            .map(|new| self.last.iter().map(|old| shared_overlap(old, new)).collect())
            .collect();
        let assigned = assign(&overlaps, self.last.len());
        for (i, tracklet) in tracklets.iter_mut().enumerate() {
            let old = assigned.get(i).copied().flatten().filter(|&j| overlaps[i][j] >= LEAST_OVERLAP);
            (tracklet.id, tracklet.first_seen) = match old {
                Some(j) => (self.last[j].id, self.last[j].first_seen),
                None => (self.ids.next(), tracklet.boxes.first().map_or(0, |first| first.pts)),
            };
        }
        self.last = tracklets.to_vec();
    }
}

/// For each row its column, such that the sum of the chosen values is greatest.
fn assign(values: &[Vec<f64>], columns: usize) -> Vec<Option<usize>> {
    if values.is_empty() || columns == 0 {
        return Vec::new();
    }
    // Whole numbers have the total order that the assignment needs; columns beyond the real ones stand
    // for "a new tracklet", so that there are never fewer columns than rows.
    let width = columns + values.len();
    let weights = Matrix::from_fn(values.len(), width, |(row, column)| {
        values[row].get(column).map_or(0, |value| (value * 1e6) as i64)
    });
    let (_, assigned) = kuhn_munkres(&weights);
    assigned.into_iter().map(|column| (column < columns).then_some(column)).collect()
}

/// Mean overlap of two tracklets over the sampled frames they share; 0 without a shared frame.
fn shared_overlap(old: &Tracklet, new: &Tracklet) -> f64 {
    let mut sum = 0.0;
    let mut shared = 0;
    let mut from = 0;
    for sample in &new.boxes {
        let Some(at) = old.boxes[from..].iter().position(|other| other.pts == sample.pts) else { continue };
        from += at;
        sum += iou(&old.boxes[from].area, &sample.area);
        shared += 1;
    }
    if shared == 0 { 0.0 } else { sum / f64::from(shared) }
}

/// Intersection over union of two boxes, 0..1; 0 when both are empty.
#[must_use]
pub fn iou(a: &PixelBox, b: &PixelBox) -> f64 {
    let span = |start_a: u32, len_a: u32, start_b: u32, len_b: u32| {
        let end = (u64::from(start_a) + u64::from(len_a)).min(u64::from(start_b) + u64::from(len_b));
        end.saturating_sub(u64::from(start_a.max(start_b)))
    };
    let both = span(a.x, a.w, b.x, b.w) * span(a.y, a.h, b.y, b.h);
    let area = |r: &PixelBox| u64::from(r.w) * u64::from(r.h);
    let all = area(a) + area(b) - both;
    if all == 0 { 0.0 } else { both as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classification::SampleBox;

    fn tracklet(first_pts: u64, xs: &[u32]) -> Tracklet {
        let boxes = xs.iter().enumerate().map(|(i, &x)| SampleBox {
            pts: first_pts + i as u64 * 100,
            area: PixelBox { x, y: 0, w: 20, h: 20 },
            relevance: 0.5,
        });
        Tracklet { id: u64::MAX, first_seen: u64::MAX, query: None, boxes: boxes.collect() }
    }

    #[test]
    fn identities_persist_when_the_queries_change_places() {
        let mut linker = Linker::default();
        let mut first = [tracklet(0, &[0, 10, 20, 30]), tracklet(0, &[200, 200, 200, 200])];
        linker.link(&mut first);
        assert_eq!([first[0].id, first[1].id], [0, 1]);
        let mut second = [tracklet(200, &[201, 200, 200, 200]), tracklet(200, &[21, 31, 40, 50])];
        linker.link(&mut second);
        assert_eq!([second[0].id, second[1].id], [1, 0]);
        assert_eq!([second[0].first_seen, second[1].first_seen], [0, 0]);
    }

    #[test]
    fn a_region_that_jumps_away_is_a_new_one() {
        let mut linker = Linker::default();
        linker.link(&mut [tracklet(0, &[0, 0, 0])]);
        let mut far = [tracklet(100, &[500, 500, 500])];
        linker.link(&mut far);
        assert_eq!((far[0].id, far[0].first_seen), (1, 100));
    }

    #[test]
    fn linkers_of_several_objects_share_no_identity() {
        let ids = Numbers::default();
        let mut linkers = [Linker::sharing(ids.clone()), Linker::sharing(ids)];
        let mut same = [[tracklet(0, &[0, 0, 0])], [tracklet(0, &[0, 0, 0])]];
        linkers.iter_mut().zip(&mut same).for_each(|(linker, tracklets)| linker.link(tracklets));
        assert_eq!([same[0][0].id, same[1][0].id], [0, 1]);
    }

    #[test]
    fn the_sum_of_overlaps_decides_not_the_first_come() {
        // Row 0 likes column 0 a little more, but row 1 has nothing else.
        let values = vec![vec![0.9, 0.8], vec![0.85, 0.0]];
        assert_eq!(assign(&values, 2), [Some(1), Some(0)]);
    }

    #[test]
    fn overlap_of_boxes() {
        let a = PixelBox { x: 0, y: 0, w: 10, h: 10 };
        assert_eq!(iou(&a, &PixelBox { x: 5, y: 0, w: 10, h: 10 }), 50.0 / 150.0);
        assert_eq!(iou(&a, &PixelBox { x: 10, y: 0, w: 10, h: 10 }), 0.0);
        assert_eq!(iou(&PixelBox { w: 0, ..a }, &PixelBox { w: 0, ..a }), 0.0);
    }
}
