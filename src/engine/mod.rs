//! Running a model: its graphs as one thing, and the thread they run on.

mod inbox;
mod model;
mod prove;
mod tokens;
mod worker;

pub use inbox::{Sample, Waiting};
pub use model::{Encoded, Model};
pub use prove::{Notice, Proof, Request};
pub use worker::{Engine, Outcome};
