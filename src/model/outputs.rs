//! From the tensors of the last graph to scores and regions.

use std::path::{Path, PathBuf};

use super::{Activation, BoxFormat, Data, Manifest, OutputSpec, Tensor};
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
#[derive(Debug, Clone, PartialEq)]
pub struct WindowOutput {
    /// Score of each class after the activation.
    pub scores: Vec<f32>,
    /// Regions; empty for a model without boxes.
    pub tracklets: Vec<WindowTracklet>,
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

    fn fault(&self, name: &str, found: String, expected: &str) -> Error {
        Error::Contract {
            path: self.graph.clone(),
            manifest: self.manifest.clone(),
            subject: format!("output {name:?} of a run"),
            found,
            expected: expected.to_owned(),
        }
    }

    /// The values of an output of the given shape, where `None` is any size.
    fn values(
        &self,
        tensors: &[(String, Tensor)],
        name: &str,
        shape: &[Option<usize>],
    ) -> Result<(Vec<usize>, Vec<f32>), Error> {
        let Some((_, tensor)) = tensors.iter().find(|(output, _)| output == name) else {
            return Err(self.fault(name, "none".into(), "a tensor"));
        };
        let fits = tensor.shape.len() == shape.len()
            && tensor.shape.iter().zip(shape).all(|(found, wanted)| wanted.is_none_or(|size| size == *found));
        if !fits {
            let wanted: Vec<String> = shape
                .iter()
                .map(|size| size.map_or_else(|| "?".to_owned(), |size| size.to_string()))
                .collect();
            return Err(self.fault(
                name,
                format!("shape {:?}", tensor.shape),
                &format!("[{}]", wanted.join(", ")),
            ));
        }
        let values = tensor.data.to_f32();
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            return Err(self.fault(
                name,
                format!("{} at element {at}", values[at]),
                "finite numbers (a model in float16 may have overflowed)",
            ));
        }
        Ok((tensor.shape.clone(), values))
    }

    /// Reads the outputs of one run.
    ///
    /// # Errors
    /// When one is missing, has another shape than the manifest promises, or holds a number that is not finite.
    pub fn read(&self, tensors: &[(String, Tensor)]) -> Result<WindowOutput, Error> {
        let (_, mut scores) = self.values(tensors, &self.outputs.scores, &[Some(1), Some(self.classes)])?;
        activate(self.outputs.activation, &mut scores);
        let Some((name, format)) = &self.outputs.boxes else {
            return Ok(WindowOutput { scores, tracklets: Vec::new() });
        };
        let t = self.frames;
        let (shape, boxes) = self.values(tensors, name, &[Some(1), None, Some(t), Some(4)])?;
        let regions = shape[1];
        let relevance = match &self.outputs.relevance {
            Some(name) => self.values(tensors, name, &[Some(1), Some(regions), Some(t)])?.1,
            None => vec![1.0 / t as f32; regions * t],
        };
        let queries = match &self.outputs.queries {
            Some(name) => {
                self.values(tensors, name, &[Some(1), Some(regions)])?;
                Some(self.label_ids(tensors, name)?)
            }
            None => None,
        };
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
        let ids: Vec<i64> = match tensors.iter().find(|(output, _)| output == name).map(|(_, t)| &t.data) {
            Some(Data::I64(ids)) => ids.clone(),
            Some(Data::I32(ids)) => ids.iter().copied().map(i64::from).collect(),
            _ => return Err(self.fault(name, "another type".into(), "int64 or int32")),
        };
        ids.into_iter()
            .map(|id| {
                usize::try_from(id).ok().filter(|&id| id < self.classes).ok_or_else(|| {
                    self.fault(name, format!("label id {id}"), &format!("0 to {}", self.classes - 1))
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

fn activate(activation: Activation, scores: &mut [f32]) {
    match activation {
        Activation::Softmax => {
            let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            scores.iter_mut().for_each(|score| *score = (*score - most).exp());
            let sum: f32 = scores.iter().sum();
            scores.iter_mut().for_each(|score| *score /= sum);
        }
        Activation::Sigmoid => scores.iter_mut().for_each(|score| *score = 1.0 / (1.0 + (-*score).exp())),
        Activation::None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let bad_query = [
            tensor("logits", &[1, 3], Data::F32(vec![0.0; 3])),
            tensor("boxes", &[1, 1, 2, 4], Data::F32(vec![0.0; 8])),
            tensor("queries", &[1, 1], Data::I64(vec![3])),
        ];
        let fault = reader(true).read(&bad_query).unwrap_err().to_string();
        assert!(fault.contains("label id 3"), "{fault}");
    }
}
