//! Whose turn it is: units of several streams, put together into runs of the model.
//!
//! Each stream counts the time that the model ran for it. The one that had least comes first, and one that had nothing to
//! do for a while starts level with the others, so that a light stream never waits behind a heavy one's backlog.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    Outcome,
    outbox::Outbox,
    queue::{Kind, Queue, Unit},
};

/// What takes the outcomes of a stream.
pub(super) type Deliver = Arc<dyn Fn(Outcome) + Send + Sync>;

/// A stream that shares the model.
pub(super) struct Client {
    pub(super) queue: Queue,
    pub(super) outbox: Outbox,
    pub(super) deliver: Deliver,
    /// How long one of its units waits for others to run with.
    pub(super) patience: Duration,
    /// How long the model ran for it, on the schedule's clock. Units that run now count as long as such a unit took the last
    /// time, until they are done.
    served: Duration,
    /// How long the model ran for it since its last result.
    pub(super) ran: Duration,
    /// Number of its units that run now.
    in_run: usize,
    idle: bool,
}

impl Client {
    /// Whether no unit of it waits.
    fn has_nothing(&self) -> bool {
        self.queue.peek().is_none()
    }
}

/// A unit of a stream in a run.
pub(super) struct Task {
    pub(super) stream: u64,
    pub(super) generation: u64,
    pub(super) unit: Unit,
    pub(super) charge: Charge,
}

/// What a unit was counted as when it was taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge {
    stream: u64,
    kind: Kind,
    expected: Duration,
}

/// What a worker should do.
pub(super) enum Turn {
    /// Run these units, all of one kind, together.
    Run(Vec<Task>),
    /// More units may come that could run with those that wait: wait for so long at most, and then run.
    Wait(Duration),
    /// There is nothing to do.
    Idle,
}

/// The streams that share a model.
pub(super) struct Schedule {
    clients: BTreeMap<u64, Client>,
    last: u64,
    /// The batch sizes that the model takes, from 1 up.
    sizes: Vec<usize>,
    clock: Duration,
    /// How long a sample and a window took the last time.
    usual: [Duration; 2],
}

impl Schedule {
    /// A schedule for a model that takes batches of these sizes, from 1 up.
    pub(super) fn new(sizes: Vec<usize>) -> Self {
        Self { clients: BTreeMap::new(), last: 0, sizes, clock: Duration::ZERO, usual: [Duration::ZERO; 2] }
    }

    /// Adds a stream, and gives its key.
    pub(super) fn add(&mut self, queue: Queue, patience: Duration, deliver: Deliver) -> u64 {
        self.last += 1;
        let client = Client {
            queue,
            outbox: Outbox::default(),
            deliver,
            patience,
            served: Duration::ZERO,
            ran: Duration::ZERO,
            in_run: 0,
            idle: true,
        };
        self.clients.insert(self.last, client);
        self.last
    }

    /// Removes a stream.
    pub(super) fn remove(&mut self, stream: u64) -> Option<Client> {
        self.clients.remove(&stream)
    }

    /// A stream.
    pub(super) fn client(&mut self, stream: u64) -> Option<&mut Client> {
        self.clients.get_mut(&stream)
    }

    /// Counts a run for the streams that had units in it, in equal shares.
    pub(super) fn count(&mut self, charges: &[Charge], ran: Duration) {
        let share = ran / u32::try_from(charges.len().max(1)).unwrap_or(u32::MAX);
        for charge in charges {
            self.usual[charge.kind as usize] = share;
            if let Some(client) = self.clients.get_mut(&charge.stream) {
                client.served = (client.served + share).saturating_sub(charge.expected);
                client.ran += share;
                client.in_run = client.in_run.saturating_sub(1);
            }
        }
    }

    /// What comes next for one of `free` workers, among which the units that wait are shared. `waited` says how long the
    /// oldest unit has waited for others.
    pub(super) fn turn(&mut self, waited: Duration, free: usize) -> Turn {
        let level = self.level();
        let mut order: Vec<(Duration, u64, Kind)> = Vec::new();
        for (&stream, client) in &mut self.clients {
            let kind = client.queue.peek();
            if client.idle && kind.is_some() {
                client.served = client.served.max(level);
            }
            client.idle = kind.is_none() && client.in_run == 0;
            order.extend(kind.map(|kind| (client.served, stream, kind)));
        }
        order.sort_by_key(|&(served, stream, _)| (served, stream));
        let Some(&(served, _, kind)) = order.first() else { return Turn::Idle };
        let ready = order.len();
        order.retain(|(_, _, other)| *other == kind);
        let there = order.iter().filter_map(|(_, stream, _)| self.clients.get(stream));
        let count: usize = there.clone().map(|client| client.queue.count(kind)).sum();
        let most = self.sizes.last().copied().unwrap_or(1);
        let patience = there.map(|client| client.patience).min().unwrap_or_default();
        // Streams that stand still bring none.
        let may_come =
            || self.clients.values().any(|client| client.has_nothing() && client.queue.is_active());
        if count < most && ready == order.len() && waited < patience && may_come() {
            return Turn::Wait(patience - waited);
        }
        let part = count.div_ceil(free.max(1));
        let size = self.sizes.iter().copied().filter(|&size| size <= part).max().unwrap_or(1);
        self.clock = self.clock.max(served);
        Turn::Run(self.gather(&order, kind, size))
    }

    /// Where a stream that had nothing to do begins: level with the one that had least of those at work, which may be behind
    /// the clock where a unit took less time than the one before it.
    fn level(&self) -> Duration {
        let at_work = self.clients.values().filter(|client| !client.idle).map(|client| client.served);
        at_work.min().map_or(self.clock, |least| least.min(self.clock))
    }

    /// Takes units in rounds, one of each stream a round.
    fn gather(&mut self, order: &[(Duration, u64, Kind)], kind: Kind, size: usize) -> Vec<Task> {
        let mut tasks = Vec::with_capacity(size);
        while tasks.len() < size {
            let before = tasks.len();
            for (_, stream, _) in order {
                let Some(client) = self.clients.get_mut(stream).filter(|_| tasks.len() < size) else {
                    continue;
                };
                let generation = client.queue.generation();
                if let Some(unit) = client.queue.take(kind) {
                    if let Unit::Classify { number, .. } = unit {
                        client.outbox.expect(number);
                    }
                    let charge = Charge { stream: *stream, kind, expected: self.usual[kind as usize] };
                    client.served += charge.expected;
                    client.in_run += 1;
                    tasks.push(Task { stream: *stream, generation, unit, charge });
                }
            }
            if tasks.len() == before {
                break;
            }
        }
        tasks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::{Encoded, Encoding, Sample, Waiting},
        model::{ElementType, Tensor},
    };

    const MS: Duration = Duration::from_millis(1);

    fn schedule(sizes: &[usize], streams: usize, encoding: Encoding, patience: Duration) -> Schedule {
        let mut schedule = Schedule::new(sizes.to_vec());
        (0..streams).for_each(|_| {
            schedule.add(Queue::new(2, encoding), patience, Arc::new(|_| ()));
        });
        schedule
    }

    fn sample(schedule: &mut Schedule, stream: u64, count: usize) {
        let queue = &mut schedule.client(stream).unwrap().queue;
        let frame = || Sample::Frame(Arc::new(Tensor::zeros(ElementType::U8, vec![1])));
        (0..count).for_each(|_| queue.sample(frame()));
    }

    fn window(schedule: &mut Schedule, stream: u64, number: u64) {
        sample(schedule, stream, 1);
        schedule.client(stream).unwrap().queue.window(number, 2, Waiting::All);
    }

    /// The streams of the next run, which takes `ran`.
    fn run(schedule: &mut Schedule, ran: Duration) -> Vec<u64> {
        let Turn::Run(tasks) = schedule.turn(Duration::ZERO, 1) else { return Vec::new() };
        let streams: Vec<u64> = tasks.iter().map(|task| task.stream).collect();
        schedule.count(&tasks.iter().map(|task| task.charge).collect::<Vec<_>>(), ran);
        for task in tasks {
            if let Unit::Encode { slot, frame, .. } = task.unit {
                let made = Some((Encoded::of_frame(frame), None));
                schedule.client(task.stream).unwrap().queue.encoded(0, &slot, made);
            }
        }
        streams
    }

    #[test]
    fn streams_take_turns_whatever_their_backlog() {
        let mut schedule = schedule(&[1], 2, Encoding::None, Duration::ZERO);
        (0..4).for_each(|number| window(&mut schedule, 1, number));
        (0..2).for_each(|number| window(&mut schedule, 2, number));
        let order: Vec<u64> = (0..6).flat_map(|_| run(&mut schedule, MS)).collect();
        assert_eq!(order, [1, 2, 1, 2, 1, 1]);
        assert!(matches!(schedule.turn(Duration::ZERO, 1), Turn::Idle));
    }

    #[test]
    fn a_stream_that_comes_late_is_level_with_the_others_and_not_ahead() {
        let mut schedule = schedule(&[1], 2, Encoding::None, Duration::ZERO);
        (0..9).for_each(|number| window(&mut schedule, 1, number));
        (0..4).for_each(|_| assert_eq!(run(&mut schedule, 10 * MS), [1]));
        (0..3).for_each(|number| window(&mut schedule, 2, number));
        let order: Vec<u64> = (0..5).flat_map(|_| run(&mut schedule, 10 * MS)).collect();
        assert_eq!(order, [2, 1, 2, 1, 2]);
    }

    #[test]
    fn a_hiccup_of_another_stream_holds_up_nobody_that_comes_late() {
        let mut schedule = schedule(&[1], 2, Encoding::None, Duration::ZERO);
        (0..20).for_each(|number| window(&mut schedule, 1, number));
        let take = |schedule: &mut Schedule| {
            let Turn::Run(tasks) = schedule.turn(Duration::ZERO, 1) else { panic!("nothing to do") };
            tasks[0].charge
        };
        let charges = [take(&mut schedule), take(&mut schedule)];
        schedule.count(&charges[..1], 1000 * MS);
        let next = take(&mut schedule);
        schedule.count(&charges[1..], 10 * MS);
        let last = take(&mut schedule);
        [next, last].iter().for_each(|charge| schedule.count(std::slice::from_ref(charge), 10 * MS));
        (0..3).for_each(|number| window(&mut schedule, 2, number));
        let order: Vec<u64> = (0..6).flat_map(|_| run(&mut schedule, 10 * MS)).collect();
        assert_eq!(order.iter().filter(|&&stream| stream == 2).count(), 3, "{order:?}");
    }

    #[test]
    fn a_dear_stream_has_fewer_turns() {
        let mut schedule = schedule(&[1], 2, Encoding::None, Duration::ZERO);
        (0..9).for_each(|number| [1, 2].iter().for_each(|&stream| window(&mut schedule, stream, number)));
        let mut turns = [0, 0];
        for _ in 0..8 {
            let dear = matches!(schedule.turn_of(), Some(1));
            let stream = run(&mut schedule, if dear { 30 * MS } else { 10 * MS })[0];
            turns[stream as usize - 1] += 1;
        }
        assert_eq!(turns, [2, 6]);
    }

    impl Schedule {
        /// The stream that had least.
        fn turn_of(&self) -> Option<u64> {
            self.clients
                .iter()
                .min_by_key(|(stream, client)| (client.served, **stream))
                .map(|(stream, _)| *stream)
        }
    }

    #[test]
    fn units_of_a_kind_run_together_in_sizes_that_the_model_takes() {
        let mut schedule = schedule(&[1, 2, 4], 3, Encoding::None, Duration::ZERO);
        [1, 1, 1, 2, 3].iter().zip(0..).for_each(|(&stream, number)| window(&mut schedule, stream, number));
        assert_eq!(run(&mut schedule, MS), [1, 2, 3, 1]);
        assert_eq!(run(&mut schedule, MS), [1]);
    }

    #[test]
    fn free_workers_share_what_waits() {
        let mut schedule = schedule(&[1, 2, 4], 4, Encoding::None, Duration::ZERO);
        (1..=4).for_each(|stream| window(&mut schedule, stream, 0));
        let size = |turn: Turn| if let Turn::Run(tasks) = turn { tasks.len() } else { 0 };
        assert_eq!(size(schedule.turn(Duration::ZERO, 2)), 2);
        assert_eq!(size(schedule.turn(Duration::ZERO, 1)), 2);
    }

    #[test]
    fn samples_and_windows_never_share_a_run() {
        let mut schedule = schedule(&[1, 2], 2, Encoding::Each, Duration::ZERO);
        window(&mut schedule, 1, 0);
        assert_eq!(run(&mut schedule, MS), [1]);
        sample(&mut schedule, 2, 1);
        let kinds: Vec<Vec<u64>> = (0..2).map(|_| run(&mut schedule, MS)).collect();
        assert_eq!(kinds.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
    }

    #[test]
    fn units_wait_for_others_as_long_as_their_stream_says_and_others_may_come() {
        let mut schedule = schedule(&[1, 2, 4], 3, Encoding::None, 5 * MS);
        window(&mut schedule, 1, 0);
        assert!(matches!(schedule.turn(2 * MS, 1), Turn::Run(_)), "nobody else plays");
        [1, 2, 3].iter().for_each(|&stream| sample(&mut schedule, stream, 1));
        window(&mut schedule, 1, 1);
        assert!(matches!(schedule.turn(2 * MS, 1), Turn::Wait(left) if left == 3 * MS));
        window(&mut schedule, 2, 0);
        assert!(matches!(schedule.turn(2 * MS, 1), Turn::Wait(_)));
        window(&mut schedule, 3, 0);
        assert!(
            matches!(schedule.turn(2 * MS, 1), Turn::Run(tasks) if tasks.len() == 2),
            "nobody else can come"
        );
        assert!(matches!(schedule.turn(5 * MS, 1), Turn::Run(tasks) if tasks.len() == 1));
    }

    #[test]
    fn an_encoder_in_order_sees_one_sample_of_a_stream_in_a_run() {
        let mut schedule = schedule(&[1, 2, 4], 2, Encoding::InOrder, Duration::ZERO);
        sample(&mut schedule, 1, 2);
        sample(&mut schedule, 2, 2);
        assert_eq!(run(&mut schedule, MS), [1, 2]);
        assert_eq!(run(&mut schedule, MS), [1, 2]);
    }
}
