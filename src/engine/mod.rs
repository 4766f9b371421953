//! Running a model: its graphs as one thing, and the thread they run on.

mod inbox;
mod model;
mod tokens;
mod worker;

pub use inbox::{Sample, Waiting};
pub use model::{Encoded, Model};
pub use worker::{Engine, Outcome};
