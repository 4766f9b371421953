//! The line of messages on their way: bounded, and sent again until they are acknowledged. Names no network.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
};

use super::{inbox::Message, spool::Spool};

/// How far sending runs ahead of the oldest message that is not acknowledged at most, in messages.
pub const AHEAD: u64 = 100;

#[derive(Debug)]
struct Entry {
    number: u64,
    message: Message,
    /// Whether the spool holds it.
    kept: bool,
}

/// The messages that are not acknowledged, oldest first.
#[derive(Debug)]
pub struct Delivery {
    entries: VecDeque<Entry>,
    spool: Option<Spool>,
    /// Number of the next message.
    next_number: u64,
    /// Messages at most.
    most: usize,
    /// How many of the first entries were handed to this connection.
    handed: usize,
    /// Numbers of those that it has not sent yet.
    unsent: VecDeque<u64>,
    /// Numbers of those that it has sent, by their packet.
    sent: HashMap<u16, u64>,
    /// Numbers of those that it has, and how many it had before each. Those of them that have left the line, for newer
    /// ones, are not sent again.
    way: BTreeMap<u64, u64>,
    /// How many it had.
    had: u64,
    /// How far it runs ahead, in messages.
    ahead: u64,
}

impl Delivery {
    /// A line of at most that many messages, with those that a spool holds in front.
    pub fn new(most: usize, spool: Option<(Spool, Vec<(u64, Message)>)>) -> Self {
        let (spool, found) = spool.map_or((None, Vec::new()), |(spool, found)| (Some(spool), found));
        let entries: VecDeque<_> =
            found.into_iter().map(|(number, message)| Entry { number, message, kept: true }).collect();
        let next_number = entries.back().map_or(0, |last| last.number + 1);
        let (unsent, sent, way) = (VecDeque::new(), HashMap::new(), BTreeMap::new());
        Self { entries, spool, next_number, most, handed: 0, unsent, sent, way, had: 0, ahead: AHEAD }
    }

    /// Messages that wait, be it for an answer alone.
    pub fn len(&self) -> usize {
        self.entries.len() + self.way.len() - self.handed
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What keeps messages over a restart.
    pub fn spool(&self) -> Option<&Spool> {
        self.spool.as_ref()
    }

    /// Puts a message at the end of the line.
    ///
    /// # Errors
    /// When the spool cannot be written; the message is in line then, but does not outlive the process.
    pub fn push(&mut self, message: Message) -> io::Result<()> {
        let number = self.next_number;
        self.next_number += 1;
        let written = self.spool.as_ref().map(|spool| spool.write(number, &message));
        let kept = matches!(written, Some(Ok(())));
        self.entries.push_back(Entry { number, message, kept });
        written.unwrap_or(Ok(()))
    }

    /// Writes what the spool should hold and does not. Tells how many messages do not outlive the process.
    pub fn keep(&mut self) -> usize {
        if let Some(spool) = &self.spool {
            for entry in self.entries.iter_mut().filter(|entry| !entry.kept) {
                entry.kept = spool.write(entry.number, &entry.message).is_ok();
            }
        }
        self.entries.iter().filter(|entry| !entry.kept).count()
    }

    /// Takes the oldest messages beyond the bound out of the line. Tells how many are dropped by that, and whether all
    /// could be removed from the spool. What becomes of those that the connection has is open until it ends.
    pub fn bound(&mut self) -> (usize, io::Result<()>) {
        let over = self.entries.len().saturating_sub(self.most);
        let dropped = over.saturating_sub(self.handed);
        let removed = (0..over).map(|_| self.take_at(0)).reduce(io::Result::and).unwrap_or(Ok(()));
        (dropped, removed)
    }

    /// There is a connection, on which the broker takes that many messages before it has acknowledged one.
    pub fn connected(&mut self, at_once: u16) {
        self.ahead = AHEAD.min(at_once.into());
    }

    /// The next message to hand to the connection.
    pub fn next(&mut self) -> Option<&Message> {
        let oldest = self.way.first_key_value().map_or(self.had, |(_, before)| *before);
        let entry = self.entries.get(self.handed).filter(|_| self.had - oldest < self.ahead)?;
        self.way.insert(entry.number, self.had);
        self.had += 1;
        self.handed += 1;
        self.unsent.push_back(entry.number);
        Some(&entry.message)
    }

    /// The connection did not take the message that was handed to it last, which is the next one again.
    pub fn not_taken(&mut self) {
        if let Some(number) = self.unsent.pop_back() {
            self.way.remove(&number);
            self.had -= 1;
            self.handed -= 1;
        }
    }

    /// The connection has sent the first message that it had not, as that packet; packet 0 is never acknowledged. Tells
    /// whether the message is done with.
    ///
    /// # Errors
    /// When it cannot be removed from the spool.
    pub fn sent(&mut self, packet: u16) -> io::Result<bool> {
        let Some(number) = self.unsent.pop_front() else { return Ok(false) };
        if packet == 0 {
            return self.take(number).map(|()| true);
        }
        self.sent.insert(packet, number);
        Ok(false)
    }

    /// The broker has answered a packet. Tells whether a message is done with by that.
    ///
    /// # Errors
    /// When it cannot be removed from the spool.
    pub fn answered(&mut self, packet: u16) -> io::Result<bool> {
        match self.sent.remove(&packet) {
            Some(number) => self.take(number).map(|()| true),
            None => Ok(false),
        }
    }

    /// The connection does not take the first message that it had not sent.
    ///
    /// # Errors
    /// When it cannot be removed from the spool.
    pub fn refused(&mut self) -> io::Result<bool> {
        match self.unsent.pop_front() {
            Some(number) => self.take(number).map(|()| true),
            None => Ok(false),
        }
    }

    /// The connection is gone: what it did not bring to an end is handed to the next one. Tells how many messages it
    /// had sent that are sent again, and how many are dropped, since they have left the line.
    pub fn disconnected(&mut self) -> (usize, usize) {
        let dropped = self.way.len() - self.handed;
        let first = self.entries.front().map_or(u64::MAX, |entry| entry.number);
        let repeated = self.sent.values().filter(|number| **number >= first).count();
        (self.handed, self.had) = (0, 0);
        self.unsent.clear();
        self.sent.clear();
        self.way.clear();
        (repeated, dropped)
    }

    fn take(&mut self, number: u64) -> io::Result<()> {
        self.way.remove(&number);
        match self.entries.binary_search_by_key(&number, |entry| entry.number) {
            Ok(place) => self.take_at(place),
            Err(_) => Ok(()),
        }
    }

    fn take_at(&mut self, place: usize) -> io::Result<()> {
        let Some(entry) = self.entries.remove(place) else { return Ok(()) };
        if place < self.handed {
            self.handed -= 1;
        }
        self.spool.as_ref().map_or(Ok(()), |spool| spool.remove(entry.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(most: usize, messages: usize) -> Delivery {
        let mut line = Delivery::new(most, None);
        (0..messages).for_each(|n| line.push(message(n)).unwrap());
        line
    }

    fn message(n: usize) -> Message {
        Message { topic: "t".into(), payload: n.to_string().into() }
    }

    /// What is handed out until there is no more.
    fn handed(line: &mut Delivery) -> Vec<String> {
        std::iter::from_fn(|| line.next().map(|m| String::from_utf8(m.payload.clone()).unwrap())).collect()
    }

    #[test]
    fn a_message_leaves_when_it_is_acknowledged() {
        let mut line = line(10, 3);
        assert_eq!(handed(&mut line), ["0", "1", "2"]);
        for packet in 1..=3 {
            assert!(!line.sent(packet).unwrap());
        }
        assert!(line.answered(2).unwrap() && !line.answered(2).unwrap());
        assert_eq!((line.len(), line.disconnected()), (2, (2, 0)));
        assert_eq!(handed(&mut line), ["0", "2"], "again, in their order");
        assert!(line.sent(0).unwrap(), "without an acknowledgement to come");
        assert_eq!(line.len(), 1);
    }

    #[test]
    fn answers_to_an_old_connection_are_none() {
        let mut line = line(10, 1);
        handed(&mut line);
        line.sent(1).unwrap();
        line.disconnected();
        assert!(!line.answered(1).unwrap());
        assert_eq!(line.len(), 1);
    }

    #[test]
    fn sending_runs_ahead_so_far() {
        let mut line = line(1000, 300);
        assert_eq!(handed(&mut line).len() as u64, AHEAD);
        (1..=3).for_each(|packet| _ = line.sent(packet).unwrap());
        line.answered(2).unwrap();
        assert_eq!(handed(&mut line).len(), 0, "the oldest still waits");
        line.answered(1).unwrap();
        assert_eq!(handed(&mut line), ["100", "101"]);
    }

    #[test]
    fn the_oldest_are_dropped_on_their_way_too() {
        let mut line = line(3, 3);
        handed(&mut line);
        line.sent(1).unwrap();
        line.push(message(3)).unwrap();
        assert_eq!((line.bound().0, line.len()), (0, 4), "the broker may acknowledge it yet");
        assert_eq!(handed(&mut line), ["3"], "what comes next is neither lost nor sent twice");
        assert!(line.answered(1).unwrap() && !line.answered(1).unwrap());
        line.sent(2).unwrap();
        assert!(line.answered(2).unwrap());
        line.sent(3).unwrap();
        (4..7).for_each(|n| line.push(message(n)).unwrap());
        assert_eq!((line.bound().0, line.len()), (0, 5));
        assert_eq!(line.disconnected(), (0, 2), "now nobody acknowledges them");
        assert_eq!(handed(&mut line), ["4", "5", "6"]);
    }

    #[test]
    fn what_left_the_line_on_its_way_counts_among_what_is_sent_ahead() {
        let mut line = line(10, 10);
        line.connected(10);
        handed(&mut line);
        (10..40).for_each(|n| line.push(message(n)).unwrap());
        assert_eq!((line.bound().0, line.len()), (20, 20));
        assert_eq!(handed(&mut line).len(), 0);
        (1..=3).for_each(|packet| _ = line.sent(packet).unwrap());
        line.answered(2).unwrap();
        assert_eq!(handed(&mut line).len(), 0);
        line.answered(1).unwrap();
        assert_eq!(handed(&mut line), ["30", "31"]);
        assert_eq!(line.disconnected(), (0, 8));
    }

    #[test]
    fn a_message_that_is_not_taken_is_the_next() {
        let mut line = line(10, 3);
        line.next().unwrap();
        line.next().unwrap();
        line.not_taken();
        line.sent(1).unwrap();
        assert_eq!(handed(&mut line), ["1", "2"]);
        line.sent(2).unwrap();
        assert!(line.answered(2).unwrap());
        line.disconnected();
        assert_eq!(handed(&mut line), ["0", "2"]);
    }

    #[test]
    fn a_message_that_cannot_be_sent_leaves_the_others() {
        let mut line = line(10, 2);
        handed(&mut line);
        assert!(line.refused().unwrap());
        line.disconnected();
        assert_eq!(handed(&mut line), ["1"]);
    }

    #[test]
    fn what_a_spool_does_not_take_is_written_again_or_lost() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Delivery::new(10, Some(Spool::open(folder.path()).unwrap()));
        let mut line = open();
        // No file takes the place of a folder.
        let places = [1, 2].map(|number| folder.path().join(format!("{number:020}.message")));
        places.iter().for_each(|place| std::fs::create_dir(place).unwrap());
        let pushed: Vec<_> = (0..3).map(|n| line.push(message(n)).is_ok()).collect();
        assert_eq!(pushed, [true, false, false]);
        std::fs::remove_dir(&places[0]).unwrap();
        assert_eq!((line.keep(), line.len()), (1, 3));
        std::fs::remove_dir(&places[1]).unwrap();
        drop(line);
        assert_eq!(handed(&mut open()), ["0", "1"]);
        let mut line = self::line(10, 2);
        assert_eq!(line.keep(), 2, "nothing outlives the process without one");
    }

    #[test]
    fn a_spool_holds_what_waits() {
        let folder = tempfile::tempdir().unwrap();
        let open = |most| Delivery::new(most, Some(Spool::open(folder.path()).unwrap()));
        let mut line = open(10);
        (0..4).for_each(|n| line.push(message(n)).unwrap());
        handed(&mut line);
        line.sent(7).unwrap();
        assert!(line.answered(7).unwrap());
        drop(line);
        let mut line = open(2);
        assert_eq!((line.bound().0, handed(&mut line)), (1, vec!["2".to_owned(), "3".to_owned()]));
        line.push(message(4)).unwrap();
        drop(line);
        assert_eq!(handed(&mut open(10)), ["2", "3", "4"]);
    }
}
