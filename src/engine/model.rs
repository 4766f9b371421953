//! A model that is loaded, checked and warmed up.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::tokens::TokenCheck;
use crate::{
    error::Error,
    model::{
        ElementType, GraphKind, GraphRole, Manifest, OutputReader, SampleWriter, SignatureCheck, Tensor,
        WindowOutput,
    },
    runtime::{Canceller, Graph, Library, Placement, SessionSettings},
};

/// What is kept of a sampled frame until its last window has closed: the encoder's outputs, or for a clip
/// graph the frame itself.
pub type Encoded = Arc<Vec<(String, Tensor)>>;

/// A model, ready to classify windows.
pub struct Model {
    writer: SampleWriter,
    reader: OutputReader,
    graphs: Graphs,
    frames: usize,
    run_time: Duration,
    placement: Option<Placement>,
}

enum Graphs {
    Clip { graph: Graph, input: String },
    Split { encoder: Graph, input: String, tokens: TokenCheck, head: Graph },
}

impl Graphs {
    fn placement(&mut self) -> Result<Option<Placement>, Error> {
        match self {
            Self::Clip { graph, .. } => graph.placement(),
            Self::Split { encoder, head, .. } => {
                let (mut whole, rest) = (encoder.placement()?, head.placement()?);
                if let Some((whole, rest)) = whole.as_mut().zip(rest) {
                    whole.add(rest);
                }
                Ok(whole)
            }
        }
    }
}

impl Model {
    /// Loads the graphs of a manifest onto the first provider of the settings, checks them against it, and runs them over an empty window, so that
    /// what is open in their shapes is proved too: once to warm up, once to see how long a run takes.
    ///
    /// # Errors
    /// When a graph does not load, is not what the manifest says, or does not run.
    pub fn load(manifest: &Manifest, library: &Library, settings: &SessionSettings) -> Result<Self, Error> {
        let check = SignatureCheck::new(manifest);
        let graphs = match &manifest.graph {
            GraphKind::Clip { file } => {
                let graph = Graph::load(library, file, settings)?;
                let input = check.frame_input(GraphRole::Clip, file, &graph.inputs())?;
                check.outputs(file, &graph.outputs())?;
                Graphs::Clip { graph, input }
            }
            GraphKind::Split { encoder: file, head: head_file } => {
                let encoder = Graph::load(library, file, settings)?;
                let input = check.frame_input(GraphRole::Encoder, file, &encoder.inputs())?;
                let head = Graph::load(library, head_file, settings)?;
                check.head_inputs(&head.inputs(), &encoder.outputs())?;
                check.outputs(head_file, &head.outputs())?;
                let tokens = TokenCheck::new(manifest, head.inputs());
                Graphs::Split { encoder, input, tokens, head }
            }
        };
        let last = match &graphs {
            Graphs::Clip { graph, .. } => graph.path(),
            Graphs::Split { head, .. } => head.path(),
        };
        let reader = OutputReader::new(manifest, last);
        let writer = SampleWriter::new(&manifest.input);
        let frames = manifest.input.frames;
        let mut model = Self { writer, reader, graphs, frames, run_time: Duration::ZERO, placement: None };
        model.warm_up(manifest)?;
        Ok(model)
    }

    fn warm_up(&mut self, manifest: &Manifest) -> Result<(), Error> {
        let input = &manifest.input;
        let stride = input.width * input.channels();
        let frame = self.writer.frame(&vec![0; stride * input.height], stride);
        let window = vec![self.encode(frame.clone())?; input.frames];
        let outputs = self.run(&window, &self.reader.all_names())?;
        self.reader.read(&outputs)?;
        self.reader.check_unused(&outputs)?;
        self.placement = self.graphs.placement()?;
        let start = Instant::now();
        let encoded = self.encode(frame)?;
        self.classify(&vec![encoded; input.frames])?;
        self.run_time = start.elapsed();
        Ok(())
    }

    /// How long one sample and one window took after the warm-up.
    #[must_use]
    pub fn run_time(&self) -> Duration {
        self.run_time
    }

    /// Where the nodes of its graphs ran in the warm-up; none on the CPU alone, which runs them all.
    #[must_use]
    pub fn placement(&self) -> Option<&Placement> {
        self.placement.as_ref()
    }

    /// What turns pictures into this model's samples.
    #[must_use]
    pub fn writer(&self) -> &SampleWriter {
        &self.writer
    }

    /// Samples in a window.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// What ends the runs of the model from another thread.
    #[must_use]
    pub fn cancellers(&self) -> Vec<Canceller> {
        match &self.graphs {
            Graphs::Clip { graph, .. } => vec![graph.canceller()],
            Graphs::Split { encoder, head, .. } => vec![encoder.canceller(), head.canceller()],
        }
    }

    /// Encodes one sampled frame. A clip graph has nothing to do yet.
    ///
    /// # Errors
    /// When the encoder fails or gives what the head does not take.
    pub fn encode(&mut self, frame: Tensor) -> Result<Encoded, Error> {
        match &mut self.graphs {
            Graphs::Clip { input, .. } => Ok(Arc::new(vec![(input.clone(), frame)])),
            Graphs::Split { encoder, input, tokens, .. } => {
                let given = encoder.run(&[(input.as_str(), &frame)], &tokens.names())?;
                tokens.check(&given)?;
                Ok(Arc::new(given))
            }
        }
    }

    /// Classifies a window of encoded samples.
    ///
    /// # Errors
    /// When a graph fails or gives what the manifest does not promise.
    pub fn classify(&mut self, samples: &[Encoded]) -> Result<WindowOutput, Error> {
        let outputs = self.run(samples, &self.reader.names())?;
        self.reader.read(&outputs)
    }

    /// Runs the last graph over a window of encoded samples.
    fn run(&mut self, samples: &[Encoded], names: &[String]) -> Result<Vec<(String, Tensor)>, Error> {
        match &mut self.graphs {
            Graphs::Clip { graph, input } => {
                let frames: Vec<&Tensor> =
                    samples.iter().flat_map(|sample| sample.iter().map(|(_, tensor)| tensor)).collect();
                let clip = self.writer.clip(&frames);
                graph.run(&[(input.as_str(), &clip)], names)
            }
            Graphs::Split { tokens, head, .. } => {
                let tokens = tokens.names();
                let stacked: Vec<Tensor> = (0..tokens.len()).map(|token| stack(samples, token)).collect();
                let inputs: Vec<(&str, &Tensor)> = tokens.iter().map(String::as_str).zip(&stacked).collect();
                head.run(&inputs, names)
            }
        }
    }
}

/// One output of the encoder over all samples of a window.
fn stack(samples: &[Encoded], token: usize) -> Tensor {
    let each: Vec<&Tensor> = samples.iter().filter_map(|sample| sample.get(token).map(|(_, t)| t)).collect();
    if each.is_empty() { Tensor::zeros(ElementType::F32, vec![1, 0]) } else { Tensor::stack_over_time(&each) }
}
