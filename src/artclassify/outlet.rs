//! The line of what waits to leave the element, between the threads that fill it and the one that empties it.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::{
    interpret::WindowInfo,
    line::{Due, Item, Leaving, State, Tally, Waiting, WindowKey},
};
use crate::{
    action::Dated,
    engine::{Outcome, Stream},
    error::Error,
    object::ObjectId,
};

/// The queue between the streaming thread, the engine and the source pad's task.
#[derive(Default)]
pub struct Outlet {
    state: Mutex<State>,
    changed: Condvar,
}

impl Outlet {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a change, or for the moment at which the first frame in line may wait no longer.
    fn wait<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.waiters += 1;
        let timeout = match state.first_due() {
            Some(Due::By(moment)) if !state.leaving => Some(moment.saturating_duration_since(Instant::now())),
            _ => None,
        };
        let mut state = match timeout {
            // A moment that has passed lets its frame leave: nobody waits for it.
            Some(timeout) => {
                let timeout = timeout.max(Duration::from_micros(50));
                let waited = self.changed.wait_timeout(state, timeout);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
        state.waiters -= 1;
        state
    }

    /// Wakes the threads that wait, where there are any: the call that does it is dear.
    fn wake(&self, state: MutexGuard<'_, State>) {
        let waiters = state.waiters;
        drop(state);
        if waiters > 0 {
            self.changed.notify_all();
        }
    }

    /// Opens the outlet, empty, for a new run of the stream: the generation that the engine's outcomes must carry.
    pub fn open(&self) -> u64 {
        let mut state = self.lock();
        let generation = state.generation + 1;
        let tally = Tally { flushed: state.tally.flushed + state.waiting(), ..state.tally };
        let (limit, further, waiters) = (state.limit, state.further, state.waiters);
        let fresh = State { generation, tally, limit, further, waiters, ..State::default() };
        let old = std::mem::replace(&mut *state, fresh);
        self.wake(state);
        // A stream in line ends with it, which waits for a thread that may want this outlet.
        drop(old);
        generation
    }

    /// The generation that was opened last.
    pub fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Closes the outlet and drops what waits: everybody who waits returns. Gives the events that were in line.
    pub fn close(&self) -> Vec<gst::Event> {
        let mut state = self.lock();
        state.flushing = true;
        state.tally.flushed += state.waiting();
        state.frames = 0;
        let items = std::mem::take(&mut state.items);
        state.windows.clear();
        self.wake(state);
        let events = items.into_iter().filter_map(|item| match item {
            Item::Event(event) => Some(event),
            Item::Frame { .. } | Item::GridEnd { .. } | Item::ObjectGone { .. } | Item::Model { .. } => None,
        });
        events.collect()
    }

    /// Bounds the frames that wait for results which are overdue.
    pub fn set_limit(&self, frames: usize) {
        self.lock().limit = Some(frames);
    }

    /// Lets so many more windows be complete behind the one whose result is waited for, as
    /// [`WindowPlan::further`](crate::window::WindowPlan::further) has it.
    pub fn set_further(&self, windows: u64) {
        self.lock().further = windows;
    }

    /// What became of the windows since the counts were cleared.
    pub fn tally(&self) -> Tally {
        let state = self.lock();
        Tally { waiting: state.waiting(), ..state.tally }
    }

    /// Clears the counts.
    pub fn clear_tally(&self) {
        self.lock().tally = Tally::default();
    }

    /// Adds an item behind the others. A frame first waits until there is room. An item that can leave at once is given
    /// back for the caller to let it leave, and then to say so by [`left`](Self::left).
    ///
    /// # Errors
    /// Why nothing more is taken: flushing, a failed model, or what downstream answered.
    pub fn add(&self, item: Item) -> Result<Option<Leaving>, gst::FlowError> {
        let is_frame = matches!(item, Item::Frame { .. });
        let mut state = self.lock();
        loop {
            if let Some(flow) = state.stopped() {
                return Err(flow);
            }
            if is_frame && state.ended {
                return Err(gst::FlowError::Eos);
            }
            if !is_frame || !state.is_full() {
                break;
            }
            state = self.wait(state);
        }
        if let Item::Event(event) = &item
            && matches!(event.type_(), gst::EventType::StreamStart | gst::EventType::Segment)
        {
            state.ended = false;
        }
        state.frames += usize::from(is_frame);
        state.items.push_back(item);
        if state.items.len() == 1 && state.front_can_leave() {
            return Ok(state.take());
        }
        let ends_grid = matches!(state.items.front(), Some(Item::GridEnd { .. } | Item::ObjectGone { .. }));
        if ends_grid || state.items.len() == 1 || state.front_can_leave() {
            self.wake(state);
        }
        Ok(None)
    }

    /// Makes the windows of a number known before the engine is asked for them: one, or one for each object, or none where
    /// there is no object.
    pub fn submit(&self, number: u64, infos: impl IntoIterator<Item = WindowInfo>) {
        let mut state = self.lock();
        state.newest = Some(number);
        let since = Instant::now();
        for info in infos {
            state.tally.windows += 1;
            state.windows.insert((number, info.object), Waiting { info, since, outcome: None });
        }
        self.wake(state);
    }

    /// An object is not followed any more.
    pub fn end_object(&self, object: ObjectId, until: Option<Dated>, before: Arc<Stream>) {
        let mut state = self.lock();
        let last = state.newest;
        state.items.push_back(Item::ObjectGone { object, last, until, before });
        self.wake(state);
    }

    /// The engine will give no result for this window, which is given back if anybody waited for it.
    pub fn drop_window(&self, window: WindowKey) -> Option<WindowInfo> {
        let mut state = self.lock();
        let waiting = state.windows.get_mut(&window).filter(|waiting| waiting.outcome.is_none())?;
        waiting.outcome = Some(None);
        let info = waiting.info.clone();
        state.tally.dropped += 1;
        self.wake(state);
        Some(info)
    }

    /// The grid ended with the window `last`: frames that would belong to later ones, or to any where
    /// there is none, carry that window's result.
    pub fn end_grid(&self, last: Option<u64>, until: Option<Dated>) {
        let mut state = self.lock();
        for item in state.items.iter_mut().rev() {
            match item {
                Item::Frame { owner, .. } => {
                    *owner = owner.and_then(|window| last.map(|last| window.min(last)))
                }
                Item::GridEnd { .. } => break,
                Item::Event(_) | Item::ObjectGone { .. } | Item::Model { .. } => {}
            }
        }
        state.items.push_back(Item::GridEnd { last, until });
        self.wake(state);
    }

    /// Takes a result of the engine for a window of `object`, and says how long the window waited for it. The first fault is told before anybody
    /// hears that the stream failed, so that it comes before what others post in consequence; later ones are not told.
    pub fn deliver(
        &self,
        object: Option<ObjectId>,
        outcome: Outcome,
        tell: impl FnOnce(&Error),
    ) -> Option<Duration> {
        let mut state = self.lock();
        if outcome.generation != state.generation || state.flushing || state.failed {
            return None;
        }
        let mut waited = None;
        match outcome.result {
            Ok(output) => {
                let waiting = state
                    .windows
                    .get_mut(&(outcome.window, object))
                    .filter(|waiting| waiting.outcome.is_none());
                if let Some(waiting) = waiting {
                    waiting.outcome = Some(Some(output));
                    waited = Some(waiting.since.elapsed());
                    state.tally.results += 1;
                }
            }
            Err(fault) => {
                if std::mem::replace(&mut state.told, true) {
                    return None;
                }
                drop(state);
                tell(&fault);
                state = self.lock();
                state.failed |= outcome.generation == state.generation;
            }
        }
        self.wake(state);
        waited
    }

    /// What downstream answered: nothing more is taken, and at the end of its stream no more frames.
    pub fn stop(&self, flow: gst::FlowError) {
        let mut state = self.lock();
        let mut gone = VecDeque::new();
        if flow == gst::FlowError::Eos {
            state.ended = true;
            state.frames = 0;
            let (kept, frames) = std::mem::take(&mut state.items)
                .into_iter()
                .partition(|item| !matches!(item, Item::Frame { .. }));
            state.items = kept;
            gone = frames;
        } else {
            state.flow = Some(flow);
        }
        self.wake(state);
        drop(gone);
    }

    /// Waits for the first item that can leave, and takes it. The caller lets it leave and then says so by
    /// [`left`](Self::left).
    ///
    /// # Errors
    /// Why nothing more leaves.
    pub fn next(&self) -> Result<Leaving, gst::FlowError> {
        let mut state = self.lock();
        loop {
            if let Some(flow) = state.stopped() {
                return Err(flow);
            }
            if state.front_can_leave()
                && let Some(leaving) = state.take()
            {
                self.wake(state);
                return Ok(leaving);
            }
            state = self.wait(state);
        }
    }

    /// What was taken has left: the next may go.
    pub fn left(&self) {
        let mut state = self.lock();
        state.leaving = false;
        if state.draining || !state.items.is_empty() {
            self.wake(state);
        }
    }

    /// Waits until nothing is in line that could leave. Says whether nothing at all is in line.
    pub fn drain(&self) -> bool {
        let mut state = self.lock();
        while state.stopped().is_none() && (state.leaving || state.front_can_leave()) {
            state.draining = true;
            state = self.wait(state);
        }
        state.draining = false;
        state.items.is_empty()
    }
}
