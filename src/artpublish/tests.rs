//! A worker, and a broker that a test plays: it takes and answers what the test says.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, mpsc},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    choices::Protocol,
    delivery::{AHEAD, Delivery},
    inbox::{Counts, Inbox, Message},
    options::Options,
    settings::Settings,
    worker::Worker,
};

/// Longer than anything takes, and shorter than the library waits before it gives up a connection.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long nothing comes from a client that has nothing to say.
const QUIET: Duration = Duration::from_millis(300);
/// Reasons of MQTT 5.
const TAKEN: u8 = 0;
const NOT_AUTHORIZED: u8 = 0x87;

struct Play {
    protocol: Protocol,
    listener: TcpListener,
    inbox: Arc<Inbox>,
    worker: JoinHandle<()>,
}

impl Play {
    /// A worker with a line of so many messages, and a broker that it connects to.
    fn new(protocol: Protocol, most: usize) -> Self {
        gst::init().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("mqtt://{}", listener.local_addr().unwrap());
        let settings = Settings { broker: Some(url), protocol, ..Settings::default() };
        let options = Options::new(&settings).unwrap();
        let inbox = Arc::new(Inbox::new(most));
        let (first, _) = mpsc::sync_channel(0);
        let worker = Worker::new(Arc::clone(&inbox), Delivery::new(most, None), options, first, |_| ());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let worker = thread::spawn(move || runtime.block_on(worker.run()));
        Self { protocol, listener, inbox, worker }
    }

    /// Leaves messages to be published, not faster than the worker takes them.
    fn push(&self, numbers: impl IntoIterator<Item = usize>) {
        for number in numbers {
            self.inbox.push(Message { topic: "t".into(), payload: number.to_string().into() });
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Takes the worker in, with these properties where it speaks MQTT 5.
    fn accept(&self, properties: &[u8]) -> Peer {
        let (stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut peer = Peer { stream, protocol: self.protocol };
        assert_eq!(peer.packet().unwrap().0 >> 4, 1, "CONNECT");
        let mut answer = vec![0x20, 2, 0, 0];
        if self.protocol == Protocol::V5 {
            answer.push(properties.len() as u8);
            answer.extend(properties);
            answer[1] = answer.len() as u8 - 2;
        }
        peer.stream.write_all(&answer).unwrap();
        peer
    }

    /// Stops the worker when nothing waits; what was counted.
    fn end(self) -> Counts {
        self.inbox.wait_until_done(Instant::now() + PATIENCE);
        self.inbox.stop(Instant::now());
        self.worker.join().unwrap();
        self.inbox.counts()
    }
}

/// The end of a connection that the broker has.
struct Peer {
    stream: TcpStream,
    protocol: Protocol,
}

impl Peer {
    /// The first byte and the content of the next packet; `None` when none comes.
    fn packet(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut byte = || {
            let mut byte = [0];
            self.stream.read_exact(&mut byte).ok().map(|()| byte[0])
        };
        let first = byte()?;
        let (mut length, mut place) = (0, 0);
        loop {
            let byte = byte()?;
            length |= usize::from(byte & 0x7f) << place;
            place += 7;
            if byte < 0x80 {
                break;
            }
        }
        let mut content = vec![0; length];
        self.stream.read_exact(&mut content).ok()?;
        Some((first, content))
    }

    /// Packet and number of the next message; `None` when none comes. Pings are answered.
    fn message(&mut self) -> Option<(u16, usize)> {
        loop {
            match self.packet()? {
                (0xc0, _) => self.stream.write_all(&[0xd0, 0]).unwrap(),
                (first, content) if first >> 4 == 3 => {
                    // A topic of one letter, the packet, no properties.
                    let packet = u16::from_be_bytes([content[3], content[4]]);
                    let payload = &content[if self.protocol == Protocol::V5 { 6 } else { 5 }..];
                    return Some((packet, str::from_utf8(payload).unwrap().parse().unwrap()));
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// Numbers of the messages up to one, each of which is acknowledged.
    fn acknowledge_until(&mut self, last: usize) -> Vec<usize> {
        let mut numbers = Vec::new();
        while numbers.last() != Some(&last) {
            let (packet, number) = self.message().unwrap_or_else(|| panic!("only {numbers:?}"));
            numbers.push(number);
            self.answer(&[(packet, TAKEN)]);
        }
        numbers
    }

    /// Whether no message comes for a while.
    fn is_quiet(&mut self) -> bool {
        self.stream.set_read_timeout(Some(QUIET)).unwrap();
        let quiet = self.message().is_none();
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        quiet
    }

    /// Answers packets at once.
    fn answer(&mut self, packets: &[(u16, u8)]) {
        let bytes: Vec<u8> = packets.iter().flat_map(|&(packet, reason)| puback(packet, reason)).collect();
        self.stream.write_all(&bytes).unwrap();
    }
}

/// The packet that answers another.
fn puback(packet: u16, reason: u8) -> Vec<u8> {
    let [high, low] = packet.to_be_bytes();
    match reason {
        TAKEN => vec![0x40, 2, high, low],
        _ => vec![0x40, 3, high, low, reason],
    }
}

#[test]
fn a_slow_broker_has_the_oldest_and_the_newest_once_each_and_in_order() {
    for (protocol, properties, at_once) in
        [(Protocol::V311, &[][..], AHEAD as usize), (Protocol::V5, &[0x21, 0, 20], 20)]
    {
        let (most, last) = (50, 400);
        let play = Play::new(protocol, most);
        let mut peer = play.accept(properties);
        let mut next = |number| {
            play.push([number]);
            peer.message().unwrap()
        };
        let first: Vec<_> = (0..at_once).map(&mut next).collect();
        play.push(at_once..=last);
        assert!(peer.is_quiet(), "more than are to be ahead");
        let mut numbers: Vec<usize> = first.iter().map(|(_, number)| *number).collect();
        assert_eq!(numbers, Vec::from_iter(0..at_once));
        peer.answer(&first.iter().map(|(packet, _)| (*packet, TAKEN)).collect::<Vec<_>>());
        numbers.extend(peer.acknowledge_until(last));
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        assert!(numbers.ends_with(&Vec::from_iter(last + 1 - most..=last)), "{numbers:?}");
        let counts = play.end();
        let (all, taken) = (last as u64 + 1, numbers.len() as u64);
        assert_eq!(
            (counts.messages, counts.acknowledged, counts.dropped, counts.waiting(), counts.repeated),
            (all, taken, all - taken, 0, 0)
        );
    }
}

#[test]
fn what_left_the_line_on_its_way_is_dropped_with_the_connection() {
    let play = Play::new(Protocol::V5, 3);
    let mut peer = play.accept(&[0x21, 0, 2]);
    play.push(0..2);
    let packets = [peer.message().unwrap().0, peer.message().unwrap().0];
    play.push(2..4);
    assert!(peer.is_quiet());
    assert_eq!(play.inbox.counts().waiting(), 4);
    drop(peer);
    let mut peer = play.accept(&[]);
    assert_eq!(peer.acknowledge_until(3), [1, 2, 3]);
    let counts = play.end();
    assert_eq!(packets, [1, 2]);
    assert_eq!((counts.acknowledged, counts.dropped, counts.waiting(), counts.repeated), (3, 1, 0, 1));
}

#[test]
fn a_message_that_is_refused_holds_up_no_other() {
    let play = Play::new(Protocol::V5, 10);
    let mut peer = play.accept(&[0x21, 0, 2]);
    play.push(0..4);
    let packets = [peer.message().unwrap().0, peer.message().unwrap().0];
    peer.answer(&[(packets[1], TAKEN)]);
    assert!(peer.is_quiet());
    peer.answer(&[(packets[0], NOT_AUTHORIZED)]);
    assert_eq!(peer.acknowledge_until(3), [2, 3]);
    let counts = play.end();
    assert_eq!((counts.acknowledged, counts.refused, counts.connections), (3, 1, 1));
}

#[test]
fn a_message_that_is_too_long_for_the_broker_is_refused_alone() {
    let play = Play::new(Protocol::V5, 10);
    let longest = &[0x27, 0, 0, 0, 12];
    let mut peer = play.accept(longest);
    play.push([1, 100_000, 2]);
    let (_, first) = peer.message().unwrap();
    let mut peer = play.accept(longest);
    assert_eq!((first, peer.acknowledge_until(2)), (1, vec![1, 2]));
    let counts = play.end();
    assert_eq!((counts.acknowledged, counts.refused, counts.connections), (2, 1, 2));
}

#[test]
fn acknowledgements_count_that_come_with_the_end_of_the_connection() {
    let play = Play::new(Protocol::V5, 10);
    let mut peer = play.accept(&[]);
    play.push(0..3);
    let packets: Vec<_> = (0..3).map(|_| (peer.message().unwrap().0, TAKEN)).collect();
    let answers = packets.iter().flat_map(|&(packet, reason)| puback(packet, reason));
    let good_bye = [0xe0, 2, 0x8b, 0];
    peer.stream.write_all(&answers.chain(good_bye).collect::<Vec<u8>>()).unwrap();
    let mut peer = play.accept(&[]);
    play.push([3]);
    assert_eq!(peer.acknowledge_until(3), [3]);
    let counts = play.end();
    assert_eq!((counts.acknowledged, counts.repeated, counts.connections), (4, 0, 2));
}

#[test]
fn a_broker_that_wants_no_pings_keeps_its_connection() {
    let play = Play::new(Protocol::V5, 10);
    let mut peer = play.accept(&[0x13, 0, 0]);
    assert!(peer.is_quiet());
    play.push([0]);
    assert_eq!(peer.acknowledge_until(0), [0]);
    assert_eq!(play.end().connections, 1);
}
