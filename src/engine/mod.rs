//! Running a model: its graphs as one thing, the threads they run on, and the streams that share them.

mod encoded;
mod encoder;
mod files;
mod keep;
mod model;
mod outbox;
mod prove;
mod queue;
mod registry;
mod schedule;
mod shared;
mod stream;
mod tokens;
mod worker;
mod workers;

pub use encoded::{Encoded, State};
pub use model::Model;
pub use prove::{Notice, Proof, Request};
pub use queue::{Encoding, Sample, Waiting};
pub use registry::{Key, shared};
pub use stream::Stream;
pub use worker::{Engine, Outcome};
