//! The objects that upstream marks on frames, and our results on their marks.

use gst_video::VideoRegionOfInterestMeta;

#[cfg(feature = "v1_24")]
use super::analytics;
use super::{fields, frame::gint};
use crate::{
    classification::{Classification, PixelBox},
    object::ObjectId,
};

/// Structure in which DL Streamer's trackers write the identity of an object, and its field.
const TRACKER: (&str, &str) = ("object_id", "id");

/// An object on a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkedObject {
    /// Its identity: as its tracker wrote it, or else the `id` of the region-of-interest meta.
    pub id: ObjectId,
    /// Where it lies, in pixels of the frame.
    pub area: PixelBox,
    /// Its entry in the frame's `GstAnalyticsRelationMeta`, where it is marked there.
    pub entry: Option<u32>,
}

/// The objects that are marked on a frame: those tracked in its `GstAnalyticsRelationMeta`, and all regions of interest,
/// but the tracklets of this plugin and empty rectangles. Where two have the same identity, the first counts; a region of
/// interest with the rectangle of a tracked object is a mark of that object.
#[must_use]
pub fn objects(buffer: &gst::BufferRef) -> Vec<MarkedObject> {
    let mut found: Vec<MarkedObject> = Vec::new();
    let mut add = |object: MarkedObject| {
        let same = |other: &MarkedObject| {
            other.id == object.id
                || (other.entry.is_some() && object.entry.is_none() && other.area == object.area)
        };
        if !object.area.is_empty() && !found.iter().any(same) {
            found.push(object);
        }
    };
    #[cfg(feature = "v1_24")]
    analytics::objects(buffer).into_iter().for_each(&mut add);
    for roi in buffer.iter_meta::<VideoRegionOfInterestMeta>() {
        if !is_tracklet(&roi) {
            add(MarkedObject { id: identity(&roi), area: area(&roi), entry: None });
        }
    }
    found
}

fn area(roi: &VideoRegionOfInterestMeta) -> PixelBox {
    let (x, y, w, h) = roi.rect();
    PixelBox { x, y, w, h }
}

fn marks(roi: &VideoRegionOfInterestMeta, object: MarkedObject) -> bool {
    let named = identity(roi) == object.id || (object.entry.is_some() && area(roi) == object.area);
    named && !is_tracklet(roi) && !area(roi).is_empty()
}

/// What upstream calls an object that a region of interest marks.
#[cfg(feature = "v1_24")]
pub(super) fn kind(buffer: &gst::BufferRef, object: MarkedObject) -> Option<String> {
    let roi = buffer.iter_meta::<VideoRegionOfInterestMeta>().find(|roi| marks(roi, object))?;
    Some(roi.roi_type().to_owned())
}

fn identity(roi: &VideoRegionOfInterestMeta) -> ObjectId {
    let (structure, field) = TRACKER;
    let tracked = roi.param(structure).and_then(|param| param.get::<i32>(field).ok());
    tracked.unwrap_or_else(|| roi.id())
}

fn is_tracklet(roi: &VideoRegionOfInterestMeta) -> bool {
    roi.param(fields::ROI_PARAM).is_some_and(|param| !param.has_field(fields::OBJECT))
}

/// Writes the class of an object's window on its region of interest, where it has one.
pub(super) fn write(buffer: &mut gst::BufferRef, classification: &Classification, object: MarkedObject) {
    let best = classification.best();
    for mut roi in buffer.iter_meta_mut::<VideoRegionOfInterestMeta>() {
        if !marks(&roi, object) {
            continue;
        }
        roi.add_param(
            gst::Structure::builder(fields::ROI_PARAM)
                .field(fields::OBJECT, object.id)
                .field(fields::LABEL, &*best.label)
                .field(fields::LABEL_ID, gint(best.label_id))
                .field(fields::SCORE, f64::from(best.score))
                .field(fields::WINDOW, classification.window)
                .build(),
        );
        return;
    }
}
