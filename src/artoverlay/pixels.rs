//! Overlay pixels: drawn with cairo once, placed often.

use gst::glib;
use gst_video::{VideoFormat, VideoFrameFlags, VideoMeta, VideoOverlayFormatFlags, VideoOverlayRectangle};

/// The pixel format of cairo's ARGB surfaces, which is the RGB format of overlay rectangles too.
const FORMAT: VideoFormat =
    if cfg!(target_endian = "little") { VideoFormat::Bgra } else { VideoFormat::Argb };

/// Why nothing could be drawn.
#[derive(Debug, thiserror::Error)]
pub enum DrawError {
    /// Cairo refused, mostly for want of memory.
    #[error("cairo: {0}")]
    Cairo(#[from] cairo::Error),
    /// The drawn surface was still in use.
    #[error("cairo surface: {0}")]
    Surface(#[from] cairo::BorrowError),
    /// GStreamer refused a buffer.
    #[error("{0}")]
    Buffer(#[from] glib::BoolError),
}

/// A drawn picture that can be placed on frames.
#[derive(Debug)]
pub struct Sprite {
    pixels: gst::Buffer,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Sprite {
    /// Draws a transparent canvas of that size with `draw`.
    pub fn draw(
        width: u32,
        height: u32,
        draw: impl FnOnce(&cairo::Context) -> Result<(), cairo::Error>,
    ) -> Result<Self, DrawError> {
        let size = |v: u32| i32::try_from(v).map_err(|_| cairo::Error::InvalidSize);
        let surface = cairo::ImageSurface::create(cairo::Format::ARgb32, size(width)?, size(height)?)?;
        let cr = cairo::Context::new(&surface)?;
        draw(&cr)?;
        drop(cr);
        let stride = surface.stride();
        let memory = gst::Memory::from_slice(surface.take_data()?);
        Ok(Self { pixels: view(&memory, width, height, stride)?, width, height })
    }

    /// A rectangle that shows the sprite with its top left corner at `x`, `y`.
    pub fn at(&self, x: i32, y: i32) -> VideoOverlayRectangle {
        place(&self.pixels, x, y, self.width, self.height)
    }
}

/// A line as long as the picture, of which any length can be placed without drawing or copying.
#[derive(Debug)]
pub struct Strip {
    memory: gst::Memory,
    stride: i32,
}

impl Strip {
    /// A line from left to right whose rows have the colours `profile`, top to bottom.
    pub fn horizontal(length: u32, profile: &[[u8; 4]]) -> Self {
        let bytes = profile.iter().flat_map(|pixel| pixel.repeat(length as usize)).collect();
        Self::new(bytes, length)
    }

    /// A line from top to bottom whose columns have the colours `profile`, left to right.
    pub fn vertical(length: u32, profile: &[[u8; 4]]) -> Self {
        Self::new(profile.concat().repeat(length as usize), profile.len() as u32)
    }

    fn new(bytes: Vec<u8>, width: u32) -> Self {
        Self { memory: gst::Memory::from_slice(bytes), stride: i32::try_from(width * 4).unwrap_or(i32::MAX) }
    }

    /// A rectangle that shows the first `width` columns and `height` rows of the strip.
    pub fn at(&self, x: u32, y: u32, width: u32, height: u32) -> Result<VideoOverlayRectangle, DrawError> {
        let pixels = view(&self.memory, width, height, self.stride)?;
        Ok(place(
            &pixels,
            i32::try_from(x).unwrap_or(i32::MAX),
            i32::try_from(y).unwrap_or(i32::MAX),
            width,
            height,
        ))
    }
}

/// A buffer of the top left `width` by `height` pixels of `memory`.
fn view(memory: &gst::Memory, width: u32, height: u32, stride: i32) -> Result<gst::Buffer, DrawError> {
    let mut buffer = gst::Buffer::new();
    let writable = buffer.make_mut();
    writable.append_memory(memory.clone());
    VideoMeta::add_full(writable, VideoFrameFlags::empty(), FORMAT, width, height, &[0], &[stride])?;
    Ok(buffer)
}

fn place(pixels: &gst::Buffer, x: i32, y: i32, width: u32, height: u32) -> VideoOverlayRectangle {
    VideoOverlayRectangle::new_raw(pixels, x, y, width, height, VideoOverlayFormatFlags::PREMULTIPLIED_ALPHA)
}
