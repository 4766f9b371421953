//! Overlay pixels: drawn with cairo once, placed often.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use gst::glib;
use gst_video::{VideoFormat, VideoFrameFlags, VideoMeta, VideoOverlayFormatFlags, VideoOverlayRectangle};

use super::paint::{Sheet, SheetKey};

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
}

/// A drawn picture, of which any part from its upper left corner can be placed on frames.
#[derive(Debug)]
pub struct Picture {
    memory: gst::Memory,
    /// Columns, without padding.
    stride: u32,
    /// What blends onto frames of the format at hand.
    sheets: Mutex<HashMap<SheetKey, Arc<Sheet>>>,
    /// Where it was attached last. Who composes keeps what it made of a rectangle that it sees again.
    attached: Mutex<Option<(Placement, VideoOverlayRectangle)>>,
}

/// Left, top, width and height of a rectangle.
type Placement = (i32, i32, u32, u32);

/// A part of a picture with its place on the frame.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The picture; its upper left part is shown.
    pub picture: Arc<Picture>,
    /// Left edge on the frame.
    pub x: i32,
    /// Top edge on the frame.
    pub y: i32,
    /// Columns that are shown.
    pub w: u32,
    /// Rows that are shown.
    pub h: u32,
}

impl Picture {
    fn new(memory: gst::Memory, stride: u32) -> Arc<Self> {
        Arc::new(Self { memory, stride, sheets: Mutex::default(), attached: Mutex::default() })
    }

    /// A line from left to right whose rows have the colours `profile`, top to bottom.
    pub fn horizontal(length: u32, profile: &[[u8; 4]]) -> Arc<Self> {
        let bytes: Vec<u8> = profile.iter().flat_map(|pixel| pixel.repeat(length as usize)).collect();
        Self::new(gst::Memory::from_slice(bytes), length)
    }

    /// A line from top to bottom whose columns have the colours `profile`, left to right.
    pub fn vertical(length: u32, profile: &[[u8; 4]]) -> Arc<Self> {
        Self::new(gst::Memory::from_slice(profile.concat().repeat(length as usize)), profile.len() as u32)
    }

    /// The upper left `w` by `h` pixels, placed at `x`, `y`.
    pub fn part(self: &Arc<Self>, x: u32, y: u32, w: u32, h: u32) -> Placed {
        let place = |v: u32| i32::try_from(v).unwrap_or(i32::MAX);
        Placed { picture: Arc::clone(self), x: place(x), y: place(y), w, h }
    }

    /// What `render` makes of the pixels and the width of their rows, made once for each key: a picture is for frames of
    /// one format.
    pub fn sheet(&self, key: SheetKey, render: impl FnOnce(&[u8], usize) -> Sheet) -> Arc<Sheet> {
        let mut sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
        let sheet = sheets.entry(key).or_insert_with(|| match self.memory.map_readable() {
            Ok(pixels) => Arc::new(render(&pixels, self.stride as usize)),
            Err(_) => unreachable!("memory of a slice is readable"),
        });
        Arc::clone(sheet)
    }
}

impl Placed {
    /// The same as a rectangle of a composition.
    ///
    /// # Errors
    /// When GStreamer refuses the buffer.
    pub fn rectangle(&self) -> Result<VideoOverlayRectangle, glib::BoolError> {
        let Self { ref picture, x, y, w, h } = *self;
        let mut attached = picture.attached.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rectangle)) = attached.as_ref().filter(|(place, _)| *place == (x, y, w, h)) {
            return Ok(rectangle.clone());
        }
        let mut buffer = gst::Buffer::new();
        let writable = buffer.make_mut();
        writable.append_memory(picture.memory.clone());
        let stride = i32::try_from(picture.stride * 4).unwrap_or(i32::MAX);
        VideoMeta::add_full(writable, VideoFrameFlags::empty(), FORMAT, w, h, &[0], &[stride])?;
        let flags = VideoOverlayFormatFlags::PREMULTIPLIED_ALPHA;
        let rectangle = VideoOverlayRectangle::new_raw(&buffer, x, y, w, h, flags);
        Ok(attached.insert(((x, y, w, h), rectangle)).1.clone())
    }
}

/// A drawn picture of known size.
#[derive(Debug)]
pub struct Sprite {
    picture: Arc<Picture>,
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
        let stride = surface.stride() as u32 / 4;
        Ok(Self {
            picture: Picture::new(gst::Memory::from_slice(surface.take_data()?), stride),
            width,
            height,
        })
    }

    /// The whole sprite with its top left corner at `x`, `y`.
    pub fn at(&self, x: i32, y: i32) -> Placed {
        Placed { picture: Arc::clone(&self.picture), x, y, w: self.width, h: self.height }
    }
}
