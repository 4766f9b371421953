//! A frame of any raw format as a tensor of the model's size, layout and type.

use std::sync::Arc;

use gst::glib::BoolError;
use gst_video::prelude::*;

use super::pass::{Pass, is_plain, one_pass, sized, three_passes, unpacked};
use crate::{
    classification::PixelBox,
    error::Error,
    model::{Color, Fit, InputSpec, Slots, Span, Tensor},
};

/// From how many times the size of the model's input on frames are made small in three passes.
const LARGE: i32 = 4;

/// Converts frames of one format. Made anew when the caps change.
pub struct FrameConverter {
    info: gst_video::VideoInfo,
    /// One after the other; one at least.
    passes: Vec<Pass>,
    fit: Fit,
}

impl FrameConverter {
    /// A converter from frames of `info` to the input of a model.
    ///
    /// # Errors
    /// When GStreamer cannot convert the format.
    pub fn new(info: &gst_video::VideoInfo, input: &InputSpec) -> Result<Self, Error> {
        let fit =
            Fit::new(input.resize, (info.width(), info.height()), aspect(info), (input.width, input.height));
        let source = fit.source;
        // Samples of other depths would be unpacked in every pass, colours of a palette looked up anew, and of the frames of
        // interlaced caps only one pass looks at whether they are.
        let simple = is_plain(info) && !info.is_interlaced();
        let large = source.w >= fit.target.w * LARGE && source.h >= fit.target.h * LARGE;
        Self::with_passes(info, input, fit, if simple && large { three_passes } else { one_pass })
    }

    /// A converter of a region of such frames, as [`Fit::region`] has it; `None` for one outside of the picture.
    ///
    /// # Errors
    /// When GStreamer cannot convert the format.
    pub fn for_region(
        info: &gst_video::VideoInfo,
        input: &InputSpec,
        area: PixelBox,
    ) -> Result<Option<Self>, Error> {
        let fit = Fit::region(area, (info.width(), info.height()), aspect(info), (input.width, input.height));
        // For one crop, more passes cost more to set up than they save.
        fit.map(|fit| Self::with_passes(info, input, fit, one_pass)).transpose()
    }

    fn with_passes(
        info: &gst_video::VideoInfo,
        input: &InputSpec,
        fit: Fit,
        make: fn(&gst_video::VideoInfo, &gst_video::VideoInfo, &Fit) -> Result<Vec<Pass>, BoolError>,
    ) -> Result<Self, Error> {
        let format = match input.color {
            Color::Rgb => gst_video::VideoFormat::Rgb,
            Color::Bgr => gst_video::VideoFormat::Bgr,
            Color::Gray => gst_video::VideoFormat::Gray8,
        };
        let whole = Span { x: 0, y: 0, w: input.width as i32, h: input.height as i32 };
        let passes = || {
            let picture = sized(info, format, whole)?;
            let frame = Span { x: 0, y: 0, w: info.width() as i32, h: info.height() as i32 };
            if fit.source == frame || is_plain(info) {
                return make(info, &picture, &fit);
            }
            let (first, unpacked) = unpacked(info)?;
            let rest = make(&unpacked, &picture, &fit)?;
            Ok(std::iter::once(first).chain(rest).collect())
        };
        let passes = passes().map_err(|fault| Error::Conversion {
            found: format!("{} {}x{}", info.format(), info.width(), info.height()),
            expected: format!("{format} {}x{}", input.width, input.height),
            message: fault.to_string(),
        })?;
        Ok(Self { info: info.clone(), passes, fit })
    }

    /// The format it converts from.
    pub fn info(&self) -> &gst_video::VideoInfo {
        &self.info
    }

    /// How its frames are fitted into the model's input.
    pub fn fit(&self) -> Fit {
        self.fit
    }

    /// Converts one frame into one of the slots.
    ///
    /// # Errors
    /// When the buffer cannot be read as a frame of the format.
    pub fn convert(&mut self, buffer: &gst::BufferRef, slots: &mut Slots) -> Result<Arc<Tensor>, Error> {
        let (info, input) = (&self.info, self.fit.input());
        let fault = |message: &str| Error::Conversion {
            found: format!("{} {}x{}", info.format(), info.width(), info.height()),
            expected: format!("{}x{}", input.0, input.1),
            message: message.into(),
        };
        let mut picture = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, info)
            .map_err(|_| fault("the buffer is smaller than its caps say, or cannot be mapped"))?;
        for pass in &mut self.passes {
            picture = pass.run(&picture).map_err(|_| fault("the picture cannot be written"))?;
        }
        let stride = picture.plane_stride()[0] as usize;
        let pixels = picture.plane_data(0).map_err(|_| fault("the picture has no plane"))?;
        Ok(slots.sample(pixels, stride))
    }
}

/// Width over height of a pixel.
fn aspect(info: &gst_video::VideoInfo) -> f64 {
    f64::from(info.par().numer()) / f64::from(info.par().denom())
}

#[cfg(test)]
mod tests {
    use gst_video::{VideoChromaMode, VideoFormat, VideoInfo, VideoInterlaceMode};

    use super::*;
    use crate::model::{Manifest, SampleWriter};

    /// The input of the shipped model, a square in the middle of the frame.
    fn input() -> InputSpec {
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/zoo/synthdive48-art/clip.toml");
        Manifest::load(model.as_ref()).unwrap().input
    }

    /// Shades from left to right in red, from top to bottom in green.
    fn shades(info: &VideoInfo) -> gst::Buffer {
        let size = (info.width(), info.height());
        let rgb = VideoInfo::builder(VideoFormat::Rgb, size.0, size.1)
            .interlace_mode(info.interlace_mode())
            .build()
            .unwrap();
        let mut bytes = vec![90; rgb.size()];
        for (y, row) in bytes.chunks_exact_mut(rgb.stride()[0] as usize).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(3).take(size.0 as usize).enumerate() {
                pixel[0] = (x * 255 / size.0 as usize) as u8;
                pixel[1] = (y * 255 / size.1 as usize) as u8;
            }
        }
        let whole = Span { x: 0, y: 0, w: size.0 as i32, h: size.1 as i32 };
        let mut pass = Pass::new(&rgb, info, (whole, whole), 2, VideoChromaMode::Full).unwrap();
        let source = gst::Buffer::from_mut_slice(bytes);
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&source, &rgb).unwrap();
        pass.run(&frame).unwrap().buffer().to_owned()
    }

    #[test]
    fn a_crop_of_any_format_begins_where_it_is_told() {
        gst::init().unwrap();
        let input = input();
        let mut slots = Slots::new(SampleWriter::new(&input));
        let mut wrong = Vec::new();
        for format in VideoFormat::iter_raw() {
            let info = VideoInfo::builder(format, 322, 182).build().unwrap();
            let frame = shades(&info);
            // What the format can tell of the frame, pixel by pixel.
            let rgb = VideoInfo::builder(VideoFormat::Rgb, 322, 182).build().unwrap();
            let whole = Span { x: 0, y: 0, w: 322, h: 182 };
            let mut pass = Pass::new(&info, &rgb, (whole, whole), 2, VideoChromaMode::Full).unwrap();
            let read = gst_video::VideoFrameRef::from_buffer_ref_readable(&frame, &info).unwrap();
            let pixels = pass.run(&read).unwrap().buffer().to_owned();
            for (x, y, w, h) in [(0, 0, 90, 90), (66, 10, 60, 60), (51, 3, 90, 90), (201, 80, 99, 91)] {
                let area = PixelBox { x, y, w, h };
                let mut crop = |info: &VideoInfo, frame: &gst::BufferRef| {
                    let mut converter = FrameConverter::for_region(info, &input, area).unwrap().unwrap();
                    converter.convert(frame, &mut slots).unwrap().data.to_f32()
                };
                let (found, wanted) = (crop(&info, &frame), crop(&rgb, &pixels));
                let apart: f32 = found.iter().zip(&wanted).map(|(a, b)| (a - b).abs()).sum();
                let apart = apart / found.len() as f32;
                if apart > 3.0 {
                    wrong.push(format!("{format} from column {x}: {apart}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn several_passes_make_of_large_frames_what_one_makes() {
        gst::init().unwrap();
        let input = input();
        let mut slots = Slots::new(SampleWriter::new(&input));
        let progressive = VideoInterlaceMode::Progressive;
        for (format, mode, passes) in [
            (VideoFormat::I420, progressive, true),
            (VideoFormat::Nv12, progressive, true),
            (VideoFormat::Yuy2, progressive, true),
            (VideoFormat::Y41b, progressive, true),
            (VideoFormat::Y444, progressive, true),
            (VideoFormat::A420, progressive, true),
            (VideoFormat::Bgrx, progressive, true),
            (VideoFormat::Rgb8p, progressive, false),
            (VideoFormat::I42010le, progressive, false),
            (VideoFormat::I420, VideoInterlaceMode::Mixed, false),
            (VideoFormat::I420, VideoInterlaceMode::Interleaved, false),
        ] {
            // The square in the middle begins at an odd column.
            let info = VideoInfo::builder(format, 1282, 720).interlace_mode(mode).build().unwrap();
            let frame = shades(&info);
            let mut chosen = FrameConverter::new(&info, &input).unwrap();
            assert_eq!(chosen.passes.len() == 3, passes, "{format} {mode:?}");
            let mut single = FrameConverter::with_passes(&info, &input, chosen.fit, one_pass).unwrap();
            let one = single.convert(&frame, &mut slots).unwrap().data.to_f32();
            let several = chosen.convert(&frame, &mut slots).unwrap().data.to_f32();
            let apart =
                one.iter().zip(&several).map(|(one, several)| (one - several).abs()).fold(0.0, f32::max);
            assert!(apart <= 3.0, "{format} {mode:?}: {apart} grey levels apart");
            let (least, most) = one.iter().fold((255.0_f32, 0.0_f32), |(a, b), &v| (a.min(v), b.max(v)));
            assert!(least < 40.0 && most > 200.0, "{format}: {least} to {most}");
        }
    }
}
