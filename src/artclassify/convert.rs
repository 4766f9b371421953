//! A frame of any raw format as a tensor of the model's size, layout and type.

use std::sync::Arc;

use gst::glib::BoolError;
use gst_video::{VideoChromaMode, prelude::*};

use crate::{
    classification::PixelBox,
    error::Error,
    model::{Color, Fit, InputSpec, Slots, Span, Tensor},
};

/// From how many times the size of the model's input on frames are made small in several passes.
const LARGE: i32 = 4;

/// Converts frames of one format. Made anew when the caps change.
pub struct FrameConverter {
    info: gst_video::VideoInfo,
    /// What makes frames less high and then less wide, where they are much larger than the model's input.
    shrink: Option<[Pass; 2]>,
    last: Pass,
    fit: Fit,
}

/// One of GStreamer's converters, and the picture that it fills.
struct Pass {
    converter: gst_video::VideoConverter,
    picture: gst::Buffer,
    info: gst_video::VideoInfo,
}

impl Pass {
    /// A pass from `source` in pictures of `from` to `target` in pictures of `info`, black around it.
    fn new(
        from: &gst_video::VideoInfo,
        info: gst_video::VideoInfo,
        (source, target): (Span, Span),
        taps: u32,
        chroma: VideoChromaMode,
    ) -> Result<Self, BoolError> {
        let mut config = gst_video::VideoConverterConfig::new();
        config.set_resampler_method(gst_video::VideoResamplerMethod::Linear);
        config.set_resampler_taps(taps);
        config.set_chroma_mode(chroma);
        config.set_src_x(source.x);
        config.set_src_y(source.y);
        config.set_src_width(Some(source.w));
        config.set_src_height(Some(source.h));
        config.set_dest_x(target.x);
        config.set_dest_y(target.y);
        config.set_dest_width(Some(target.w));
        config.set_dest_height(Some(target.h));
        config.set_fill_border(true);
        config.set_threads(1);
        let converter = gst_video::VideoConverter::new(from, &info, Some(config))?;
        let picture = gst::Buffer::with_size(info.size())?;
        Ok(Self { converter, picture, info })
    }

    /// Fills the picture from a frame.
    fn run(
        &mut self,
        frame: &gst_video::VideoFrameRef<&gst::BufferRef>,
    ) -> Result<gst_video::VideoFrameRef<&gst::BufferRef>, BoolError> {
        let picture = self.picture.make_mut();
        let mut filled = gst_video::VideoFrameRef::from_buffer_ref_writable(picture, &self.info)?;
        self.converter.frame_ref(frame, &mut filled);
        drop(filled);
        gst_video::VideoFrameRef::from_buffer_ref_readable(self.picture.as_ref(), &self.info)
    }
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
        let format = info.format_info();
        let simple = format.depth().first() == Some(&8) && !format.has_palette() && !info.is_interlaced();
        let large = source.w >= fit.target.w * LARGE && source.h >= fit.target.h * LARGE;
        Self::with_fit(info, input, fit, simple && large)
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
        fit.map(|fit| Self::with_fit(info, input, fit, false)).transpose()
    }

    /// Converts in one pass, or in several for frames that are much larger than the model's input.
    fn with_fit(
        info: &gst_video::VideoInfo,
        input: &InputSpec,
        fit: Fit,
        in_passes: bool,
    ) -> Result<Self, Error> {
        let format = match input.color {
            Color::Rgb => gst_video::VideoFormat::Rgb,
            Color::Bgr => gst_video::VideoFormat::Bgr,
            Color::Gray => gst_video::VideoFormat::Gray8,
        };
        let made = || {
            let picture = |size: Span| {
                let size = (size.w as u32, size.h as u32);
                gst_video::VideoInfo::builder(format, size.0, size.1)
                    .fps(info.fps())
                    .interlace_mode(info.interlace_mode())
                    .build()
            };
            let (source, target) = (fit.source, fit.target);
            let whole = picture(Span { x: 0, y: 0, w: input.width as i32, h: input.height as i32 })?;
            if !in_passes {
                // Chroma that is averaged over several pixels need not be interpolated first, which costs a third more.
                let ratio = ratio(source, target);
                let chroma = if ratio >= 4.0 { VideoChromaMode::None } else { VideoChromaMode::Full };
                return Ok((None, Pass::new(info, whole, (source, target), taps(ratio), chroma)?));
            }
            // Whole rows are quickly added up, and few of them are then made narrow. As long as there are twice as many as
            // in the end, subsampled chroma has all that is needed. The mean of two means of areas is that of both.
            let low = Span { x: 0, y: 0, w: source.w, h: target.h * 2 };
            let narrow = Span { w: target.w, ..low };
            let lower = gst_video::VideoInfo::builder(info.format(), low.w as u32, low.h as u32)
                .fps(info.fps())
                .interlace_mode(info.interlace_mode())
                .colorimetry(&info.colorimetry())
                .chroma_site(info.chroma_site())
                .build()?;
            let narrower = picture(narrow)?;
            let chroma = VideoChromaMode::None;
            let (lows, narrows) = (taps(ratio(source, low)), taps(ratio(low, narrow)));
            let down = Pass::new(info, lower.clone(), (source, low), lows, chroma)?;
            let across = Pass::new(&lower, narrower.clone(), (low, narrow), narrows, chroma)?;
            // The mean of two.
            let half = Pass::new(&narrower, whole, (narrow, target), 2, chroma)?;
            Ok((Some([down, across]), half))
        };
        let (shrink, last) = made().map_err(|fault: BoolError| Error::Conversion {
            found: format!("{} {}x{}", info.format(), info.width(), info.height()),
            expected: format!("{format} {}x{}", input.width, input.height),
            message: fault.to_string(),
        })?;
        Ok(Self { info: info.clone(), shrink, last, fit })
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
        let (info, width, height) = (&self.info, self.last.info.width(), self.last.info.height());
        let fault = |message: &str| Error::Conversion {
            found: format!("{} {}x{}", info.format(), info.width(), info.height()),
            expected: format!("{width}x{height}"),
            message: message.into(),
        };
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, info)
            .map_err(|_| fault("the buffer is smaller than its caps say, or cannot be mapped"))?;
        let unwritable = |_| fault("the picture cannot be written");
        let picture = match &mut self.shrink {
            Some([down, across]) => {
                let low = down.run(&frame).map_err(unwritable)?;
                self.last.run(&across.run(&low).map_err(unwritable)?)
            }
            None => self.last.run(&frame),
        };
        let picture = picture.map_err(unwritable)?;
        let stride = picture.plane_stride()[0] as usize;
        let pixels = picture.plane_data(0).map_err(|_| fault("the picture has no plane"))?;
        Ok(slots.sample(pixels, stride))
    }
}

/// Width over height of a pixel.
fn aspect(info: &gst_video::VideoInfo) -> f64 {
    f64::from(info.par().numer()) / f64::from(info.par().denom())
}

/// Source pixels that the triangle filter spans. A picture made `ratio` times smaller is averaged by a
/// triangle of the variance of that box, which is sqrt(2) times as wide: it does not alias, and comes
/// closest to the average over areas that models are commonly trained on.
fn taps(ratio: f64) -> u32 {
    (ratio * std::f64::consts::SQRT_2).ceil().max(2.0) as u32
}

/// How many times smaller a picture is made, along the side that shrinks more.
fn ratio(source: Span, target: Span) -> f64 {
    let across = f64::from(source.w) / f64::from(target.w);
    let down = f64::from(source.h) / f64::from(target.h);
    across.max(down)
}

#[cfg(test)]
mod tests {
    use gst_video::{VideoFormat, VideoInfo, VideoInterlaceMode};

    use super::*;
    use crate::model::{Manifest, SampleWriter};

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
        let mut pass = Pass::new(&rgb, info.clone(), (whole, whole), 2, VideoChromaMode::Full).unwrap();
        let source = gst::Buffer::from_mut_slice(bytes);
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(&source, &rgb).unwrap();
        pass.run(&frame).unwrap();
        pass.picture
    }

    #[test]
    fn several_passes_make_of_large_frames_what_one_makes() {
        gst::init().unwrap();
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/models/zoo/synthdive48-art/clip.toml");
        let input = Manifest::load(model.as_ref()).unwrap().input;
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
            assert_eq!(chosen.shrink.is_some(), passes, "{format} {mode:?}");
            let mut single = FrameConverter::with_fit(&info, &input, chosen.fit, false).unwrap();
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
