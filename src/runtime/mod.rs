//! ONNX Runtime: the library, its sessions, its execution providers. The only place that names `ort`.

mod cache;
mod chain;
mod graph;
mod library;
mod look;
mod placement;
mod provider;
mod session;

pub use cache::Cache;
pub use chain::{Chain, Choice};
pub use graph::{Canceller, Graph};
pub use library::Library;
pub use placement::Placement;
pub use provider::{PROVIDERS, Provider, Row, names};
pub use session::SessionSettings;
