//! Joins and parts tensors in a device's memory, by small graphs that run there.

use std::{collections::HashMap, path::PathBuf};

use super::{
    Graph, Library, Residence, Resident, SessionSettings,
    graph::Feed,
    onnx::{self, Attribute, Constant, Node, Port},
};
use crate::{error::Error, model::ElementType};

/// Joins and parts tensors where they lie. Each arrangement is a graph of its own, which is made when it is first needed
/// and kept: there are as many as there are sizes of batches and tensors of other shapes.
pub struct Arranger {
    library: &'static Library,
    settings: SessionSettings,
    residence: Residence,
    /// The graph that it works for, which errors name.
    path: PathBuf,
    made: HashMap<Arrangement, Graph>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Arrangement {
    what: What,
    /// Shape and type of each tensor that is joined, or of the one that is parted.
    shape: Vec<usize>,
    element: ElementType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    /// `windows` times `samples` tensors `[1, ...]` become `[windows, samples, ...]`.
    Join { windows: usize, samples: usize },
    /// One tensor `[parts, ...]` becomes as many `[1, ...]`.
    Part { parts: usize },
}

impl Arranger {
    /// For tensors in a residence, which `settings` say how to reach. Errors name the graph in `path`.
    #[must_use]
    pub fn new(
        library: &'static Library,
        settings: &SessionSettings,
        residence: Residence,
        path: PathBuf,
    ) -> Self {
        let settings = SessionSettings {
            providers: vec![residence.provider().into()],
            // The CPU has nothing to do.
            threads: 1,
            ..settings.clone()
        };
        Self { library, settings, residence, path, made: HashMap::new() }
    }

    /// Where the tensors lie.
    #[must_use]
    pub fn residence(&self) -> &Residence {
        &self.residence
    }

    /// Stacks tensors `[1, ...]` of one shape and type, the samples of each window in turn: `[windows, samples, ...]`.
    ///
    /// # Errors
    /// When there are none, or the graph does not load or run.
    pub fn stack_over_time(&mut self, windows: usize, samples: &[&Resident]) -> Result<Resident, Error> {
        let what = What::Join { windows, samples: samples.len() / windows.max(1) };
        let mut joined = self.run(what, samples)?;
        joined.pop().ok_or_else(|| self.nothing())
    }

    /// Parts a tensor along its first axis into `parts` tensors `[1, ...]`.
    ///
    /// # Errors
    /// When the graph does not load or run.
    pub fn part(&mut self, tensor: Resident, parts: usize) -> Result<Vec<Resident>, Error> {
        if parts == 1 {
            return Ok(vec![tensor]);
        }
        self.run(What::Part { parts }, &[&tensor])
    }

    fn run(&mut self, what: What, tensors: &[&Resident]) -> Result<Vec<Resident>, Error> {
        let first = tensors.first().ok_or_else(|| self.nothing())?;
        let arrangement = Arrangement { what, shape: first.shape().to_vec(), element: first.element() };
        if !self.made.contains_key(&arrangement) {
            let graph = arrangement.graph();
            let loaded = Graph::from_bytes(self.library, &onnx::file(graph), &self.path, &self.settings)?;
            self.made.insert(arrangement.clone(), loaded);
        }
        let graph = self.made.get_mut(&arrangement).ok_or(Error::Cancelled)?;
        let names = arrangement.inputs();
        let inputs: Vec<(&str, Feed<'_>)> = names
            .iter()
            .map(String::as_str)
            .zip(tensors.iter().map(|tensor| Feed::Resident(tensor)))
            .collect();
        graph.run_keeping(&inputs, &arrangement.outputs(), &self.residence)
    }

    fn nothing(&self) -> Error {
        Error::Inference { path: self.path.clone(), message: "no tensors to join".into() }
    }
}

impl Arrangement {
    fn inputs(&self) -> Vec<String> {
        match self.what {
            What::Join { windows, samples } => names("sample", windows * samples),
            What::Part { .. } => names("batch", 1),
        }
    }

    fn outputs(&self) -> Vec<String> {
        match self.what {
            What::Join { .. } => names("windows", 1),
            What::Part { parts } => names("part", parts),
        }
    }

    fn graph(&self) -> onnx::Graph {
        let (inputs, outputs) = (self.inputs(), self.outputs());
        let rest = self.shape.iter().skip(1).copied();
        let axis = Attribute::new("axis", 0);
        let ports = |names: &[String], shape: &[usize]| -> Vec<Port> {
            names.iter().map(|name| Port::new(name, self.element, shape)).collect()
        };
        let input = ports(&inputs, &self.shape);
        match self.what {
            What::Join { windows, samples } => {
                let whole: Vec<usize> = [windows, samples].into_iter().chain(rest).collect();
                let output = ports(&outputs, &whole);
                let joined = "joined".to_owned();
                let shape = "shape".to_owned();
                let node = vec![
                    node("Concat", inputs, vec![joined.clone()], vec![axis]),
                    node("Reshape", vec![joined, shape.clone()], outputs, Vec::new()),
                ];
                let initializer = vec![Constant::shape(&shape, &whole)];
                onnx::Graph { node, name: "join".into(), initializer, input, output }
            }
            What::Part { .. } => {
                let part: Vec<usize> = std::iter::once(1).chain(rest).collect();
                let output = ports(&outputs, &part);
                let node = vec![node("Split", inputs, outputs, vec![axis])];
                onnx::Graph { node, name: "part".into(), initializer: Vec::new(), input, output }
            }
        }
    }
}

fn node(op_type: &str, input: Vec<String>, output: Vec<String>, attribute: Vec<Attribute>) -> Node {
    Node { input, output, op_type: op_type.to_owned(), attribute }
}

fn names(stem: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{stem}{number}")).collect()
}
