//! What is kept of a sampled frame until its last window has closed.

use std::sync::Arc;

use crate::{model::Tensor, runtime::Resident};

/// One tensor of what the last graph takes of a sample. Clones share it.
#[derive(Debug, Clone)]
pub enum Token {
    /// In the CPU's memory.
    Host(Arc<Tensor>),
    /// Where the provider computed it.
    Resident(Resident),
}

impl Token {
    /// Dimensions, slowest first.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        match self {
            Self::Host(tensor) => &tensor.shape,
            Self::Resident(tensor) => tensor.shape(),
        }
    }

    /// Bytes of its elements.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let element = match self {
            Self::Host(tensor) => tensor.data.element(),
            Self::Resident(tensor) => tensor.element(),
        };
        self.shape().iter().product::<usize>() * element.bytes()
    }
}

/// What the last graph takes of one sample: the encoder's outputs, or for a clip graph the frame itself.
#[derive(Debug, Clone)]
pub struct Encoded(Arc<[Token]>);

impl Encoded {
    /// A sample that no encoder sees.
    #[must_use]
    pub fn of_frame(frame: Arc<Tensor>) -> Self {
        Self(Arc::new([Token::Host(frame)]))
    }

    /// The outputs of an encoder, in the order of their names, each with a batch of 1.
    #[must_use]
    pub fn of_tokens(tokens: Vec<Token>) -> Self {
        Self(tokens.into())
    }

    /// One of the tensors, where it is in the CPU's memory.
    #[must_use]
    pub fn host(&self, index: usize) -> Option<&Tensor> {
        match self.0.get(index)? {
            Token::Host(tensor) => Some(tensor),
            Token::Resident(_) => None,
        }
    }

    /// One of the tensors, where it stayed with the provider.
    #[must_use]
    pub fn resident(&self, index: usize) -> Option<&Resident> {
        match self.0.get(index)? {
            Token::Host(_) => None,
            Token::Resident(tensor) => Some(tensor),
        }
    }
}

/// What an encoder that goes by the samples before keeps of them: its state tensors, each with a batch of 1.
pub type State = Arc<Vec<Tensor>>;
