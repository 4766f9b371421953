//! `ArtActionMeta`: the result of a window as one frame carries it.

use std::sync::Arc;

use gst::glib;
use gst::meta::CustomMeta;

#[cfg(feature = "v1_24")]
use super::analytics;
use super::{MarkedObject, absolute, fields, object, roi};
use crate::classification::{ClassScore, Classification, PixelBox, Query, SampleBox, Tracklet};
use crate::object::ObjectId;
use crate::timeline::AbsoluteTime;

/// Size of a frame, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameSize {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl From<&gst_video::VideoInfo> for FrameSize {
    fn from(info: &gst_video::VideoInfo) -> Self {
        Self { width: info.width(), height: info.height() }
    }
}

/// The object that a window shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameObject {
    /// Its identity.
    pub id: ObjectId,
    /// The part of the frame that shows it; `None` where no frame carries the window.
    pub area: Option<PixelBox>,
}

/// What one frame says about the window it carries.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameResult {
    /// Name of the model.
    pub model: Arc<str>,
    /// The object that the window shows, where objects have windows of their own.
    pub object: Option<FrameObject>,
    /// Number of the window.
    pub window: u64,
    /// PTS of the window's first sample, in nanoseconds.
    pub start: u64,
    /// When the window started by clocks outside of the stream; known with `first` only, where the stream tells.
    pub start_absolute: AbsoluteTime,
    /// End of the window, in nanoseconds of PTS.
    pub end: u64,
    /// PTS of the frame minus `end`, in nanoseconds; `None` on a frame without PTS.
    pub age: Option<i64>,
    /// The best class.
    pub class: ClassScore,
    /// Whether the best class is no action.
    pub background: bool,
    /// Whether this is the first frame that carries the window; only then `samples`,
    /// `start_absolute` and the tracklets' `boxes` are filled.
    pub first: bool,
    /// Size of the frame that all boxes are measured in.
    pub size: FrameSize,
    /// The best classes, best first.
    pub top: Vec<ClassScore>,
    /// The regions.
    pub tracklets: Vec<FrameTracklet>,
    /// PTS of the sampled frames, in nanoseconds.
    pub samples: Vec<u64>,
}

/// One region on one frame.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameTracklet {
    /// Identity that persists over windows.
    pub id: u64,
    /// The text query that found it, where the model tells.
    pub query: Option<Query>,
    /// The region on this frame, interpolated between the samples.
    pub area: PixelBox,
    /// Its weight at this frame.
    pub relevance: f32,
    /// The boxes at the samples of the window.
    pub boxes: Vec<SampleBox>,
}

impl FrameResult {
    /// The same result with its boxes in pixels of a frame of another size, as after a scaler.
    #[must_use]
    pub fn scaled_to(mut self, size: FrameSize) -> Self {
        let from = self.size;
        if from == size || from.width == 0 || from.height == 0 {
            return self;
        }
        let scale = |area: &mut PixelBox| {
            *area = area.scaled((from.width, from.height), (size.width, size.height));
        };
        for tracklet in &mut self.tracklets {
            scale(&mut tracklet.area);
            tracklet.boxes.iter_mut().for_each(|sample| scale(&mut sample.area));
        }
        if let Some(FrameObject { area: Some(area), .. }) = &mut self.object {
            scale(area);
        }
        self.size = size;
        self
    }
}

/// Writes `classification` on a frame that shows at `pts`: the `ArtActionMeta` and a region-of-interest meta for each
/// tracklet that lies in the picture, with the feature `v1_24` a `GstAnalyticsRelationMeta` too. Where it is that of an
/// object, which `object` says where it lies, its class is written on the object's own marks too.
///
/// `size` is the size of the frame, which the boxes of `classification` are measured in. `first` says that no earlier
/// frame carries this window; only such a frame gets the data of the single samples and the start
/// in UTC and timecode.
///
/// # Errors
/// When the meta was not registered, see [`register`](super::register).
pub fn write(
    buffer: &mut gst::BufferRef,
    classification: &Classification,
    size: FrameSize,
    pts: Option<gst::ClockTime>,
    first: bool,
    object: Option<MarkedObject>,
) -> Result<(), glib::BoolError> {
    let mut meta = CustomMeta::add(buffer, fields::ACTION_META)?;
    let shown = shown_at(classification, pts);
    fill(meta.mut_structure(), classification, &shown, size, pts, first);
    let seen =
        |mark: MarkedObject| MarkedObject { area: mark.area.clipped((size.width, size.height)), ..mark };
    if let Some(mark) = object {
        set_box(meta.mut_structure(), seen(mark).area);
        // Upstream's mark is known by its area as it stands there.
        object::write(buffer, classification, mark);
    }
    #[cfg(feature = "v1_24")]
    analytics::write(buffer, classification, &shown, shown_when(classification, pts), object.map(seen))?;
    for (tracklet, area, relevance) in shown {
        roi::write(buffer, classification, tracklet, area, relevance);
    }
    Ok(())
}

/// The structure of an event that sends a window down the stream by itself, where no frame carries it: the
/// fields of an `ArtActionMeta` with `first`.
#[must_use]
pub fn window_structure(classification: &Classification, size: FrameSize) -> gst::Structure {
    let mut s = gst::Structure::new_empty(fields::WINDOW_EVENT);
    let shown = shown_at(classification, None);
    fill(&mut s, classification, &shown, size, None, true);
    s
}

/// A tracklet with its region and relevance on one frame.
pub(super) type Shown<'a> = (&'a Tracklet, PixelBox, f32);

/// When a result is shown, in nanoseconds of PTS: at `pts`, or at the end of the window.
fn shown_when(classification: &Classification, pts: Option<gst::ClockTime>) -> u64 {
    pts.map_or(classification.end, gst::ClockTime::nseconds)
}

/// The tracklets as they lie at `pts`, or at the end of the window.
fn shown_at(classification: &Classification, pts: Option<gst::ClockTime>) -> Vec<Shown<'_>> {
    let at = shown_when(classification, pts);
    let tracklets = classification.tracklets.iter();
    tracklets
        .filter_map(|tracklet| tracklet.at(at).map(|(area, relevance)| (tracklet, area, relevance)))
        .collect()
}

fn fill(
    s: &mut gst::StructureRef,
    classification: &Classification,
    shown: &[Shown<'_>],
    size: FrameSize,
    pts: Option<gst::ClockTime>,
    first: bool,
) {
    let best = classification.best();
    s.set(fields::MODEL, &*classification.model);
    if let Some(object) = classification.object {
        s.set(fields::OBJECT, object);
    }
    s.set(fields::WINDOW, classification.window);
    s.set(fields::START, classification.start);
    s.set(fields::END, classification.end);
    if let Some(pts) = pts {
        s.set(fields::AGE, signed_difference(pts.nseconds(), classification.end));
    }
    s.set(fields::LABEL, &*best.label);
    s.set(fields::LABEL_ID, gint(best.label_id));
    s.set(fields::SCORE, f64::from(best.score));
    s.set(fields::BACKGROUND, classification.background);
    s.set(fields::FIRST, first);
    s.set(fields::WIDTH, size.width);
    s.set(fields::HEIGHT, size.height);
    s.set(fields::TOP, gst::Array::new(classification.top.iter().map(class_structure)));
    let tracklets = shown
        .iter()
        .map(|(tracklet, area, relevance)| tracklet_structure(tracklet, *area, *relevance, first));
    s.set(fields::TRACKLETS, gst::Array::new(tracklets));
    if first {
        s.set(fields::SAMPLES, gst::Array::new(classification.samples.iter().copied()));
        absolute::write(s, &absolute::START, classification.start_absolute);
    }
}

/// Reads the first result that a frame carries; `None` without an `ArtActionMeta` or where a required field is missing.
#[must_use]
pub fn read(buffer: &gst::BufferRef) -> Option<FrameResult> {
    let meta = CustomMeta::from_buffer(buffer, fields::ACTION_META).ok()?;
    read_result(meta.structure())
}

/// Reads all results that a frame carries: of several objects, or of several elements.
#[must_use]
pub fn read_all(buffer: &gst::BufferRef) -> Vec<FrameResult> {
    let metas = buffer.iter_meta::<gst::Meta>();
    let own = metas.filter_map(|meta| {
        let meta = meta.try_as_custom_meta()?;
        if meta.has_name(fields::ACTION_META) { read_result(meta.structure()) } else { None }
    });
    own.collect()
}

/// Reads the window that an event sends down the stream by itself; `None` for another structure.
#[must_use]
pub fn read_window(s: &gst::StructureRef) -> Option<FrameResult> {
    if s.name() == fields::WINDOW_EVENT { read_result(s) } else { None }
}

fn read_result(s: &gst::StructureRef) -> Option<FrameResult> {
    Some(FrameResult {
        model: s.get::<&str>(fields::MODEL).ok()?.into(),
        object: s.get(fields::OBJECT).ok().map(|id| FrameObject { id, area: read_box(s) }),
        window: s.get(fields::WINDOW).ok()?,
        start: s.get(fields::START).ok()?,
        start_absolute: absolute::read(s, &absolute::START),
        end: s.get(fields::END).ok()?,
        age: s.get(fields::AGE).ok(),
        class: read_class(s)?,
        background: s.get(fields::BACKGROUND).ok()?,
        first: s.get(fields::FIRST).ok()?,
        size: FrameSize { width: s.get(fields::WIDTH).ok()?, height: s.get(fields::HEIGHT).ok()? },
        top: read_structures(s, fields::TOP, read_class)?,
        tracklets: read_structures(s, fields::TRACKLETS, read_tracklet)?,
        samples: read_array(s, fields::SAMPLES, |value| value.get().ok())?,
    })
}

/// The entry of a class in `top`.
fn class_structure(class: &ClassScore) -> gst::Structure {
    gst::Structure::builder(fields::CLASS)
        .field(fields::LABEL, &*class.label)
        .field(fields::LABEL_ID, gint(class.label_id))
        .field(fields::SCORE, f64::from(class.score))
        .build()
}

/// The entry of a tracklet, with the boxes of all samples when `whole`.
fn tracklet_structure(tracklet: &Tracklet, area: PixelBox, relevance: f32, whole: bool) -> gst::Structure {
    let mut s = gst::Structure::builder(fields::TRACKLET).field(fields::ID, tracklet.id).build();
    if let Some(query) = &tracklet.query {
        s.set(fields::QUERY, &*query.label);
        s.set(fields::QUERY_ID, gint(query.label_id));
    }
    set_area(&mut s, area, relevance);
    if whole {
        let boxes = tracklet.boxes.iter().map(|sample| {
            let mut s = gst::Structure::builder(fields::BOX).field(fields::PTS, sample.pts).build();
            set_area(&mut s, sample.area, sample.relevance);
            s
        });
        s.set(fields::BOXES, gst::Array::new(boxes));
    }
    s
}

fn set_box(s: &mut gst::StructureRef, area: PixelBox) {
    s.set(fields::X, area.x);
    s.set(fields::Y, area.y);
    s.set(fields::W, area.w);
    s.set(fields::H, area.h);
}

fn set_area(s: &mut gst::StructureRef, area: PixelBox, relevance: f32) {
    set_box(s, area);
    s.set(fields::RELEVANCE, f64::from(relevance));
}

/// The three fields of a class, wherever they stand.
pub(super) fn read_class(s: &gst::StructureRef) -> Option<ClassScore> {
    Some(ClassScore {
        label: s.get::<&str>(fields::LABEL).ok()?.into(),
        label_id: u32::try_from(s.get::<i32>(fields::LABEL_ID).ok()?).ok()?,
        score: s.get::<f64>(fields::SCORE).ok()? as f32,
    })
}

fn read_tracklet(s: &gst::StructureRef) -> Option<FrameTracklet> {
    let query = match (s.get::<&str>(fields::QUERY), s.get::<i32>(fields::QUERY_ID)) {
        (Ok(label), Ok(id)) => Some(Query { label: label.into(), label_id: u32::try_from(id).ok()? }),
        _ => None,
    };
    let (area, relevance) = read_area(s)?;
    let boxes = read_structures(s, fields::BOXES, |s| {
        let (area, relevance) = read_area(s)?;
        Some(SampleBox { pts: s.get(fields::PTS).ok()?, area, relevance })
    })?;
    Some(FrameTracklet { id: s.get(fields::ID).ok()?, query, area, relevance, boxes })
}

fn read_box(s: &gst::StructureRef) -> Option<PixelBox> {
    Some(PixelBox {
        x: s.get(fields::X).ok()?,
        y: s.get(fields::Y).ok()?,
        w: s.get(fields::W).ok()?,
        h: s.get(fields::H).ok()?,
    })
}

fn read_area(s: &gst::StructureRef) -> Option<(PixelBox, f32)> {
    let area = read_box(s)?;
    Some((area, s.get::<f64>(fields::RELEVANCE).ok()? as f32))
}

/// The structures of an array field; empty without the field, `None` when an entry is wrong.
fn read_structures<T>(
    s: &gst::StructureRef,
    name: &glib::GStr,
    read: impl Fn(&gst::StructureRef) -> Option<T>,
) -> Option<Vec<T>> {
    read_array(s, name, |value| read(value.get::<&gst::StructureRef>().ok()?))
}

/// The entries of an array field; empty without the field, `None` when an entry is wrong.
fn read_array<T>(
    s: &gst::StructureRef,
    name: &glib::GStr,
    read: impl Fn(&glib::SendValue) -> Option<T>,
) -> Option<Vec<T>> {
    match s.get::<gst::ArrayRef<'_>>(name) {
        Ok(array) => array.as_slice().iter().map(read).collect(),
        Err(_) => Some(Vec::new()),
    }
}

/// `a - b`, saturating.
fn signed_difference(a: u64, b: u64) -> i64 {
    i64::try_from(i128::from(a) - i128::from(b)).unwrap_or(if a > b { i64::MAX } else { i64::MIN })
}

/// An index as the `gint` that C and Python programs expect.
pub(super) fn gint(index: u32) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_is_negative_inside_the_window() {
        assert_eq!(signed_difference(5, 8), -3);
        assert_eq!(signed_difference(u64::MAX, 0), i64::MAX);
    }
}
