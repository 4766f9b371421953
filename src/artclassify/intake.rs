//! What the streaming thread does with a frame: samples it, submits windows, puts it in line.

use std::collections::VecDeque;

use super::{
    convert::FrameConverter,
    interpret::{SampleInfo, WindowInfo},
    outlet::{Item, Outlet},
    settings::{Alignment, EosPolicy},
};
use crate::{
    engine::{Engine, Sample},
    error::Error,
    model::{Fit, InputSpec, SampleWriter},
    window::{Decision, FrameTime, GridEnd, GridSettings, Ownership, Source, Window, WindowPlan, Windower},
};

/// How long a frame is taken to last where nothing tells, in nanoseconds.
const UNKNOWN_DURATION: u64 = 33_333_333;

/// What the streaming thread counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Frames that came in.
    pub frames: u64,
    /// Frames that pass without being looked at: no time stamp, outside of the segment, played backwards.
    pub unclassified: u64,
    /// Samples taken.
    pub samples: u64,
    /// Samples that repeat the frame of the sample before.
    pub repeated: u64,
    /// Windows submitted.
    pub windows: u64,
    /// Grids that were started anew.
    pub resets: u64,
}

impl Counts {
    /// The value of the property `stats`.
    pub fn to_structure(self) -> gst::Structure {
        gst::Structure::builder("artclassify-stats")
            .field("frames", self.frames)
            .field("unclassified", self.unclassified)
            .field("samples", self.samples)
            .field("repeated", self.repeated)
            .field("windows", self.windows)
            .field("resets", self.resets)
            .build()
    }
}

/// Something that a user should be told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Frames have no time stamps.
    NoTimestamps,
    /// The segment plays backwards.
    Reverse,
    /// The source has fewer frames than the model takes samples.
    SlowSource,
}

/// Why a frame was not taken.
#[derive(Debug)]
pub enum Refusal {
    /// No caps came before it.
    NoCaps,
    /// The frame cannot be read.
    Fault(Error),
}

/// The state of the sink side.
pub struct Intake {
    input: InputSpec,
    writer: SampleWriter,
    windower: Windower,
    converter: Option<FrameConverter>,
    segment: gst::FormattedSegment<gst::ClockTime>,
    /// The last frame, kept in case a sample is taken from it.
    last: Option<gst::Buffer>,
    /// How the frames of the last samples were fitted, no more than a window has.
    fits: VecDeque<Fit>,
    counts: Counts,
    notices: Vec<Notice>,
    told: Vec<Notice>,
}

impl Intake {
    /// The sink side for a model.
    pub fn new(
        input: InputSpec,
        writer: SampleWriter,
        alignment: Alignment,
        plan: WindowPlan,
        gap_tolerance: u64,
    ) -> Self {
        let ownership = match alignment {
            Alignment::Delay => Ownership::Central,
            Alignment::Hold => Ownership::Newest,
        };
        let windower = Windower::new(GridSettings { fps: input.fps, gap_tolerance }, plan, ownership);
        Self {
            input,
            writer,
            windower,
            converter: None,
            segment: gst::FormattedSegment::new(),
            last: None,
            fits: VecDeque::new(),
            counts: Counts::default(),
            notices: Vec::new(),
            told: Vec::new(),
        }
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        Counts { repeated: self.windower.repeated(), ..self.counts }
    }

    /// What a user should be told now, each thing once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn notice(&mut self, notice: Notice) {
        if !self.told.contains(&notice) {
            self.told.push(notice);
            self.notices.push(notice);
        }
    }

    /// How many frames of the current format the element holds back, with one to spare.
    pub fn held_frames(&self) -> u32 {
        self.windower.held_frames(self.frame_duration().map_or(30.0, |duration| 1e9 / duration as f64))
    }

    /// How long a frame waits for its window at most, in nanoseconds.
    pub fn delay(&self) -> u64 {
        self.windower.delay()
    }

    /// Takes new caps. The window goes on: its samples are already at the model's size.
    ///
    /// # Errors
    /// When the format cannot be converted.
    pub fn set_info(&mut self, info: &gst_video::VideoInfo) -> Result<(), Error> {
        if self.converter.as_ref().is_some_and(|converter| converter.info() == info) {
            return Ok(());
        }
        self.windower.change_format();
        self.last = None;
        self.converter = Some(FrameConverter::new(info, &self.input)?);
        Ok(())
    }

    /// Takes a new segment.
    pub fn set_segment(&mut self, segment: gst::FormattedSegment<gst::ClockTime>) {
        self.segment = segment;
    }

    /// The stream was flushed: nothing of it is left.
    pub fn flush(&mut self) {
        self.windower.flush();
        self.fits.clear();
        self.last = None;
        self.segment.reset();
    }

    /// Takes a frame, and gives it back as what is to leave.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn frame(
        &mut self,
        buffer: gst::Buffer,
        engine: &Engine,
        outlet: &Outlet,
        gap_tolerance: u64,
    ) -> Result<Item, Refusal> {
        self.counts.frames += 1;
        let Some(time) = self.time_of(&buffer) else {
            self.counts.unclassified += 1;
            return Ok(Item::Frame { buffer, owner: None });
        };
        if self.converter.is_none() {
            return Err(Refusal::NoCaps);
        }
        self.windower.set_gap_tolerance(gap_tolerance);
        let taken = self.windower.frame(time);
        let previous = self.last.replace(buffer.clone());
        for decision in taken.decisions {
            match decision {
                Decision::GridEnded(end) => self.end_grid(end, engine, outlet),
                Decision::Sample(Source::Previous) => self.sample(previous.as_ref(), engine)?,
                Decision::Sample(Source::Current) => self.sample(Some(&buffer), engine)?,
                Decision::Sample(Source::Repeat) => self.sample(None, engine)?,
                Decision::Window(window) => self.submit(window, engine, outlet),
            }
        }
        Ok(Item::Frame { buffer, owner: taken.owner })
    }

    /// The stream of frames ended or is about to change: closes the grid.
    pub fn end(&mut self, eos: EosPolicy, engine: &Engine, outlet: &Outlet) {
        self.last = None;
        let (window, end) = self.windower.end(eos == EosPolicy::Pad);
        if let Some(window) = window {
            self.submit(window, engine, outlet);
        }
        self.end_grid(end, engine, outlet);
    }

    fn end_grid(&mut self, end: GridEnd, engine: &Engine, outlet: &Outlet) {
        if let Some(reset) = end.reset {
            self.counts.resets += 1;
            gst::info!(super::CAT, "new sample grid: {reset:?}");
        }
        self.fits.clear();
        outlet.end_grid(end.last, end.until);
        engine.new_grid();
    }

    fn frame_duration(&self) -> Option<u64> {
        let fps = self.converter.as_ref()?.info().fps();
        let (numer, denom) = (u64::try_from(fps.numer()).ok()?, u64::try_from(fps.denom()).ok()?);
        (1_000_000_000 * denom).checked_div(numer).filter(|&duration| duration > 0)
    }

    fn time_of(&mut self, buffer: &gst::BufferRef) -> Option<FrameTime> {
        if self.segment.rate() < 0.0 {
            self.notice(Notice::Reverse);
            return None;
        }
        let Some(pts) = buffer.pts() else {
            self.notice(Notice::NoTimestamps);
            return None;
        };
        let running_time = self.segment.to_running_time(pts)?.nseconds();
        let since_last =
            self.windower.last_frame().map(|last| running_time.saturating_sub(last.running_time));
        let duration = self
            .frame_duration()
            .or(buffer.duration().map(|duration| duration.nseconds()))
            .or(since_last)
            .filter(|&duration| duration > 0)
            .unwrap_or(UNKNOWN_DURATION);
        Some(FrameTime {
            pts: pts.nseconds(),
            running_time,
            stream_time: self.segment.to_stream_time(pts).map(|time| time.nseconds()),
            duration,
            discont: buffer.flags().contains(gst::BufferFlags::DISCONT),
        })
    }

    /// Takes the next sample from a frame, or repeats the sample before.
    fn sample(&mut self, frame: Option<&gst::Buffer>, engine: &Engine) -> Result<(), Refusal> {
        let Some(converter) = &mut self.converter else {
            return Err(Refusal::NoCaps);
        };
        self.counts.samples += 1;
        if self.fits.len() == self.input.frames {
            self.fits.pop_front();
        }
        self.fits.push_back(converter.fit());
        match frame {
            Some(frame) => {
                let frame = converter.convert(frame, &self.writer).map_err(Refusal::Fault)?;
                engine.sample(Sample::Frame(frame));
            }
            None => engine.sample(Sample::Repeat),
        }
        Ok(())
    }

    /// Submits a window.
    fn submit(&mut self, window: Window, engine: &Engine, outlet: &Outlet) {
        let Window { number, samples, taken, owns_from, owns_to } = window;
        self.counts.windows += 1;
        let repeats = samples[..taken].windows(2).filter(|pair| pair[0] == pair[1]).count();
        if repeats * 4 > samples.len() {
            self.notice(Notice::SlowSource);
        }
        let fits = self.fits.iter().skip(self.fits.len().saturating_sub(taken));
        let infos = samples.into_iter().zip(fits.chain(self.fits.back().into_iter().cycle()));
        let samples = infos.map(|(moment, &fit)| SampleInfo { moment, fit }).collect();
        outlet.submit(WindowInfo { number, samples, owns_from, owns_to });
        engine.window(number, taken);
    }
}
