//! The objects that upstream follows through the picture: which of them have windows of their own. Pure.

mod presence;

pub use presence::{ObjectId, Presence, Seen};
