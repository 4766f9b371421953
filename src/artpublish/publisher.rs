//! What publishes while the element is at work.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{self, RecvTimeoutError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    delivery::Delivery,
    inbox::{Inbox, Message},
    options::Options,
    settings::Settings,
    spool::Spool,
    topic::{Kind, Template},
    worker::{Report, Worker},
};
use crate::error::Error;

/// How long starting waits for the broker to take us in or to refuse us. A refusal in the midst of a change of state is
/// overheard by applications, gst-launch-1.0 among them.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

/// A thread that publishes, and the way to it.
#[derive(Debug)]
pub struct Publisher {
    inbox: Arc<Inbox>,
    topic: Template,
    linger: Duration,
    /// Whether the end of the stream has waited already.
    lingered: AtomicBool,
    spool: Option<PathBuf>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Publisher {
    /// Begins to publish, and waits for the first answer of the broker for a short time. `host` and `element` are names for the topic; `report` is called from a thread.
    ///
    /// # Errors
    /// What is wrong with the settings, a file or the system, or that the broker refuses us.
    pub fn start(
        settings: &Settings,
        host: &str,
        element: &str,
        report: impl Fn(Report) + Send + 'static,
    ) -> Result<Self, Error> {
        let topic = Template::parse(settings.topic.as_deref().unwrap_or_default(), host, element)?;
        let options = Options::new(settings)?;
        let spool = settings.spool.as_ref().map(|folder| Spool::open(Path::new(folder))).transpose()?;
        let most = settings.max_messages as usize;
        let inbox = Arc::new(Inbox::new(most));
        let (tell, first) = mpsc::sync_channel(0);
        let worker = Worker::new(Arc::clone(&inbox), Delivery::new(most, spool), options, tell, report);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Thread)?;
        let thread = std::thread::Builder::new()
            .name("artpublish".into())
            .spawn(move || {
                runtime.block_on(worker.run());
                // A name that is being looked up is not waited for.
                runtime.shutdown_background();
            })
            .map_err(Error::Thread)?;
        let publisher = Self {
            inbox,
            topic,
            linger: Duration::from_nanos(settings.linger),
            lingered: false.into(),
            spool: settings.spool.as_ref().map(PathBuf::from),
            thread: Mutex::new(Some(thread)),
        };
        match first.recv_timeout(FIRST_ANSWER) {
            Ok(Err(refusal)) => {
                publisher.stop();
                Err(refusal)
            }
            Ok(Ok(())) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(publisher),
        }
    }

    /// Leaves a line to be published; never waits.
    pub fn publish(&self, stream: &str, kind: Kind, mut line: Vec<u8>) {
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        self.lingered.store(false, Relaxed);
        self.inbox.push(Message { topic: self.topic.topic(stream, kind), payload: line });
    }

    /// The value of the property `stats`.
    pub fn stats(&self) -> gst::Structure {
        self.inbox.counts().to_structure()
    }

    /// At the end of the stream: waits for acknowledgements as long as the settings say.
    ///
    /// # Errors
    /// When messages are left.
    pub fn linger(&self) -> Result<(), Error> {
        let count = self.inbox.wait_until_done(Instant::now() + self.linger);
        self.lingered.store(true, Relaxed);
        if count == 0 { Ok(()) } else { Err(Error::NotPublished { count, spool: self.spool.clone() }) }
    }

    /// Says whether the end of the stream is not to wait.
    pub fn hurry(&self, hurried: bool) {
        self.inbox.hurry(hurried);
    }

    /// Waits for acknowledgements, unless the end of the stream has, and ends the thread; whether it ended well.
    pub fn stop(&self) -> bool {
        let linger = if self.lingered.load(Relaxed) { Duration::ZERO } else { self.linger };
        self.inbox.stop(Instant::now() + linger);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.is_none_or(|thread| thread.join().is_ok())
    }
}
