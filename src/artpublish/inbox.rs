//! What the streaming thread and the publishing thread share. Nobody waits in it but for the end of the stream.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use tokio::sync::Notify;

/// Something to publish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where to.
    pub topic: String,
    /// One JSON object.
    pub payload: Vec<u8>,
}

/// The fields of `stats`. `messages` = `acknowledged` + `refused` + `dropped` + what waits.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Whether there is a connection now.
    pub connected: bool,
    /// Connections that there were.
    pub connections: u64,
    /// Messages, those found in the spool included.
    pub messages: u64,
    /// Of these, messages that the broker has.
    pub acknowledged: u64,
    /// Messages that the broker does not take.
    pub refused: u64,
    /// Messages that waited for too long.
    pub dropped: u64,
    /// Times that a message was on its way when a connection broke.
    pub repeated: u64,
}

impl Counts {
    /// Messages of which nothing became yet.
    pub fn waiting(&self) -> u64 {
        self.messages.saturating_sub(self.acknowledged + self.refused + self.dropped)
    }

    /// The value of the property `stats`.
    pub fn to_structure(self) -> gst::Structure {
        gst::Structure::builder("artpublish-stats")
            .field("connected", self.connected)
            .field("connections", self.connections)
            .field("messages", self.messages)
            .field("acknowledged", self.acknowledged)
            .field("refused", self.refused)
            .field("dropped", self.dropped)
            .field("waiting", self.waiting())
            .field("repeated", self.repeated)
            .build()
    }
}

#[derive(Debug, Default)]
struct State {
    messages: VecDeque<Message>,
    counts: Counts,
    deadline: Option<Instant>,
    /// Whether nobody is to wait.
    hurried: bool,
}

/// Messages that the publishing thread has not taken, and the counts.
#[derive(Debug)]
pub struct Inbox {
    state: Mutex<State>,
    most: usize,
    changed: Notify,
    /// Nothing waits any more, or nobody is to wait for it.
    done: Condvar,
}

impl Inbox {
    /// An inbox for that many messages.
    pub fn new(most: usize) -> Self {
        Self { state: Mutex::default(), most, changed: Notify::new(), done: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves a message; where there are too many, the oldest is dropped.
    pub fn push(&self, message: Message) {
        let mut state = self.lock();
        state.counts.messages += 1;
        state.messages.push_back(message);
        if state.messages.len() > self.most {
            state.messages.pop_front();
            state.counts.dropped += 1;
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Takes all messages.
    pub fn take(&self) -> VecDeque<Message> {
        std::mem::take(&mut self.lock().messages)
    }

    /// Asks the publishing thread to end, at that time at the latest.
    pub fn stop(&self, deadline: Instant) {
        self.lock().deadline = Some(deadline);
        self.changed.notify_one();
    }

    /// When the publishing thread has to end, where it was asked to.
    pub fn deadline(&self) -> Option<Instant> {
        self.lock().deadline
    }

    /// Waits until something was left or asked for since the last time.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Counts.
    pub fn count(&self, count: impl FnOnce(&mut Counts)) {
        let mut state = self.lock();
        count(&mut state.counts);
        if state.counts.waiting() == 0 {
            self.done.notify_all();
        }
    }

    /// Waits until no message waits, up to that time: how many do then.
    pub fn wait_until_done(&self, until: Instant) -> u64 {
        let mut state = self.lock();
        loop {
            let waiting = state.counts.waiting();
            let left = until.saturating_duration_since(Instant::now());
            if waiting == 0 || state.hurried || left.is_zero() {
                return waiting;
            }
            state = self.done.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Says whether whoever waits is to go on at once.
    pub fn hurry(&self, hurried: bool) {
        self.lock().hurried = hurried;
        self.done.notify_all();
    }

    /// What was counted.
    pub fn counts(&self) -> Counts {
        self.lock().counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room_and_are_counted() {
        gst::init().unwrap();
        let inbox = Inbox::new(2);
        for n in 0..5u8 {
            inbox.push(Message { topic: "t".into(), payload: vec![n] });
        }
        let kept: Vec<u8> = inbox.take().into_iter().map(|message| message.payload[0]).collect();
        assert_eq!(kept, [3, 4]);
        let counts = inbox.counts();
        assert_eq!((counts.messages, counts.dropped), (5, 3));
        assert_eq!(counts.to_structure().get::<u64>("waiting"), Ok(2));
    }

    #[test]
    fn whoever_waits_for_the_end_goes_on_when_it_has_come_or_never_will() {
        let soon = || Instant::now() + std::time::Duration::from_millis(1);
        let late = || Instant::now() + std::time::Duration::from_secs(600);
        let inbox = Inbox::new(2);
        assert_eq!(inbox.wait_until_done(late()), 0);
        inbox.push(Message { topic: "t".into(), payload: Vec::new() });
        assert_eq!(inbox.wait_until_done(soon()), 1);
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| inbox.wait_until_done(late()));
            inbox.count(|counts| counts.acknowledged += 1);
            assert_eq!(waits.join().unwrap(), 0);
            inbox.push(Message { topic: "t".into(), payload: Vec::new() });
            let waits = scope.spawn(|| inbox.wait_until_done(late()));
            inbox.hurry(true);
            assert_eq!(waits.join().unwrap(), 1);
        });
    }
}
