//! The threads that a model runs on, for all the streams that share it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    Encoded, Model, Proof,
    encoder::Input,
    queue::Unit,
    schedule::Task,
    shared::{CameTo, Done, Shared},
};
use crate::{
    error::Error,
    model::{SampleWriter, WindowOutput},
    runtime::Choice,
};

/// The result of one window.
#[derive(Debug)]
pub struct Outcome {
    /// The run of the stream that it belongs to, see [`Stream::begin`](super::Stream::begin).
    pub generation: u64,
    /// The number that the window was submitted under.
    pub window: u64,
    /// How long the model ran for the stream since the result before: its share of the runs.
    pub ran: Duration,
    /// What the model said.
    pub result: Result<WindowOutput, Error>,
}

/// A model, or several copies of it, on threads of their own, for any number of streams.
pub struct Engine {
    pub(super) shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
    writer: SampleWriter,
    run_time: Duration,
    choice: Choice,
    nodes: String,
}

impl Engine {
    /// Starts a thread for each copy of the model.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(proof: Proof) -> Result<Self, Error> {
        let Proof { model, copies, choice, nodes } = proof;
        let (writer, run_time) = (model.writer().clone(), model.run_time());
        let (frames, encoding, sizes) = (model.frames(), model.encoding(), model.sizes().to_vec());
        let models: Vec<Model> = std::iter::once(model).chain(copies).collect();
        let cancellers = models.iter().map(Model::cancellers).collect();
        let shared = Arc::new(Shared::new(cancellers, frames, encoding, sizes));
        let mut engine = Self { shared, threads: Vec::new(), writer, run_time, choice, nodes };
        for (number, model) in models.into_iter().enumerate() {
            let worker = Worker { number, model, shared: Arc::clone(&engine.shared) };
            let thread = std::thread::Builder::new()
                .name("artclassify".into())
                .spawn(move || worker.work())
                .map_err(Error::Thread)?;
            engine.threads.push(thread);
        }
        Ok(engine)
    }

    /// How many runs can go on at a time.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.threads.len()
    }

    /// The execution provider that runs the model.
    #[must_use]
    pub fn choice(&self) -> &Choice {
        &self.choice
    }

    /// Number of nodes on each provider, in words.
    #[must_use]
    pub fn nodes(&self) -> &str {
        &self.nodes
    }

    /// How long one sample and one window took after the warm-up.
    #[must_use]
    pub fn run_time(&self) -> Duration {
        self.run_time
    }

    /// What turns pictures into the model's samples.
    #[must_use]
    pub fn writer(&self) -> &SampleWriter {
        &self.writer
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.close();
        let own = std::thread::current().id();
        for thread in self.threads.drain(..).filter(|thread| thread.thread().id() != own) {
            // A panic of the thread was reported by it.
            let _ = thread.join();
        }
    }
}

struct Worker {
    number: usize,
    model: Model,
    shared: Arc<Shared>,
}

impl Worker {
    fn work(mut self) {
        while let Some(tasks) = self.shared.next(self.number) {
            let charges: Vec<_> = tasks.iter().map(|task| task.charge).collect();
            let started = Instant::now();
            let done = self.run(tasks);
            let streams = self.shared.done(self.number, done, &charges, started.elapsed());
            while let Some((deliver, outcome)) = self.shared.outcome(self.number, &streams) {
                // A panic was reported; the other streams go on.
                let _ = catch_unwind(AssertUnwindSafe(|| deliver(outcome)));
                self.shared.delivered(self.number);
            }
        }
    }

    /// Runs units of one kind together.
    fn run(&mut self, tasks: Vec<Task>) -> Vec<Done> {
        let (mut slots, mut inputs): (Vec<_>, Vec<Input>) = (Vec::new(), Vec::new());
        let (mut numbers, mut windows): (Vec<_>, Vec<Vec<Encoded>>) = (Vec::new(), Vec::new());
        let mut done = Vec::new();
        for Task { stream, generation, unit, .. } in tasks {
            match unit {
                Unit::Encode { slot, frame, state } => {
                    slots.push((stream, generation, slot));
                    inputs.push((frame, state));
                }
                Unit::Classify { number, samples: Some(samples) } => {
                    numbers.push((stream, generation, number));
                    windows.push(samples);
                }
                Unit::Classify { number, samples: None } => {
                    // The error is delivered with the sample that failed.
                    let came_to = CameTo::Window { number, made: Err(Error::Cancelled) };
                    done.push(Done { stream, generation, came_to });
                }
            }
        }
        let made = self.each(&inputs, |model, inputs| model.encode(inputs));
        done.extend(slots.into_iter().zip(made).map(|((stream, generation, slot), made)| Done {
            stream,
            generation,
            came_to: CameTo::Sample { slot, made },
        }));
        let made = self.each(&windows, |model, windows| model.classify(&windows.iter().collect::<Vec<_>>()));
        done.extend(numbers.into_iter().zip(made).map(|((stream, generation, number), made)| Done {
            stream,
            generation,
            came_to: CameTo::Window { number, made },
        }));
        done
    }

    /// Runs the model over all items at once. Where that fails, over each by itself, so that a fault stays with the stream
    /// that it comes from. Makes an error of a panic, so that nobody waits for ever for a thread that is gone.
    fn each<T, R>(
        &mut self,
        items: &[T],
        run: impl Fn(&mut Model, &[T]) -> Result<Vec<R>, Error>,
    ) -> Vec<Result<R, Error>> {
        if items.is_empty() {
            return Vec::new();
        }
        let mut guarded = |items: &[T]| {
            catch_unwind(AssertUnwindSafe(|| run(&mut self.model, items))).unwrap_or(Err(Error::Panicked))
        };
        match guarded(items) {
            Ok(made) if made.len() == items.len() => made.into_iter().map(Ok).collect(),
            Err(fault) if items.len() == 1 => vec![Err(fault)],
            _ => items
                .iter()
                .map(|item| {
                    let made = guarded(std::slice::from_ref(item))?;
                    made.into_iter().next().ok_or(Error::Cancelled)
                })
                .collect(),
        }
    }
}
