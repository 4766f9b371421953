//! Running time of what comes in on a pad, and what comes along with it.

/// Where a pad is in its stream.
#[derive(Debug, Default)]
pub struct Track {
    segment: Option<gst::FormattedSegment<gst::ClockTime>>,
    /// The last running time that was known, in nanoseconds.
    last: u64,
    /// Events that belong before the next buffer.
    events: Vec<gst::Event>,
}

/// A buffer with the events before it.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// The events.
    pub events: Vec<gst::Event>,
    /// The buffer.
    pub buffer: gst::Buffer,
}

/// Running times of a buffer, in nanoseconds. What lies before the segment counts as its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// When it is presented.
    pub time: u64,
    /// When it ends.
    pub end: u64,
    /// When it is decoded; no later than presented.
    pub decode: u64,
}

impl Track {
    /// Buffers have another way to tell running time from now on.
    pub fn start_segment(&mut self, segment: &gst::Segment) -> bool {
        self.segment = segment.downcast_ref().cloned();
        self.segment.is_some()
    }

    /// Keeps an event for the next buffer.
    pub fn keep(&mut self, event: gst::Event) {
        self.events.push(event);
    }

    /// Takes the events for the next buffer.
    pub fn take_events(&mut self) -> Vec<gst::Event> {
        std::mem::take(&mut self.events)
    }

    /// Running time of a moment of the segment, in nanoseconds.
    pub fn running_time(&self, time: gst::ClockTime) -> Option<u64> {
        match self.segment.as_ref()?.to_running_time_full(time)? {
            gst::Signed::Positive(time) => Some(time.nseconds()),
            gst::Signed::Negative(_) => Some(0),
        }
    }

    /// When a buffer is. One without a time stamp is when the last one was.
    pub fn times(&mut self, buffer: &gst::BufferRef) -> Times {
        let dts = buffer.dts().and_then(|dts| self.running_time(dts));
        let time = buffer.pts().and_then(|pts| self.running_time(pts)).or(dts).unwrap_or(self.last);
        let end = buffer.pts().zip(buffer.duration()).and_then(|(pts, length)| pts.checked_add(length));
        let end = end.and_then(|end| self.running_time(end));
        self.last = time;
        Times { time, end: end.unwrap_or(time).max(time), decode: dts.unwrap_or(time).min(time) }
    }
}
