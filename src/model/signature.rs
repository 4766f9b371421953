//! Whether the inputs and outputs of a graph are what its manifest says, checked before any frame.

use std::path::Path;

use super::{ElementType, Manifest, StatePorts, Tensor, limits};
use crate::{
    error::Error,
    wording::{brief, list},
};

/// One input or output of a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct PortSpec {
    /// Its name.
    pub name: String,
    /// Element type; the name of another type where this plugin does not read it.
    pub element: Result<ElementType, String>,
    /// Dimensions; `None` where the graph leaves them open.
    pub shape: Vec<Option<usize>>,
}

impl PortSpec {
    fn describe(&self) -> String {
        let element = match &self.element {
            Ok(element) => element.name(),
            Err(other) => other,
        };
        match (&self.element, self.shape.is_empty()) {
            (Ok(_), true) => format!("{element} without dimensions"),
            (Err(_), true) => element.to_owned(),
            (_, false) => format!("{element} {}", dimensions(&self.shape)),
        }
    }

    /// Bytes that it takes at least: open dimensions count as 1.
    fn bytes(&self) -> usize {
        let element = self.element.as_ref().map_or(1, |element| element.bytes());
        self.shape.iter().flatten().fold(element, |bytes, &size| bytes.saturating_mul(size))
    }
}

/// A shape in words, `?` for an open dimension.
#[must_use]
pub fn dimensions(shape: &[Option<usize>]) -> String {
    let words: Vec<String> =
        shape.iter().map(|size| size.map_or_else(|| "?".to_owned(), |size| size.to_string())).collect();
    format!("[{}]", words.join(", "))
}

/// The part that a graph plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GraphRole {
    /// Over the whole window.
    Clip,
    /// Over one sampled frame.
    Encoder,
    /// Over the encoder's outputs.
    Head,
}

/// Checks graphs against a manifest.
#[derive(Debug, Clone, Copy)]
pub struct SignatureCheck<'a> {
    manifest: &'a Manifest,
}

impl<'a> SignatureCheck<'a> {
    /// A check against `manifest`.
    #[must_use]
    pub fn new(manifest: &'a Manifest) -> Self {
        Self { manifest }
    }

    fn fault(
        &self,
        graph: &Path,
        subject: impl Into<String>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Error {
        Error::Contract {
            path: graph.to_owned(),
            manifest: self.manifest.path.clone(),
            subject: subject.into(),
            found: brief(&found.into()),
            expected: expected.into(),
        }
    }

    /// Refuses a shape of no element, and one of more bytes than a tensor may have.
    fn size(&self, graph: &Path, subject: &str, port: &PortSpec) -> Result<(), Error> {
        if port.shape.contains(&Some(0)) {
            let expected = "at least 1 in each dimension";
            return Err(self.fault(graph, subject, port.describe(), expected));
        }
        if port.bytes() > limits::TENSOR_BYTES {
            let expected = format!("at most {} bytes", limits::TENSOR_BYTES);
            return Err(self.fault(graph, subject, port.describe(), expected));
        }
        Ok(())
    }

    /// Checks the input of a clip graph or an encoder that takes frames, and gives its name.
    ///
    /// # Errors
    /// When it is not there or has another rank, size or type.
    pub fn frame_input(&self, role: GraphRole, graph: &Path, inputs: &[PortSpec]) -> Result<String, Error> {
        let input = &self.manifest.input;
        let is_state = |port: &&PortSpec| self.states().any(|state| state.input == port.name);
        let inputs: &[PortSpec] = &inputs.iter().filter(|port| !is_state(port)).cloned().collect::<Vec<_>>();
        let names = || names(inputs);
        let port = match (&input.name, inputs) {
            (Some(name), _) => inputs.iter().find(|port| port.name == *name).ok_or_else(|| {
                self.fault(graph, "inputs", names(), format!("one named {name:?} (graph.input)"))
            })?,
            (None, [only]) => only,
            (None, _) => {
                return Err(self.fault(graph, "inputs", names(), "one input, or graph.input to name it"));
            }
        };
        if inputs.len() > 1 {
            return Err(self.fault(graph, "inputs", names(), "no input but the frames"));
        }
        let layout = match role {
            GraphRole::Clip => input.layout.clone(),
            GraphRole::Encoder | GraphRole::Head => input.layout.without_time(),
        };
        let expected: Vec<Option<usize>> =
            layout.dimensions(input.frames, input.frame_shape()).into_iter().map(Some).collect();
        let wanted = ElementType::from(input.dtype);
        if !fits(&port.shape, &expected) || port.element != Ok(wanted) {
            return Err(self.fault(
                graph,
                format!("input {:?}", port.name),
                port.describe(),
                format!("{} {} ({layout})", wanted.name(), dimensions(&expected)),
            ));
        }
        Ok(port.name.clone())
    }

    fn states(&self) -> impl Iterator<Item = &'a StatePorts> {
        self.manifest.graph.states().iter()
    }

    /// Checks the states of an encoder, and gives each as it starts: zeros.
    ///
    /// # Errors
    /// When one is not there, its size is open, or the graph does not give it back as it takes it.
    pub fn states_at_start(
        &self,
        graph: &Path,
        inputs: &[PortSpec],
        outputs: &[PortSpec],
    ) -> Result<Vec<Tensor>, Error> {
        let find = |ports: &[PortSpec], name: &str, kind: &str| {
            let found = ports.iter().find(|port| port.name == name).cloned();
            found.ok_or_else(|| {
                let expected = format!("one named {name:?} (graph.state)");
                self.fault(graph, kind, names(ports), expected)
            })
        };
        let start = |state: &StatePorts| {
            let (input, output) =
                (find(inputs, &state.input, "inputs")?, find(outputs, &state.output, "outputs")?);
            let subject = format!("input {:?} (graph.state)", input.name);
            let one = input.shape.first().is_some_and(|size| size.is_none_or(|size| size == 1));
            let sizes: Option<Vec<usize>> = input.shape.iter().skip(1).copied().collect();
            let (Ok(element), true, Some(sizes)) = (&input.element, one, sizes) else {
                let expected = "numbers with a batch axis of 1 or ? first, and no other axis open";
                return Err(self.fault(graph, subject, input.describe(), expected));
            };
            self.size(graph, &subject, &input)?;
            if !fits(&output.shape, &input.shape) || output.element != input.element {
                let subject = format!("output {:?} (graph.state)", output.name);
                let expected = format!("{}, as the input {:?} takes it", input.describe(), input.name);
                return Err(self.fault(graph, subject, output.describe(), expected));
            }
            Ok(Tensor::zeros(*element, std::iter::once(1).chain(sizes).collect()))
        };
        self.states().map(start).collect()
    }

    /// Checks that each input of a head is an output of the encoder with a time axis after the batch axis.
    ///
    /// # Errors
    /// When one is missing or has another rank, size or type.
    pub fn head_inputs(&self, inputs: &[PortSpec], encoder_outputs: &[PortSpec]) -> Result<(), Error> {
        let (encoder, Some(head)) = (self.manifest.graph.first(), self.manifest.graph.head()) else {
            return Ok(());
        };
        if inputs.is_empty() {
            return Err(self.fault(head, "inputs", "none", "the encoder's outputs"));
        }
        for port in inputs {
            let Some(source) = encoder_outputs.iter().find(|output| output.name == port.name) else {
                return Err(self.fault(
                    head,
                    format!("input {:?}", port.name),
                    format!("no output of that name in {}", encoder.display()),
                    format!("inputs named as the encoder's outputs ({})", brief(&names(encoder_outputs))),
                ));
            };
            let subject = format!("output {:?}", source.name);
            let one = source.shape.first().is_some_and(|size| size.is_none_or(|size| size == 1));
            if !one || source.element.is_err() {
                let expected =
                    "float32, float16, float64, uint8, int32 or int64 with a batch axis of 1 or ? first";
                return Err(self.fault(encoder, subject, source.describe(), expected));
            }
            self.size(encoder, &subject, source)?;
            let mut expected = source.shape.clone();
            expected.insert(1, Some(self.manifest.input.frames));
            let subject = format!("input {:?}", port.name);
            let wanted = PortSpec { shape: expected, ..source.clone() };
            if !fits(&port.shape, &wanted.shape) || port.element != wanted.element {
                let expected =
                    format!("{}, the encoder's output over input.frames samples", wanted.describe());
                return Err(self.fault(head, subject, port.describe(), expected));
            }
            self.size(head, &subject, &wanted)?;
        }
        Ok(())
    }

    /// Checks the outputs of the last graph.
    ///
    /// # Errors
    /// When one that the manifest names is missing or has another rank, size or type.
    pub fn outputs(&self, graph: &Path, outputs: &[PortSpec]) -> Result<(), Error> {
        let named = &self.manifest.outputs;
        let frames = Some(self.manifest.input.frames);
        let classes = self.manifest.labels.len();
        let expected = [
            ("scores", Some(&named.scores), vec![None, Some(classes)]),
            ("boxes", named.boxes.as_ref().map(|(name, _)| name), vec![None, None, frames, Some(4)]),
            ("relevance", named.relevance.as_ref(), vec![None, None, frames]),
            ("attention", named.attention.as_ref(), vec![None, None, frames, None, None]),
            ("queries", named.queries.as_ref(), vec![None, None]),
        ];
        for (role, name, shape) in expected {
            let Some(name) = name else { continue };
            let subject = format!("output {name:?} (outputs.{role})");
            let Some(port) = outputs.iter().find(|port| port.name == *name) else {
                let expected = format!("one named {name:?} (outputs.{role})");
                return Err(self.fault(graph, "outputs", names(outputs), expected));
            };
            let kind = if role == "queries" { "int64 or int32" } else { "float32, float16 or float64" };
            let right_kind = port.element.as_ref().is_ok_and(|element| {
                if role == "queries" {
                    matches!(element, ElementType::I64 | ElementType::I32)
                } else {
                    element.is_float()
                }
            });
            let batch_of_one = port.shape.first().is_none_or(|size| size.is_none_or(|size| size == 1));
            if !fits(&port.shape, &shape) || !right_kind || !batch_of_one {
                let hint = if role == "scores" { format!(" for {classes} labels") } else { String::new() };
                let expected = format!("{kind} {}{hint}, with a batch of 1 or ?", dimensions(&shape));
                return Err(self.fault(graph, subject, port.describe(), expected));
            }
            self.size(graph, &subject, port)?;
            let regions = port.shape.get(1).copied().flatten().filter(|_| role != "scores");
            if regions.is_some_and(|regions| regions > limits::REGIONS) {
                let expected = format!("at most {} regions (the second dimension)", limits::REGIONS);
                return Err(self.fault(graph, subject, port.describe(), expected));
            }
        }
        Ok(())
    }
}

fn names(ports: &[PortSpec]) -> String {
    list(ports.iter().map(|port| port.name.as_str()))
}

/// Whether a shape with open dimensions can be `expected`; open dimensions fit anything on either side.
fn fits(shape: &[Option<usize>], expected: &[Option<usize>]) -> bool {
    shape.len() == expected.len()
        && shape
            .iter()
            .zip(expected)
            .all(|(found, wanted)| found.is_none() || wanted.is_none() || found == wanted)
}
