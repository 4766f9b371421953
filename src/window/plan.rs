//! Which samples make a window, and which window owns a frame.

/// The arithmetic of overlapping windows over one grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowPlan {
    frames: u64,
    hop: u64,
    further: u64,
}

impl WindowPlan {
    /// Windows of `frames` samples, one every `hop` samples; `None` unless `1 <= hop <= frames`.
    #[must_use]
    pub fn new(frames: u64, hop: u64) -> Option<Self> {
        (1..=frames).contains(&hop).then_some(Self { frames, hop, further: 0 })
    }

    /// The plan for so many [`further`](Self::further) windows.
    #[must_use]
    pub fn with_further(self, windows: u64) -> Self {
        Self { further: windows, ..self }
    }

    /// Windows that may be complete behind the one whose result is waited for, besides the next one.
    #[must_use]
    pub fn further(&self) -> u64 {
        self.further
    }

    /// Samples in a window.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Samples between windows.
    #[must_use]
    pub fn hop(&self) -> u64 {
        self.hop
    }

    /// The window that sample `n` completes.
    #[must_use]
    pub fn completed_by(&self, n: u64) -> Option<u64> {
        let first = (n + 1).checked_sub(self.frames)?;
        first.is_multiple_of(self.hop).then_some(first / self.hop)
    }

    /// The window left open when a grid ends after `samples` samples, if samples lie in no whole window:
    /// the number of that window and how many samples it has.
    #[must_use]
    pub fn left_open(&self, samples: u64) -> Option<(u64, u64)> {
        if samples == 0 {
            return None;
        }
        let Some(spare) = samples.checked_sub(self.frames) else {
            return Some((0, samples));
        };
        let whole = spare / self.hop + 1;
        (spare % self.hop != 0).then_some((whole, samples - whole * self.hop))
    }

    /// The window that owns the frames at `position`, in samples since the start of the grid: the one in
    /// whose central hop the position lies. The first window also owns all before; a caller that knows
    /// the last window gives it all after.
    #[must_use]
    pub fn owner(&self, position: f64) -> u64 {
        ((position - self.centre()) / self.hop as f64).floor().max(0.0) as u64
    }

    /// Where the central hop of a window begins, in samples since its first: `(frames - hop) / 2`.
    #[must_use]
    pub fn centre(&self) -> f64 {
        (self.frames - self.hop) as f64 / 2.0
    }

    /// How long a frame in the central hop of a window waits for the window's last sample at most, in samples:
    /// `(frames + hop) / 2 - 1`.
    #[must_use]
    pub fn delay(&self) -> f64 {
        (self.frames + self.hop) as f64 / 2.0 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hop_of_nought_or_beyond_the_window_is_no_plan() {
        assert_eq!(WindowPlan::new(16, 0), None);
        assert_eq!(WindowPlan::new(16, 17), None);
        assert!(WindowPlan::new(16, 16).is_some());
    }

    #[test]
    fn central_hop() {
        let plan = WindowPlan::new(16, 4).unwrap();
        assert_eq!(plan.owner(0.0), 0);
        assert_eq!(plan.owner(9.99), 0);
        assert_eq!(plan.owner(10.0), 1);
        assert_eq!(plan.owner(14.0), 2);
        assert_eq!(plan.delay(), 9.0);
        assert_eq!(plan.centre(), 6.0);
    }

    proptest! {
        #[test]
        fn windows_equal_a_list_of_them(frames in 1u64..40, hop in 1u64..40, samples in 0u64..200) {
            prop_assume!(hop <= frames);
            let plan = WindowPlan::new(frames, hop).unwrap();
            let all: Vec<(u64, u64)> = (0..300).map(|k| (k * hop, k * hop + frames)).collect();
            for n in 0..samples {
                let naive = all.iter().position(|&(_, end)| end == n + 1).map(|k| k as u64);
                prop_assert_eq!(plan.completed_by(n), naive);
            }
            let whole = all.iter().filter(|&&(_, end)| end <= samples).count();
            let covered = if whole == 0 { 0 } else { all[whole - 1].1 };
            let naive = (samples > covered).then(|| (whole as u64, samples - all[whole].0));
            prop_assert_eq!(plan.left_open(samples), naive);
        }

        /// Every frame of a window's central hop waits no longer than the delay for its last sample.
        #[test]
        fn owners_never_wait_longer_than_the_delay(frames in 1u64..40, hop in 1u64..40, position in 0.0f64..500.0) {
            prop_assume!(hop <= frames);
            let plan = WindowPlan::new(frames, hop).unwrap();
            let owner = plan.owner(position);
            let complete_at = (owner * hop + frames - 1) as f64;
            if owner > 0 {
                prop_assert!(complete_at - position <= plan.delay() + 1e-9);
                prop_assert!((owner * hop) as f64 <= position);
            }
            prop_assert!(position <= complete_at + 1.0);
        }
    }
}
