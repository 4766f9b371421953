//! The objects that upstream marks on frames, and our results on their marks.

use gst_video::VideoRegionOfInterestMeta;

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
    /// Its identity: as a tracker of DL Streamer wrote it, or else the `id` of the region-of-interest meta.
    pub id: ObjectId,
    /// Where it lies, in pixels of the frame.
    pub area: PixelBox,
}

/// The objects that are marked on a frame: all regions of interest but the tracklets of this plugin. Where two have the
/// same identity, the first counts.
#[must_use]
pub fn objects(buffer: &gst::BufferRef) -> Vec<MarkedObject> {
    let mut found: Vec<MarkedObject> = Vec::new();
    for roi in buffer.iter_meta::<VideoRegionOfInterestMeta>() {
        if is_tracklet(&roi) {
            continue;
        }
        let (x, y, w, h) = roi.rect();
        let object = MarkedObject { id: identity(&roi), area: PixelBox { x, y, w, h } };
        if found.iter().all(|other| other.id != object.id) {
            found.push(object);
        }
    }
    found
}

fn identity(roi: &VideoRegionOfInterestMeta) -> ObjectId {
    let (structure, field) = TRACKER;
    let tracked = roi.param(structure).and_then(|param| param.get::<i32>(field).ok());
    tracked.unwrap_or_else(|| roi.id())
}

fn is_tracklet(roi: &VideoRegionOfInterestMeta) -> bool {
    roi.param(fields::ROI_PARAM).is_some_and(|param| !param.has_field(fields::OBJECT))
}

/// Writes the class of an object's window on its region of interest.
pub(super) fn write(buffer: &mut gst::BufferRef, classification: &Classification, object: ObjectId) {
    let best = classification.best();
    for mut roi in buffer.iter_meta_mut::<VideoRegionOfInterestMeta>() {
        if is_tracklet(&roi) || identity(&roi) != object {
            continue;
        }
        roi.add_param(
            gst::Structure::builder(fields::ROI_PARAM)
                .field(fields::OBJECT, object)
                .field(fields::LABEL, &*best.label)
                .field(fields::LABEL_ID, gint(best.label_id))
                .field(fields::SCORE, f64::from(best.score))
                .field(fields::WINDOW, classification.window)
                .build(),
        );
        return;
    }
}
