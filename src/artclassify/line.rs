//! What stands in line to leave the element, and the rules by which it may.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::Instant,
};

use super::interpret::WindowInfo;
use crate::{
    action::Dated,
    engine::Stream,
    model::{Manifest, WindowOutput},
    object::ObjectId,
};

/// Frames that may wait although they could leave: more, and downstream is what is slow.
const READY_FRAMES: usize = 4;

/// How long a frame waits for its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Until the window has its result or was dropped.
    Settled,
    /// As above, but not beyond this moment.
    By(Instant),
    /// Not at all.
    AtOnce,
}

/// One thing that waits to leave.
pub enum Item {
    /// A frame, and the window whose result it carries.
    Frame {
        /// The frame.
        buffer: gst::Buffer,
        /// The window; `None` for a frame that carries nothing.
        owner: Option<u64>,
        /// How long it waits.
        due: Due,
    },
    /// A serialised event.
    Event(gst::Event),
    /// The sample grid ended.
    GridEnd {
        /// Its last window, if it had any.
        last: Option<u64>,
        /// Where its last frame ends.
        until: Option<Dated>,
    },
    /// An object is not followed any more.
    ObjectGone {
        /// The object.
        object: ObjectId,
        /// The last window that it may have had.
        last: Option<u64>,
        /// When the frames end that may show it; `None` where its last window tells.
        until: Option<Dated>,
        /// The stream of its samples and windows.
        before: Arc<Stream>,
    },
    /// From here on another model is at work.
    Model {
        /// What the model says of itself.
        manifest: Arc<Manifest>,
        /// The stream to the model before. All of its windows lie before this.
        before: Arc<Stream>,
    },
}

/// A window with its result.
pub type Classified = (WindowInfo, WindowOutput);

/// What leaves in one turn.
pub struct Leaving {
    /// The item.
    pub item: Item,
    /// The windows, in order, that have a result by then and did not leave before.
    pub settled: Vec<Classified>,
    /// The windows whose result nobody waits for any more.
    pub abandoned: Vec<WindowInfo>,
}

/// The number of a window, and the object that it shows, where objects have windows of their own.
pub type WindowKey = (u64, Option<ObjectId>);

/// What became of the windows that were submitted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// All of them.
    pub windows: u64,
    /// They have a result.
    pub results: u64,
    /// They were dropped because the model is too slow.
    pub dropped: u64,
    /// They were on their way when the stream was flushed or stopped.
    pub flushed: u64,
    /// They wait for their result.
    pub waiting: u64,
    /// Of all, those whose frames had to leave before the result.
    pub late: u64,
}

/// The line itself, without threads.
#[derive(Default)]
pub(super) struct State {
    pub(super) items: VecDeque<Item>,
    /// How many of the items are frames.
    pub(super) frames: usize,
    /// Frames that may wait for results that are overdue; `None` for any number.
    pub(super) limit: Option<usize>,
    /// Windows that may be complete behind the one that the first frame waits for, besides the next one.
    pub(super) further: u64,
    /// Submitted windows that did not leave yet.
    pub(super) windows: BTreeMap<WindowKey, Waiting>,
    /// Number of the newest window that was submitted.
    pub(super) newest: Option<u64>,
    /// The newest window whose frames left without its result.
    pub(super) late_through: Option<u64>,
    pub(super) generation: u64,
    /// An item was taken and is on its way downstream.
    pub(super) leaving: bool,
    /// The streaming thread waits until nothing leaves.
    pub(super) draining: bool,
    pub(super) flushing: bool,
    /// A fault was told, or is being told.
    pub(super) told: bool,
    pub(super) failed: bool,
    pub(super) flow: Option<gst::FlowError>,
    /// Downstream wants no more frames of this stream.
    pub(super) ended: bool,
    pub(super) tally: Tally,
    /// Threads that wait for a change.
    pub(super) waiters: usize,
}

/// A window on its way.
pub(super) struct Waiting {
    pub(super) info: WindowInfo,
    pub(super) since: Instant,
    pub(super) outcome: Option<Option<WindowOutput>>,
}

impl State {
    /// Whether all windows up to this one have their result or were dropped.
    pub(super) fn is_settled(&self, window: u64) -> bool {
        self.newest.is_some_and(|newest| newest >= window)
            && self.through(window).all(|(_, waiting)| waiting.outcome.is_some())
    }

    /// The windows up to this one.
    fn through(&self, window: u64) -> impl Iterator<Item = (&WindowKey, &Waiting)> {
        self.windows.range(..=(window, Some(ObjectId::MAX)))
    }

    pub(super) fn can_leave(&self, item: &Item) -> bool {
        match item {
            Item::Frame { owner: Some(window), due, .. } => {
                *due == Due::AtOnce || self.is_settled(*window) || is_past(due) || self.is_over_limit(*due)
            }
            Item::Frame { owner: None, .. } | Item::Event(_) | Item::Model { .. } => true,
            // A frame that may not wait takes it along.
            Item::GridEnd { last, .. } | Item::ObjectGone { last, .. } => {
                last.is_none_or(|last| self.is_settled(last))
                    || self.first_due().is_some_and(|due| is_past(&due) || self.is_over_limit(due))
            }
        }
    }

    /// Whether more frames wait than may, for results that are overdue.
    pub(super) fn is_over_limit(&self, due: Due) -> bool {
        due != Due::Settled && self.limit.is_some_and(|limit| self.frames > limit)
    }

    pub(super) fn front_can_leave(&self) -> bool {
        !self.leaving && self.items.front().is_some_and(|item| self.can_leave(item))
    }

    /// How long the first frame in line waits.
    pub(super) fn first_due(&self) -> Option<Due> {
        self.items.iter().find_map(|item| match item {
            Item::Frame { due, .. } => Some(*due),
            _ => None,
        })
    }

    /// Whether the streaming thread must wait: the first frame in line does not wait for frames still to
    /// come, but for the model, which has enough to do, or for downstream.
    pub(super) fn is_full(&self) -> bool {
        let mut ready = 0;
        for item in &self.items {
            let Item::Frame { owner, due, .. } = item else { continue };
            if matches!(due, Due::By(_)) {
                // A sink that shows frames at their time leaves early ones here.
                return self.is_over_limit(*due) && self.can_leave(item);
            }
            if self.can_leave(item) {
                ready += 1;
                if ready > READY_FRAMES {
                    return true;
                }
                continue;
            }
            let complete =
                owner.zip(self.newest).is_some_and(|(window, newest)| newest > window + self.further);
            return complete && *due == Due::Settled;
        }
        false
    }

    pub(super) fn stopped(&self) -> Option<gst::FlowError> {
        if self.flushing {
            return Some(gst::FlowError::Flushing);
        }
        if self.failed {
            return Some(gst::FlowError::Error);
        }
        self.flow
    }

    /// Takes the first item and what leaves with it.
    pub(super) fn take(&mut self) -> Option<Leaving> {
        let item = self.items.pop_front()?;
        self.leaving = true;
        let (mut settled, mut abandoned) = (Vec::new(), Vec::new());
        match &item {
            Item::Frame { owner, due, .. } => {
                self.frames -= 1;
                if let Some(window) = *owner {
                    settled = self.settled_through(window);
                    if matches!(due, Due::By(_))
                        && !self.is_settled(window)
                        && self.late_through < Some(window)
                    {
                        self.late_through = Some(window);
                        self.tally.late += 1;
                    }
                }
            }
            Item::GridEnd { last: Some(window), .. } => {
                settled = self.settled_through(*window);
                let left = self.windows.split_off(&(window + 1, None));
                let through = std::mem::replace(&mut self.windows, left).into_values();
                self.abandon(through, &mut settled, &mut abandoned);
            }
            Item::ObjectGone { object, last: Some(window), .. } => {
                settled = self.settled_through(*window);
                let own = |key: &&WindowKey| key.1 == Some(*object);
                let keys: Vec<WindowKey> =
                    self.through(*window).map(|(key, _)| key).filter(own).copied().collect();
                let own: Vec<Waiting> = keys.iter().filter_map(|key| self.windows.remove(key)).collect();
                self.abandon(own, &mut settled, &mut abandoned);
            }
            Item::GridEnd { last: None, .. }
            | Item::ObjectGone { last: None, .. }
            | Item::Event(_)
            | Item::Model { .. } => {}
        }
        Some(Leaving { item, settled, abandoned })
    }

    /// Nobody waits for these windows any more: they are what they are.
    fn abandon(
        &mut self,
        windows: impl IntoIterator<Item = Waiting>,
        settled: &mut Vec<Classified>,
        abandoned: &mut Vec<WindowInfo>,
    ) {
        for waiting in windows {
            match waiting.outcome {
                Some(Some(output)) => settled.push((waiting.info, output)),
                Some(None) => {}
                None => {
                    abandoned.push(waiting.info);
                    self.tally.dropped += 1;
                }
            }
        }
    }

    /// Takes the windows up to `window`, in order, before the first that still waits.
    pub(super) fn settled_through(&mut self, window: u64) -> Vec<Classified> {
        let mut settled = Vec::new();
        while let Some(first) = self.windows.first_entry().filter(|first| first.key().0 <= window) {
            if first.get().outcome.is_none() {
                break;
            }
            let waiting = first.remove();
            settled.extend(waiting.outcome.flatten().map(|output| (waiting.info, output)));
        }
        settled
    }

    pub(super) fn waiting(&self) -> u64 {
        self.windows.values().filter(|waiting| waiting.outcome.is_none()).count() as u64
    }
}

fn is_past(due: &Due) -> bool {
    match due {
        Due::Settled => false,
        Due::By(moment) => *moment <= Instant::now(),
        Due::AtOnce => true,
    }
}
