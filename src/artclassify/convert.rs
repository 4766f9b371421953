//! A frame of any raw format as a tensor of the model's size, layout and type.

use std::sync::Arc;

use gst_video::prelude::*;

use crate::{
    classification::PixelBox,
    error::Error,
    model::{Color, Fit, InputSpec, Slots, Tensor},
};

/// Converts frames of one format. Made anew when the caps change.
pub struct FrameConverter {
    info: gst_video::VideoInfo,
    converter: gst_video::VideoConverter,
    picture: gst::Buffer,
    picture_info: gst_video::VideoInfo,
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
        Self::with_fit(info, input, fit)
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
        fit.map(|fit| Self::with_fit(info, input, fit)).transpose()
    }

    fn with_fit(info: &gst_video::VideoInfo, input: &InputSpec, fit: Fit) -> Result<Self, Error> {
        let format = match input.color {
            Color::Rgb => gst_video::VideoFormat::Rgb,
            Color::Bgr => gst_video::VideoFormat::Bgr,
            Color::Gray => gst_video::VideoFormat::Gray8,
        };
        let fault = |message: String| Error::Conversion {
            found: format!("{} {}x{}", info.format(), info.width(), info.height()),
            expected: format!("{format} {}x{}", input.width, input.height),
            message,
        };
        let picture_info = gst_video::VideoInfo::builder(format, input.width as u32, input.height as u32)
            .fps(info.fps())
            .interlace_mode(info.interlace_mode())
            .build()
            .map_err(|e| fault(e.to_string()))?;
        let mut config = gst_video::VideoConverterConfig::new();
        config.set_resampler_method(gst_video::VideoResamplerMethod::Linear);
        config.set_resampler_taps(taps(&fit));
        if ratio(&fit) >= 4.0 {
            // Chroma is averaged over several pixels anyway: interpolating it first costs a third more.
            config.set_chroma_mode(gst_video::VideoChromaMode::None);
        }
        config.set_src_x(fit.source.x);
        config.set_src_y(fit.source.y);
        config.set_src_width(Some(fit.source.w));
        config.set_src_height(Some(fit.source.h));
        config.set_dest_x(fit.target.x);
        config.set_dest_y(fit.target.y);
        config.set_dest_width(Some(fit.target.w));
        config.set_dest_height(Some(fit.target.h));
        config.set_fill_border(true);
        config.set_threads(1);
        let converter = gst_video::VideoConverter::new(info, &picture_info, Some(config))
            .map_err(|e| fault(e.to_string()))?;
        let picture = gst::Buffer::with_size(picture_info.size()).map_err(|e| fault(e.to_string()))?;
        Ok(Self { info: info.clone(), converter, picture, picture_info, fit })
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
        let fault = |message: &str| Error::Conversion {
            found: format!("{} {}x{}", self.info.format(), self.info.width(), self.info.height()),
            expected: format!("{}x{}", self.picture_info.width(), self.picture_info.height()),
            message: message.into(),
        };
        let frame = gst_video::VideoFrameRef::from_buffer_ref_readable(buffer, &self.info)
            .map_err(|_| fault("the buffer is smaller than its caps say, or cannot be mapped"))?;
        let picture = self.picture.make_mut();
        let mut picture = gst_video::VideoFrameRef::from_buffer_ref_writable(picture, &self.picture_info)
            .map_err(|_| fault("the picture cannot be written"))?;
        self.converter.frame_ref(&frame, &mut picture);
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
fn taps(fit: &Fit) -> u32 {
    (ratio(fit) * std::f64::consts::SQRT_2).ceil().max(2.0) as u32
}

/// How many times smaller a frame is made, along the side that shrinks more.
fn ratio(fit: &Fit) -> f64 {
    let across = f64::from(fit.source.w) / f64::from(fit.target.w);
    let down = f64::from(fit.source.h) / f64::from(fit.target.h);
    across.max(down)
}
