//! What is decided and waits to be pushed, between the threads that decide and the one that pushes.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::{gate::Clip, sticky::outlasts_flush};

/// One thing to push, or to tell of when its turn comes.
pub enum Item {
    /// A clip begins.
    Start(Clip),
    /// A buffer.
    Buffer(gst::Buffer),
    /// An event.
    Event(gst::Event),
    /// The clip ends.
    Stop(Clip),
}

impl Item {
    fn outlasts_flush(&self) -> bool {
        matches!(self, Item::Event(event) if outlasts_flush(event))
    }
}

#[derive(Default)]
struct State {
    /// What waits; in a closed queue the events that outlast a flush.
    items: VecDeque<Item>,
    bytes: u64,
    closed: bool,
    /// It is not opened any more.
    shut: bool,
    flow: Option<gst::FlowError>,
}

/// A queue without an end, whose feeder waits when it holds too much.
#[derive(Default)]
pub struct Outbox {
    state: Mutex<State>,
    changed: Condvar,
}

impl Outbox {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the queue, empty, unless it was shut. Gives the events that it kept.
    pub fn open(&self) -> Vec<gst::Event> {
        let mut state = self.lock();
        let fresh = State { closed: state.shut, shut: state.shut, ..State::default() };
        let before = std::mem::replace(&mut *state, fresh);
        drop(state);
        let events = before.items.into_iter().filter_map(|item| match item {
            Item::Event(event) if outlasts_flush(&event) => Some(event),
            _ => None,
        });
        events.collect()
    }

    /// Closes the queue: everybody who waits returns. Keeps the events that outlast a flush and gives the rest.
    pub fn close(&self) -> VecDeque<Item> {
        let mut state = self.lock();
        state.closed = true;
        state.bytes = 0;
        let items = std::mem::take(&mut state.items);
        let (kept, dropped) = items.into_iter().partition(Item::outlasts_flush);
        state.items = kept;
        drop(state);
        self.changed.notify_all();
        dropped
    }

    /// Closes the queue for good.
    pub fn shut(&self) {
        self.lock().shut = true;
        self.close();
    }

    /// Adds an item behind the others. A closed queue takes only events that outlast a flush.
    pub fn add(&self, item: Item) {
        let mut state = self.lock();
        if state.closed && !item.outlasts_flush() {
            return;
        }
        if let Item::Buffer(buffer) = &item {
            state.bytes += buffer.size() as u64;
        }
        state.items.push_back(item);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until no more than `most` bytes are in the queue.
    ///
    /// # Errors
    /// Why nothing more is pushed.
    pub fn wait_for_room(&self, most: u64) -> Result<gst::FlowSuccess, gst::FlowError> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Err(gst::FlowError::Flushing);
            }
            if let Some(flow) = state.flow {
                return Err(flow);
            }
            if state.bytes <= most {
                return Ok(gst::FlowSuccess::Ok);
            }
            state = self.wait(state);
        }
    }

    /// Waits for the first item and takes it; `None` when the queue is closed.
    pub fn next(&self) -> Option<Item> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(item) = state.items.pop_front() {
                if let Item::Buffer(buffer) = &item {
                    state.bytes -= buffer.size() as u64;
                }
                drop(state);
                self.changed.notify_all();
                return Some(item);
            }
            state = self.wait(state);
        }
    }

    /// Takes back an event that could not be pushed, where the queue was closed meanwhile.
    pub fn put_back(&self, event: gst::Event) {
        let mut state = self.lock();
        if state.closed && outlasts_flush(&event) {
            state.items.push_front(Item::Event(event));
        }
    }

    /// Downstream takes no more buffers. Those in the queue are dropped, events go on.
    pub fn fail(&self, flow: gst::FlowError) {
        let mut state = self.lock();
        state.flow = Some(flow);
        state.bytes = 0;
        state.items.retain(|item| !matches!(item, Item::Buffer(_)));
        drop(state);
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream_start(id: &str) -> gst::Event {
        gst::event::StreamStart::new(id)
    }

    #[test]
    fn a_closed_queue_keeps_what_outlasts_a_flush() {
        gst::init().unwrap();
        let outbox = Outbox::default();
        let segment = gst::FormattedSegment::<gst::ClockTime>::new();
        outbox.add(Item::Event(gst::event::Segment::new(&segment)));
        outbox.add(Item::Buffer(gst::Buffer::with_size(10).unwrap()));
        outbox.add(Item::Event(stream_start("taken")));
        let [waiting, late] = ["waiting", "late"].map(stream_start);
        outbox.add(Item::Event(waiting.clone()));
        outbox.next();
        outbox.next();
        let Some(Item::Event(taken)) = outbox.next() else { panic!("the queue lost an event") };
        outbox.put_back(taken.clone());
        outbox.add(Item::Event(gst::event::Eos::new()));
        assert_eq!(outbox.close().len(), 1, "what cannot be pushed goes back into a closed queue alone");
        outbox.put_back(taken.clone());
        outbox.add(Item::Buffer(gst::Buffer::new()));
        outbox.add(Item::Event(late.clone()));
        assert_eq!(outbox.wait_for_room(0), Err(gst::FlowError::Flushing));
        let kept: Vec<_> = outbox.open().iter().map(|event| event.seqnum()).collect();
        assert_eq!(kept, [taken, waiting, late].map(|event| event.seqnum()));
        assert_eq!(outbox.wait_for_room(0), Ok(gst::FlowSuccess::Ok));
        assert!(outbox.close().is_empty());
    }
}
