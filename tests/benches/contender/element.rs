//! `artclassify` in a pipeline, fed out of memory as fast as it takes frames.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use gst::prelude::*;
use gstartclassify::{meta, model::Manifest};

use super::{
    Outcome,
    cost::{Stopwatch, peak_mb},
    job::{Job, Report, Scores},
    pictures::Pictures,
};

/// Frames that wait in front of the element at most.
const AHEAD: u64 = 4;

/// Classifies the windows of a job in each of `streams` streams.
pub fn run(job: &Job, streams: usize, properties: &str) -> Outcome<Report> {
    let manifest = Manifest::load(&job.model)?;
    let pictures = Pictures::read(&job.pictures, &manifest.input)?;
    let frames = manifest.input.frames + (job.windows - 1) * job.hop;
    let pipeline = gst::Pipeline::new();
    let sources: Vec<_> =
        (0..streams).map(|_| add_stream(&pipeline, job, properties, &pictures)).collect::<Outcome<_>>()?;
    let found: Vec<_> = sources.iter().map(|(_, sink)| watch(sink)).collect::<Outcome<_>>()?;
    pipeline.set_state(gst::State::Playing)?;
    let clock = Stopwatch::start()?;
    thread::scope(|scope| {
        for (source, _) in &sources {
            let pictures = pictures.clone();
            scope.spawn(move || feed(source, &pictures, frames));
        }
        until_the_end(&pipeline)
    })?;
    let (wall, cpu) = clock.read()?;
    let peak_mb = peak_mb()?;
    pipeline.set_state(gst::State::Null)?;
    let scores: Vec<Vec<Scores>> = found
        .iter()
        .map(|scores| std::mem::take(&mut *scores.lock().unwrap_or_else(PoisonError::into_inner)))
        .collect();
    if let Some(count) = scores.iter().map(Vec::len).find(|&count| count != job.windows) {
        return Err(format!("found {count} windows in a stream, expected {}", job.windows).into());
    }
    let windows = scores.iter().map(Vec::len).sum();
    Ok(Report { windows, wall, cpu, peak_mb, scores: scores.into_iter().next().unwrap_or_default() })
}

/// Adds a source, the element and a sink; gives the source and the sink.
fn add_stream(
    pipeline: &gst::Pipeline,
    job: &Job,
    properties: &str,
    pictures: &Pictures,
) -> Outcome<(gst_app::AppSrc, gst::Element)> {
    let source = gst_app::AppSrc::builder()
        .caps(&pictures.info().to_caps()?)
        .format(gst::Format::Time)
        .block(true)
        .max_bytes(AHEAD * pictures.info().size() as u64)
        .build();
    let element = gst::parse::launch(&format!("artclassify eos=drop policy=block {properties}"))?;
    element.set_property("model", job.model.display().to_string());
    element.set_property_from_str("hop", &job.hop.to_string());
    element.set_property_from_str("threads", &job.threads.to_string());
    let sink = gst::ElementFactory::make("fakesink").property("sync", false).build()?;
    pipeline.add_many([source.upcast_ref(), &element, &sink])?;
    gst::Element::link_many([source.upcast_ref(), &element, &sink])?;
    Ok((source, sink))
}

/// Collects the best scores of each window that comes to a sink, from the first frame that carries them.
fn watch(sink: &gst::Element) -> Outcome<Arc<Mutex<Vec<Scores>>>> {
    let found = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&found);
    let pad = sink.static_pad("sink").ok_or("a sink without a pad")?;
    let add = move |result: Option<meta::FrameResult>| {
        if let Some(result) = result.filter(|result| result.first) {
            let scores = result.top.iter().map(|class| (class.label_id, class.score)).collect();
            to.lock().unwrap_or_else(PoisonError::into_inner).push(scores);
        }
    };
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::EVENT_DOWNSTREAM, move |_, info| {
        match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => add(meta::read(buffer)),
            Some(gst::PadProbeData::Event(event)) => add(event.structure().and_then(meta::read_window)),
            _ => {}
        }
        gst::PadProbeReturn::Ok
    });
    Ok(found)
}

/// Pushes frames until all are through or the pipeline takes no more, which its bus tells of.
fn feed(source: &gst_app::AppSrc, pictures: &Pictures, frames: usize) -> Result<(), gst::FlowError> {
    for sample in 0..frames {
        source.push_buffer(pictures.frame(sample))?;
    }
    source.end_of_stream().map(|_| ())
}

fn until_the_end(pipeline: &gst::Pipeline) -> Outcome<()> {
    let bus = pipeline.bus().ok_or("a pipeline without a bus")?;
    for message in bus.iter_timed(gst::ClockTime::NONE) {
        match message.view() {
            gst::MessageView::Eos(_) => return Ok(()),
            gst::MessageView::Error(fault) => {
                pipeline.set_state(gst::State::Null)?;
                return Err(fault.error().to_string().into());
            }
            _ => {}
        }
    }
    Err("the bus was closed".into())
}
