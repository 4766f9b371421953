//! The thread that a model runs on: takes samples and windows in order, gives results in order.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::{Encoded, Model};
use crate::{
    error::Error,
    model::{Tensor, WindowOutput},
    runtime::Canceller,
};

/// A sample of the stream.
#[derive(Debug)]
pub enum Sample {
    /// A frame in the model's layout.
    Frame(Tensor),
    /// The frame of the sample before, once more.
    Repeat,
}

/// The result of one window.
#[derive(Debug)]
pub struct Outcome {
    /// The run of the stream that it belongs to: [`Engine::cancel`] starts a new one.
    pub generation: u64,
    /// The number that the window was submitted under.
    pub window: u64,
    /// What the model said.
    pub result: Result<WindowOutput, Error>,
}

#[derive(Debug)]
enum Task {
    Sample(Sample),
    Window { number: u64, samples: usize },
    NewGrid,
}

#[derive(Debug)]
struct Job {
    generation: u64,
    task: Task,
}

#[derive(Debug, Default)]
struct Progress {
    generation: u64,
    running: bool,
}

/// A model on a thread of its own.
///
/// Samples and windows are taken in the order of the calls. The caller bounds what is waiting: it
/// submits no more than it is ready to hold.
pub struct Engine {
    jobs: Option<Sender<Job>>,
    progress: Arc<Mutex<Progress>>,
    cancellers: Vec<Canceller>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Starts the thread. `deliver` is called there for each window, in order, and once with the error of a
    /// sample that could not be encoded, under the number of the window that would have been next.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(model: Model, deliver: impl Fn(Outcome) + Send + 'static) -> Result<Self, Error> {
        let (jobs, inbox) = unbounded();
        let progress = Arc::new(Mutex::new(Progress::default()));
        let cancellers = model.cancellers();
        let worker = Worker { model, recent: VecDeque::new(), progress: Arc::clone(&progress) };
        let flags = cancellers.clone();
        let thread = std::thread::Builder::new()
            .name("artclassify".into())
            .spawn(move || worker.work(&inbox, &flags, &deliver))
            .map_err(Error::Thread)?;
        Ok(Self { jobs: Some(jobs), progress, cancellers, thread: Some(thread) })
    }

    fn submit(&self, task: Task) {
        let generation = lock(&self.progress).generation;
        if let Some(jobs) = &self.jobs {
            // The thread ends only with this engine, so that its inbox is open as long as jobs can be sent.
            let _ = jobs.send(Job { generation, task });
        }
    }

    /// Adds the next sample of the grid.
    pub fn sample(&self, sample: Sample) {
        self.submit(Task::Sample(sample));
    }

    /// Classifies the last `samples` samples. Where that is fewer than a window takes, the last one is repeated.
    pub fn window(&self, number: u64, samples: usize) {
        self.submit(Task::Window { number, samples });
    }

    /// Forgets the samples so far: the next one is the first of a new grid.
    pub fn new_grid(&self) {
        self.submit(Task::NewGrid);
    }

    /// Drops everything that waits, ends the run under way, and gives the generation of what comes next.
    pub fn cancel(&self) -> u64 {
        let mut progress = lock(&self.progress);
        progress.generation += 1;
        if progress.running {
            self.cancellers.iter().for_each(Canceller::cancel);
        }
        progress.generation
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.cancel();
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported by it.
            let _ = thread.join();
        }
    }
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Worker {
    model: Model,
    recent: VecDeque<Encoded>,
    progress: Arc<Mutex<Progress>>,
}

impl Worker {
    fn work(mut self, inbox: &Receiver<Job>, flags: &[Canceller], deliver: &(impl Fn(Outcome) + Send)) {
        let mut generation = 0;
        let mut next_window = 0;
        while let Ok(job) = inbox.recv() {
            {
                let mut progress = lock(&self.progress);
                if job.generation != progress.generation {
                    continue;
                }
                flags.iter().for_each(Canceller::clear);
                progress.running = true;
            }
            if job.generation != generation {
                generation = job.generation;
                self.recent.clear();
            }
            let outcome = match job.task {
                Task::NewGrid => {
                    self.recent.clear();
                    None
                }
                Task::Sample(sample) => self.take(sample).err().map(|fault| (next_window, Err(fault))),
                Task::Window { number, samples } => {
                    next_window = number + 1;
                    Some((number, self.classify(samples)))
                }
            };
            let cancelled = {
                let mut progress = lock(&self.progress);
                progress.running = false;
                progress.generation != generation
            };
            if let Some((window, result)) = outcome.filter(|_| !cancelled) {
                deliver(Outcome { generation, window, result });
            }
        }
    }

    fn take(&mut self, sample: Sample) -> Result<(), Error> {
        let encoded = match (sample, self.recent.back()) {
            (Sample::Frame(frame), _) => self.model.encode(frame)?,
            (Sample::Repeat, Some(last)) => Arc::clone(last),
            (Sample::Repeat, None) => return Ok(()),
        };
        if self.recent.len() == self.model.frames() {
            self.recent.pop_front();
        }
        self.recent.push_back(encoded);
        Ok(())
    }

    fn classify(&mut self, samples: usize) -> Result<WindowOutput, Error> {
        let older = self.recent.len().saturating_sub(samples);
        let mut samples: Vec<Encoded> = self.recent.iter().skip(older).cloned().collect();
        if let Some(last) = samples.last().cloned() {
            samples.resize(self.model.frames(), last);
        }
        self.model.classify(&samples)
    }
}
