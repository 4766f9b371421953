//! `artclassify` in a pipeline, fed out of memory as fast as it takes frames.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
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

/// A source, the element and a sink.
struct Stream {
    source: gst_app::AppSrc,
    element: gst::Element,
    found: Arc<Mutex<Vec<Scores>>>,
}

/// Classifies the windows of a job in each of `streams` streams; with `light`, in the first one as their time comes, while
/// the others do all they can.
pub fn run(job: &Job, streams: usize, properties: &str, light: bool) -> Outcome<Report> {
    let manifest = Manifest::load(&job.model)?;
    let pictures = Pictures::read(&job.pictures, &manifest.input)?;
    let frames = manifest.input.frames + (job.windows - 1) * job.hop;
    let pipeline = gst::Pipeline::new();
    let streams: Vec<_> =
        (0..streams).map(|_| Stream::add(&pipeline, job, properties, &pictures)).collect::<Outcome<_>>()?;
    let (first, others) = streams.split_first().ok_or("no streams")?;
    pipeline.set_state(gst::State::Playing)?;
    if job.gate {
        println!("ready");
        std::io::stdin().read_line(&mut String::new())?;
    }
    let clock = Stopwatch::start()?;
    let (first_is_through, never) = (AtomicBool::new(false), AtomicBool::new(false));
    let (period, others_end, others_stop) = if light {
        (Duration::from_secs_f64(1.0 / manifest.input.fps), usize::MAX, &first_is_through)
    } else {
        (Duration::ZERO, frames, &never)
    };
    thread::scope(|scope| {
        scope.spawn(|| {
            let fed = first.feed(&pictures, frames, period, &never);
            first_is_through.store(true, Ordering::Relaxed);
            fed
        });
        for stream in others {
            scope.spawn(|| stream.feed(&pictures, others_end, Duration::ZERO, others_stop));
        }
        until_the_end(&pipeline)
    })?;
    let (wall, cpu) = clock.read()?;
    let peak_mb = peak_mb()?;
    let stats = first.element.property::<gst::Structure>("stats");
    let milliseconds = |name| stats.get::<u64>(name).map(|time| time as f64 / 1e6);
    let result_ms = Some([milliseconds("result-p50")?, milliseconds("result-p90")?]);
    pipeline.set_state(gst::State::Null)?;
    let scores: Vec<Vec<Scores>> = streams.iter().map(Stream::take).collect();
    let expected = if light { &scores[..1] } else { &scores[..] };
    if let Some(count) = expected.iter().map(Vec::len).find(|&count| count != job.windows) {
        return Err(format!("found {count} windows in a stream, expected {}", job.windows).into());
    }
    let windows = scores.iter().map(Vec::len).sum();
    let scores = scores.into_iter().next().unwrap_or_default();
    Ok(Report { windows, wall, cpu, peak_mb, result_ms, scores })
}

impl Stream {
    fn add(pipeline: &gst::Pipeline, job: &Job, properties: &str, pictures: &Pictures) -> Outcome<Self> {
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
        Ok(Self { source, element, found: watch(&sink)? })
    }

    /// Pushes frames, `period` apart at least, until all are through, `stop` is set, or the pipeline takes no more, which
    /// its bus tells of.
    fn feed(
        &self,
        pictures: &Pictures,
        frames: usize,
        period: Duration,
        stop: &AtomicBool,
    ) -> Result<(), gst::FlowError> {
        let mut due = Instant::now();
        for sample in (0..frames).take_while(|_| !stop.load(Ordering::Relaxed)) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due += period;
            self.source.push_buffer(pictures.frame(sample))?;
        }
        self.source.end_of_stream().map(|_| ())
    }

    /// The scores that were found.
    fn take(&self) -> Vec<Scores> {
        std::mem::take(&mut *self.found.lock().unwrap_or_else(PoisonError::into_inner))
    }
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
