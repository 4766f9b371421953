//! The thread that publishes: takes messages, keeps a connection, and tries again where there is none.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{SendError, SyncSender},
    },
    time::{Duration, Instant},
};

use tokio::{select, time};

use super::{
    client::{self, Event, Fault},
    delivery::Delivery,
    inbox::Inbox,
    options::Options,
};
use crate::error::Error;

/// The first and the longest wait before a connection is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));
/// How long a good-bye may take.
const GOOD_BYE: Duration = Duration::from_secs(1);

/// What is told on the bus.
#[derive(Debug)]
pub enum Report {
    /// Publishing has ended for that.
    Error(Error),
    /// It goes on, but the user should know.
    Warning(Error),
    /// A fault has passed.
    Info(String),
}

/// How a session ended.
enum End {
    /// All is done, or the time is over.
    Stopped,
    /// There is no connection.
    Lost(Fault),
}

/// What there is to do next in a session.
enum Step {
    Event(Result<Event, Fault>),
    Close,
    Stop,
}

/// What came of the first connection: a refusal, or anything else.
pub type First = Result<(), Error>;

/// Publishes what is left in an inbox.
pub struct Worker<R> {
    inbox: Arc<Inbox>,
    delivery: Delivery,
    options: Options,
    report: R,
    /// Who waits for the first connection, until there was one.
    first: Option<SyncSender<First>>,
    /// Whether this set-up has worked, so that a refusal may pass by itself.
    proven: bool,
    /// Whether an outage is under way that was told of.
    told: bool,
    /// Messages that were dropped so far.
    dropped: u64,
    /// Whether it was told that messages are dropped, since the last connection.
    overflow_told: bool,
    /// Whether it was told that the spool does not take what it should.
    spool_told: bool,
    pause: Duration,
}

impl<R: Fn(Report)> Worker<R> {
    /// A worker that has not begun. It tells `first`, a channel without a buffer, what comes of the first connection;
    /// where nobody listens to that any more, a refusal is reported.
    pub fn new(
        inbox: Arc<Inbox>,
        delivery: Delivery,
        options: Options,
        first: SyncSender<First>,
        report: R,
    ) -> Self {
        inbox.count(|counts| counts.messages += delivery.len() as u64);
        Self {
            inbox,
            delivery,
            options,
            report,
            first: Some(first),
            proven: false,
            told: false,
            dropped: 0,
            overflow_told: false,
            spool_told: false,
            pause: PAUSES.0,
        }
    }

    /// Publishes until it is asked to stop.
    pub async fn run(mut self) {
        while let End::Lost(fault) = self.session().await {
            if !self.lost(fault) {
                self.only_collect().await;
                break;
            }
            if self.wait().await {
                break;
            }
        }
        self.disconnected();
        self.take();
        let lost = self.delivery.keep() as u64;
        self.inbox.count(|counts| counts.dropped += lost);
        let kept = self.delivery.len() as u64 - lost;
        let spool = self.delivery.spool().map(|spool| spool.folder().to_owned());
        for (count, spool) in [(kept, spool), (lost, None)] {
            if count > 0 {
                (self.report)(Report::Warning(Error::NotPublished { count, spool }));
            }
        }
    }

    /// One connection from its beginning to its end.
    async fn session(&mut self) -> End {
        let (sender, mut receiver) = client::open(&self.options);
        let mut connected = false;
        loop {
            let longest = receiver.longest_silence();
            let mut next = Box::pin(time::timeout(longest, receiver.next()));
            let step = loop {
                self.take();
                while connected && let Some(message) = self.delivery.next() {
                    if !sender.publish(message) {
                        self.delivery.not_taken();
                        break;
                    }
                }
                let deadline = self.inbox.deadline();
                if deadline.is_some() && self.delivery.is_empty() {
                    break if connected { Step::Close } else { Step::Stop };
                }
                select! {
                    event = &mut next => break Step::Event(event.unwrap_or_else(|_| Err(silent(longest)))),
                    () = self.inbox.changed() => (),
                    () = until(deadline) => break Step::Stop,
                }
            };
            match step {
                Step::Stop => return End::Stopped,
                Step::Close => {
                    sender.close();
                    // A future that is dropped may leave bytes unsent, so the good-bye is waited for.
                    let mut event = time::timeout(GOOD_BYE, next).await.ok().and_then(Result::ok);
                    while event.is_some_and(|event| event.is_ok_and(|event| event != Event::Closed)) {
                        event = time::timeout(GOOD_BYE, receiver.next()).await.ok();
                    }
                    return End::Stopped;
                }
                Step::Event(Err(fault)) => {
                    drop(next);
                    receiver.answers().into_iter().for_each(|answer| self.heard(answer));
                    return End::Lost(fault);
                }
                Step::Event(Ok(event)) => {
                    connected |= matches!(event, Event::Connected(_));
                    self.heard(event);
                }
            }
        }
    }

    fn heard(&mut self, event: Event) {
        match event {
            Event::Connected(at_once) => {
                self.delivery.connected(at_once);
                (self.proven, self.overflow_told) = (true, false);
                self.tell_first(Ok(()));
                self.inbox.count(|counts| {
                    counts.connected = true;
                    counts.connections += 1;
                });
                if std::mem::take(&mut self.told) {
                    let text = format!(
                        "{}: connected; {} messages were waiting",
                        self.options.broker,
                        self.delivery.len()
                    );
                    (self.report)(Report::Info(text));
                }
            }
            Event::Sent(packet) => {
                let done = self.delivery.sent(packet);
                self.done(done, |counts| counts.acknowledged += 1);
            }
            Event::Acknowledged(packet) => {
                let done = self.delivery.answered(packet);
                self.done(done, |counts| counts.acknowledged += 1);
            }
            Event::Refused(packet, why) => {
                let done = self.delivery.answered(packet);
                self.done(done, |counts| counts.refused += 1);
                self.tell_refused(why);
            }
            Event::Closed | Event::Other => (),
        }
    }

    /// Counts a message, if one is done with.
    fn done(&mut self, done: io::Result<bool>, count: impl FnOnce(&mut super::inbox::Counts)) {
        if self.stored(done).unwrap_or(true) {
            self.pause = PAUSES.0;
            self.inbox.count(count);
        }
    }

    fn tell_first(&mut self, came: First) {
        let unheard = match self.first.take() {
            Some(first) => first.send(came).err().map(|SendError(came)| came),
            None => Some(came),
        };
        if let Some(Err(fault)) = unheard {
            (self.report)(Report::Error(fault));
        }
    }

    fn tell_refused(&self, why: String) {
        let broker = self.options.broker.to_string();
        (self.report)(Report::Warning(Error::MessageRefused { broker, why }));
    }

    /// Brings what was left in the inbox into the line.
    fn take(&mut self) {
        for message in self.inbox.take() {
            let pushed = self.delivery.push(message);
            self.stored(pushed);
        }
        let (over, removed) = self.delivery.bound();
        self.stored(removed);
        self.inbox.count(|counts| counts.dropped += over as u64);
        let dropped = self.inbox.counts().dropped;
        if dropped > std::mem::replace(&mut self.dropped, dropped)
            && !std::mem::replace(&mut self.overflow_told, true)
        {
            (self.report)(Report::Warning(Error::Overflow { waiting: self.delivery.len(), dropped }));
        }
    }

    /// The value of what was done with the spool; tells of the first fault.
    fn stored<T>(&mut self, done: io::Result<T>) -> Option<T> {
        match done {
            Ok(value) => Some(value),
            Err(err) => {
                if let Some(spool) = self.delivery.spool()
                    && !std::mem::replace(&mut self.spool_told, true)
                {
                    let path = spool.folder().to_owned();
                    (self.report)(Report::Warning(Error::Spool { path, message: err.to_string() }));
                }
                None
            }
        }
    }

    /// There is no connection any more.
    fn disconnected(&mut self) {
        let (repeated, dropped) = self.delivery.disconnected();
        self.inbox.count(|counts| {
            counts.connected = false;
            counts.repeated += repeated as u64;
            counts.dropped += dropped as u64;
        });
    }

    /// A connection has ended that way; whether another one is to be tried.
    fn lost(&mut self, fault: Fault) -> bool {
        if let Fault::TooLong(why) = fault {
            let done = self.delivery.refused();
            self.done(done, |counts| counts.refused += 1);
            self.tell_refused(why);
            self.disconnected();
            return true;
        }
        self.disconnected();
        let broker = self.options.broker.to_string();
        let fault = match fault {
            Fault::Refused { found, cure } => {
                let fault = Error::Refused { broker, found, cure };
                if !self.proven {
                    self.tell_first(Err(fault));
                    return false;
                }
                fault
            }
            Fault::TooLong(why) | Fault::Unreachable(why) => Error::Unreachable { broker, why },
        };
        self.tell_first(Ok(()));
        gst::debug!(super::CAT, "{fault}");
        if !std::mem::replace(&mut self.told, true) {
            (self.report)(Report::Warning(fault));
        }
        true
    }

    /// Waits before the next connection, for longer each time, and never as long as others that began with us. Tells
    /// whether it is time to stop.
    async fn wait(&mut self) -> bool {
        let pause = self.pause.mul_f64(0.5 + fastrand::f64() / 2.0);
        self.pause = (2 * self.pause).min(PAUSES.1);
        let end = Instant::now() + pause;
        loop {
            self.take();
            let deadline = self.inbox.deadline();
            if deadline.is_some_and(|deadline| self.delivery.is_empty() || deadline <= Instant::now()) {
                return true;
            }
            select! {
                () = self.inbox.changed() => (),
                () = until(Some(deadline.map_or(end, |deadline| deadline.min(end)))) => {
                    if Instant::now() >= end {
                        return false;
                    }
                }
            }
        }
    }

    /// Takes messages into the spool until the element stops.
    async fn only_collect(&mut self) {
        while self.inbox.deadline().is_none() {
            self.take();
            self.inbox.changed().await;
        }
    }
}

fn silent(longest: Duration) -> Fault {
    Fault::Unreachable(format!("silence for {} s", longest.as_secs()))
}

/// Waits until that time, for ever without one.
async fn until(time: Option<Instant>) {
    match time {
        Some(time) => time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}
