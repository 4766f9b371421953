//! Numbers that are given once.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counts up from 0, for all that share it.
#[derive(Debug, Clone, Default)]
pub struct Numbers(Arc<AtomicU64>);

impl Numbers {
    /// The next one.
    pub fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}
