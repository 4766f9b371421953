//! The fields that date a moment, wherever they stand.

use gst::glib::GStr;

use super::fields;
use crate::timeline::AbsoluteTime;

/// Names of the two fields of one moment.
pub(super) struct Names {
    /// Field of the UTC time.
    pub(super) utc: &'static GStr,
    /// Field of the timecode.
    pub(super) timecode: &'static GStr,
}

/// Where the start of a window or an action is dated.
pub(super) const START: Names = Names { utc: fields::START_UTC, timecode: fields::START_TIMECODE };
/// Where the end of an action is dated.
pub(super) const END: Names = Names { utc: fields::END_UTC, timecode: fields::END_TIMECODE };

/// Writes what is known.
pub(super) fn write(s: &mut gst::StructureRef, names: &Names, time: AbsoluteTime) {
    if let Some(utc) = time.utc {
        s.set(names.utc, utc);
    }
    if let Some(timecode) = time.timecode {
        s.set(names.timecode, timecode.to_string());
    }
}

/// Reads what stands there.
pub(super) fn read(s: &gst::StructureRef, names: &Names) -> AbsoluteTime {
    AbsoluteTime {
        utc: s.get(names.utc).ok(),
        timecode: s.get::<&str>(names.timecode).ok().and_then(|text| text.parse().ok()),
    }
}
