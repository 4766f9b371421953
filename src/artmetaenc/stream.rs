//! What is known of the stream, and what it brings to write.

use std::collections::BTreeMap;

use super::record::{Piece, Record};
use super::writer::{WriteError, Writer};
use crate::{
    meta::{self, FrameResult, FrameSize},
    object::ObjectId,
};

/// How long after it was last seen an object is forgotten, in nanoseconds.
const FORGOTTEN: u64 = 60_000_000_000;

/// One stream, from its start.
#[derive(Debug, Default)]
pub struct Stream {
    /// Size of the frames, where the caps tell.
    pub size: Option<FrameSize>,
    /// What tells the running time of the frames, where they have times.
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    /// What writes, once downstream was told by our caps.
    pub writer: Option<Writer>,
    /// Whether what stands before all else was sent.
    pub header_sent: bool,
    /// PTS and duration of the newest frame, where it has them.
    pub newest: Option<(gst::ClockTime, Option<gst::ClockTime>)>,
    /// The last window that was written, of the whole picture or of each object, and the PTS at which it was last seen.
    written: BTreeMap<Option<ObjectId>, (u64, u64)>,
}

impl Stream {
    /// What stands before all else, until it was sent.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn header(&self) -> Result<Option<Vec<u8>>, WriteError> {
        match &self.writer {
            Some(writer) if !self.header_sent => writer.header(),
            _ => Ok(None),
        }
    }

    /// What the windows that a frame carries bring, where they were not written yet.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn frame(&mut self, buffer: &gst::BufferRef) -> Result<Vec<Piece>, WriteError> {
        self.newest = buffer.pts().map(|pts| (pts, buffer.duration()));
        let mut pieces = Vec::new();
        for result in meta::read_all(buffer) {
            let pts = buffer.pts().map_or(result.end, gst::ClockTime::nseconds);
            pieces.extend(self.result(result, pts)?);
        }
        Ok(pieces)
    }

    /// What an event in the stream brings that tells of an action, or of a window that no frame carries.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn event(&mut self, structure: &gst::StructureRef) -> Result<Option<Piece>, WriteError> {
        if let Some(result) = meta::read_window(structure) {
            let pts = result.end;
            return self.result(result, pts);
        }
        match meta::read_action(structure) {
            Some(record) => self.write(Record::Action(&record)),
            None => Ok(None),
        }
    }

    /// The frames have another way to tell running time from now on.
    pub fn start_segment(&mut self, segment: Option<gst::FormattedSegment<gst::ClockTime>>) {
        self.segment = segment;
        if let Some(writer) = &mut self.writer {
            writer.forget();
        }
    }

    /// Another stream starts; what was written goes on.
    pub fn restart(&mut self) {
        *self = Self { size: self.size, header_sent: self.header_sent, ..Self::default() };
    }

    /// The stream was flushed. Sinks drop what they have: `filesink` empties its file.
    pub fn flush(&mut self) {
        self.start_segment(None);
        self.written.clear();
        (self.newest, self.header_sent) = (None, false);
    }

    /// What a result on a frame that shows at `pts` brings, if its window was not written yet.
    fn result(&mut self, mut result: FrameResult, pts: u64) -> Result<Option<Piece>, WriteError> {
        let object = result.object.map(|object| object.id);
        let before = self.written.insert(object, (result.window, pts.max(result.end)));
        if before.is_some_and(|(window, _)| window == result.window) {
            return Ok(None);
        }
        // No frame brings the last window of an object again that was gone for so long.
        self.written.retain(|_, (_, seen)| seen.saturating_add(FORGOTTEN) >= result.end);
        if let Some(size) = self.size {
            result = result.scaled_to(size);
        }
        self.write(Record::Window { result: &result, pts })
    }

    fn write(&mut self, record: Record<'_>) -> Result<Option<Piece>, WriteError> {
        let Self { writer, segment, .. } = self;
        let Some(writer) = writer else { return Ok(None) };
        writer.write(record, |pts| running_time(segment.as_ref(), pts))
    }
}

/// The running time of `pts`, or `pts` itself where there is none; never negative. All in nanoseconds.
fn running_time(segment: Option<&gst::FormattedSegment<gst::ClockTime>>, pts: u64) -> u64 {
    let time = segment.and_then(|segment| segment.to_running_time_full(gst::ClockTime::from_nseconds(pts)));
    match time {
        Some(gst::Signed::Positive(time)) => time.nseconds(),
        Some(gst::Signed::Negative(_)) => 0,
        None => pts,
    }
}
