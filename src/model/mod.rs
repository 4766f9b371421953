//! The model contract: what `model.toml` says, and how tensors go into and come out of its graphs. Pure.

mod fit;
mod labels;
mod layout;
mod manifest;
mod outputs;
mod signature;
mod tensor;

pub use fit::{Fit, Span};
pub use labels::Labels;
pub use layout::{Axis, FrameShape, Layout};
pub use manifest::{
    Activation, BoxFormat, Color, Dtype, GraphKind, InputSpec, KEYS, Manifest, OutputSpec, Resize, sha256_of,
};
pub use outputs::{OutputReader, Relative, WindowOutput, WindowTracklet};
pub use signature::{GraphRole, PortSpec, SignatureCheck};
pub use tensor::{Data, ElementType, SampleWriter, Tensor};
