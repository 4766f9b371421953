//! Whether the inputs and outputs of a graph are what its manifest says, checked before any frame.

use std::path::Path;

use super::{ElementType, FrameShape, GraphKind, InputSpec, Manifest};
use crate::error::Error;

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
        format!("{element} {}", dimensions(&self.shape))
    }
}

fn dimensions(shape: &[Option<usize>]) -> String {
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
            found: found.into(),
            expected: expected.into(),
        }
    }

    fn frame_shape(&self) -> FrameShape {
        let InputSpec { width, height, .. } = self.manifest.input;
        FrameShape { width, height, channels: self.manifest.input.channels() }
    }

    /// Checks the input of a clip graph or an encoder, and gives its name.
    ///
    /// # Errors
    /// When it is not there or has another rank, size or type.
    pub fn frame_input(&self, role: GraphRole, graph: &Path, inputs: &[PortSpec]) -> Result<String, Error> {
        let input = &self.manifest.input;
        let names = || inputs.iter().map(|port| format!("{:?}", port.name)).collect::<Vec<_>>().join(", ");
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
            layout.dimensions(input.frames, self.frame_shape()).into_iter().map(Some).collect();
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

    /// Checks that each input of a head is an output of the encoder with a time axis after the batch axis.
    ///
    /// # Errors
    /// When one is missing or has another rank, size or type.
    pub fn head_inputs(&self, inputs: &[PortSpec], encoder_outputs: &[PortSpec]) -> Result<(), Error> {
        let GraphKind::Split { encoder, head } = &self.manifest.graph else { return Ok(()) };
        if inputs.is_empty() {
            return Err(self.fault(head, "inputs", "none", "the encoder's outputs"));
        }
        for port in inputs {
            let Some(source) = encoder_outputs.iter().find(|output| output.name == port.name) else {
                let outputs: Vec<_> =
                    encoder_outputs.iter().map(|output| format!("{:?}", output.name)).collect();
                return Err(self.fault(
                    head,
                    format!("input {:?}", port.name),
                    format!("no output of that name in {}", encoder.display()),
                    format!("inputs named as the encoder's outputs ({})", outputs.join(", ")),
                ));
            };
            let mut expected = source.shape.clone();
            expected.insert(expected.len().min(1), Some(self.manifest.input.frames));
            if !fits(&port.shape, &expected) || port.element != source.element || port.element.is_err() {
                let wanted = PortSpec { shape: expected, ..source.clone() };
                return Err(self.fault(
                    head,
                    format!("input {:?}", port.name),
                    port.describe(),
                    format!("{}, the encoder's output over input.frames samples", wanted.describe()),
                ));
            }
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
            let Some(port) = outputs.iter().find(|port| port.name == *name) else {
                let names: Vec<_> = outputs.iter().map(|port| format!("{:?}", port.name)).collect();
                return Err(self.fault(
                    graph,
                    "outputs",
                    names.join(", "),
                    format!("one named {name:?} (outputs.{role})"),
                ));
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
                return Err(self.fault(
                    graph,
                    format!("output {name:?} (outputs.{role})"),
                    port.describe(),
                    format!("{kind} {}{hint}, with a batch of 1 or ?", dimensions(&shape)),
                ));
            }
        }
        Ok(())
    }
}

/// Whether a shape with open dimensions can be `expected`; open dimensions fit anything on either side.
fn fits(shape: &[Option<usize>], expected: &[Option<usize>]) -> bool {
    shape.len() == expected.len()
        && shape
            .iter()
            .zip(expected)
            .all(|(found, wanted)| found.is_none() || wanted.is_none() || found == wanted)
}
