//! `GstAnalyticsRelationMeta`: results in the words that GStreamer has for what an analysis finds (1.24 or newer).
//!
//! A frame has one such meta, a list of entries and a matrix of relations between them. What upstream wrote there stays as
//! it is.

use gst::glib::{self, Quark, translate::from_glib};
use gst_analytics::{
    AnalyticsODMtd, AnalyticsRelationMeta, AnalyticsRelationMetaInitParams, AnalyticsTrackingMtd, RelTypes,
    ffi, prelude::*,
};

use super::{
    MarkedObject,
    frame::{self, Shown},
};
use crate::{
    classification::{ClassScore, Classification, PixelBox},
    object::ObjectId,
};

/// Most entries of a meta that regions are added to; the matrix has a byte for each pair of them.
const MOST_ENTRIES: usize = 256;
/// Entries of a region: where it lies, who it is, what it does.
const ENTRIES_OF_REGION: usize = 3;
/// Room for an entry, in bytes, that a new meta starts with.
const ROOM_FOR_ENTRY: usize = 128;
/// How sure it is that an object lies where upstream says, for upstream does not say how sure it is.
const SURE: f32 = 1.0;

/// A meta that can be written to.
type Writable<'a> = gst::MetaRefMut<'a, AnalyticsRelationMeta, gst::meta::Standalone>;

/// Writes a result on a frame: the classes of the whole picture, or of `object` onto its entry, and the regions that lie
/// in the picture. An object without an entry gets one, unless its area is empty.
///
/// `at` is when the regions were seen last, in nanoseconds of PTS.
///
/// # Errors
/// When the meta takes no more.
pub(super) fn write(
    buffer: &mut gst::BufferRef,
    classification: &Classification,
    shown: &[Shown<'_>],
    at: u64,
    object: Option<MarkedObject>,
) -> Result<(), glib::BoolError> {
    let entries = (ENTRIES_OF_REGION * shown.len() + 2).min(MOST_ENTRIES);
    let room = AnalyticsRelationMetaInitParams::new(entries, ROOM_FOR_ENTRY * entries);
    let kind = object.and_then(|object| super::object::kind(buffer, object));
    let mut tracked = Vec::new();
    // Gives the meta that is there, where there is one.
    let mut meta = AnalyticsRelationMeta::add_full(buffer, &room);
    match (object, kind) {
        (Some(MarkedObject { entry: Some(entry), .. }), _) => {
            classify(&mut meta, entry, &classification.top)?
        }
        (Some(MarkedObject { area, .. }), Some(_)) if area.is_empty() => {}
        (Some(MarkedObject { area, .. }), Some(kind)) => {
            let entry = add_box(&mut meta, &kind, area, SURE)?;
            classify(&mut meta, entry, &classification.top)?;
        }
        _ => {
            add_classes(&mut meta, &classification.top)?;
        }
    }
    let best = classification.best();
    for (tracklet, area, _) in shown.iter().filter(|(_, area, _)| !area.is_empty()) {
        if meta.len() + ENTRIES_OF_REGION > MOST_ENTRIES {
            break;
        }
        let region = add_box(&mut meta, &best.label, *area, best.score)?;
        let first_seen = gst::ClockTime::from_nseconds(tracklet.first_seen);
        let tracking = meta.add_tracking_mtd(tracklet.id, first_seen)?.id();
        meta.set_relation(RelTypes::RELATE_TO, region, tracking)?;
        classify(&mut meta, region, &classification.top)?;
        tracked.push(tracking);
    }
    for tracking in tracked {
        let Some(mut meta) = buffer.meta_mut::<AnalyticsRelationMeta>() else { continue };
        if let Some(mut tracking) = meta.mtd_mut::<AnalyticsTrackingMtd>(tracking) {
            tracking.update_last_seen(gst::ClockTime::from_nseconds(at))?;
        }
    }
    Ok(())
}

fn add_box(meta: &mut Writable<'_>, kind: &str, area: PixelBox, sure: f32) -> Result<u32, glib::BoolError> {
    let [x, y, w, h] = [area.x, area.y, area.w, area.h].map(|v| i32::try_from(v).unwrap_or(i32::MAX));
    Ok(meta.add_od_mtd(Quark::from_str(kind), x, y, w, h, sure)?.id())
}

fn add_classes(meta: &mut Writable<'_>, top: &[ClassScore]) -> Result<u32, glib::BoolError> {
    let scores: Vec<f32> = top.iter().map(|class| class.score).collect();
    let labels: Vec<Quark> = top.iter().map(|class| Quark::from_str(&*class.label)).collect();
    Ok(meta.add_cls_mtd(&scores, &labels)?.id())
}

/// Adds the classes of a region or an object. Setting a relation replaces the one before.
fn classify(meta: &mut Writable<'_>, of: u32, top: &[ClassScore]) -> Result<(), glib::BoolError> {
    let classes = add_classes(meta, top)?;
    meta.set_relation(RelTypes::CONTAIN | RelTypes::RELATE_TO, of, classes)?;
    meta.set_relation(RelTypes::IS_PART_OF, classes, of)
}

/// The objects that upstream tracks on a frame: boxes with a relation to what tracks them, but for the tracklets of this
/// plugin, and those that are lost.
pub(super) fn objects(buffer: &gst::BufferRef) -> Vec<MarkedObject> {
    let Some(meta) = buffer.meta::<AnalyticsRelationMeta>() else { return Vec::new() };
    let boxes = meta.iter::<AnalyticsODMtd>().filter_map(|entry| {
        let tracking = meta.iter_direct_related::<AnalyticsTrackingMtd>(entry.id(), RelTypes::ANY).next()?;
        let track = Track::read(&meta, tracking.id())?;
        Some((entry, track))
    });
    let boxes: Vec<_> = boxes.filter(|(_, track)| !track.lost).collect();
    if boxes.is_empty() {
        return Vec::new();
    }
    let results = frame::read_all(buffer);
    let own = |kind: Option<Quark>, track: &Track| {
        results.iter().any(|result| {
            kind.is_some_and(|kind| kind.as_str() == &*result.class.label)
                && result.tracklets.iter().any(|tracklet| tracklet.id == track.id)
        })
    };
    let objects = boxes.iter().filter(|(entry, track)| !own(entry.obj_type(), track));
    let objects = objects.filter_map(|(entry, track)| {
        let place = entry.location().ok()?;
        Some(MarkedObject {
            id: identity(track.id),
            area: inside(place.x, place.y, place.w, place.h),
            entry: Some(entry.id()),
        })
    });
    objects.collect()
}

/// What a tracker says of an object.
struct Track {
    id: u64,
    lost: bool,
}

impl Track {
    /// Reads an entry of that type. The safe counterpart panics where a tracker has no times.
    fn read(meta: &gst::MetaRef<'_, AnalyticsRelationMeta>, entry: u32) -> Option<Self> {
        let (mut id, mut first, mut last, mut lost) = (0, 0, 0, glib::ffi::GFALSE);
        // SAFETY: the meta lives as long as the reference, and nobody writes to it meanwhile; the pointers are to locals.
        let read = unsafe {
            let entry = ffi::GstAnalyticsTrackingMtd { id: entry, meta: meta.as_mut_ptr() };
            ffi::gst_analytics_tracking_mtd_get_info(&entry, &mut id, &mut first, &mut last, &mut lost)
        };
        // SAFETY: these are plain numbers.
        let (read, lost): (bool, bool) = unsafe { (from_glib(read), from_glib(lost)) };
        read.then_some(Self { id, lost })
    }
}

/// The lower 31 bits of the number that a tracker gave.
fn identity(tracking: u64) -> ObjectId {
    (tracking & u64::from(ObjectId::MAX.unsigned_abs())) as ObjectId
}

/// The part of a box to the right of and below the picture's corner.
fn inside(x: i32, y: i32, w: i32, h: i32) -> PixelBox {
    let span = |start: i32, length: i32| {
        let end = start.saturating_add(length.max(0)).max(0);
        let start = start.max(0);
        (start.unsigned_abs(), (end - start).max(0).unsigned_abs())
    };
    let ((x, w), (y, h)) = (span(x, w), span(y, h));
    PixelBox { x, y, w, h }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_begins_outside_of_the_picture_is_cut() {
        assert_eq!(inside(-4, 2, 10, 5), PixelBox { x: 0, y: 2, w: 6, h: 5 });
        assert_eq!(inside(-40, -2, 10, -5), PixelBox { x: 0, y: 0, w: 0, h: 0 });
    }

    #[test]
    fn large_numbers_of_trackers_stay_apart() {
        assert_eq!((identity(7), identity(u64::MAX)), (7, i32::MAX));
        assert_ne!(identity(u64::MAX), identity(u64::MAX - 1));
    }
}
