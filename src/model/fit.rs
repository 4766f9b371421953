//! How a frame is fitted into the model's input, and where the model's boxes lie in the frame.

use super::{Relative, Resize};
use crate::classification::PixelBox;

/// A rectangle in whole pixels that may begin outside of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Left edge.
    pub x: i32,
    /// Top edge.
    pub y: i32,
    /// Width.
    pub w: i32,
    /// Height.
    pub h: i32,
}

/// The part of a frame that the model sees, and where in its input that part lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fit {
    frame: (u32, u32),
    input: (i32, i32),
    /// Taken out of the frame, in the frame's pixels.
    pub source: Span,
    /// Filled in the model's input, in the input's pixels; black around it.
    pub target: Span,
}

impl Fit {
    /// Fits frames of `frame` pixels, each `aspect` times as wide as high, into an input of `input` pixels.
    #[must_use]
    pub fn new(resize: Resize, frame: (u32, u32), aspect: f64, input: (usize, usize)) -> Self {
        let (frame_w, frame_h) = (frame.0 as i32, frame.1 as i32);
        let (input_w, input_h) = (input.0 as i32, input.1 as i32);
        let mut source = Span { x: 0, y: 0, w: frame_w, h: frame_h };
        let mut target = Span { x: 0, y: 0, w: input_w, h: input_h };
        // Width over height of the picture as it is seen, against that of the input.
        let wide = f64::from(frame_w) * aspect / f64::from(frame_h) * f64::from(input_h) / f64::from(input_w);
        match resize {
            Resize::Stretch => {}
            Resize::Crop if wide > 1.0 => {
                (source.x, source.w) = centre(frame_w, f64::from(frame_w) / wide, 2)
            }
            Resize::Crop => (source.y, source.h) = centre(frame_h, f64::from(frame_h) * wide, 2),
            Resize::Letterbox if wide > 1.0 => {
                (target.y, target.h) = centre(input_h, f64::from(input_h) / wide, 1);
            }
            Resize::Letterbox => (target.x, target.w) = centre(input_w, f64::from(input_w) * wide, 1),
        }
        Self { frame, input: (input_w, input_h), source, target }
    }

    /// Fits a region of frames into the input as [`new`](Self::new) fits whole frames, but so that the aspect is kept by as
    /// much of what lies around the region as it takes, and black beyond the picture. `None` for a region that lies
    /// outside of it.
    #[must_use]
    pub fn region(area: PixelBox, frame: (u32, u32), aspect: f64, input: (usize, usize)) -> Option<Self> {
        let area = area.clipped(frame);
        if area.w == 0 || area.h == 0 {
            return None;
        }
        let (input_w, input_h) = (input.0 as f64, input.1 as f64);
        let (centre_x, centre_y) =
            (f64::from(area.x) + f64::from(area.w) / 2.0, f64::from(area.y) + f64::from(area.h) / 2.0);
        // Height of the region in the frame's pixels, such that the whole area lies in it.
        let tall = f64::from(area.h).max(f64::from(area.w) * aspect * input_h / input_w);
        let wide = tall * input_w / input_h / aspect;
        let (source_x, source_w, target_x, target_w) = overlap(centre_x, wide, frame.0, input.0);
        let (source_y, source_h, target_y, target_h) = overlap(centre_y, tall, frame.1, input.1);
        Some(Self {
            frame,
            input: (input.0 as i32, input.1 as i32),
            source: Span { x: source_x, y: source_y, w: source_w, h: source_h },
            target: Span { x: target_x, y: target_y, w: target_w, h: target_h },
        })
    }

    /// Width and height of the frame, in pixels.
    #[must_use]
    pub fn frame(&self) -> (u32, u32) {
        self.frame
    }

    /// Width and height of the model's input, in pixels.
    #[must_use]
    pub fn input(&self) -> (i32, i32) {
        self.input
    }

    /// Where a box of the model lies in the frame, in whole pixels, clipped to the frame.
    #[must_use]
    pub fn to_frame(&self, area: &Relative) -> PixelBox {
        let across = |value: f32| {
            let at = f64::from(value) * f64::from(self.input.0) - f64::from(self.target.x);
            let pixel = f64::from(self.source.x) + at / f64::from(self.target.w) * f64::from(self.source.w);
            pixel.round().clamp(0.0, f64::from(self.frame.0)) as u32
        };
        let down = |value: f32| {
            let at = f64::from(value) * f64::from(self.input.1) - f64::from(self.target.y);
            let pixel = f64::from(self.source.y) + at / f64::from(self.target.h) * f64::from(self.source.h);
            pixel.round().clamp(0.0, f64::from(self.frame.1)) as u32
        };
        let (x, y) = (across(area.left), down(area.top));
        let (right, bottom) = (across(area.right), down(area.bottom));
        PixelBox { x, y, w: right.saturating_sub(x), h: bottom.saturating_sub(y) }
    }
}

/// What of a span of `length` around `centre` lies in a picture of `whole` pixels, and where in an input of `input` pixels
/// that part lies: both as start and length. The first has even ends where the picture has, so that subsampled chroma
/// stays in place.
fn overlap(centre: f64, length: f64, whole: u32, input: usize) -> (i32, i32, i32, i32) {
    let (whole, input) = (whole as i32, input as i32);
    let even = |at: f64| (((at / 2.0).round() as i32) * 2).clamp(0, whole);
    let begin = centre - length / 2.0;
    let (first, last) = (even(begin), even(begin + length));
    let (first, last) =
        if first < last { (first, last) } else { (first.min(whole - 1), first.min(whole - 1) + 1) };
    let scale = f64::from(input) / length;
    let to_input = |at: i32| (((f64::from(at) - begin) * scale).round() as i32).clamp(0, input);
    let (from, to) = (to_input(first), to_input(last));
    let (from, to) = if from < to { (from, to) } else { (from.min(input - 1), from.min(input - 1) + 1) };
    (first, last - first, from, to - from)
}

/// A span of about `wanted` in the middle of `whole`: start and length, multiples of `step` where there is
/// room for one, so that subsampled chroma stays in place.
fn centre(whole: i32, wanted: f64, step: i32) -> (i32, i32) {
    let length = ((wanted / f64::from(step)).round() as i32 * step).clamp(step.min(whole), whole);
    let start = (whole - length) / 2;
    (start - start % step, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Relative = Relative { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 };

    #[test]
    fn a_wide_picture_in_a_square() {
        let frame = (1920, 1080);
        let fit = |resize| Fit::new(resize, frame, 1.0, (160, 160));
        assert_eq!(fit(Resize::Stretch).to_frame(&WHOLE), PixelBox { x: 0, y: 0, w: 1920, h: 1080 });
        assert_eq!(fit(Resize::Crop).source, Span { x: 420, y: 0, w: 1080, h: 1080 });
        assert_eq!(fit(Resize::Crop).to_frame(&WHOLE), PixelBox { x: 420, y: 0, w: 1080, h: 1080 });
        let boxed = fit(Resize::Letterbox);
        assert_eq!(boxed.target, Span { x: 0, y: 35, w: 160, h: 90 });
        let centre = Relative { left: 0.25, top: 0.5, right: 0.75, bottom: 0.75 };
        let area = boxed.to_frame(&centre);
        assert_eq!((area.x, area.w), (480, 960));
        assert_eq!((area.y, area.h), (540, 480));
        assert_eq!(boxed.to_frame(&WHOLE), PixelBox { x: 0, y: 0, w: 1920, h: 1080 });
    }

    #[test]
    fn pixels_that_are_not_square_count_as_they_are_seen() {
        // PAL 16:9: 720 x 576 seen as 1024 x 576.
        let fit = Fit::new(Resize::Crop, (720, 576), 64.0 / 45.0, (100, 100));
        assert_eq!(fit.source, Span { x: 156, y: 0, w: 406, h: 576 });
    }

    #[test]
    fn a_region_keeps_its_aspect_by_what_lies_around_it() {
        let region = |x, y, w, h| Fit::region(PixelBox { x, y, w, h }, (1920, 1080), 1.0, (160, 160));
        let upright = region(900, 300, 100, 400).unwrap();
        assert_eq!(upright.source, Span { x: 750, y: 300, w: 400, h: 400 });
        assert_eq!(upright.target, Span { x: 0, y: 0, w: 160, h: 160 });
        // A diver at the left edge: the square reaches 150 pixels beyond it.
        let edge = region(0, 300, 100, 400).unwrap();
        assert_eq!(edge.source, Span { x: 0, y: 300, w: 250, h: 400 });
        assert_eq!(edge.target, Span { x: 60, y: 0, w: 100, h: 160 });
        let whole = edge.to_frame(&WHOLE);
        assert_eq!(whole, PixelBox { x: 0, y: 300, w: 250, h: 400 });
        assert_eq!(region(1920, 300, 100, 400), None);
        assert_eq!(region(100, 300, 0, 400), None);
    }

    #[test]
    fn any_region_has_a_pixel_in_the_frame_and_in_the_input() {
        for frame in [(1, 1), (2, 999), (1921, 1081), (640, 2)] {
            for (x, y) in [(0, 0), (frame.0 - 1, frame.1 - 1), (frame.0 / 2, frame.1 / 3)] {
                for (w, h) in [(1, 1), (3000, 1), (1, 3000), (17, 5)] {
                    let Some(fit) = Fit::region(PixelBox { x, y, w, h }, frame, 1.3, (31, 160)) else {
                        panic!()
                    };
                    let Span { x, y, w, h } = fit.source;
                    assert!(x >= 0 && y >= 0 && w > 0 && h > 0, "{fit:?}");
                    assert!(x + w <= frame.0 as i32 && y + h <= frame.1 as i32, "{fit:?}");
                    let Span { x, y, w, h } = fit.target;
                    assert!(x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= 31 && y + h <= 160, "{fit:?}");
                }
            }
        }
    }

    #[test]
    fn tiny_frames_keep_at_least_a_pixel() {
        for frame in [(1, 1), (1, 4000), (4000, 1), (33, 17)] {
            for resize in [Resize::Stretch, Resize::Crop, Resize::Letterbox] {
                let fit = Fit::new(resize, frame, 1.0, (160, 160));
                for span in [fit.source, fit.target] {
                    assert!(span.w > 0 && span.h > 0 && span.x >= 0 && span.y >= 0, "{frame:?} {resize:?}");
                }
                assert!(fit.source.x + fit.source.w <= frame.0 as i32);
            }
        }
    }
}
