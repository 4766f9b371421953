//! A model that is loaded, checked and warmed up.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Encoded, Encoding,
    encoder::{Encoder, Input, Output},
    tokens::TokenCheck,
};
use crate::{
    error::Error,
    model::{
        GraphKind, GraphRole, Manifest, OutputReader, SampleWriter, SignatureCheck, Tensor, WindowOutput,
    },
    runtime::{Arranger, Canceller, Feed, Graph, Library, Placement, Resident, SessionSettings},
};

/// A model, ready to classify windows.
pub struct Model {
    writer: SampleWriter,
    reader: OutputReader,
    graphs: Graphs,
    frames: usize,
    sizes: Vec<usize>,
    run_time: Duration,
    placement: Option<Placement>,
    /// What joins tokens where the provider computes; none where they are copied to the CPU.
    pub(super) arranger: Option<Box<Arranger>>,
    /// Why tokens do not stay there, where they could.
    not_kept: Option<Error>,
}

enum Graphs {
    /// One over the frames of a window.
    Clip { graph: Graph, input: String },
    /// One over each sample, and one over what it made of a window's samples. Without that, what it made of the last sample
    /// is the window's result.
    Encoded { encoder: Box<Encoder>, head: Option<Graph> },
}

impl Graphs {
    fn placement(&mut self) -> Result<Option<Placement>, Error> {
        match self {
            Self::Clip { graph, .. } => graph.placement(),
            Self::Encoded { encoder, head } => {
                let mut whole = encoder.placement()?;
                let rest = head.as_mut().map_or(Ok(None), Graph::placement)?;
                if let Some((whole, rest)) = whole.as_mut().zip(rest) {
                    whole.add(rest);
                }
                Ok(whole)
            }
        }
    }
}

impl Model {
    /// Loads the graphs of a manifest onto the first provider of the settings, checks them against it, and runs them
    /// over empty windows, in batches of all sizes up to `batch`, so that what is open in their shapes is proved too: once
    /// to warm up, once to see how long a run takes.
    ///
    /// # Errors
    /// When a graph does not load, is not what the manifest says, does not run, or does not take such batches.
    pub fn load(
        manifest: &Manifest,
        library: &'static Library,
        settings: &SessionSettings,
        batch: usize,
    ) -> Result<Self, Error> {
        let mut model = Self::cold(manifest, library, settings)?;
        model.warm_up(manifest)?;
        model.prove_batches(manifest, batch)?;
        if let Some(residence) = &settings.residence {
            // Tokens that cannot stay there are copied, as they were in the warm-up.
            model.not_kept = model.keep_tokens(manifest, library, settings, residence).err();
        }
        model.time_run(manifest)?;
        Ok(model)
    }

    /// Loads the model once more, for runs at the same time, and warms it up. What was proved of the first is true of it.
    ///
    /// # Errors
    /// When a graph does not load or run.
    pub fn copy(
        &self,
        manifest: &Manifest,
        library: &'static Library,
        settings: &SessionSettings,
    ) -> Result<Self, Error> {
        let mut model = Self::cold(manifest, library, settings)?;
        model.warm_up(manifest)?;
        model.sizes.clone_from(&self.sizes);
        Ok(model)
    }

    /// Loads the graphs and checks what they say of themselves.
    fn cold(manifest: &Manifest, library: &Library, settings: &SessionSettings) -> Result<Self, Error> {
        let check = SignatureCheck::new(manifest);
        let first = Graph::load(library, manifest.graph.first(), settings)?;
        let (graphs, reader) = if let GraphKind::Clip { file } = &manifest.graph {
            let input = check.frame_input(GraphRole::Clip, file, &first.inputs())?;
            check.outputs(file, &first.outputs())?;
            (Graphs::Clip { graph: first, input }, OutputReader::new(manifest, file))
        } else {
            let encoder = Encoder::new(manifest, first)?;
            let outputs = encoder.graph().outputs();
            match manifest.graph.head() {
                Some(file) => {
                    let head = Graph::load(library, file, settings)?;
                    check.head_inputs(&head.inputs(), &outputs)?;
                    check.outputs(file, &head.outputs())?;
                    let encoder = Box::new(encoder.for_head(TokenCheck::new(manifest, head.inputs())));
                    (Graphs::Encoded { encoder, head: Some(head) }, OutputReader::new(manifest, file))
                }
                None => {
                    let file = manifest.graph.first();
                    check.outputs(file, &outputs)?;
                    let reader = OutputReader::new(manifest, file);
                    let encoder = Box::new(encoder.keeping(reader.names()));
                    (Graphs::Encoded { encoder, head: None }, reader)
                }
            }
        };
        let writer = SampleWriter::new(&manifest.input);
        let frames = manifest.input.frames;
        let (sizes, run_time) = (vec![1], Duration::ZERO);
        Ok(Self {
            writer,
            reader,
            graphs,
            frames,
            sizes,
            run_time,
            placement: None,
            arranger: None,
            not_kept: None,
        })
    }

    fn warm_up(&mut self, manifest: &Manifest) -> Result<(), Error> {
        let (encoded, _) = self.encode_one((self.empty_frame(manifest), None))?;
        let window = vec![encoded; self.frames];
        let outputs = self.run(&[&window], &self.reader.all_names())?;
        self.reader.read(&outputs)?;
        self.reader.check_unused(&outputs)?;
        self.placement = self.graphs.placement()?;
        Ok(())
    }

    fn time_run(&mut self, manifest: &Manifest) -> Result<(), Error> {
        let frame = self.empty_frame(manifest);
        let start = Instant::now();
        let (encoded, _) = self.encode_one((frame, None))?;
        self.classify(&[&vec![encoded; self.frames]])?;
        self.run_time = start.elapsed();
        Ok(())
    }

    fn empty_frame(&self, manifest: &Manifest) -> Arc<Tensor> {
        let stride = manifest.input.width * manifest.input.channels();
        Arc::new(self.writer.frame(&vec![0; stride * manifest.input.height], stride))
    }

    fn encode_one(&mut self, sample: Input) -> Result<Output, Error> {
        let mut made = self.encode(&[sample])?;
        made.pop().ok_or(Error::Cancelled)
    }

    /// Runs batches of every size that may come: powers of two, and `most`.
    fn prove_batches(&mut self, manifest: &Manifest, most: usize) -> Result<(), Error> {
        let refused = |graph: &Path, why: String| Error::Property {
            name: "batch-size",
            found: most.to_string(),
            expected: format!("1: {} takes one at a time: {why}", graph.display()),
        };
        if most > 1 && !manifest.input.layout.batch_first() {
            let why = format!("the layout {} has not N first", manifest.input.layout);
            return Err(refused(manifest.graph.first(), why));
        }
        let frame = self.empty_frame(manifest);
        let sizes = (1..).map(|power| 1 << power).take_while(|&size| size < most).chain([most]);
        for size in sizes.filter(|&size| size > 1) {
            let made = self
                .encode(&vec![(Arc::clone(&frame), None); size])
                .map_err(|fault| refused(manifest.graph.first(), fault.to_string()))?;
            let windows: Vec<Vec<Encoded>> =
                made.into_iter().map(|(encoded, _)| vec![encoded; self.frames]).collect();
            let last = manifest.graph.head().unwrap_or(manifest.graph.first());
            self.classify(&windows.iter().collect::<Vec<_>>())
                .map_err(|fault| refused(last, fault.to_string()))?;
            self.sizes.push(size);
        }
        Ok(())
    }

    /// Whether what the encoder makes of samples stays where its provider computed it.
    #[must_use]
    pub fn keeps_tokens(&self) -> bool {
        self.arranger.is_some()
    }

    /// Why it does not, where the provider has a memory of its own.
    #[must_use]
    pub fn not_kept(&self) -> Option<&Error> {
        self.not_kept.as_ref()
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

    /// The batch sizes that it takes, from 1 up.
    #[must_use]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// How samples become what its last graph takes.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        match &self.graphs {
            Graphs::Clip { .. } => Encoding::None,
            Graphs::Encoded { encoder, .. } if encoder.is_in_order() => Encoding::InOrder,
            Graphs::Encoded { .. } => Encoding::Each,
        }
    }

    /// What ends the runs of the model from another thread.
    #[must_use]
    pub fn cancellers(&self) -> Vec<Canceller> {
        match &self.graphs {
            Graphs::Clip { graph, .. } => vec![graph.canceller()],
            Graphs::Encoded { encoder, head } => {
                std::iter::once(encoder.canceller()).chain(head.as_ref().map(Graph::canceller)).collect()
            }
        }
    }

    /// Encodes sampled frames in one run. A clip graph has nothing to do yet.
    ///
    /// # Errors
    /// When the encoder fails or gives what the head does not take.
    pub fn encode(&mut self, samples: &[Input]) -> Result<Vec<Output>, Error> {
        match &mut self.graphs {
            Graphs::Encoded { encoder, .. } => encoder.encode(samples, self.arranger.as_deref_mut()),
            Graphs::Clip { .. } => {
                Ok(samples.iter().map(|(frame, _)| (Encoded::of_frame(Arc::clone(frame)), None)).collect())
            }
        }
    }

    /// Classifies windows of encoded samples in one run.
    ///
    /// # Errors
    /// When a graph fails or gives what the manifest does not promise.
    pub fn classify(&mut self, windows: &[&Vec<Encoded>]) -> Result<Vec<WindowOutput>, Error> {
        let outputs = self.run(windows, &self.reader.names())?;
        let each = self.reader.split(outputs, windows.len())?;
        each.iter().map(|outputs| self.reader.read(outputs)).collect()
    }

    /// Runs the last graph over windows of encoded samples.
    fn run(&mut self, windows: &[&Vec<Encoded>], names: &[String]) -> Result<Vec<(String, Tensor)>, Error> {
        match &mut self.graphs {
            Graphs::Clip { graph, input } => {
                let clips: Vec<Tensor> = windows
                    .iter()
                    .map(|window| {
                        self.writer
                            .clip(&window.iter().filter_map(|sample| sample.host(0)).collect::<Vec<_>>())
                    })
                    .collect();
                let batch = Tensor::joined(&clips.iter().collect::<Vec<_>>());
                graph.run(&[(input.as_str(), Feed::Host(&batch))], names)
            }
            Graphs::Encoded { encoder, head: Some(head) } => {
                let tokens = encoder.kept();
                let named = tokens.iter().map(String::as_str);
                if let Some(arranger) = &mut self.arranger {
                    let stacked: Vec<Resident> = (0..tokens.len())
                        .map(|token| {
                            let samples = windows.iter().flat_map(|window| window.iter());
                            let samples: Vec<_> =
                                samples.filter_map(|sample| sample.resident(token)).collect();
                            arranger.stack_over_time(windows.len(), &samples)
                        })
                        .collect::<Result<_, _>>()?;
                    return head
                        .run(&named.zip(stacked.iter().map(Feed::Resident)).collect::<Vec<_>>(), names);
                }
                let stacked: Vec<Tensor> = (0..tokens.len()).map(|token| stack(windows, token)).collect();
                head.run(&named.zip(stacked.iter().map(Feed::Host)).collect::<Vec<_>>(), names)
            }
            Graphs::Encoded { encoder, head: None } => {
                let kept = encoder.kept().iter().enumerate();
                Ok(kept.map(|(at, name)| (name.clone(), last_of(windows, at))).collect())
            }
        }
    }
}

/// One output of the encoder over all samples of each window.
fn stack(windows: &[&Vec<Encoded>], token: usize) -> Tensor {
    let windows: Vec<Vec<&Tensor>> = windows
        .iter()
        .map(|window| window.iter().filter_map(|sample| sample.host(token)).collect())
        .collect();
    Tensor::stack_over_time(&windows)
}

/// One output of the encoder on the last sample of each window.
fn last_of(windows: &[&Vec<Encoded>], token: usize) -> Tensor {
    let last = windows.iter().filter_map(|window| window.last().and_then(|sample| sample.host(token)));
    Tensor::joined(&last.collect::<Vec<_>>()).into_owned()
}
