//! From a frame to a picture of the model's size by GStreamer's converter, in one pass or in three.

use gst::glib::BoolError;
use gst_video::{VideoChromaMode, VideoFormat, VideoFormatFlags, VideoInfo, VideoInfoBuilder};

use crate::model::{Fit, Span};

/// One of GStreamer's converters, and the picture that it fills.
pub(super) struct Pass {
    converter: gst_video::VideoConverter,
    picture: gst::Buffer,
    info: VideoInfo,
}

impl Pass {
    /// A pass from `source` in pictures of `from` to `target` in pictures of `info`, black around it.
    pub(super) fn new(
        from: &VideoInfo,
        info: &VideoInfo,
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
        let converter = gst_video::VideoConverter::new(from, info, Some(config))?;
        let picture = gst::Buffer::with_size(info.size())?;
        Ok(Self { converter, picture, info: info.clone() })
    }

    /// Fills the picture from a frame.
    pub(super) fn run(
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

/// Whether pixels are of 8 bits, each by itself in memory.
pub(super) fn is_plain(info: &VideoInfo) -> bool {
    let format = info.format_info();
    let packed = VideoFormatFlags::COMPLEX | VideoFormatFlags::TILED | VideoFormatFlags::PALETTE;
    // Four pixels in six bytes, though no flag tells.
    format.depth().first() == Some(&8)
        && !format.flags().intersects(packed)
        && info.format() != VideoFormat::Iyu1
}

/// Pictures of the size of such frames, from which parts can be taken: of many other formats than plain ones GStreamer
/// unpacks whole rows alone, whatever it is told.
pub(super) fn unpacked(from: &VideoInfo) -> Result<(Pass, VideoInfo), BoolError> {
    let whole = Span { x: 0, y: 0, w: from.width() as i32, h: from.height() as i32 };
    let format = from.format_info().unpack_format();
    let picture = sizing(from, format, whole).colorimetry(&from.colorimetry()).build()?;
    Ok((Pass::new(from, &picture, (whole, whole), 2, VideoChromaMode::Full)?, picture))
}

/// One pass that does all.
pub(super) fn one_pass(from: &VideoInfo, picture: &VideoInfo, fit: &Fit) -> Result<Vec<Pass>, BoolError> {
    let ratio = ratio(fit.source, fit.target);
    // Chroma that is averaged over several pixels need not be interpolated first, which costs a third more.
    let chroma = if ratio >= 4.0 { VideoChromaMode::None } else { VideoChromaMode::Full };
    Ok(vec![Pass::new(from, picture, (fit.source, fit.target), taps(ratio), chroma)?])
}

/// Three passes, for frames that are at least twice as large: whole rows are quickly added up, and few of them are then made
/// narrow. As long as there are twice as many as in the end, chroma that is subsampled by two has all that is needed. The
/// mean of two means of areas is that of both.
pub(super) fn three_passes(from: &VideoInfo, picture: &VideoInfo, fit: &Fit) -> Result<Vec<Pass>, BoolError> {
    let (source, target, chroma) = (fit.source, fit.target, VideoChromaMode::None);
    let low = Span { x: 0, y: 0, w: source.w, h: target.h * 2 };
    let narrow = Span { w: target.w, ..low };
    let colors = from.colorimetry();
    let lower =
        sizing(from, from.format(), low).colorimetry(&colors).chroma_site(from.chroma_site()).build()?;
    let narrower = sized(from, picture.format(), narrow)?;
    Ok(vec![
        Pass::new(from, &lower, (source, low), taps(ratio(source, low)), chroma)?,
        Pass::new(&lower, &narrower, (low, narrow), taps(ratio(low, narrow)), chroma)?,
        // The mean of two.
        Pass::new(&narrower, picture, (narrow, target), 2, chroma)?,
    ])
}

/// Pictures of a format and size, with the rate and the fields of `like`.
pub(super) fn sized(like: &VideoInfo, format: VideoFormat, size: Span) -> Result<VideoInfo, BoolError> {
    sizing(like, format, size).build()
}

fn sizing<'a>(like: &VideoInfo, format: VideoFormat, size: Span) -> VideoInfoBuilder<'a> {
    VideoInfo::builder(format, size.w as u32, size.h as u32)
        .fps(like.fps())
        .interlace_mode(like.interlace_mode())
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
