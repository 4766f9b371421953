//! The graph that sees each sample once.

use std::{borrow::Cow, path::PathBuf, sync::Arc};

use super::{Encoded, State, encoded::Token, tokens::TokenCheck};
use crate::{
    error::Error,
    model::{GraphRole, Manifest, SignatureCheck, StatePorts, Tensor},
    runtime::{Arranger, Canceller, Feed, Graph, Placement},
};

/// A sample on its way into the encoder: the frame, and the state of its stream, `None` at the start of a grid.
pub type Input = (Arc<Tensor>, Option<State>);

/// What the encoder makes of a sample: what the last graph takes, and the state that the next sample goes on from.
pub type Output = (Encoded, Option<State>);

/// An encoder.
pub struct Encoder {
    graph: Graph,
    input: String,
    /// The outputs that are kept of a sample, and then those that are fed back.
    outputs: Vec<String>,
    /// How many are kept.
    kept: usize,
    /// What the head takes; `None` where there is no head.
    tokens: Option<TokenCheck>,
    states: Vec<StatePorts>,
    /// The states at the start of a grid.
    start: State,
    manifest: PathBuf,
}

impl Encoder {
    /// An encoder of which nothing is kept yet.
    ///
    /// # Errors
    /// When its inputs or states are not what the manifest says.
    pub fn new(manifest: &Manifest, graph: Graph) -> Result<Self, Error> {
        let check = SignatureCheck::new(manifest);
        let input = check.frame_input(GraphRole::Encoder, graph.path(), &graph.inputs())?;
        let start = check.states_at_start(graph.path(), &graph.inputs(), &graph.outputs())?;
        let states = manifest.graph.states().to_vec();
        let (outputs, manifest) = (Vec::new(), manifest.path.clone());
        Ok(Self { graph, input, outputs, kept: 0, tokens: None, states, start: Arc::new(start), manifest })
    }

    /// The encoder of which is kept what the head takes.
    pub fn for_head(self, tokens: TokenCheck) -> Self {
        let names = tokens.names();
        Self { tokens: Some(tokens), ..self.keeping(names) }
    }

    /// The encoder of which the outputs of these names are kept.
    pub fn keeping(self, names: Vec<String>) -> Self {
        let kept = names.len();
        let fed_back = self.states.iter().map(|state| state.output.clone());
        Self { outputs: names.into_iter().chain(fed_back).collect(), kept, ..self }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// As [`Graph::placement`].
    ///
    /// # Errors
    /// When ONNX Runtime does not tell.
    pub fn placement(&mut self) -> Result<Option<Placement>, Error> {
        self.graph.placement()
    }

    /// What ends its runs from another thread.
    pub fn canceller(&self) -> Canceller {
        self.graph.canceller()
    }

    /// The names of what is kept of a sample, in the order of its tensors.
    pub fn kept(&self) -> &[String] {
        &self.outputs[..self.kept]
    }

    /// Whether it goes by the samples before.
    pub fn is_in_order(&self) -> bool {
        !self.states.is_empty()
    }

    /// Encodes samples of one stream or of several in one run. With an arranger, what is kept of them stays in the memory
    /// that this one works in; states do not.
    ///
    /// # Errors
    /// When the run fails or gives what the head does not take.
    pub fn encode(
        &mut self,
        samples: &[Input],
        arranger: Option<&mut Arranger>,
    ) -> Result<Vec<Output>, Error> {
        let frames: Vec<&Tensor> = samples.iter().map(|(frame, _)| frame.as_ref()).collect();
        if let Some(arranger) = arranger.filter(|_| !self.is_in_order()) {
            return self.encode_there(&Tensor::joined(&frames), samples.len(), arranger);
        }
        let states: Vec<&State> =
            samples.iter().map(|(_, state)| state.as_ref().unwrap_or(&self.start)).collect();
        let fed = (0..self.states.len())
            .map(|at| Tensor::joined(&states.iter().filter_map(|state| state.get(at)).collect::<Vec<_>>()));
        let tensors: Vec<Cow<'_, Tensor>> = std::iter::once(Tensor::joined(&frames)).chain(fed).collect();
        let names = std::iter::once(&self.input).chain(self.states.iter().map(|state| &state.input));
        let inputs: Vec<(&str, Feed<'_>)> =
            names.map(String::as_str).zip(tensors.iter().map(|tensor| Feed::Host(tensor))).collect();
        let given = self.graph.run(&inputs, &self.outputs)?;
        let mut each = vec![Vec::with_capacity(given.len()); samples.len()];
        for (name, tensor) in given {
            self.check_rows(&name, &tensor.shape, samples.len())?;
            each.iter_mut().zip(tensor.split(samples.len())).for_each(|(own, part)| own.push(part));
        }
        each.into_iter().map(|tensors| self.output(tensors)).collect()
    }

    /// Encodes a batch of samples and leaves what is kept of each in a device's memory.
    fn encode_there(
        &mut self,
        batch: &Tensor,
        samples: usize,
        arranger: &mut Arranger,
    ) -> Result<Vec<Output>, Error> {
        let inputs = [(self.input.as_str(), Feed::Host(batch))];
        let given = self.graph.run_keeping(&inputs, &self.outputs, arranger.residence())?;
        let mut each = vec![Vec::with_capacity(given.len()); samples];
        for (name, tensor) in self.outputs.iter().zip(given) {
            self.check_rows(name, tensor.shape(), samples)?;
            let parts = arranger.part(tensor, samples)?;
            each.iter_mut().zip(parts).for_each(|(own, part)| own.push(Token::Resident(part)));
        }
        each.into_iter().map(|tokens| Ok((self.checked(tokens)?, None))).collect()
    }

    fn check_rows(&self, name: &str, shape: &[usize], samples: usize) -> Result<(), Error> {
        match shape.first() {
            Some(&rows) if samples == 1 || rows == samples => Ok(()),
            _ => Err(self.fault(name, shape, samples)),
        }
    }

    fn checked(&mut self, tokens: Vec<Token>) -> Result<Encoded, Error> {
        if let Some(check) = &mut self.tokens {
            check.check(&tokens)?;
        }
        Ok(Encoded::of_tokens(tokens))
    }

    /// Parts what a run gave for a sample into what is kept and what is fed back.
    fn output(&mut self, mut tensors: Vec<Tensor>) -> Result<Output, Error> {
        let states = tensors.split_off(self.kept);
        let kept = tensors.into_iter().map(|tensor| Token::Host(Arc::new(tensor))).collect();
        let kept = self.checked(kept)?;
        for ((state, given), taken) in self.states.iter().zip(&states).zip(self.start.iter()) {
            if given.shape != taken.shape {
                return Err(self.state_fault(&state.output, given, taken));
            }
        }
        let state = self.is_in_order().then(|| Arc::new(states));
        Ok((kept, state))
    }

    fn fault(&self, name: &str, shape: &[usize], samples: usize) -> Error {
        Error::Contract {
            path: self.graph.path().to_owned(),
            manifest: self.manifest.clone(),
            subject: format!("output {name:?} of a run"),
            found: format!("shape {shape:?}"),
            expected: format!("{samples} rows, one for each sample of the batch"),
        }
    }

    fn state_fault(&self, name: &str, given: &Tensor, taken: &Tensor) -> Error {
        Error::Contract {
            path: self.graph.path().to_owned(),
            manifest: self.manifest.clone(),
            subject: format!("output {name:?} of a run (graph.state)"),
            found: format!("shape {:?}", given.shape),
            expected: format!("{:?}, as its input takes it", taken.shape),
        }
    }
}
