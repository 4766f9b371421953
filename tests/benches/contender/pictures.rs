//! The pictures that all contenders see.

use std::{path::Path, sync::Arc};

use gst::prelude::*;
use gstartclassify::model::{Color, InputSpec};

use super::Outcome;

/// Pictures of a model's size, as its samples follow each other.
#[derive(Clone)]
pub struct Pictures {
    bytes: Arc<Vec<u8>>,
    info: gst_video::VideoInfo,
}

/// One of them, in memory that all share.
struct Picture {
    bytes: Arc<Vec<u8>>,
    from: usize,
    size: usize,
}

impl AsRef<[u8]> for Picture {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.from..self.from + self.size]
    }
}

impl Pictures {
    /// Reads a file of raw pictures in the colours that the model takes.
    pub fn read(path: &Path, input: &InputSpec) -> Outcome<Self> {
        let format = match input.color {
            Color::Rgb => gst_video::VideoFormat::Rgb,
            Color::Bgr => gst_video::VideoFormat::Bgr,
            Color::Gray => gst_video::VideoFormat::Gray8,
        };
        let rate = gst::Fraction::approximate_f64(input.fps).ok_or("a rate that is no fraction")?;
        let info = gst_video::VideoInfo::builder(format, input.width as u32, input.height as u32)
            .fps(rate)
            .build()?;
        let bytes = Arc::new(std::fs::read(path)?);
        if bytes.is_empty() || bytes.len() % info.size() != 0 {
            return Err(format!(
                "{}: found {} bytes, expected pictures of {}",
                path.display(),
                bytes.len(),
                info.size()
            )
            .into());
        }
        Ok(Self { bytes, info })
    }

    pub fn info(&self) -> &gst_video::VideoInfo {
        &self.info
    }

    /// Bytes from a row to the next.
    pub fn stride(&self) -> usize {
        self.info.stride()[0] as usize
    }

    /// The pixels of a sample.
    pub fn pixels(&self, sample: usize) -> &[u8] {
        let from = self.place(sample);
        &self.bytes[from..from + self.info.size()]
    }

    /// A sample as a frame of a stream, without a copy.
    pub fn frame(&self, sample: usize) -> gst::Buffer {
        let picture =
            Picture { bytes: Arc::clone(&self.bytes), from: self.place(sample), size: self.info.size() };
        let mut buffer = gst::Buffer::from_slice(picture);
        let rate = self.info.fps();
        let time = |sample: usize| {
            let second = rate.denom() as u64 * gst::ClockTime::SECOND.nseconds();
            (sample as u64).mul_div_round(second, rate.numer() as u64).map(gst::ClockTime::from_nseconds)
        };
        let frame = buffer.make_mut();
        frame.set_pts(time(sample));
        frame.set_duration(time(1));
        buffer
    }

    fn place(&self, sample: usize) -> usize {
        let size = self.info.size();
        sample % (self.bytes.len() / size) * size
    }
}
