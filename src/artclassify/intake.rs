//! What the streaming thread does with a frame: samples it, submits windows, puts it in line.

use std::{collections::VecDeque, sync::Arc};

use super::{
    choices::{Alignment, EosPolicy},
    convert::FrameConverter,
    interpret::WindowInfo,
    objects::Objects,
    outlet::Outlet,
    references::References,
    stats::{Counts, Stats},
};
use crate::{
    engine::{Stream, Waiting},
    error::Error,
    model::{Fit, InputSpec, Slots},
    window::{Decision, FrameTime, GridSettings, Ownership, Taken, WindowPlan, Windower},
};

/// How long a frame is taken to last where nothing tells, in nanoseconds.
const UNKNOWN_DURATION: u64 = 33_333_333;

/// How long a frame of a stream whose caps tell no rate is taken to last at least, in nanoseconds: time that hardly moves
/// stands still.
const SHORTEST_DURATION: u64 = 1_000_000_000 / 240;

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

/// What a buffer says of its time.
enum Timing {
    /// It can be sampled.
    Known(FrameTime),
    /// It has no time stamp.
    Unstamped,
    /// It is not shown, or backwards.
    Outside,
}

/// Why a frame was not taken.
#[derive(Debug)]
pub enum Refusal {
    /// No caps came before it.
    NoCaps,
    /// The frame cannot be read.
    Fault(Error),
}

/// Where samples and windows go.
pub struct Target<'a> {
    /// Runs the model.
    pub stream: &'a Stream,
    /// Waits for the results.
    pub outlet: &'a Outlet,
    /// Which windows wait while the model runs.
    pub waiting: Waiting,
}

/// The state of the sink side.
pub struct Intake {
    pub(super) input: InputSpec,
    /// Where samples are written.
    pub(super) slots: Slots,
    pub(super) alignment: Alignment,
    pub(super) windower: Windower,
    pub(super) converter: Option<FrameConverter>,
    pub(super) segment: gst::FormattedSegment<gst::ClockTime>,
    /// The last frame, in case a sample is taken from it. One that was sampled is not kept: it can only be repeated.
    pub(super) last: Option<gst::Buffer>,
    /// How the frames of the last samples were fitted, no more than a window has.
    pub(super) fits: VecDeque<Fit>,
    /// Where objects have windows of their own: the objects.
    pub(super) objects: Option<Objects>,
    /// What dates the moments of the stream.
    pub(super) references: References,
    /// Nothing is sampled yet, or the last frame completed a window.
    pub(super) at_boundary: bool,
    /// Frames since the last that brought a sample.
    pub(super) idle: u32,
    /// How long the shortest frame of the current format and segment lasts, in nanoseconds of running time.
    pub(super) shortest: Option<u64>,
    /// Windows that gave way to newer ones and that nobody was told of yet.
    pub(super) dropped: Vec<WindowInfo>,
    pub(super) stats: Arc<Stats>,
    pub(super) counts: Counts,
    pub(super) notices: Vec<Notice>,
    pub(super) told: Vec<Notice>,
}

impl Intake {
    /// The sink side for a model.
    pub fn new(
        input: InputSpec,
        slots: Slots,
        alignment: Alignment,
        plan: WindowPlan,
        gap_tolerance: u64,
        objects: Option<Objects>,
        stats: Arc<Stats>,
    ) -> Self {
        let settings = GridSettings { fps: input.fps, gap_tolerance };
        let windower = Windower::new(settings, plan, ownership(alignment, false));
        Self {
            input,
            slots,
            alignment,
            windower,
            converter: None,
            segment: gst::FormattedSegment::new(),
            last: None,
            fits: VecDeque::new(),
            objects,
            references: References::default(),
            at_boundary: true,
            idle: 0,
            shortest: None,
            dropped: Vec::new(),
            stats,
            counts: Counts::default(),
            notices: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Tells the stats what was counted.
    pub fn count(&self) {
        let objects = self.objects.as_ref().map(Objects::counts).unwrap_or_default();
        self.stats.set_counts(Counts { repeated: self.windower.repeated(), objects, ..self.counts });
    }

    /// What a user should be told now, each thing once.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Windows that gave way to newer ones since the last call.
    pub fn take_dropped(&mut self) -> Vec<WindowInfo> {
        std::mem::take(&mut self.dropped)
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        if !self.told.contains(&notice) {
            self.told.push(notice);
            self.notices.push(notice);
        }
    }

    /// How many frames of the current format the element holds back, with one to spare.
    pub fn held_frames(&self) -> u32 {
        self.windower.held_frames(self.frame_rate())
    }

    /// How many frames come in a second of running time: as the caps have it, or else as the shortest frame so far.
    fn frame_rate(&self) -> f64 {
        match self.frame_duration() {
            Some(duration) => 1e9 / duration as f64 * self.segment.rate().abs(),
            None => 1e9 / self.shortest.unwrap_or(UNKNOWN_DURATION) as f64,
        }
    }

    /// How long a frame of a live stream waits for the last sample of its window at most, in nanoseconds. That sample may
    /// come half a frame late.
    pub fn wait(&self) -> u64 {
        match self.alignment {
            Alignment::Delay => self.windower.delay() + self.frame_duration().unwrap_or(0) / 2,
            Alignment::Hold => 0,
        }
    }

    /// Says whether the stream is live: then no frame waits for longer than the others.
    pub fn set_live(&mut self, live: bool) {
        self.windower.set_ownership(ownership(self.alignment, live));
    }

    /// Whether the model can be changed now without a window under way that lacks but few samples.
    pub fn at_boundary(&self) -> bool {
        self.at_boundary
    }

    /// The running time of a buffer.
    pub fn running_time(&self, buffer: &gst::BufferRef) -> Option<gst::ClockTime> {
        self.segment.to_running_time(buffer.pts()?)
    }

    /// What converts frames of the current format for another model; `None` before the caps.
    ///
    /// # Errors
    /// When the format cannot be converted.
    pub fn converter_for(&self, input: &InputSpec) -> Result<Option<FrameConverter>, Error> {
        let info = self.converter.as_ref().map(FrameConverter::info);
        info.map(|info| FrameConverter::new(info, input)).transpose()
    }

    /// Goes on with another model, after [`end`](Self::end).
    pub fn set_model(
        &mut self,
        input: InputSpec,
        slots: Slots,
        plan: WindowPlan,
        converter: Option<FrameConverter>,
        objects: Option<Objects>,
    ) {
        self.windower.set_plan(input.fps, plan);
        self.converter = converter;
        let before = std::mem::replace(&mut self.objects, objects);
        if let (Some(objects), Some(before)) = (&mut self.objects, before) {
            objects.count_on(before.counts());
        }
        self.input = input;
        self.slots = slots;
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
        self.shortest = None;
        self.converter = Some(FrameConverter::new(info, &self.input)?);
        Ok(())
    }

    /// Takes a new segment.
    pub fn set_segment(&mut self, segment: gst::FormattedSegment<gst::ClockTime>) {
        if segment != self.segment {
            self.references.clear();
            self.shortest = None;
        }
        self.windower.set_rate(segment.rate().abs());
        self.segment = segment;
    }

    /// The stream was flushed: nothing of it is left.
    pub fn flush(&mut self) {
        self.at_boundary = true;
        self.windower.flush();
        self.fits.clear();
        self.objects.as_mut().map(Objects::abandon);
        self.references.clear();
        self.last = None;
        self.segment.reset();
    }

    /// Takes a frame, and says which window owns it.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn frame(
        &mut self,
        buffer: &gst::Buffer,
        target: &Target<'_>,
        gap_tolerance: u64,
    ) -> Result<Option<u64>, Refusal> {
        self.counts.frames += 1;
        let time = match self.time_of(buffer) {
            Timing::Known(time) => time,
            Timing::Unstamped => {
                self.counts.unclassified += 1;
                self.idle(target);
                return Ok(None);
            }
            Timing::Outside => {
                self.counts.unclassified += 1;
                self.interrupt(target);
                return Ok(None);
            }
        };
        if self.converter.is_none() {
            return Err(Refusal::NoCaps);
        }
        let duration = time.duration.max(SHORTEST_DURATION);
        self.shortest = Some(self.shortest.map_or(duration, |shortest| shortest.min(duration)));
        self.windower.set_gap_tolerance(gap_tolerance);
        let Taken { decisions, owner } = self.windower.frame(time);
        let mut decisions = decisions.into_iter().peekable();
        // What the frame refers to says nothing of the grid that it ended.
        if let Some(Decision::GridEnded(end)) =
            decisions.next_if(|decision| matches!(decision, Decision::GridEnded(_)))
        {
            self.end_grid(end, target);
        }
        self.references.note(buffer, time);
        let kept = (!self.windower.is_last_sampled()).then(|| buffer.clone());
        let previous = std::mem::replace(&mut self.last, kept);
        let before = self.counts.samples;
        self.obey(decisions, previous, Some(buffer), target)?;
        if self.counts.samples > before {
            self.idle = 0;
            return Ok(owner);
        }
        self.idle(target);
        Ok(owner.filter(|_| self.windower.is_running()))
    }

    /// No frame comes for a while from `start` on, in the time of the segment: the last one stays on screen.
    ///
    /// # Errors
    /// When the last frame cannot be read.
    pub fn gap(
        &mut self,
        start: gst::ClockTime,
        duration: Option<gst::ClockTime>,
        target: &Target<'_>,
    ) -> Result<(), Refusal> {
        let end = self.segment.to_running_time(start.saturating_add(duration.unwrap_or_default()));
        let Some(end) = end.filter(|_| self.segment.rate() > 0.0) else { return Ok(()) };
        let decisions = self.windower.gap(end.nseconds());
        let last = self.last.take();
        if !self.windower.is_last_sampled() {
            self.last.clone_from(&last);
        }
        self.obey(decisions, last, None, target)
    }

    /// The stream of frames ended or is about to change: closes the grid.
    pub fn end(&mut self, eos: EosPolicy, target: &Target<'_>) {
        self.last = None;
        let (window, end) = self.windower.end(eos == EosPolicy::Pad);
        if let Some(window) = window {
            self.submit(window, target);
        }
        self.end_grid(end, target);
    }

    /// A frame came that brought no sample. Where that goes on for as many frames as a window has, time stands still, and
    /// the frames before would wait for ever.
    fn idle(&mut self, target: &Target<'_>) {
        self.idle += 1;
        if self.alignment == Alignment::Delay && self.idle > self.held_frames() {
            self.interrupt(target);
        }
    }

    /// Frames come that are not sampled: closes the grid, so that those before do not wait.
    fn interrupt(&mut self, target: &Target<'_>) {
        if self.windower.is_running() {
            self.end(EosPolicy::Drop, target);
        }
        self.idle = 0;
    }

    /// Another stream begins, which need not follow an end.
    pub fn new_stream(&mut self, eos: EosPolicy, target: &Target<'_>) {
        if self.windower.is_running() {
            self.end(eos, target);
        }
        self.references.clear();
    }

    /// How long a frame of the current format lasts, in nanoseconds, where the caps tell.
    pub fn frame_duration(&self) -> Option<u64> {
        let fps = self.converter.as_ref()?.info().fps();
        let (numer, denom) = (u64::try_from(fps.numer()).ok()?, u64::try_from(fps.denom()).ok()?);
        (1_000_000_000 * denom).checked_div(numer).filter(|&duration| duration > 0)
    }

    fn time_of(&mut self, buffer: &gst::BufferRef) -> Timing {
        if self.segment.rate() < 0.0 {
            self.notice(Notice::Reverse);
            return Timing::Outside;
        }
        let Some(pts) = buffer.pts() else {
            self.notice(Notice::NoTimestamps);
            return Timing::Unstamped;
        };
        let Some(running_time) = self.segment.to_running_time(pts) else { return Timing::Outside };
        let running_time = running_time.nseconds();
        // The stream passes so many times as fast as the clock.
        let speed = (self.segment.rate() * self.segment.applied_rate()).abs();
        let since_last =
            self.windower.last_frame().map(|last| running_time.saturating_sub(last.running_time));
        let duration = self
            .frame_duration()
            .or(buffer.duration().map(|duration| duration.nseconds()))
            .map(|duration| (duration as f64 / speed) as u64)
            .or(since_last)
            .filter(|&duration| duration > 0)
            .unwrap_or(UNKNOWN_DURATION);
        let position = self.segment.to_stream_time(pts);
        Timing::Known(FrameTime {
            pts: pts.nseconds(),
            running_time,
            stream_time: position.map(|position| (position.nseconds() as f64 / speed) as u64),
            duration,
            discont: buffer.flags().contains(gst::BufferFlags::DISCONT),
        })
    }
}

/// Which window's result frames carry.
fn ownership(alignment: Alignment, live: bool) -> Ownership {
    match alignment {
        Alignment::Delay if live => Ownership::CentralInTime,
        Alignment::Delay => Ownership::Central,
        Alignment::Hold => Ownership::Newest,
    }
}
