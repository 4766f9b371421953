//! The model contract: what `model.toml` says, and how tensors go into and come out of its graphs. Pure.

mod checksum;
mod document;
mod files;
mod fit;
mod input;
mod keys;
mod kinds;
mod labels;
mod layout;
pub mod limits;
mod manifest;
mod outputs;
mod signature;
mod slots;
mod spec;
mod tensor;
mod writer;

pub use files::ModelFile;
pub use fit::{Fit, Span};
pub use keys::KEYS;
pub use labels::Labels;
pub use layout::{Axis, FrameShape, Layout};
pub use manifest::Manifest;
pub use outputs::{OutputReader, Relative, WindowOutput, WindowTracklet};
pub use signature::{GraphRole, PortSpec, SignatureCheck, dimensions};
pub use slots::Slots;
pub use spec::{
    Activation, BoxFormat, Color, Dtype, GraphKind, InputSpec, Normalize, OutputSpec, Resize, StatePorts,
};
pub(crate) use tensor::each_type;
pub use tensor::{Data, ElementType, Tensor};
pub use writer::SampleWriter;
