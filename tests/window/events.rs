//! What may happen to a stream of frames, and a source that makes such streams.

use gstartclassify::window::{Decision, FrameTime, GridSettings, Ownership, Taken, WindowPlan, Windower};

pub const MS: u64 = 1_000_000;

/// What a window machine is made for.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    pub fps: f64,
    pub frames: u64,
    pub hop: u64,
    pub ownership: Ownership,
    pub gap_tolerance: u64,
}

impl Setup {
    pub fn windower(&self) -> Windower {
        let plan = WindowPlan::new(self.frames, self.hop).expect("the hop is in the window");
        Windower::new(GridSettings { fps: self.fps, gap_tolerance: self.gap_tolerance }, plan, self.ownership)
    }

    /// What a machine would be made for after an event.
    pub fn after(self, event: &Event) -> Self {
        match *event {
            Event::Tolerance(gap_tolerance) => Self { gap_tolerance, ..self },
            Event::Live(live) => Self { ownership: self.ownership(live), ..self },
            Event::Model { plan: Plan { fps, frames, hop }, .. } => Self { fps, frames, hop, ..self },
            _ => self,
        }
    }

    /// Whose results frames carry where the stream is live or not.
    fn ownership(&self, live: bool) -> Ownership {
        match self.ownership {
            Ownership::Central | Ownership::CentralInTime if live => Ownership::CentralInTime,
            Ownership::Central | Ownership::CentralInTime => Ownership::Central,
            Ownership::Newest => Ownership::Newest,
        }
    }
}

/// What a model asks for.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub fps: f64,
    pub frames: u64,
    pub hop: u64,
}

/// One thing that a window machine is told.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    Frame(FrameTime),
    Flush,
    Format,
    /// No frame comes before this running time.
    Gap(u64),
    End {
        pad: bool,
    },
    /// The stream ends, and another model goes on with it.
    Model {
        pad: bool,
        plan: Plan,
    },
    Tolerance(u64),
    /// The stream turns out to be live or not.
    Live(bool),
}

impl Event {
    /// Whether an event that ends the stream fills up its last window; `None` for others.
    pub fn pads(&self) -> Option<bool> {
        match *self {
            Self::End { pad } | Self::Model { pad, .. } => Some(pad),
            _ => None,
        }
    }
}

/// What the machine answers to an event: decisions in order, and the owner of a frame.
pub type Answer = (Vec<Decision>, Option<u64>);

/// Tells a machine one event after which `setup` is what it would be made for.
pub fn tell(windower: &mut Windower, setup: &Setup, event: &Event) -> Answer {
    let mut decisions = Vec::new();
    if let Some(pad) = event.pads() {
        let (window, end) = windower.end(pad);
        decisions.extend(window.map(Decision::Window));
        decisions.push(Decision::GridEnded(end));
    }
    match *event {
        Event::Frame(time) => {
            let Taken { decisions, owner } = windower.frame(time);
            return (decisions, owner);
        }
        Event::Flush => windower.flush(),
        Event::Format => windower.change_format(),
        Event::Gap(until) => decisions = windower.gap(until),
        Event::End { .. } => {}
        Event::Model { plan: Plan { fps, frames, hop }, .. } => {
            let plan = WindowPlan::new(frames, hop).expect("the hop is in the window");
            windower.set_plan(fps, plan);
        }
        Event::Tolerance(tolerance) => windower.set_gap_tolerance(tolerance),
        Event::Live(_) => windower.set_ownership(setup.ownership),
    }
    (decisions, None)
}

/// What a source does next.
#[derive(Debug, Clone, Copy)]
pub enum Op {
    /// The next frame, early or late by a part of its duration: -128 is half a frame early.
    Next { jitter: i8 },
    /// A frame at the very time of the one before.
    Again,
    /// Frames are missing, then comes one.
    Skip { frames: u8 },
    /// Time jumps by so many milliseconds, and with it the next frame's marks: DISCONT, position in the stream.
    Jump { ms: i16, discont: bool, position: bool },
    /// Frames last as long as at this rate from now on, and say so or not.
    Rate { rate: u8 },
    /// A frame at any time that lasts any time.
    Wild { running_time: u64, duration: u64 },
    /// It is told that no frame comes at any time before `until`.
    WildGap { until: u64 },
    /// It is told that so many frames and a part of one are missing, -128 being half a frame. Whether time goes on with
    /// the gap, or the next frame comes as though there was none.
    Gap { frames: u8, part: i8, kept: bool },
    /// No frame.
    Other(Other),
}

/// What is no frame.
#[derive(Debug, Clone, Copy)]
pub enum Other {
    Flush,
    Format,
    End { pad: bool },
    Model { pad: bool, plan: Plan },
    Tolerance { ms: u16 },
    Live(bool),
}

/// Frame rates that sources have.
pub const RATES: [f64; 10] =
    [25.0, 30.0, 60.0, 60000.0 / 1001.0, 24000.0 / 1001.0, 30000.0 / 1001.0, 1.0, 5.0, 0.4, 120.0];

/// The last time that a clock can show.
const LAST: u64 = u64::MAX - 1;

/// Turns what a source does into events.
pub fn events(ops: &[Op]) -> Vec<Event> {
    let mut source =
        Source { last: 960 * MS, next: 1000 * MS, offset: 5000 * MS, position: 0, duration: 40 * MS };
    ops.iter().map(|op| source.event(op)).collect()
}

struct Source {
    /// Running time of the last frame.
    last: u64,
    /// Running time of the next frame.
    next: u64,
    /// PTS less running time.
    offset: u64,
    /// Stream time less running time.
    position: u64,
    duration: u64,
}

impl Source {
    fn event(&mut self, op: &Op) -> Event {
        match *op {
            Op::Next { jitter } => {
                let time = self.next;
                let frame = self.frame(self.off(time, jitter));
                self.next = time.saturating_add(self.duration).min(LAST);
                Event::Frame(frame)
            }
            Op::Again => Event::Frame(self.frame(self.last)),
            Op::Skip { frames } => {
                let missing = self.duration.saturating_mul(frames.into());
                Event::Frame(self.frame(self.next.saturating_add(missing)))
            }
            Op::Jump { ms, discont, position } => {
                let jump = i64::from(ms) * MS as i64;
                if position {
                    self.position = self.position.saturating_add_signed(jump);
                    self.offset = self.offset.saturating_add_signed(jump);
                } else {
                    self.next = self.next.saturating_add_signed(jump);
                }
                Event::Frame(FrameTime { discont, ..self.frame(self.next) })
            }
            Op::Rate { rate } => {
                self.duration = (1e9 / RATES[usize::from(rate) % RATES.len()]) as u64;
                Event::Frame(self.frame(self.next))
            }
            Op::Wild { running_time, duration } => {
                Event::Frame(FrameTime { duration: duration.max(1), ..self.frame(running_time) })
            }
            Op::WildGap { until } => Event::Gap(until.min(LAST)),
            Op::Gap { frames, part, kept } => {
                let missing = self.duration.saturating_mul(frames.into());
                let until = self.off(self.next.saturating_add(missing), part);
                if kept {
                    self.next = until;
                }
                Event::Gap(until)
            }
            Op::Other(Other::Flush) => Event::Flush,
            Op::Other(Other::Format) => Event::Format,
            Op::Other(Other::End { pad }) => Event::End { pad },
            Op::Other(Other::Model { pad, plan }) => Event::Model { pad, plan },
            Op::Other(Other::Tolerance { ms }) => Event::Tolerance(u64::from(ms) * MS),
            Op::Other(Other::Live(live)) => Event::Live(live),
        }
    }

    /// A time off another by a part of a frame, -128 being half a frame early.
    fn off(&self, time: u64, part: i8) -> u64 {
        let late = i128::from(self.duration) * i128::from(part) / 256;
        (i128::from(time) + late).clamp(0, LAST.into()) as u64
    }

    /// A frame at a running time, which the next one follows.
    fn frame(&mut self, running_time: u64) -> FrameTime {
        self.last = running_time.min(LAST);
        self.next = self.last.saturating_add(self.duration).min(LAST);
        FrameTime {
            pts: self.last.saturating_add(self.offset).min(LAST),
            running_time: self.last,
            stream_time: self.last.checked_add(self.position),
            duration: self.duration,
            discont: false,
        }
    }
}
