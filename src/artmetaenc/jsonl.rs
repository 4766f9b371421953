//! JSON Lines: an object a window, and one where an action starts or stops. `docs/events.schema.json` describes the
//! same.

use serde::Serialize;

use super::record::{Dates, Record, rounded};
use crate::action::ActionState;
use crate::classification::{ClassScore, SampleBox};
use crate::meta::{ActionRecord, FrameResult, FrameTracklet};
use crate::object::ObjectId;

/// The line of a record with its final newline; `None` for the update of an action, which is no line.
///
/// # Errors
/// None that these types can bring about; the signature is that of `serde_json`.
pub fn line(record: Record<'_>) -> serde_json::Result<Option<Vec<u8>>> {
    let line = match record {
        Record::Window { result, pts } => Some(Line::Window(WindowLine::new(result, pts))),
        Record::Action(record) => ActionLine::new(record).map(Line::Action),
    };
    let Some(line) = line else { return Ok(None) };
    let mut bytes = serde_json::to_vec(&line)?;
    bytes.push(b'\n');
    Ok(Some(bytes))
}

/// One line.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    /// The result of a window.
    Window(WindowLine<'a>),
    /// The start or the end of an action.
    Action(ActionLine<'a>),
}

/// The result of a window; times in nanoseconds of PTS, in UTC after RFC 3339 and in timecode, boxes in pixels of
/// the frame.
#[derive(Debug, Serialize)]
struct WindowLine<'a> {
    model: &'a str,
    window: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ObjectId>,
    start: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_utc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_timecode: Option<String>,
    end: u64,
    #[serde(flatten)]
    class: Class<'a>,
    top: Vec<Class<'a>>,
    tracklets: Vec<TrackletLine<'a>>,
}

/// The start or the end of an action; times as those of a window.
#[derive(Debug, Serialize)]
struct ActionLine<'a> {
    state: &'static str,
    action: u64,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ObjectId>,
    #[serde(flatten)]
    class: Class<'a>,
    start: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_utc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_timecode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_utc: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_timecode: Option<String>,
}

#[derive(Debug, Serialize)]
struct Class<'a> {
    label: &'a str,
    label_id: u32,
    score: f64,
}

#[derive(Debug, Serialize)]
struct TrackletLine<'a> {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<&'a str>,
    relevance: Vec<f64>,
    boxes: Vec<BoxLine>,
}

#[derive(Debug, Serialize)]
struct BoxLine {
    pts: u64,
    x: u32,
    y: u32,
    w: u32,
    h: u32,
}

impl<'a> WindowLine<'a> {
    /// The line of a window. A frame that is not the window's first knows each region at its own time only,
    /// `pts`; the line then has that one box.
    fn new(result: &'a FrameResult, pts: u64) -> Self {
        let start = Dates::from(result.start_absolute);
        Self {
            model: &result.model,
            window: result.window,
            object: result.object.map(|object| object.id),
            start: result.start,
            start_utc: start.utc,
            start_timecode: start.timecode,
            end: result.end,
            class: Class::new(&result.class),
            top: result.top.iter().map(Class::new).collect(),
            tracklets: result.tracklets.iter().map(|tracklet| TrackletLine::new(tracklet, pts)).collect(),
        }
    }
}

impl<'a> ActionLine<'a> {
    /// The line of an action event; `None` for an update, which is no line.
    fn new(record: &'a ActionRecord) -> Option<Self> {
        let event = &record.event;
        if event.state == ActionState::Update {
            return None;
        }
        let start = Dates::from(event.start.absolute);
        let end = event.end.map(|end| Dates::from(end.absolute)).unwrap_or_default();
        Some(Self {
            state: event.state.as_str(),
            action: event.action,
            model: &record.model,
            object: event.object,
            class: Class::new(&event.class),
            start: event.start.moment.pts,
            start_utc: start.utc,
            start_timecode: start.timecode,
            end: event.end.map(|end| end.moment.pts),
            end_utc: end.utc,
            end_timecode: end.timecode,
        })
    }
}

impl<'a> Class<'a> {
    fn new(class: &'a ClassScore) -> Self {
        Self { label: &class.label, label_id: class.label_id, score: rounded(class.score) }
    }
}

impl<'a> TrackletLine<'a> {
    fn new(tracklet: &'a FrameTracklet, pts: u64) -> Self {
        let here = [SampleBox { pts, area: tracklet.area, relevance: tracklet.relevance }];
        let samples = if tracklet.boxes.is_empty() { &here } else { tracklet.boxes.as_slice() };
        Self {
            id: tracklet.id,
            query: tracklet.query.as_ref().map(|query| &*query.label),
            relevance: samples.iter().map(|sample| rounded(sample.relevance)).collect(),
            boxes: samples
                .iter()
                .map(|SampleBox { pts, area, .. }| BoxLine {
                    pts: *pts,
                    x: area.x,
                    y: area.y,
                    w: area.w,
                    h: area.h,
                })
                .collect(),
        }
    }
}
