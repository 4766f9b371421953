//! The references to UTC and to timecode that frames bring, and the moments that they date.

use gst_video::{ValidVideoTimeCode, VideoTimeCode, VideoTimeCodeFlags, VideoTimeCodeMeta};

use crate::{
    action::{Dated, Moment},
    timeline::{AbsoluteTime, Reference, Timecode, Track, Utc},
    window::FrameTime,
};

/// From the epoch of NTP, 1900-01-01, to that of Unix, 1970-01-01, in nanoseconds.
const NTP_TO_UNIX: u64 = 2_208_988_800_000_000_000;

/// How much earlier than its time stamp a frame may be on screen, in nanoseconds: time stamps are rounded, in
/// some containers to milliseconds.
const ROUNDING: u64 = 1_000_000;

/// Highest frame rate that timecodes are counted on at, in Hz; GStreamer counts in 32 bits.
const MAX_RATE: u64 = 1_000;

/// A timecode and the rate at which it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RatedTimecode {
    timecode: Timecode,
    fps: gst::Fraction,
}

impl RatedTimecode {
    /// The timecode of a frame; `None` for one that GStreamer cannot count on.
    fn of(code: ValidVideoTimeCode) -> Option<Self> {
        let code = VideoTimeCode::from(code);
        if !code.is_valid() {
            return None;
        }
        let fps = code.fps();
        let rate = u64::try_from(fps.numer()).ok()? / u64::try_from(fps.denom()).ok()?;
        (1..=MAX_RATE).contains(&rate).then(|| Self {
            timecode: Timecode {
                hours: code.hours(),
                minutes: code.minutes(),
                seconds: code.seconds(),
                frames: code.frames(),
                drop_frame: code.flags().contains(VideoTimeCodeFlags::DROP_FRAME),
            },
            fps,
        })
    }
}

impl Reference for RatedTimecode {
    fn after(&self, elapsed: u64) -> Option<Self> {
        let Timecode { hours, minutes, seconds, frames, drop_frame } = self.timecode;
        let mut flags = VideoTimeCodeFlags::empty();
        flags.set(VideoTimeCodeFlags::DROP_FRAME, drop_frame);
        let mut code =
            ValidVideoTimeCode::new(self.fps, None, flags, hours, minutes, seconds, frames, 0).ok()?;
        let (numer, denom) = (i128::from(self.fps.numer()), i128::from(self.fps.denom()));
        let whole = i128::from(elapsed.saturating_add(ROUNDING)) * numer / (denom * 1_000_000_000);
        code.add_frames(i64::try_from(whole).ok()?);
        Self::of(code)
    }

    fn agrees(&self, other: &Self) -> bool {
        self == other
    }
}

/// What the frames of the stream said of the time outside of it.
#[derive(Debug, Default)]
pub struct References {
    utc: Track<Utc>,
    timecode: Track<RatedTimecode>,
    /// Running time of the first frame that they hold for, in nanoseconds. Time stamps of what was before may
    /// count from elsewhere.
    since: Option<u64>,
}

impl References {
    /// Takes the references of the next frame, if it has any.
    pub fn note(&mut self, frame: &gst::BufferRef, time: FrameTime) {
        let FrameTime { pts, running_time, .. } = time;
        self.since.get_or_insert(running_time);
        if let Some(utc) = frame.iter_meta::<gst::ReferenceTimestampMeta>().find_map(|meta| utc(&meta)) {
            self.utc.note(pts, utc);
        }
        let timecode = frame.meta::<VideoTimeCodeMeta>().and_then(|meta| RatedTimecode::of(meta.tc()));
        if let Some(timecode) = timecode {
            self.timecode.note(pts, timecode);
        }
    }

    /// Forgets everything: what comes has nothing to do with what was.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// When a moment was, as well as the stream tells.
    pub fn absolute(&self, moment: Moment) -> AbsoluteTime {
        if self.since.is_none_or(|since| moment.running_time < since) {
            return AbsoluteTime::default();
        }
        AbsoluteTime {
            utc: self.utc.at(moment.pts).map(|utc| utc.0),
            timecode: self.timecode.at(moment.pts).map(|rated| rated.timecode),
        }
    }

    /// A moment and when it was.
    pub fn date(&self, moment: Moment) -> Dated {
        Dated { moment, absolute: self.absolute(moment) }
    }
}

/// The UTC time that a reference tells; `None` for one to another clock.
fn utc(meta: &gst::ReferenceTimestampMeta) -> Option<Utc> {
    let timestamp = meta.timestamp().nseconds();
    match meta.reference().structure(0)?.name().as_str() {
        "timestamp/x-unix" => Some(Utc(timestamp)),
        "timestamp/x-ntp" => timestamp.checked_sub(NTP_TO_UNIX).map(Utc),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000_000_000;

    fn time(running_time: u64) -> FrameTime {
        FrameTime { pts: running_time, running_time, stream_time: None, duration: 40, discont: false }
    }

    fn moment(running_time: u64) -> Moment {
        Moment { pts: running_time, running_time }
    }

    fn rated(text: &str, numer: i32, denom: i32) -> RatedTimecode {
        gst::init().unwrap();
        RatedTimecode { timecode: text.parse().unwrap(), fps: gst::Fraction::new(numer, denom) }
    }

    #[test]
    fn timecodes_count_whole_frames() {
        for (from, fps, elapsed, to) in [
            ("01:00:00:00", (25, 1), 39_999_999 - ROUNDING, "01:00:00:00"),
            ("01:00:00:00", (25, 1), 40_000_000 - ROUNDING, "01:00:00:01"),
            ("23:59:59:24", (25, 1), 40_000_000, "00:00:00:00"),
            ("00:00:59;29", (30_000, 1001), 33_366_666, "00:01:00;02"),
            ("00:09:59;29", (30_000, 1001), 33_366_666, "00:10:00;00"),
            ("00:00:59:29", (30_000, 1001), 33_366_666, "00:01:00:00"),
            ("00:00:00;00", (30_000, 1001), 60 * MINUTE, "01:00:00;00"),
            ("00:00:59;59", (60_000, 1001), 16_683_333, "00:01:00;04"),
            ("00:00:00;00", (30_000, 1001), 3 * 24 * 60 * MINUTE, "00:00:00;07"),
        ] {
            let counted = rated(from, fps.0, fps.1).after(elapsed).unwrap();
            assert_eq!(counted.timecode.to_string(), to, "{elapsed} after {from} at {fps:?}");
        }
    }

    #[test]
    fn rates_that_gstreamer_cannot_count_at_are_left_out() {
        gst::init().unwrap();
        let code = |fps: i32| {
            let fps = gst::Fraction::new(fps, 1);
            ValidVideoTimeCode::new(fps, None, VideoTimeCodeFlags::empty(), 1, 2, 3, 0, 0).unwrap()
        };
        assert!(RatedTimecode::of(code(1_000)).is_some());
        assert_eq!(RatedTimecode::of(code(i32::MAX)), None);
    }

    #[test]
    fn other_clocks_than_unix_and_ntp_are_left_out() {
        gst::init().unwrap();
        let told = |references: &[(&str, u64)]| {
            let mut buffer = gst::Buffer::new();
            for &(caps, timestamp) in references {
                let caps = gst::Caps::new_empty_simple(caps);
                let timestamp = gst::ClockTime::from_nseconds(timestamp);
                gst::ReferenceTimestampMeta::add(buffer.make_mut(), &caps, timestamp, None);
            }
            let mut references = References::default();
            references.note(&buffer, time(0));
            references.absolute(moment(5)).utc
        };
        assert_eq!(told(&[("timestamp/x-unix", 1_700)]), Some(1_705));
        assert_eq!(told(&[("timestamp/x-ntp", NTP_TO_UNIX + 1_700)]), Some(1_705));
        assert_eq!(told(&[("timestamp/x-ntp", NTP_TO_UNIX - 1)]), None);
        assert_eq!(told(&[("timestamp/x-ptp", 9), ("timestamp/x-unix", 1_700)]), Some(1_705));
        assert_eq!(told(&[("timestamp/x-camera-stream", 1_700)]), None);
    }
}
