//! From window scores to action events, and from boxes to tracklets that persist. Pure.

mod decide;
mod event;
mod link;
mod numbers;

pub use decide::{ActionLayer, ActionSettings, WindowEvidence};
pub use event::{ActionEvent, ActionState, Dated, Moment};
pub use link::{Linker, iou};
pub use numbers::Numbers;
