//! ONNX Runtime: the library, its sessions, its execution providers. The only place that names `ort`.

mod arranger;
mod cache;
mod chain;
mod graph;
mod library;
mod look;
mod onnx;
mod placement;
mod provider;
mod resident;
mod session;

pub use arranger::Arranger;
pub use cache::Cache;
pub use chain::{Chain, Choice};
pub use graph::{Canceller, Feed, Graph};
pub use library::Library;
pub use placement::Placement;
pub use provider::{PROVIDERS, Provider, Row, names};
pub use resident::{Residence, Resident};
pub use session::SessionSettings;
