//! Names of the structures and of their fields, each defined once.

use gst::glib::{GStr, gstr};

/// The custom meta on buffers and its structure.
pub const ACTION_META: &GStr = gstr!("ArtActionMeta");
/// Structure of one entry of [`TOP`].
pub const CLASS: &GStr = gstr!("class");
/// Structure of one entry of [`TRACKLETS`].
pub const TRACKLET: &GStr = gstr!("tracklet");
/// Structure of one entry of [`BOXES`].
pub const BOX: &GStr = gstr!("box");
/// Parameter structure of a region-of-interest meta.
pub const ROI_PARAM: &GStr = gstr!("artclassify");
/// Structure of action messages and events.
pub const ACTION: &GStr = gstr!("artclassify-action");
/// Structure of the event that sends a window which no frame carries.
pub const WINDOW_EVENT: &GStr = gstr!("artclassify-window");

/// Structure of the message that tells of a new model.
pub const MODEL_CHANGED: &GStr = gstr!("artclassify-model");

/// Name of the model.
pub const MODEL: &GStr = gstr!("model");
/// Where a model comes from.
pub const LOCATION: &GStr = gstr!("location");
/// Identity of the object that the window shows.
pub const OBJECT: &GStr = gstr!("object");
/// Number of the window.
pub const WINDOW: &GStr = gstr!("window");
/// PTS at which the window or the action starts.
pub const START: &GStr = gstr!("start");
/// PTS at which the window or the action ends.
pub const END: &GStr = gstr!("end");
/// Running time at which the action starts.
pub const START_RUNNING_TIME: &GStr = gstr!("start-running-time");
/// Running time at which the action ends.
pub const END_RUNNING_TIME: &GStr = gstr!("end-running-time");
/// UTC at which the window or the action starts.
pub const START_UTC: &GStr = gstr!("start-utc");
/// UTC at which the action ends.
pub const END_UTC: &GStr = gstr!("end-utc");
/// Timecode at which the window or the action starts.
pub const START_TIMECODE: &GStr = gstr!("start-timecode");
/// Timecode at which the action ends.
pub const END_TIMECODE: &GStr = gstr!("end-timecode");
/// Distance from the end of the window to the frame.
pub const AGE: &GStr = gstr!("age");
/// Text of the best class.
pub const LABEL: &GStr = gstr!("label");
/// Index of the best class.
pub const LABEL_ID: &GStr = gstr!("label-id");
/// Score of the best class.
pub const SCORE: &GStr = gstr!("score");
/// Whether the best class is no action.
pub const BACKGROUND: &GStr = gstr!("background");
/// Whether this is the first frame that carries the window.
pub const FIRST: &GStr = gstr!("first");
/// Width of the frame that boxes are measured in.
pub const WIDTH: &GStr = gstr!("width");
/// Height of the frame that boxes are measured in.
pub const HEIGHT: &GStr = gstr!("height");
/// The best classes, best first.
pub const TOP: &GStr = gstr!("top");
/// The regions.
pub const TRACKLETS: &GStr = gstr!("tracklets");
/// PTS of the sampled frames.
pub const SAMPLES: &GStr = gstr!("samples");
/// Identity of a tracklet.
pub const ID: &GStr = gstr!("id");
/// Text of the query that found a tracklet.
pub const QUERY: &GStr = gstr!("query");
/// Index of that query.
pub const QUERY_ID: &GStr = gstr!("query-id");
/// Left edge of a box.
pub const X: &GStr = gstr!("x");
/// Top edge of a box.
pub const Y: &GStr = gstr!("y");
/// Width of a box.
pub const W: &GStr = gstr!("w");
/// Height of a box.
pub const H: &GStr = gstr!("h");
/// Weight of a frame in its tracklet.
pub const RELEVANCE: &GStr = gstr!("relevance");
/// The boxes of a tracklet, one a sample.
pub const BOXES: &GStr = gstr!("boxes");
/// PTS of a sampled frame.
pub const PTS: &GStr = gstr!("pts");
/// What happened to an action.
pub const STATE: &GStr = gstr!("state");
/// Number of an action.
pub const NUMBER: &GStr = gstr!("action");
/// Structure of the messages that tell of clips.
pub const CLIP_MESSAGE: &GStr = gstr!("artgate-clip");
/// Number of a clip.
pub const CLIP: &GStr = gstr!("clip");
/// Numbers of the actions of a clip.
pub const ACTIONS: &GStr = gstr!("actions");
/// Labels of the actions of a clip.
pub const LABELS: &GStr = gstr!("labels");
/// Scores of the actions of a clip.
pub const SCORES: &GStr = gstr!("scores");
