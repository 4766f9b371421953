//! The outputs of an encoder on their way into a head: of one shape for every sample, and such as the head takes.

use std::path::PathBuf;

use super::encoded::Token;
use crate::{
    error::Error,
    model::{Manifest, PortSpec, dimensions, limits},
};

/// Checks what an encoder gives, sample by sample.
pub struct TokenCheck {
    ports: Vec<PortSpec>,
    frames: usize,
    encoder: PathBuf,
    manifest: PathBuf,
    /// Shape of each token of the first sample.
    shapes: Option<Vec<Vec<usize>>>,
}

impl TokenCheck {
    /// A check against the inputs of the head.
    #[must_use]
    pub fn new(manifest: &Manifest, ports: Vec<PortSpec>) -> Self {
        Self {
            ports,
            frames: manifest.input.frames,
            encoder: manifest.graph.first().to_owned(),
            manifest: manifest.path.clone(),
            shapes: None,
        }
    }

    /// The names of the encoder's outputs that the head takes.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.ports.iter().map(|port| port.name.clone()).collect()
    }

    /// Checks what a run gave for one sample, in the order of [`TokenCheck::names`].
    ///
    /// # Errors
    /// When a shape is not that of the sample before, does not fit the head, or is too large.
    pub fn check(&mut self, tokens: &[Token]) -> Result<(), Error> {
        let Some(shapes) = &self.shapes else {
            for (port, token) in self.ports.iter().zip(tokens) {
                self.check_first(port, token)?;
            }
            self.shapes = Some(tokens.iter().map(|token| token.shape().to_vec()).collect());
            return Ok(());
        };
        for ((port, token), first) in self.ports.iter().zip(tokens).zip(shapes) {
            if token.shape() != *first {
                let expected = format!("{first:?}, its shape in the run before");
                return Err(self.fault(&port.name, token.shape(), expected));
            }
        }
        Ok(())
    }

    fn check_first(&self, port: &PortSpec, token: &Token) -> Result<(), Error> {
        let shape = token.shape();
        let stacked = shape.iter().take(1).chain([&self.frames]).chain(shape.iter().skip(1));
        let fits = shape.first() == Some(&1)
            && shape.len() + 1 == port.shape.len()
            && stacked.zip(&port.shape).all(|(found, wanted)| wanted.is_none_or(|wanted| wanted == *found));
        if !fits {
            let mut wanted = port.shape.clone();
            wanted.splice(..wanted.len().min(2), [Some(1)]);
            let expected = format!("{}, which the head takes over time", dimensions(&wanted));
            return Err(self.fault(&port.name, shape, expected));
        }
        let bytes = token.bytes() * self.frames;
        if bytes == 0 || bytes > limits::TENSOR_BYTES {
            let expected =
                format!("1 to {} bytes over the {} samples of a window", limits::TENSOR_BYTES, self.frames);
            return Err(self.fault(&port.name, shape, expected));
        }
        Ok(())
    }

    fn fault(&self, name: &str, shape: &[usize], expected: String) -> Error {
        Error::Contract {
            path: self.encoder.clone(),
            manifest: self.manifest.clone(),
            subject: format!("output {name:?} of a run"),
            found: format!("shape {shape:?}"),
            expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::{Data, ElementType, Tensor};

    fn check(shape: Vec<Option<usize>>, frames: usize) -> TokenCheck {
        let port = PortSpec { name: "tokens".into(), element: Ok(ElementType::F32), shape };
        TokenCheck {
            ports: vec![port],
            frames,
            encoder: "encoder.onnx".into(),
            manifest: "model.toml".into(),
            shapes: None,
        }
    }

    fn tokens(shape: &[usize]) -> [Token; 1] {
        let data = Data::F32(vec![0.0; shape.iter().product()]);
        [Token::Host(Arc::new(Tensor { shape: shape.to_vec(), data }))]
    }

    #[test]
    fn every_sample_has_the_shape_of_the_first() {
        let mut check = check(vec![None, Some(4), None], 4);
        assert_eq!(check.names(), ["tokens"]);
        check.check(&tokens(&[1, 3])).unwrap();
        check.check(&tokens(&[1, 3])).unwrap();
        let fault = check.check(&tokens(&[1, 2])).unwrap_err().to_string();
        assert!(fault.contains("encoder.onnx: output \"tokens\" of a run: found shape [1, 2]"), "{fault}");
        assert!(fault.contains("expected [1, 3], its shape in the run before"), "{fault}");
    }

    #[test]
    fn the_first_sample_has_a_shape_that_the_head_takes() {
        let head = || vec![Some(1), Some(4), Some(3)];
        for (shape, words) in [
            (&[1, 2][..], "found shape [1, 2], expected [1, 3], which the head takes"),
            (&[2, 3], "found shape [2, 3]"),
            (&[3], "found shape [3]"),
            (&[1, 3, 1], "found shape [1, 3, 1]"),
        ] {
            let fault = check(head(), 4).check(&tokens(shape)).unwrap_err().to_string();
            assert!(fault.contains(words), "{fault}");
        }
        let open = || vec![None, None, None];
        let fault = check(open(), 4).check(&tokens(&[1, 0])).unwrap_err().to_string();
        assert!(fault.contains("found shape [1, 0], expected 1 to"), "{fault}");
        let fault = check(open(), 8192).check(&tokens(&[1, 1 << 15])).unwrap_err().to_string();
        assert!(fault.contains("bytes over the 8192 samples"), "{fault}");
    }
}
