//! What waits to leave the element, in order, and the results that it waits for.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use super::interpret::WindowInfo;
use crate::{action::Moment, engine::Outcome, error::Error, model::WindowOutput};

/// Frames that may wait although they could leave: more, and downstream is what is slow.
const READY_FRAMES: usize = 4;

/// One thing that waits to leave.
#[derive(Debug)]
pub enum Item {
    /// A frame, and the window whose result it carries.
    Frame {
        /// The frame.
        buffer: gst::Buffer,
        /// The window; `None` for a frame that carries nothing.
        owner: Option<u64>,
    },
    /// A serialised event.
    Event(gst::Event),
    /// The sample grid ended.
    GridEnd {
        /// Its last window, if it had any.
        last: Option<u64>,
        /// Where its last frame ends.
        until: Option<Moment>,
    },
}

/// A window with its result.
pub type Classified = (WindowInfo, WindowOutput);

/// The queue between the streaming thread, the engine and the source pad's task.
#[derive(Debug, Default)]
pub struct Outlet {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    /// Submitted windows that did not leave yet.
    windows: BTreeMap<u64, Waiting>,
    /// Number of the newest window that was submitted.
    newest: Option<u64>,
    generation: u64,
    /// An item was taken and is on its way downstream.
    leaving: bool,
    flushing: bool,
    failed: bool,
    flow: Option<gst::FlowError>,
}

#[derive(Debug)]
struct Waiting {
    info: WindowInfo,
    output: Option<WindowOutput>,
}

impl State {
    /// Whether all windows up to this one have their result.
    fn is_settled(&self, window: u64) -> bool {
        self.windows.range(..=window).all(|(_, waiting)| waiting.output.is_some())
    }

    fn can_leave(&self, item: &Item) -> bool {
        match item {
            Item::Frame { owner: Some(window), .. } => {
                self.newest.is_some_and(|newest| newest >= *window) && self.is_settled(*window)
            }
            Item::Frame { owner: None, .. } | Item::Event(_) => true,
            Item::GridEnd { last, .. } => last.is_none_or(|last| self.is_settled(last)),
        }
    }

    /// Whether the streaming thread must wait: the first frame in line does not wait for frames still to
    /// come, but for the model or for downstream.
    fn is_full(&self) -> bool {
        let mut ready = 0;
        for item in &self.items {
            let Item::Frame { owner, .. } = item else { continue };
            if self.can_leave(item) {
                ready += 1;
                if ready > READY_FRAMES {
                    return true;
                }
                continue;
            }
            return owner.is_some_and(|window| self.newest.is_some_and(|newest| newest > window));
        }
        false
    }

    fn stopped(&self) -> Option<gst::FlowError> {
        if self.flushing {
            return Some(gst::FlowError::Flushing);
        }
        if self.failed {
            return Some(gst::FlowError::Error);
        }
        self.flow
    }
}

impl Outlet {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the outlet, empty, for a new run of the stream.
    pub fn open(&self, generation: u64) {
        *self.lock() = State { generation, ..State::default() };
        self.changed.notify_all();
    }

    /// Closes the outlet and drops what waits: everybody who waits returns.
    pub fn close(&self) {
        let mut state = self.lock();
        state.flushing = true;
        state.items.clear();
        state.windows.clear();
        drop(state);
        self.changed.notify_all();
    }

    /// Adds an item behind the others. A frame first waits until there is room.
    ///
    /// # Errors
    /// Why nothing more is taken: flushing, a failed model, or what downstream answered.
    pub fn add(&self, item: Item) -> Result<(), gst::FlowError> {
        let mut state = self.lock();
        loop {
            if let Some(flow) = state.stopped() {
                return Err(flow);
            }
            if !matches!(item, Item::Frame { .. }) || !state.is_full() {
                break;
            }
            state = self.wait(state);
        }
        state.items.push_back(item);
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    /// Makes a window known before the engine is asked for it.
    pub fn submit(&self, info: WindowInfo) {
        let mut state = self.lock();
        state.newest = Some(info.number);
        state.windows.insert(info.number, Waiting { info, output: None });
    }

    /// The grid ended with the window `last`: frames that would belong to later ones, or to any where
    /// there is none, carry that window's result.
    pub fn end_grid(&self, last: Option<u64>, until: Option<Moment>) {
        let mut state = self.lock();
        for item in state.items.iter_mut().rev() {
            match item {
                Item::Frame { owner, .. } => {
                    *owner = owner.and_then(|window| last.map(|last| window.min(last)))
                }
                Item::GridEnd { .. } => break,
                Item::Event(_) => {}
            }
        }
        state.items.push_back(Item::GridEnd { last, until });
        drop(state);
        self.changed.notify_all();
    }

    /// Takes a result of the engine. The first fault is told before anybody hears that the stream failed,
    /// so that it comes before what others post in consequence; later ones are not told.
    pub fn deliver(&self, outcome: Outcome, tell: impl FnOnce(&Error)) {
        let mut state = self.lock();
        if outcome.generation != state.generation || state.flushing || state.failed {
            return;
        }
        match outcome.result {
            Ok(output) => {
                if let Some(waiting) = state.windows.get_mut(&outcome.window) {
                    waiting.output = Some(output);
                }
            }
            Err(fault) => {
                drop(state);
                tell(&fault);
                state = self.lock();
                state.failed = outcome.generation == state.generation;
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// What downstream answered: nothing more is taken.
    pub fn stop(&self, flow: gst::FlowError) {
        self.lock().flow = Some(flow);
        self.changed.notify_all();
    }

    /// Waits for the first item that can leave, and takes it together with the windows, in order, that
    /// were settled by then and did not leave before.
    ///
    /// # Errors
    /// Why nothing more leaves.
    pub fn next(&self) -> Result<(Item, Vec<Classified>), gst::FlowError> {
        let mut state = self.lock();
        state.leaving = false;
        self.changed.notify_all();
        loop {
            if let Some(flow) = state.stopped() {
                return Err(flow);
            }
            if state.items.front().is_some_and(|item| state.can_leave(item)) {
                break;
            }
            state = self.wait(state);
        }
        let Some(item) = state.items.pop_front() else { return Err(gst::FlowError::Error) };
        state.leaving = true;
        let settled = match &item {
            Item::Frame { owner: Some(window), .. } | Item::GridEnd { last: Some(window), .. } => {
                let later = state.windows.split_off(&(window + 1));
                std::mem::replace(&mut state.windows, later)
            }
            Item::Frame { .. } | Item::GridEnd { .. } | Item::Event(_) => BTreeMap::new(),
        };
        let settled = settled
            .into_values()
            .filter_map(|waiting| waiting.output.map(|output| (waiting.info, output)))
            .collect();
        drop(state);
        self.changed.notify_all();
        Ok((item, settled))
    }

    /// Waits until nothing is in line that could leave. Says whether nothing at all is in line.
    pub fn drain(&self) -> bool {
        let mut state = self.lock();
        while state.stopped().is_none()
            && (state.leaving || state.items.front().is_some_and(|item| state.can_leave(item)))
        {
            state = self.wait(state);
        }
        state.items.is_empty()
    }
}
