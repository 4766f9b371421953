//! Running a model: its graphs as one thing, and the thread they run on.

mod model;
mod tokens;
mod worker;

pub use model::{Encoded, Model};
pub use worker::{Engine, Outcome, Sample};
