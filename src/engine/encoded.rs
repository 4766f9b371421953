//! What is kept of a sampled frame until its last window has closed.

use std::sync::Arc;

use crate::model::Tensor;

/// What the last graph takes of one sample: the encoder's outputs, or for a clip graph the frame itself.
#[derive(Debug, Clone)]
pub struct Encoded(Arc<[Arc<Tensor>]>);

impl Encoded {
    /// A sample that no encoder sees.
    #[must_use]
    pub fn of_frame(frame: Arc<Tensor>) -> Self {
        Self(Arc::new([frame]))
    }

    /// The outputs of an encoder, in the order of their names.
    #[must_use]
    pub fn of_tokens(tokens: Vec<Tensor>) -> Self {
        Self(tokens.into_iter().map(Arc::new).collect())
    }

    /// The tensors, each with a batch of 1.
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// One of the tensors.
    #[must_use]
    pub fn tensor(&self, index: usize) -> Option<&Tensor> {
        self.0.get(index).map(AsRef::as_ref)
    }
}

/// What an encoder that goes by the samples before keeps of them: its state tensors, each with a batch of 1.
pub type State = Arc<Vec<Tensor>>;
