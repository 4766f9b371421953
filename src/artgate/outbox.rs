//! What is decided and waits to be pushed, between the threads that decide and the one that pushes.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::gate::Clip;

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

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    bytes: u64,
    closed: bool,
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

    /// Opens the queue, empty.
    pub fn open(&self) {
        *self.lock() = State::default();
    }

    /// Closes the queue: everybody who waits returns. Gives what was in it.
    pub fn close(&self) -> VecDeque<Item> {
        let mut state = self.lock();
        state.closed = true;
        state.bytes = 0;
        let items = std::mem::take(&mut state.items);
        drop(state);
        self.changed.notify_all();
        items
    }

    /// Adds an item behind the others, unless the queue is closed.
    pub fn add(&self, item: Item) {
        let mut state = self.lock();
        if state.closed {
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
