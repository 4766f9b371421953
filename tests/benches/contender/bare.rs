//! A loop around ONNX Runtime: what the model costs by itself.
//!
//! The inputs of a clip graph are ready before the clock starts. In the split form the samples are; the outputs of the
//! encoder have to be put together in the loop, by whoever runs the graphs.

use std::{borrow::Cow, collections::VecDeque, path::Path};

use gstartclassify::{
    model::{Data, GraphKind, Manifest, OutputSpec, SampleWriter, Tensor},
    runtime::Library,
};
use ort::{
    environment::Environment,
    session::{Session, SessionInputValue, SessionOutputs, builder::GraphOptimizationLevel},
    value::TensorRef,
};

use super::{
    Outcome,
    cost::{Stopwatch, peak_mb},
    job::{Job, Report, Scores},
    pictures::Pictures,
};

/// Classifies the windows of a job one after the other, or `batch` at a time.
pub fn run(job: &Job, batch: usize, spinning: bool) -> Outcome<Report> {
    let manifest = Manifest::load(&job.model)?;
    let pictures = Pictures::read(&job.pictures, &manifest.input)?;
    // There is one environment a process, which the element may have made before.
    let environment = Library::get(None)?.environment();
    let load = |file: &Path| session(environment, file, job.threads, spinning);
    let samples = Samples::new(&manifest, &pictures);
    match &manifest.graph {
        GraphKind::Clip { file } => clip(load(file)?, &samples, &manifest.outputs, job, batch),
        GraphKind::Stream { .. } => Err("bare runs take clip and split models".into()),
        GraphKind::Split { .. } if batch != 1 => Err("the split form runs window by window here".into()),
        GraphKind::Split { encoder, head } => {
            split(load(encoder)?, load(head)?, &samples, &manifest.outputs, job)
        }
    }
}

/// A session with the options that the element gives its own.
fn session(environment: &Environment, file: &Path, threads: usize, spinning: bool) -> Outcome<Session> {
    let mut builder = Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(threads)?
        .with_intra_op_spinning(spinning)?;
    Ok(builder.commit_from_file(file)?)
}

/// Samples and windows as tensors.
struct Samples<'a> {
    writer: SampleWriter,
    pictures: &'a Pictures,
    frames: usize,
}

impl<'a> Samples<'a> {
    fn new(manifest: &Manifest, pictures: &'a Pictures) -> Self {
        Self { writer: SampleWriter::new(&manifest.input), pictures, frames: manifest.input.frames }
    }

    fn sample(&self, number: usize) -> Tensor {
        self.writer.frame(self.pictures.pixels(number), self.pictures.stride())
    }

    fn window(&self, start: usize) -> Tensor {
        let samples: Vec<Tensor> = (start..start + self.frames).map(|number| self.sample(number)).collect();
        self.writer.clip(&samples.iter().collect::<Vec<_>>())
    }
}

fn clip(
    mut graph: Session,
    samples: &Samples<'_>,
    outputs: &OutputSpec,
    job: &Job,
    batch: usize,
) -> Outcome<Report> {
    let windows: Vec<Tensor> = (0..job.windows).map(|window| samples.window(window * job.hop)).collect();
    let batches: Vec<Cow<'_, Tensor>> =
        windows.chunks(batch).map(|windows| Tensor::joined(&windows.iter().collect::<Vec<_>>())).collect();
    let input = first_input(&graph)?;
    for warm_up in batches.iter().take(1).chain(batches.last()) {
        graph.run(vec![(input.as_str(), view(warm_up)?)])?;
    }
    let mut scores = Vec::new();
    let clock = Stopwatch::start()?;
    for tensor in &batches {
        let found = graph.run(vec![(input.as_str(), view(tensor)?)])?;
        scores.extend(read_scores(&found, outputs)?);
    }
    report(&clock, scores)
}

fn split(
    mut encoder: Session,
    mut head: Session,
    samples: &Samples<'_>,
    outputs: &OutputSpec,
    job: &Job,
) -> Outcome<Report> {
    let count = samples.frames + (job.windows - 1) * job.hop;
    let ready: Vec<Tensor> = (0..count).map(|number| samples.sample(number)).collect();
    let input = first_input(&encoder)?;
    let names: Vec<String> = head.inputs().iter().map(|port| port.name().to_owned()).collect();
    let first = encode(&mut encoder, &input, &names, &ready[0])?;
    classify(&mut head, &names, &vec![first; samples.frames].into(), outputs)?;
    let mut recent = VecDeque::new();
    let mut scores = Vec::new();
    let clock = Stopwatch::start()?;
    for (number, sample) in ready.iter().enumerate() {
        if recent.len() == samples.frames {
            recent.pop_front();
        }
        recent.push_back(encode(&mut encoder, &input, &names, sample)?);
        if number + 1 >= samples.frames && (number + 1 - samples.frames).is_multiple_of(job.hop) {
            scores.extend(classify(&mut head, &names, &recent, outputs)?);
        }
    }
    report(&clock, scores)
}

fn encode(encoder: &mut Session, input: &str, names: &[String], sample: &Tensor) -> Outcome<Vec<Tensor>> {
    let found = encoder.run(vec![(input, view(sample)?)])?;
    let tokens = names.iter().map(|name| {
        let (shape, values) = found[name.as_str()].try_extract_tensor::<f32>()?;
        let shape = shape.iter().map(|&size| size as usize).collect();
        Ok(Tensor { shape, data: Data::F32(values.to_vec()) })
    });
    tokens.collect()
}

fn classify(
    head: &mut Session,
    names: &[String],
    recent: &VecDeque<Vec<Tensor>>,
    outputs: &OutputSpec,
) -> Outcome<Vec<Scores>> {
    let stacked: Vec<Tensor> = (0..names.len())
        .map(|token| Tensor::stack_over_time(&[recent.iter().map(|each| &each[token]).collect()]))
        .collect();
    let inputs =
        names.iter().zip(&stacked).map(|(name, tensor)| Ok((Cow::from(name.as_str()), view(tensor)?)));
    let found = head.run(inputs.collect::<Outcome<Vec<_>>>()?)?;
    read_scores(&found, outputs)
}

fn report(clock: &Stopwatch, scores: Vec<Scores>) -> Outcome<Report> {
    let (wall, cpu) = clock.read()?;
    Ok(Report { windows: scores.len(), wall, cpu, peak_mb: peak_mb()?, result_ms: None, scores })
}

fn first_input(graph: &Session) -> Outcome<String> {
    Ok(graph.inputs().first().ok_or("a graph without inputs")?.name().to_owned())
}

/// The scores of each window of a run.
fn read_scores(found: &SessionOutputs<'_>, outputs: &OutputSpec) -> Outcome<Vec<Scores>> {
    let (shape, values) = found[outputs.scores.as_str()].try_extract_tensor::<f32>()?;
    let classes = *shape.last().ok_or("scores without a shape")? as usize;
    let scores = values.chunks(classes).map(|window| {
        let mut scores = window.to_vec();
        outputs.activation.apply(&mut scores);
        (0..).zip(scores).collect()
    });
    Ok(scores.collect())
}

/// The tensor as ONNX Runtime sees it, without a copy.
fn view(tensor: &Tensor) -> Outcome<SessionInputValue<'_>> {
    let shape = tensor.shape.clone();
    Ok(match &tensor.data {
        Data::U8(values) => TensorRef::from_array_view((shape, values.as_slice()))?.into(),
        Data::F16(values) => TensorRef::from_array_view((shape, values.as_slice()))?.into(),
        Data::F32(values) => TensorRef::from_array_view((shape, values.as_slice()))?.into(),
        other => return Err(format!("inputs of {} are not made here", other.element().name()).into()),
    })
}
