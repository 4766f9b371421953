//! Whether what the encoder makes of samples can stay where its provider computes, for the head to take it there.

use std::sync::Arc;

use super::{Encoded, Encoding, Model, encoder::Input};
use crate::{
    error::Error,
    model::{Manifest, WindowOutput},
    runtime::{Arranger, Library, Residence, SessionSettings},
};

/// By how much results may differ, of scores and of boxes relative to the picture, whether tokens are copied to the CPU
/// and back or stay where they are: the graphs are the same, and so is what they compute.
const SAME: f32 = 1e-3;

impl Model {
    /// Lets tokens stay in a residence, once windows of all batch sizes were classified that way with the same results as
    /// by way of the CPU. A model without tokens of its own is left as it is.
    pub(super) fn keep_tokens(
        &mut self,
        manifest: &Manifest,
        library: &'static Library,
        settings: &SessionSettings,
        residence: &Residence,
    ) -> Result<(), Error> {
        let Some(head) = manifest.graph.head().filter(|_| self.encoding() == Encoding::Each) else {
            return Ok(());
        };
        let sizes = self.sizes().to_vec();
        let copied = self.classify_shades(manifest, &sizes)?;
        let arranger = Arranger::new(library, settings, residence.clone(), head.to_owned());
        self.arranger = Some(Box::new(arranger));
        let same = self.classify_shades(manifest, &sizes).and_then(|kept| {
            let gap = copied.iter().zip(&kept).map(|(copied, kept)| copied.gap(kept)).fold(0.0, f32::max);
            if gap <= SAME {
                return Ok(());
            }
            let message = format!("results differ by {gap} where what it takes stays on the device");
            Err(Error::Inference { path: head.to_owned(), message })
        });
        if same.is_err() {
            self.arranger = None;
        }
        same
    }

    /// Classifies batches of these sizes, of windows of which each sample is of another brightness.
    fn classify_shades(&mut self, manifest: &Manifest, sizes: &[usize]) -> Result<Vec<WindowOutput>, Error> {
        let stride = manifest.input.width * manifest.input.channels();
        let mut outputs = Vec::new();
        for &windows in sizes {
            let mut encoded = Vec::with_capacity(self.frames() * windows);
            for first in (0..self.frames() * windows).step_by(windows) {
                let batch: Vec<Input> = (first..first + windows)
                    .map(|number| {
                        // An odd step reaches every brightness before one comes again.
                        let bytes = vec![(number * 37 % 256) as u8; stride * manifest.input.height];
                        (Arc::new(self.writer().frame(&bytes, stride)), None)
                    })
                    .collect();
                encoded.extend(self.encode(&batch)?.into_iter().map(|(encoded, _)| encoded));
            }
            let each: Vec<Vec<Encoded>> = encoded.chunks(self.frames()).map(<[Encoded]>::to_vec).collect();
            outputs.extend(self.classify(&each.iter().collect::<Vec<_>>())?);
        }
        Ok(outputs)
    }
}
