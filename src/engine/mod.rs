//! Running a model: its graphs as one thing, the thread they run on, and the streams that share them.

mod encoded;
mod encoder;
mod model;
mod prove;
mod queue;
mod registry;
mod schedule;
mod stream;
mod tokens;
mod worker;

pub use encoded::{Encoded, State};
pub use model::Model;
pub use prove::{Notice, Proof, Request};
pub use queue::{Encoding, Sample, Waiting};
pub use registry::{Key, shared};
pub use stream::Stream;
pub use worker::{Engine, Outcome};
