//! The results of one stream on their way out: runs may end in another order than windows have.

use std::collections::VecDeque;

use crate::{error::Error, model::WindowOutput};

/// What a window or a sample came to.
pub(super) type Made = Result<WindowOutput, Error>;

/// A result, or the place of one to come.
#[derive(Debug)]
struct Place {
    /// The window's number; `None` for the error of a sample, which stands for the window that comes next.
    window: Option<u64>,
    made: Option<Made>,
}

/// The results of a stream that nobody has taken yet, in the order in which their windows were begun.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    places: VecDeque<Place>,
    /// Number of the window after the last one that left.
    next_window: u64,
    /// Whether somebody delivers what has left.
    delivering: bool,
}

impl Outbox {
    /// A window is begun.
    pub(super) fn expect(&mut self, window: u64) {
        self.places.push_back(Place { window: Some(window), made: None });
    }

    /// A sample could not be encoded.
    pub(super) fn fault(&mut self, fault: Error) {
        self.places.push_back(Place { window: None, made: Some(Err(fault)) });
    }

    /// A window is done. It is forgotten where its place was cleared meanwhile.
    pub(super) fn fill(&mut self, window: u64, made: Made) {
        if let Some(place) = self.places.iter_mut().find(|place| place.window == Some(window)) {
            place.made = Some(made);
        }
    }

    /// Forgets all results, those to come too.
    pub(super) fn clear(&mut self) {
        self.places.clear();
    }

    /// Takes the next result in order for the caller to deliver, and then to say so by [`delivered`](Self::delivered).
    /// `None` while it is not there, and while another caller delivers.
    pub(super) fn take(&mut self) -> Option<(u64, Made)> {
        if self.delivering || self.places.front()?.made.is_none() {
            return None;
        }
        let Place { window, made } = self.places.pop_front()?;
        let window = window.unwrap_or(self.next_window);
        self.next_window = window + 1;
        self.delivering = true;
        Some((window, made?))
    }

    /// What was taken is delivered.
    pub(super) fn delivered(&mut self) {
        self.delivering = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output() -> Made {
        Ok(WindowOutput::default())
    }

    fn next(outbox: &mut Outbox) -> Option<u64> {
        let (window, _) = outbox.take()?;
        outbox.delivered();
        Some(window)
    }

    #[test]
    fn results_leave_in_the_order_of_their_windows() {
        let mut outbox = Outbox::default();
        (4..7).for_each(|window| outbox.expect(window));
        outbox.fill(5, output());
        assert_eq!(next(&mut outbox), None, "window 4 is not done");
        outbox.fill(4, output());
        assert_eq!([0; 3].map(|_| next(&mut outbox)), [Some(4), Some(5), None]);
        outbox.fill(6, output());
        assert_eq!(next(&mut outbox), Some(6));
    }

    #[test]
    fn the_error_of_a_sample_stands_for_the_window_that_comes_next() {
        let mut outbox = Outbox::default();
        outbox.expect(7);
        outbox.fault(Error::Cancelled);
        assert_eq!(next(&mut outbox), None);
        outbox.fill(7, output());
        assert_eq!([0; 2].map(|_| next(&mut outbox)), [Some(7), Some(8)]);
    }

    #[test]
    fn one_result_is_delivered_at_a_time() {
        let mut outbox = Outbox::default();
        (0..2).for_each(|window| {
            outbox.expect(window);
            outbox.fill(window, output());
        });
        assert!(outbox.take().is_some() && outbox.take().is_none());
        outbox.delivered();
        assert!(outbox.take().is_some());
    }

    #[test]
    fn what_was_cleared_is_forgotten() {
        let mut outbox = Outbox::default();
        outbox.expect(0);
        outbox.clear();
        outbox.fill(0, output());
        assert!(outbox.take().is_none());
    }
}
