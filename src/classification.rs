//! What a model said about one window: the single value that every kind of metadata is written from.

use std::sync::Arc;

use crate::{object::ObjectId, timeline::AbsoluteTime};

/// One class and its score.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassScore {
    /// Label text from the model's labels.
    pub label: Arc<str>,
    /// Index of the class in the model's scores.
    pub label_id: u32,
    /// Score after the activation that the manifest names; 0..1 for softmax and sigmoid.
    pub score: f32,
}

/// A rectangle in whole pixels of the frame it lies on, clipped to that frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelBox {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width; 0 when the region lies outside the picture.
    pub w: u32,
    /// Height; 0 when the region lies outside the picture.
    pub h: u32,
}

impl PixelBox {
    /// Whether it holds no pixel.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.w == 0 || self.h == 0
    }

    /// The part of the rectangle that lies in a picture of that width and height.
    #[must_use]
    pub fn clipped(self, (width, height): (u32, u32)) -> Self {
        let (x, y) = (self.x.min(width), self.y.min(height));
        Self { x, y, w: self.w.min(width - x), h: self.h.min(height - y) }
    }

    /// The same part of a picture of another width and height. Rectangles that touch go on touching.
    #[must_use]
    pub fn scaled(self, from: (u32, u32), to: (u32, u32)) -> Self {
        if from == to || from.0 == 0 || from.1 == 0 {
            return self.clipped(to);
        }
        let (x, w) = scale_span(self.x, self.w, from.0, to.0);
        let (y, h) = scale_span(self.y, self.h, from.1, to.1);
        Self { x, y, w, h }
    }
}

/// Scales both ends of a span.
fn scale_span(at: u32, length: u32, from: u32, to: u32) -> (u32, u32) {
    let scale = |v: u64| (v * u64::from(to) + u64::from(from) / 2) / u64::from(from);
    let (start, end) = (scale(at.into()), scale(u64::from(at) + u64::from(length)));
    let clip = |v: u64| u32::try_from(v.min(to.into())).unwrap_or(to);
    (clip(start), clip(end) - clip(start))
}

/// Where a tracklet lies in one sampled frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleBox {
    /// PTS of the sampled frame, in nanoseconds.
    pub pts: u64,
    /// The region in that frame.
    pub area: PixelBox,
    /// Weight of this frame in the tracklet's aggregate (ART eq. 9); the weights of a tracklet sum to 1.
    pub relevance: f32,
}

/// The text query that found a tracklet.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// Label text of the query.
    pub label: Arc<str>,
    /// Index of that label.
    pub label_id: u32,
}

/// One region followed through the samples of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Tracklet {
    /// Identity that persists over overlapping windows until the next reset.
    pub id: u64,
    /// PTS of the sample in which this identity was seen first, in nanoseconds.
    pub first_seen: u64,
    /// The text query, where the model tells it.
    pub query: Option<Query>,
    /// One box a sample, in the order of [`Classification::samples`].
    pub boxes: Vec<SampleBox>,
}

/// The result of one window.
#[derive(Debug, Clone, PartialEq)]
pub struct Classification {
    /// Name of the model, from its manifest.
    pub model: Arc<str>,
    /// The object that the window shows, where objects have windows of their own.
    pub object: Option<ObjectId>,
    /// Number of the window since the element started.
    pub window: u64,
    /// PTS of the window's first sample, in nanoseconds.
    pub start: u64,
    /// When the window started by clocks outside of the stream, where it tells.
    pub start_absolute: AbsoluteTime,
    /// End of the window: PTS of the last sample plus one sample period, in nanoseconds.
    pub end: u64,
    /// PTS of the sampled frames, in nanoseconds; a frame that was repeated stands there repeatedly.
    pub samples: Vec<u64>,
    /// The best classes, best first; at least one.
    pub top: Vec<ClassScore>,
    /// Whether the best class is one that the manifest lists as background.
    pub background: bool,
    /// Regions; empty for a model without boxes.
    pub tracklets: Vec<Tracklet>,
}

impl Classification {
    /// The best class.
    ///
    /// # Panics
    /// Never for values made by the engine, whose `top` holds at least one class.
    #[must_use]
    pub fn best(&self) -> &ClassScore {
        &self.top[0]
    }
}

impl Tracklet {
    /// Measures the boxes in pixels of frames of another width and height.
    pub fn scale(&mut self, from: (u32, u32), to: (u32, u32)) {
        self.boxes.iter_mut().for_each(|sample| sample.area = sample.area.scaled(from, to));
    }

    /// The region and relevance at time `pts`: interpolated linearly between the two samples around it,
    /// that of the first or last sample outside of them, `None` without any sample.
    #[must_use]
    pub fn at(&self, pts: u64) -> Option<(PixelBox, f32)> {
        let after = self.boxes.partition_point(|sample| sample.pts <= pts);
        let Some(next) = self.boxes.get(after) else {
            return self.boxes.last().map(|last| (last.area, last.relevance));
        };
        let Some(previous) = after.checked_sub(1).and_then(|i| self.boxes.get(i)) else {
            return Some((next.area, next.relevance));
        };
        let along = (pts - previous.pts) as f64 / (next.pts - previous.pts) as f64;
        let mix = |a: u32, b: u32| (f64::from(a) + (f64::from(b) - f64::from(a)) * along).round() as u32;
        let area = PixelBox {
            x: mix(previous.area.x, next.area.x),
            y: mix(previous.area.y, next.area.y),
            w: mix(previous.area.w, next.area.w),
            h: mix(previous.area.h, next.area.h),
        };
        let relevance = previous.relevance + (next.relevance - previous.relevance) * along as f32;
        Some((area, relevance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_scale_by_their_ends_and_stay_inside() {
        assert_eq!(scale_span(0, 1920, 1920, 640), (0, 640));
        assert_eq!(scale_span(10, 11, 1920, 640), (3, 4));
        assert_eq!(scale_span(1919, 1, 1920, 640), (640, 0));
        assert_eq!(scale_span(0, u32::MAX, 2, 4), (0, 4));
    }

    #[test]
    fn a_box_beyond_the_picture_is_clipped() {
        let area = PixelBox { x: 30, y: 50, w: 300, h: 200 };
        assert_eq!(area.clipped((33, 20)), PixelBox { x: 30, y: 20, w: 3, h: 0 });
        assert_eq!(area.scaled((33, 20), (33, 20)), area.clipped((33, 20)));
        assert_eq!(area.scaled((0, 0), (400, 400)), area);
    }

    fn sample(pts: u64, x: u32, relevance: f32) -> SampleBox {
        SampleBox { pts, area: PixelBox { x, y: 10, w: 20, h: 30 }, relevance }
    }

    #[test]
    fn boxes_are_interpolated_between_samples_and_held_outside() {
        let tracklet = Tracklet {
            id: 1,
            first_seen: 100,
            query: None,
            boxes: vec![sample(100, 0, 0.2), sample(200, 50, 0.4)],
        };
        assert_eq!(tracklet.at(50), Some((sample(0, 0, 0.0).area, 0.2)));
        assert_eq!(tracklet.at(100).unwrap().0.x, 0);
        assert_eq!(tracklet.at(150).unwrap().0.x, 25);
        assert!((tracklet.at(150).unwrap().1 - 0.3).abs() < 1e-6);
        assert_eq!(tracklet.at(999).unwrap().0.x, 50);
    }

    #[test]
    fn a_repeated_sample_does_not_divide_by_zero() {
        let tracklet = Tracklet {
            id: 1,
            first_seen: 100,
            query: None,
            boxes: vec![sample(100, 0, 0.2), sample(100, 8, 0.2), sample(200, 50, 0.4)],
        };
        assert_eq!(tracklet.at(100).unwrap().0.x, 8);
    }
}
