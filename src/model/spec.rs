//! What a manifest says, as types: how frames go in, through which graphs, and which outputs mean what.

use std::path::{Path, PathBuf};

use super::{FrameShape, Layout};

/// Order of the colour channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Color {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// One channel.
    Gray,
}

/// How a frame is brought to the model's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resize {
    /// The whole picture, its aspect changed.
    Stretch,
    /// The centre of the picture, its aspect kept.
    Crop,
    /// The whole picture, its aspect kept, black beside it.
    Letterbox,
}

/// Element type of the model's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// Bytes, 0..255.
    Uint8,
    /// 32-bit floats.
    Float32,
    /// 16-bit floats.
    Float16,
}

impl Dtype {
    /// Largest number that it holds.
    #[must_use]
    pub fn most(self) -> f32 {
        match self {
            Self::Uint8 => 255.0,
            Self::Float32 => f32::MAX,
            Self::Float16 => half::f16::MAX.to_f32(),
        }
    }
}

/// What turns the scores output into scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// Scores of a window sum to 1.
    Softmax,
    /// Each class for itself.
    Sigmoid,
    /// The graph's output is the score.
    None,
}

impl Activation {
    /// Whether the scores of a window are shares of a whole, so that what is not one class is the others. A graph that
    /// gives the scores itself does not tell: theirs are where they sum to 1.
    #[must_use]
    pub fn makes_shares(self, scores: &[f32]) -> bool {
        match self {
            Self::Softmax => true,
            Self::Sigmoid => false,
            Self::None => (scores.iter().sum::<f32>() - 1.0).abs() < 0.01,
        }
    }

    /// Makes scores of what the graph gave for one window.
    pub fn apply(self, scores: &mut [f32]) {
        match self {
            Self::Softmax => {
                let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                scores.iter_mut().for_each(|score| *score = (*score - most).exp());
                let sum: f32 = scores.iter().sum();
                scores.iter_mut().for_each(|score| *score /= sum);
            }
            Self::Sigmoid => scores.iter_mut().for_each(|score| *score = 1.0 / (1.0 + (-*score).exp())),
            Self::None => {}
        }
    }
}

/// How the four numbers of a box are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoxFormat {
    /// Centre x, centre y, width, height.
    Cxcywh,
    /// Left, top, right, bottom.
    Xyxy,
}

/// The graphs of a model, with paths as they lie on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GraphKind {
    /// One graph over the whole window.
    Clip {
        /// The graph.
        file: PathBuf,
    },
    /// A graph over each sampled frame, and one over the outputs of a window's samples.
    Split {
        /// Graph over one sampled frame.
        encoder: PathBuf,
        /// Graph over the encoder's outputs.
        head: PathBuf,
    },
    /// A graph over each sampled frame that is given back what it kept of the frames before.
    Stream {
        /// Graph over one sampled frame and the states.
        encoder: PathBuf,
        /// Graph over the encoder's outputs; `None` where those on a window's last sample are the window's own.
        head: Option<PathBuf>,
        /// What is fed back.
        states: Vec<StatePorts>,
    },
}

/// A state of a graph: an output of the run on one sample that is an input of the run on the next. It starts as zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatePorts {
    /// Name of the input.
    pub input: String,
    /// Name of the output.
    pub output: String,
}

impl GraphKind {
    /// The graph that takes frames.
    #[must_use]
    pub fn first(&self) -> &Path {
        match self {
            Self::Clip { file } => file,
            Self::Split { encoder, .. } | Self::Stream { encoder, .. } => encoder,
        }
    }

    /// The graph over the encoder's outputs, where there is one.
    #[must_use]
    pub fn head(&self) -> Option<&Path> {
        match self {
            Self::Clip { .. } => None,
            Self::Split { head, .. } => Some(head),
            Self::Stream { head, .. } => head.as_deref(),
        }
    }

    /// The files, in the order they run.
    #[must_use]
    pub fn files(&self) -> Vec<&Path> {
        std::iter::once(self.first()).chain(self.head()).collect()
    }

    /// What is fed back from sample to sample.
    #[must_use]
    pub fn states(&self) -> &[StatePorts] {
        match self {
            Self::Clip { .. } | Self::Split { .. } => &[],
            Self::Stream { states, .. } => states,
        }
    }
}

/// Mean and deviation by channel, on the 0..255 scale.
pub type Normalize = (Vec<f32>, Vec<f32>);

/// What the model takes.
#[derive(Debug, Clone)]
pub struct InputSpec {
    /// Samples in a window.
    pub frames: usize,
    /// Samples a second.
    pub fps: f64,
    /// Samples between windows.
    pub hop: usize,
    /// Columns of a sample.
    pub width: usize,
    /// Rows of a sample.
    pub height: usize,
    /// Order of the channels.
    pub color: Color,
    /// How frames are brought to that size.
    pub resize: Resize,
    /// Order of the axes.
    pub layout: Layout,
    /// Element type.
    pub dtype: Dtype,
    /// What values are normalised by; `None` leaves them as they are.
    pub normalize: Option<Normalize>,
    /// Name of the frame input; `None` where the graph's only input is meant.
    pub name: Option<String>,
}

impl InputSpec {
    /// Number of colour channels.
    #[must_use]
    pub fn channels(&self) -> usize {
        if self.color == Color::Gray { 1 } else { 3 }
    }

    /// Size of one sample.
    #[must_use]
    pub fn frame_shape(&self) -> FrameShape {
        FrameShape { width: self.width, height: self.height, channels: self.channels() }
    }
}

/// Which outputs of the last graph mean what.
#[derive(Debug, Clone)]
pub struct OutputSpec {
    /// Scores, `[N, C]`.
    pub scores: String,
    /// What turns them into scores.
    pub activation: Activation,
    /// Boxes, `[N, K, T, 4]`, 0..1 of the model's input.
    pub boxes: Option<(String, BoxFormat)>,
    /// Weight of each sample in a tracklet, `[N, K, T]`.
    pub relevance: Option<String>,
    /// Attention maps, `[N, K, T, h, w]`; checked, not read.
    pub attention: Option<String>,
    /// Label ids of the text queries, `[N, K]`.
    pub queries: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_a_graph_are_shares_where_they_sum_to_one() {
        assert!(Activation::Softmax.makes_shares(&[0.2, 0.3]));
        assert!(!Activation::Sigmoid.makes_shares(&[0.2, 0.8]));
        assert!(Activation::None.makes_shares(&[0.2, 0.1, 0.701]));
        assert!(!Activation::None.makes_shares(&[0.2, 0.5]));
    }
}
