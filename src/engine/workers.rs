//! How many copies of a model run at the same time, and how many threads each has.
//!
//! A run of one sample, or of one window, uses several threads badly: two runs of one thread each get more done than one of
//! two threads after the other.

use std::{num::NonZeroUsize, thread::available_parallelism};

use super::files;
use crate::{
    model::Manifest,
    runtime::{Provider, SessionSettings},
};

/// Most copies that nobody asked for: runs with several threads each do the rest.
const MOST: usize = 4;

/// Most bytes of files that copies are loaded from, together, which nobody asked for.
const MOST_BYTES: u64 = 256 << 20;

/// How a model is spread over the CPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Workers {
    /// Runs that go on at a time, each on a copy of the model.
    pub(super) count: usize,
    /// Threads of a run; 0 for as many as there are cores.
    pub(super) threads: usize,
}

impl Workers {
    /// For a model on a provider: as many as were `asked` for; with 0, what suits the CPU, and one elsewhere.
    pub(super) fn new(
        asked: usize,
        manifest: &Manifest,
        provider: Provider,
        settings: &SessionSettings,
    ) -> Self {
        let cores = || available_parallelism().map_or(1, NonZeroUsize::get);
        let threads = if settings.threads == 0 { cores() } else { settings.threads };
        let count = match asked {
            0 if provider == Provider::Cpu => suitable(threads, files::bytes(manifest)),
            0 => 1,
            asked => asked,
        };
        // One run has what ONNX Runtime gives it: a thread for each core, without those that share one.
        let threads = if count == 1 { settings.threads } else { (threads / count).max(1) };
        Self { count, threads }
    }
}

/// As many as there are threads, within the bounds of what nobody asked for, but fewer where that would leave more than a
/// quarter of the threads over: all runs have the same number.
fn suitable(threads: usize, bytes: u64) -> usize {
    let copies = usize::try_from(MOST_BYTES / bytes.max(1)).unwrap_or(usize::MAX);
    let most = threads.min(MOST).min(copies).max(1);
    (1..=most).rev().find(|count| threads % count * 4 <= threads).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_models_have_a_worker_for_each_of_a_few_threads() {
        assert_eq!([1, 2, 4, 16].map(|threads| suitable(threads, 8 << 20)), [1, 2, 4, 4]);
    }

    #[test]
    fn few_threads_are_left_over() {
        assert_eq!([3, 5, 6, 7, 11].map(|threads| suitable(threads, 8 << 20)), [3, 4, 3, 3, 3]);
    }

    #[test]
    fn large_models_have_few_workers() {
        assert_eq!([100, 200, 900].map(|megabytes| suitable(16, megabytes << 20)), [2, 1, 1]);
        assert_eq!(suitable(2, 0), 2, "an empty file is no reason to divide by zero");
    }
}
