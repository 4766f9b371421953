//! From the tensors of the last graph to scores and regions.

use std::path::{Path, PathBuf};

use super::{BoxFormat, Data, Manifest, OutputSpec, Tensor, dimensions, limits};
use crate::error::Error;

/// A rectangle relative to the model's input, 0..1 from left to right and from top to bottom. It may
/// reach beyond the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relative {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Bottom edge.
    pub bottom: f32,
}

/// One region followed through the samples of a window, as the model gives it.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowTracklet {
    /// Label id of its text query, where the model tells it.
    pub query: Option<usize>,
    /// A box for each sample.
    pub boxes: Vec<Relative>,
    /// A weight for each sample; equal ones where the model tells none.
    pub relevance: Vec<f32>,
}

/// What the model said of one window.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WindowOutput {
    /// Score of each class after the activation.
    pub scores: Vec<f32>,
    /// Regions; empty for a model without boxes.
    pub tracklets: Vec<WindowTracklet>,
}

impl WindowOutput {
    /// The largest difference to another output of the same model: of scores, edges of boxes, and relevance.
    #[must_use]
    pub fn gap(&self, other: &Self) -> f32 {
        let numbers = |output: &Self| -> Vec<f32> {
            let regions = output.tracklets.iter().flat_map(|tracklet| {
                let edges = tracklet.boxes.iter().flat_map(|b| [b.left, b.top, b.right, b.bottom]);
                edges.chain(tracklet.relevance.iter().copied())
            });
            output.scores.iter().copied().chain(regions).collect()
        };
        let (own, others) = (numbers(self), numbers(other));
        if own.len() != others.len() {
            return f32::INFINITY;
        }
        own.iter().zip(&others).map(|(own, other)| (own - other).abs()).fold(0.0, f32::max)
    }
}

/// Reads the outputs that a manifest names.
#[derive(Debug, Clone)]
pub struct OutputReader {
    outputs: OutputSpec,
    frames: usize,
    classes: usize,
    graph: PathBuf,
    manifest: PathBuf,
}

impl OutputReader {
    /// A reader for the outputs of `graph`, the last graph of the model.
    #[must_use]
    pub fn new(manifest: &Manifest, graph: &Path) -> Self {
        Self {
            outputs: manifest.outputs.clone(),
            frames: manifest.input.frames,
            classes: manifest.labels.len(),
            graph: graph.to_owned(),
            manifest: manifest.path.clone(),
        }
    }

    /// The names of the outputs that are read, scores first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let boxes = self.outputs.boxes.as_ref().map(|(name, _)| name);
        let rest = [boxes, self.outputs.relevance.as_ref(), self.outputs.queries.as_ref()];
        std::iter::once(&self.outputs.scores).chain(rest.into_iter().flatten()).cloned().collect()
    }

    /// The names of all outputs that the manifest has, those that are read first.
    #[must_use]
    pub fn all_names(&self) -> Vec<String> {
        self.names().into_iter().chain(self.outputs.attention.clone()).collect()
    }

    /// Parts the outputs of a run over several windows into those of each.
    ///
    /// # Errors
    /// When an output has not one row for each window.
    pub fn split(
        &self,
        tensors: Vec<(String, Tensor)>,
        windows: usize,
    ) -> Result<Vec<Vec<(String, Tensor)>>, Error> {
        let mut each = vec![Vec::with_capacity(tensors.len()); windows];
        for (name, tensor) in tensors {
            if windows > 1 && tensor.shape.first() != Some(&windows) {
                let expected = format!("{windows} rows, one for each window of the batch");
                return Err(self.fault(&name, format!("shape {:?}", tensor.shape), &expected));
            }
            for (own, part) in each.iter_mut().zip(tensor.split(windows)) {
                own.push((name.clone(), part));
            }
        }
        Ok(each)
    }

    fn fault(&self, name: &str, found: String, expected: &str) -> Error {
        Error::Contract {
            path: self.graph.clone(),
            manifest: self.manifest.clone(),
            subject: format!("output {name:?} of a run"),
            found,
            expected: expected.to_owned(),
        }
    }

    /// An output that a run gave.
    fn tensor<'a>(&self, tensors: &'a [(String, Tensor)], name: &str) -> Result<&'a Tensor, Error> {
        let found = tensors.iter().find(|(output, _)| output == name).map(|(_, tensor)| tensor);
        found.ok_or_else(|| self.fault(name, "none".into(), "a tensor"))
    }

    /// The values of an output of the given shape, where `None` is any size.
    fn values(
        &self,
        tensors: &[(String, Tensor)],
        name: &str,
        shape: &[Option<usize>],
    ) -> Result<Vec<f32>, Error> {
        let tensor = self.tensor(tensors, name)?;
        let fits = tensor.shape.len() == shape.len()
            && tensor.shape.iter().zip(shape).all(|(found, wanted)| wanted.is_none_or(|size| size == *found));
        if !fits {
            return Err(self.fault(name, format!("shape {:?}", tensor.shape), &dimensions(shape)));
        }
        let values = tensor.data.to_f32();
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(self.fault(
                name,
                format!("{} at element {at}", values[at]),
                "finite numbers (a model in float16 may have overflowed)",
            ));
        }
        Ok(values)
    }

    /// K: the second dimension of the first output that has a row for each region; 0 where there is none.
    fn regions(&self, tensors: &[(String, Tensor)]) -> Result<usize, Error> {
        let boxes = self.outputs.boxes.as_ref().map(|(name, _)| name);
        let Some(name) = boxes.or(self.outputs.relevance.as_ref()).or(self.outputs.queries.as_ref()) else {
            return Ok(0);
        };
        let shape = &self.tensor(tensors, name)?.shape;
        match shape.get(1) {
            Some(&regions) if regions <= limits::REGIONS => Ok(regions),
            _ => {
                let expected = format!("a second dimension of at most {} regions", limits::REGIONS);
                Err(self.fault(name, format!("shape {shape:?}"), &expected))
            }
        }
    }

    /// Checks the output that is not used: attention.
    ///
    /// # Errors
    /// When its shape is not what the manifest promises, or it holds a number that is not finite.
    pub fn check_unused(&self, tensors: &[(String, Tensor)]) -> Result<(), Error> {
        let Some(name) = &self.outputs.attention else { return Ok(()) };
        self.values(tensors, name, &[Some(1), None, Some(self.frames), None, None]).map(|_| ())
    }

    /// Reads the outputs of one run.
    ///
    /// # Errors
    /// When one is missing, has another shape than the manifest promises, or holds a number that cannot be.
    pub fn read(&self, tensors: &[(String, Tensor)]) -> Result<WindowOutput, Error> {
        let mut scores = self.values(tensors, &self.outputs.scores, &[Some(1), Some(self.classes)])?;
        self.outputs.activation.apply(&mut scores);
        let (t, regions) = (self.frames, self.regions(tensors)?);
        let relevance = match &self.outputs.relevance {
            Some(name) => self.values(tensors, name, &[Some(1), Some(regions), Some(t)])?,
            None => vec![1.0 / t as f32; regions * t],
        };
        let queries = match &self.outputs.queries {
            Some(name) => {
                self.values(tensors, name, &[Some(1), Some(regions)])?;
                Some(self.label_ids(tensors, name)?)
            }
            None => None,
        };
        let Some((name, format)) = &self.outputs.boxes else {
            return Ok(WindowOutput { scores, tracklets: Vec::new() });
        };
        let boxes = self.values(tensors, name, &[Some(1), Some(regions), Some(t), Some(4)])?;
        if let Some(at) = boxes.iter().position(|value| value.abs() > limits::BOX_REACH) {
            let expected = format!(
                "0 to 1 of the model's input, -{0} to {0} at most (are they pixels?)",
                limits::BOX_REACH
            );
            return Err(self.fault(name, format!("{} at element {at}", boxes[at]), &expected));
        }
        let tracklets = (0..regions)
            .map(|k| WindowTracklet {
                query: queries.as_ref().and_then(|ids| ids.get(k).copied()),
                boxes: boxes[k * t * 4..(k + 1) * t * 4]
                    .chunks_exact(4)
                    .map(|b| relative(*format, [b[0], b[1], b[2], b[3]]))
                    .collect(),
                relevance: relevance[k * t..(k + 1) * t].to_vec(),
            })
            .collect();
        Ok(WindowOutput { scores, tracklets })
    }

    fn label_ids(&self, tensors: &[(String, Tensor)], name: &str) -> Result<Vec<usize>, Error> {
        let ids: Vec<i64> = match &self.tensor(tensors, name)?.data {
            Data::I64(ids) => ids.clone(),
            Data::I32(ids) => ids.iter().copied().map(i64::from).collect(),
            _ => return Err(self.fault(name, "another type".into(), "int64 or int32")),
        };
        ids.into_iter()
            .map(|id| {
                usize::try_from(id).ok().filter(|&id| id < self.classes).ok_or_else(|| {
                    self.fault(
                        name,
                        format!("label id {id}"),
                        &format!("ids of the labels, 0 to {}", self.classes - 1),
                    )
                })
            })
            .collect()
    }
}

fn relative(format: BoxFormat, [a, b, c, d]: [f32; 4]) -> Relative {
    match format {
        BoxFormat::Cxcywh => {
            Relative { left: a - c / 2.0, top: b - d / 2.0, right: a + c / 2.0, bottom: b + d / 2.0 }
        }
        BoxFormat::Xyxy => Relative { left: a, top: b, right: c, bottom: d },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Activation;

    fn reader(boxes: bool) -> OutputReader {
        OutputReader {
            outputs: OutputSpec {
                scores: "logits".into(),
                activation: Activation::Softmax,
                boxes: boxes.then(|| ("boxes".into(), BoxFormat::Cxcywh)),
                relevance: None,
                attention: None,
                queries: boxes.then(|| "queries".into()),
            },
            frames: 2,
            classes: 3,
            graph: "head.onnx".into(),
            manifest: "model.toml".into(),
        }
    }

    fn tensor(name: &str, shape: &[usize], data: Data) -> (String, Tensor) {
        (name.to_owned(), Tensor { shape: shape.to_vec(), data })
    }

    #[test]
    fn scores_are_a_distribution_and_boxes_have_edges() {
        let output = reader(true)
            .read(&[
                tensor("logits", &[1, 3], Data::F32(vec![1000.0, 1000.0, 0.0])),
                tensor("boxes", &[1, 1, 2, 4], Data::F32(vec![0.5, 0.5, 0.2, 0.4, 0.1, 0.1, 0.1, 0.1])),
                tensor("queries", &[1, 1], Data::I64(vec![2])),
            ])
            .unwrap();
        assert_eq!(output.scores, [0.5, 0.5, 0.0]);
        let tracklet = &output.tracklets[0];
        assert_eq!(tracklet.query, Some(2));
        assert!((tracklet.boxes[0].left - 0.4).abs() < 1e-6 && (tracklet.boxes[0].bottom - 0.7).abs() < 1e-6);
        assert_eq!(tracklet.relevance, [0.5, 0.5]);
    }

    #[test]
    fn a_window_may_have_no_region() {
        let tensors = [
            tensor("logits", &[1, 3], Data::F32(vec![0.0; 3])),
            tensor("boxes", &[1, 0, 2, 4], Data::F32(Vec::new())),
            tensor("queries", &[1, 0], Data::I64(Vec::new())),
        ];
        assert_eq!(reader(true).read(&tensors).unwrap().tracklets, []);
    }

    #[test]
    fn what_a_run_must_not_give_is_told() {
        for (tensors, words) in [
            (vec![], "found none"),
            (vec![tensor("logits", &[1, 4], Data::F32(vec![0.0; 4]))], "found shape [1, 4], expected [1, 3]"),
            (vec![tensor("logits", &[1, 3], Data::F32(vec![0.0, f32::NAN, 0.0]))], "found NaN at element 1"),
            (vec![tensor("logits", &[1, 3], Data::F32(vec![f32::INFINITY, 0.0, 0.0]))], "found inf"),
        ] {
            let fault = reader(false).read(&tensors).unwrap_err().to_string();
            assert!(fault.contains(words) && fault.contains("head.onnx"), "{fault}");
        }
        for (shape, boxes, query, words) in [
            ([1, 1, 2, 4], 0.0, 3, "found label id 3, expected ids of the labels, 0 to 2"),
            ([1, 1, 2, 4], 0.0, -1, "found label id -1"),
            ([1, 1, 2, 4], 40.0, 0, "found 40 at element 0, expected 0 to 1"),
            ([1, 1, 2, 4], f32::NAN, 0, "found NaN at element 0"),
            ([1, 2, 1, 4], 0.0, 0, "found shape [1, 1], expected [1, 2]"),
            ([1, 1, 4, 2], 0.0, 0, "found shape [1, 1, 4, 2], expected [1, 1, 2, 4]"),
        ] {
            let tensors = [
                tensor("logits", &[1, 3], Data::F32(vec![0.0; 3])),
                tensor("boxes", &shape, Data::F32(vec![boxes; 8])),
                tensor("queries", &[1, 1], Data::I64(vec![query])),
            ];
            let fault = reader(true).read(&tensors).unwrap_err().to_string();
            assert!(fault.contains(words), "{fault}");
        }
        let many = [
            tensor("logits", &[1, 3], Data::F32(vec![0.0; 3])),
            tensor("boxes", &[1, 257, 2, 4], Data::F32(vec![0.0; 257 * 8])),
        ];
        let fault = reader(true).read(&many).unwrap_err().to_string();
        assert!(
            fault.contains("found shape [1, 257, 2, 4], expected a second dimension of at most 256"),
            "{fault}"
        );
    }

    #[test]
    fn what_is_not_used_is_checked_all_the_same() {
        let mut reader = reader(false);
        reader.outputs.relevance = Some("relevance".into());
        reader.outputs.attention = Some("attention".into());
        let tensors = [
            tensor("logits", &[1, 3], Data::F32(vec![0.0; 3])),
            tensor("relevance", &[1, 2, 2], Data::F32(vec![f32::NAN; 4])),
            tensor("attention", &[1, 2, 3, 1, 1], Data::F32(vec![0.0; 6])),
        ];
        assert!(reader.read(&tensors).unwrap_err().to_string().contains("\"relevance\" of a run: found NaN"));
        let fault = reader.check_unused(&tensors).unwrap_err().to_string();
        assert!(fault.contains("found shape [1, 2, 3, 1, 1], expected [1, ?, 2, ?, ?]"), "{fault}");
    }
}
