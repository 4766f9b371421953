//! The region-of-interest meta of a tracklet, which every GStreamer and DL Streamer understand.

use gst_video::VideoRegionOfInterestMeta;

use super::fields;
use super::frame::gint;
use crate::classification::{Classification, PixelBox, Tracklet};

/// Writes one region; one that lies outside the picture is left out.
pub(super) fn write(
    buffer: &mut gst::BufferRef,
    classification: &Classification,
    tracklet: &Tracklet,
    area: PixelBox,
    relevance: f32,
) {
    if area.is_empty() {
        return;
    }
    let best = classification.best();
    let mut param = gst::Structure::builder(fields::ROI_PARAM)
        .field(fields::LABEL, &*best.label)
        .field(fields::LABEL_ID, gint(best.label_id))
        .field(fields::SCORE, f64::from(best.score))
        .field(fields::RELEVANCE, f64::from(relevance))
        .field(fields::WINDOW, classification.window)
        .build();
    if let Some(query) = &tracklet.query {
        param.set(fields::QUERY, &*query.label);
    }
    let mut roi = VideoRegionOfInterestMeta::add(buffer, &best.label, (area.x, area.y, area.w, area.h));
    roi.set_id(i32::try_from(tracklet.id).unwrap_or(i32::MAX));
    roi.add_param(param);
}
