//! What the streaming thread does with a frame: samples it, submits windows, puts it in line.

use std::collections::VecDeque;

use super::{
    convert::FrameConverter,
    interpret::{SampleInfo, WindowInfo},
    outlet::{Item, Outlet},
    settings::{Alignment, EosPolicy},
};
use crate::{
    action::Moment,
    engine::{Engine, Sample},
    error::Error,
    model::{Fit, InputSpec, SampleWriter},
    window::{FrameTime, Grid, GridSettings, Reset, Sampled, WindowPlan},
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

/// The last frame, kept in case a sample is taken from it.
struct LastFrame {
    buffer: gst::Buffer,
    time: FrameTime,
}

/// The state of the sink side.
pub struct Intake {
    input: InputSpec,
    writer: SampleWriter,
    alignment: Alignment,
    plan: WindowPlan,
    grid: Grid,
    converter: Option<FrameConverter>,
    segment: gst::FormattedSegment<gst::ClockTime>,
    last: Option<LastFrame>,
    recent: VecDeque<SampleInfo>,
    /// Number of the grid's window 0.
    base: u64,
    /// Number of the next window.
    next: u64,
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
        let grid = Grid::new(GridSettings { fps: input.fps, gap_tolerance });
        Self {
            input,
            writer,
            alignment,
            plan,
            grid,
            converter: None,
            segment: gst::FormattedSegment::new(),
            last: None,
            recent: VecDeque::new(),
            base: 0,
            next: 0,
            counts: Counts::default(),
            notices: Vec::new(),
            told: Vec::new(),
        }
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        Counts { repeated: self.grid.repeated(), ..self.counts }
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
        let rate = self.frame_duration().map_or(30.0, |duration| 1e9 / duration as f64);
        let samples = match self.alignment {
            Alignment::Delay => self.plan.delay() + self.plan.hop() as f64,
            Alignment::Hold => 0.0,
        };
        (samples / self.input.fps * rate).ceil() as u32 + 2
    }

    /// How long a frame waits for its window at most, in nanoseconds.
    pub fn delay(&self) -> u64 {
        match self.alignment {
            Alignment::Delay => (self.plan.delay() / self.input.fps * 1e9) as u64,
            Alignment::Hold => 0,
        }
    }

    /// Takes new caps. The window goes on: its samples are already at the model's size.
    ///
    /// # Errors
    /// When the format cannot be converted.
    pub fn set_info(&mut self, info: &gst_video::VideoInfo) -> Result<(), Error> {
        if self.converter.as_ref().is_some_and(|converter| converter.info() == info) {
            return Ok(());
        }
        // A sample that would be taken from the frame before is taken from the next one instead.
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
        self.grid.clear();
        self.recent.clear();
        self.last = None;
        self.segment.reset();
        self.base = self.next;
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
        self.grid.set_gap_tolerance(gap_tolerance);
        let decided = self.grid.decided();
        let step = self.grid.push(time);
        if let Some(reset) = step.reset {
            self.reset(reset, decided, engine, outlet);
        }
        for (n, &sampled) in (step.first..).zip(&step.samples) {
            self.sample(sampled, &buffer, time, engine)?;
            if let Some(k) = self.plan.completed_by(n) {
                self.submit(k, self.plan.frames(), engine, outlet);
            }
        }
        let owner = match self.alignment {
            Alignment::Delay => {
                self.grid.position(time.running_time).map(|at| self.base + self.plan.owner(at))
            }
            Alignment::Hold => {
                let complete = self.grid.decided().checked_sub(self.plan.frames());
                complete.map(|spare| self.base + spare / self.plan.hop())
            }
        };
        self.last = Some(LastFrame { buffer: buffer.clone(), time });
        Ok(Item::Frame { buffer, owner })
    }

    /// The stream of frames ended or is about to change: closes the grid.
    pub fn end(&mut self, eos: EosPolicy, engine: &Engine, outlet: &Outlet) {
        let decided = self.grid.decided();
        if eos == EosPolicy::Pad
            && let Some((k, samples)) = self.plan.left_open(decided)
        {
            self.submit(k, samples, engine, outlet);
            self.close_grid(Some(self.base + k), engine, outlet);
        } else {
            self.close_grid(self.last_whole(decided), engine, outlet);
        }
        self.grid.clear();
    }

    fn reset(&mut self, reset: Reset, decided: u64, engine: &Engine, outlet: &Outlet) {
        self.counts.resets += 1;
        gst::info!(super::CAT, "new sample grid: {reset:?}");
        self.close_grid(self.last_whole(decided), engine, outlet);
    }

    /// Number of the last window that `decided` samples of the running grid fill.
    fn last_whole(&self, decided: u64) -> Option<u64> {
        Some(self.base + decided.checked_sub(self.plan.frames())? / self.plan.hop())
    }

    fn close_grid(&mut self, last: Option<u64>, engine: &Engine, outlet: &Outlet) {
        let until = self.last.as_ref().map(|last| Moment {
            pts: last.time.pts + last.time.duration,
            running_time: last.time.running_time + last.time.duration,
        });
        outlet.end_grid(last, until);
        engine.new_grid();
        self.recent.clear();
        self.last = None;
        self.base = self.next;
    }

    fn frame_duration(&self) -> Option<u64> {
        let fps = self.converter.as_ref()?.info().fps();
        (fps.numer() > 0 && fps.denom() > 0).then(|| 1_000_000_000 * fps.denom() as u64 / fps.numer() as u64)
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
        let since_last = self.last.as_ref().map(|last| running_time.saturating_sub(last.time.running_time));
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

    /// Takes the next sample from the current or the previous frame.
    fn sample(
        &mut self,
        sampled: Sampled,
        current: &gst::BufferRef,
        time: FrameTime,
        engine: &Engine,
    ) -> Result<(), Refusal> {
        self.counts.samples += 1;
        let Some(converter) = &mut self.converter else {
            return Err(Refusal::NoCaps);
        };
        let fit = converter.fit();
        let (buffer, time) = match (&self.last, sampled) {
            (Some(last), Sampled::Previous) => (&*last.buffer, last.time),
            _ => (current, time),
        };
        let info = sample_info(time, fit);
        if self.recent.back().is_some_and(|before| before.moment == info.moment) {
            engine.sample(Sample::Repeat);
        } else {
            let frame = converter.convert(buffer, &self.writer).map_err(Refusal::Fault)?;
            engine.sample(Sample::Frame(frame));
        }
        if self.recent.len() as u64 == self.plan.frames() {
            self.recent.pop_front();
        }
        self.recent.push_back(info);
        Ok(())
    }

    /// Submits window `k` of the grid, which is the last `samples` samples.
    fn submit(&mut self, k: u64, samples: u64, engine: &Engine, outlet: &Outlet) {
        self.counts.windows += 1;
        let older = self.recent.len().saturating_sub(samples as usize);
        let mut infos: Vec<SampleInfo> = self.recent.iter().skip(older).copied().collect();
        let centre = (self.plan.frames() - self.plan.hop()) as f64 / 2.0;
        let owns_from = if k == 0 { 0.0 } else { centre };
        let number = self.base + k;
        let window = |infos: &[SampleInfo]| WindowInfo {
            number,
            owns_from: self.moment(infos, owns_from),
            owns_to: self.moment(infos, centre + self.plan.hop() as f64),
            samples: infos.to_vec(),
        };
        let info = window(&infos);
        let repeats = infos.windows(2).filter(|pair| pair[0].moment == pair[1].moment).count();
        if let Some(last) = infos.last().copied() {
            infos.resize(self.plan.frames() as usize, last);
        }
        if repeats * 4 > infos.len() {
            self.notice(Notice::SlowSource);
        }
        self.next = number + 1;
        outlet.submit(WindowInfo { samples: infos, ..info });
        engine.window(number, samples as usize);
    }

    /// The moment `position` samples after the first of `samples`.
    fn moment(&self, samples: &[SampleInfo], position: f64) -> Moment {
        let (Some(first), Some(last)) = (samples.first(), samples.last()) else {
            return Moment { pts: 0, running_time: 0 };
        };
        let after = (position / self.input.fps * 1e9) as u64;
        let base = samples.get(position as usize).unwrap_or(last);
        let running_time = first.moment.running_time + after;
        let ahead = running_time.saturating_sub(base.moment.running_time);
        Moment { pts: base.moment.pts + ahead, running_time }
    }
}

fn sample_info(time: FrameTime, fit: Fit) -> SampleInfo {
    SampleInfo { moment: Moment { pts: time.pts, running_time: time.running_time }, fit }
}
