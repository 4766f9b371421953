//! ONNX Runtime: the library, its sessions. The only place that names `ort`.

mod graph;
mod library;
mod look;

pub use graph::{Canceller, Graph, PROVIDER};
pub use library::Library;
