//! What is known of the stream, and what it brings to write.

use std::{collections::BTreeMap, sync::Arc};

use super::clock::Clock;
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
    clock: Clock,
    /// What writes, once downstream was told by our caps.
    pub writer: Option<Writer>,
    /// Whether what stands before all else was sent.
    pub header_sent: bool,
    /// PTS and duration of the newest frame, where it has them.
    pub newest: Option<(gst::ClockTime, Option<gst::ClockTime>)>,
    /// The last window that was written of each model, of the whole picture or of each object.
    written: BTreeMap<(Arc<str>, Option<ObjectId>), Written>,
}

/// A window that was written; times in nanoseconds of PTS.
#[derive(Debug, Clone, Copy)]
struct Written {
    window: u64,
    end: u64,
    /// When the object was last seen.
    seen: u64,
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
            let classified = result.age.map_or(pts, |age| result.end.saturating_add_signed(age));
            self.clock.learn(classified, pts);
            pieces.extend(self.result(result, classified)?);
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
        self.clock.set_segment(segment);
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

    /// What a result on a frame that had the PTS `pts` where it was classified brings, if its window was not written yet.
    fn result(&mut self, mut result: FrameResult, pts: u64) -> Result<Option<Piece>, WriteError> {
        let whose = (Arc::clone(&result.model), result.object.map(|object| object.id));
        let (now, seen) = ((result.window, result.end), pts.max(result.end));
        // Encoders change the order of frames, so an older window may come once more behind a newer one.
        if let Some(last) = self.written.get_mut(&whose)
            && now.0 <= last.window
            && now.1 <= last.end
        {
            last.seen = last.seen.max(seen);
            return Ok(None);
        }
        self.written.insert(whose, Written { window: now.0, end: now.1, seen });
        // No frame brings the last window of an object again that was gone for so long.
        self.written.retain(|_, last| last.seen.saturating_add(FORGOTTEN) >= result.end);
        if let Some(size) = self.size {
            result = result.scaled_to(size);
        }
        self.write(Record::Window { result: &result, pts })
    }

    fn write(&mut self, record: Record<'_>) -> Result<Option<Piece>, WriteError> {
        let Self { writer, clock, .. } = self;
        writer.as_mut().map_or(Ok(None), |writer| writer.write(record, clock))
    }
}
