//! Any stream of frames through the window machine.

#![no_main]

use gstartclassify::window::{MOST_SAMPLES, Ownership};
use libfuzzer_sys::fuzz_target;

#[path = "../../window/events.rs"]
mod events;
#[path = "../../window/invariants.rs"]
mod invariants;

use events::{Event, MS, Op, Other, Plan, RATES, Setup, events};

/// Reads what a machine is made for and what its source does, each from as few bytes as it takes.
struct Reader<'a>(std::slice::Iter<'a, u8>);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        self.0.next().copied()
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    /// A number of any size: its leading bits and how far they are shifted.
    fn number(&mut self) -> Option<u64> {
        let bits = u64::from(self.word()?);
        Some(bits.rotate_left(u32::from(self.byte()?)))
    }

    fn plan(&mut self) -> Option<Plan> {
        let fps = match self.byte()? {
            byte @ 0..200 => RATES[usize::from(byte) % RATES.len()],
            200.. => f64::from(self.word()?.max(1)) / 100.0,
        };
        let frames = u64::from(self.byte()? % 8) + 1;
        let hop = u64::from(self.byte()?) % frames + 1;
        Some(Plan { fps, frames, hop })
    }

    fn setup(&mut self) -> Option<Setup> {
        let Plan { fps, frames, hop } = self.plan()?;
        let flags = self.byte()?;
        let ownership = match flags & 9 {
            0 => Ownership::Central,
            8 => Ownership::CentralInTime,
            _ => Ownership::Newest,
        };
        let gap_tolerance = [0, 100 * MS, 2_000 * MS, u64::MAX][usize::from(flags >> 1) % 4];
        Some(Setup { fps, frames, hop, ownership, gap_tolerance })
    }

    fn op(&mut self) -> Option<Op> {
        let op = match self.byte()? {
            byte @ 0..128 => Op::Next { jitter: (byte << 1) as i8 },
            128..144 => Op::Again,
            byte @ 144..160 => Op::Skip { frames: byte % 16 },
            byte @ 160..176 => {
                Op::Jump { ms: self.word()? as i16, discont: byte & 1 == 1, position: byte & 2 == 2 }
            }
            176..192 => Op::Rate { rate: self.byte()? },
            192 => Op::Wild { running_time: self.number()?, duration: self.number()? },
            193..198 => Op::Other(Other::Flush),
            198 => Op::WildGap { until: self.number()? },
            byte @ 199..208 => {
                Op::Gap { frames: self.byte()? % 32, part: self.byte()? as i8, kept: byte & 1 == 1 }
            }
            208..216 => Op::Other(Other::Format),
            byte @ 216..224 => Op::Other(Other::Live(byte & 1 == 1)),
            byte @ 224..232 => Op::Other(Other::End { pad: byte & 1 == 1 }),
            byte @ 232..240 => Op::Other(Other::Model { pad: byte & 1 == 1, plan: self.plan()? }),
            240.. => Op::Other(Other::Tolerance { ms: self.word()? }),
        };
        Some(op)
    }
}

/// Cuts a stream off behind some hundred samples: more tell nothing new, and take longer.
fn cut(setup: &Setup, events: Vec<Event>) -> Vec<Event> {
    let mut left = 300.0;
    let mut last = 0;
    let mut fps = setup.fps;
    let goes_on = |event: &Event| {
        let goes_on = left > 0.0;
        let (time, beyond) = match *event {
            Event::Frame(time) => (time.running_time, time.duration / 2),
            Event::Gap(until) => (until, 0),
            Event::Model { plan, .. } => {
                fps = plan.fps;
                return goes_on;
            }
            _ => return goes_on,
        };
        let samples = time.abs_diff(last).saturating_add(beyond) as f64 * fps / 1e9;
        left -= if samples > 2.0 * MOST_SAMPLES as f64 { 1.0 } else { samples };
        last = time;
        goes_on
    };
    events.into_iter().take_while(goes_on).collect()
}

fuzz_target!(|data: &[u8]| {
    let mut reader = Reader(data.iter());
    let Some(setup) = reader.setup() else { return };
    let ops: Vec<Op> = std::iter::from_fn(|| reader.op()).take(100).collect();
    invariants::check(&setup, &cut(&setup, events(&ops)));
});
