//! Audio beside the video: it waits until the video is decided, and passes where that does.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    lane::{Lane, mark_discont},
    outbox::Item,
    track::Track,
};
use crate::gate::{Ahead, Follow};

/// A stream of audio.
pub struct Beside {
    /// Its pads.
    pub lane: Arc<Lane>,
    held: Mutex<Held>,
}

/// What waits for the video.
#[derive(Default)]
struct Held {
    track: Track,
    waiting: VecDeque<Waiting>,
    bytes: u64,
    /// Whether the last buffer passed.
    inside: bool,
    ahead: Ahead,
    /// Nothing comes any more.
    ended: bool,
    /// Buffers for which there was no room.
    crowded: u64,
}

enum Waiting {
    Buffer(u64, gst::Buffer),
    Gap(u64, gst::Event),
    Event(gst::Event),
}

impl Beside {
    /// A stream at its start.
    pub fn new(lane: Arc<Lane>) -> Self {
        Self { lane, held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts anew.
    pub fn clear(&self) {
        *self.held() = Held::default();
    }

    /// Drops what waits, but for events that outlast a flush.
    pub fn flush(&self) {
        let mut held = self.held();
        let before = std::mem::take(&mut *held);
        (held.crowded, held.ahead) = (before.crowded, before.ahead);
        for waiting in before.waiting {
            if let Waiting::Event(event) = waiting {
                self.lane.outbox.add(Item::Event(event));
            }
        }
    }

    /// The stream begins anew, in a seek that may reach the video later: it waits for that while the video comes `patience`
    /// further at most.
    pub fn seek(&self, seqnum: u32, follow: &Follow, patience: u64) {
        self.held().ahead.flush(seqnum, follow, patience);
    }

    /// Buffers for which there was no room.
    pub fn crowded(&self) -> u64 {
        self.held().crowded
    }

    /// Takes a buffer.
    pub fn push(&self, buffer: gst::Buffer) {
        let mut held = self.held();
        let time = held.track.times(&buffer).time;
        held.bytes += buffer.size() as u64;
        held.waiting.push_back(Waiting::Buffer(time, buffer));
    }

    /// Takes a serialised event; `false` when it is a segment in another format than time.
    pub fn push_event(&self, event: gst::Event) -> bool {
        let mut held = self.held();
        let waiting = match event.view() {
            gst::EventView::Segment(segment) => {
                if !held.track.start_segment(segment.segment()) {
                    return false;
                }
                Waiting::Event(event)
            }
            gst::EventView::Gap(gap) => match held.track.running_time(gap.get().0) {
                Some(time) => Waiting::Gap(time, event),
                None => return true,
            },
            gst::EventView::StreamStart(_) | gst::EventView::Eos(_) => {
                held.ended = event.type_() == gst::EventType::Eos;
                Waiting::Event(event)
            }
            _ => Waiting::Event(event),
        };
        held.waiting.push_back(waiting);
        true
    }

    /// Lets go what the video has decided, and drops the first buffers when more than `most` bytes wait.
    pub fn settle(&self, follow: &Follow, most: u64) {
        let mut held = self.held();
        let ended = held.ended;
        let waits = held.ahead.waits(follow, ended);
        while let Some(first) = held.waiting.front() {
            let passes = match first {
                Waiting::Event(event) => Some(held.inside || event.is_sticky()),
                Waiting::Buffer(..) | Waiting::Gap(..) if waits => None,
                Waiting::Buffer(time, _) | Waiting::Gap(time, _) => follow.passes(*time),
            };
            let is_crowded = passes.is_none() && held.bytes > most;
            if passes.is_none() && !is_crowded {
                return;
            }
            let Some(first) = held.waiting.pop_front() else { return };
            let passes = passes == Some(true);
            match first {
                Waiting::Event(event) if passes => self.lane.outbox.add(Item::Event(event)),
                Waiting::Gap(_, event) if passes => self.lane.outbox.add(Item::Event(event)),
                Waiting::Event(_) | Waiting::Gap(..) => {}
                Waiting::Buffer(_, mut buffer) => {
                    held.bytes -= buffer.size() as u64;
                    held.crowded += u64::from(is_crowded);
                    if passes {
                        if !std::mem::replace(&mut held.inside, true) {
                            mark_discont(&mut buffer);
                        }
                        self.lane.outbox.add(Item::Buffer(buffer));
                    } else {
                        held.inside = false;
                    }
                }
            }
        }
    }
}
