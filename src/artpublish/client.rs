//! One connection to a broker, in either version of MQTT. Nothing else names the MQTT library.
//!
//! Each connection begins a session of its own, so that what was not acknowledged is sent again from our own line, in
//! its order, and by nobody else.

use std::{error::Error as StdError, io, time::Duration};

use rumqttc::{
    AsyncClient, ConnectReturnCode as Code3, ConnectionError as Fault3, Event as Event3, MqttOptions,
    Outgoing, Packet as Packet3, QoS, TlsConfiguration, Transport,
    v5::{
        AsyncClient as AsyncClient5, ConnectionError as Fault5, Event as Event5, MqttOptions as MqttOptions5,
        StateError as StateFault5,
        mqttbytes::{
            Error as PacketFault5, QoS as QoS5,
            v5::{ConnectReturnCode as Code5, Packet as Packet5, PubAckReason},
        },
    },
};

use super::{
    choices::{Protocol, Qos},
    delivery::AHEAD,
    inbox::Message,
    options::Options,
};

/// How often a quiet connection is tried.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Packet numbers in use: so many that one is free again long before its turn.
const PACKETS: u16 = 10 * AHEAD as u16;
/// Messages that the library takes before it has sent one. The others wait in our line, from which they can be dropped.
const CAPACITY: usize = 1;
/// Longest packet, which is as long as MQTT knows them, in bytes.
const LONGEST: usize = 268_435_455;

/// What a connection tells.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The broker has taken us in, and takes that many messages before it has acknowledged one.
    Connected(u16),
    /// The first message that was not sent is sent, as that packet; packet 0 is never acknowledged.
    Sent(u16),
    /// The broker has the message of a packet.
    Acknowledged(u16),
    /// The broker does not take the message of a packet, for that reason.
    Refused(u16, String),
    /// We have said good-bye.
    Closed,
    /// What is of no concern.
    Other,
}

/// Why there is no connection.
#[derive(Debug)]
pub enum Fault {
    /// The broker, or we ourselves, do not want it: what was found, and what to do.
    Refused {
        /// What was found.
        found: String,
        /// What to do.
        cure: &'static str,
    },
    /// The first message that was not sent is longer than the broker takes.
    TooLong(String),
    /// The broker is not there, or is gone.
    Unreachable(String),
}

/// Hands messages to a connection.
pub enum Sender {
    /// MQTT 3.1.1.
    V311(AsyncClient, QoS, bool),
    /// MQTT 5.
    V5(AsyncClient5, QoS5, bool),
}

/// Keeps a connection going.
pub enum Receiver {
    /// MQTT 3.1.1.
    V311(Box<rumqttc::EventLoop>),
    /// MQTT 5.
    V5(Box<rumqttc::v5::EventLoop>),
}

/// A connection that is made when the receiver is first asked.
pub fn open(options: &Options) -> (Sender, Receiver) {
    let Options { broker, client_id, login, tls, retain, .. } = options;
    let transport =
        tls.clone().map_or_else(Transport::tcp, |tls| Transport::Tls(TlsConfiguration::Rustls(tls)));
    match options.protocol {
        Protocol::V311 => {
            let mut mqtt = MqttOptions::new(client_id, &broker.host, broker.port);
            mqtt.set_keep_alive(KEEP_ALIVE).set_transport(transport).set_inflight(PACKETS);
            mqtt.set_max_packet_size(LONGEST, LONGEST);
            if let Some((name, password)) = login {
                mqtt.set_credentials(name, password);
            }
            let qos = match options.qos {
                Qos::AtMostOnce => QoS::AtMostOnce,
                Qos::AtLeastOnce => QoS::AtLeastOnce,
            };
            let (client, events) = AsyncClient::new(mqtt, CAPACITY);
            (Sender::V311(client, qos, *retain), Receiver::V311(Box::new(events)))
        }
        Protocol::V5 => {
            let mut mqtt = MqttOptions5::new(client_id, &broker.host, broker.port);
            mqtt.set_keep_alive(KEEP_ALIVE).set_transport(transport);
            mqtt.set_outgoing_inflight_upper_limit(PACKETS);
            if let Some((name, password)) = login {
                mqtt.set_credentials(name, password);
            }
            let qos = match options.qos {
                Qos::AtMostOnce => QoS5::AtMostOnce,
                Qos::AtLeastOnce => QoS5::AtLeastOnce,
            };
            let (client, events) = AsyncClient5::new(mqtt, CAPACITY);
            (Sender::V5(client, qos, *retain), Receiver::V5(Box::new(events)))
        }
    }
}

impl Sender {
    /// Hands over a message; `false` when the library has enough of them, which lasts until an event.
    pub fn publish(&self, message: &Message) -> bool {
        let Message { topic, payload } = message;
        match self {
            Self::V311(client, qos, retain) => {
                client.try_publish(topic, *qos, *retain, payload.as_slice()).is_ok()
            }
            Self::V5(client, qos, retain) => {
                client.try_publish(topic, *qos, *retain, payload.clone()).is_ok()
            }
        }
    }

    /// Says good-bye behind all messages.
    pub fn close(&self) {
        let said = match self {
            Self::V311(client, ..) => client.try_disconnect().is_ok(),
            Self::V5(client, ..) => client.try_disconnect().is_ok(),
        };
        if !said {
            gst::debug!(super::CAT, "The connection ends without a good-bye");
        }
    }
}

impl Receiver {
    /// How long a connection that works is quiet at most.
    pub fn longest_silence(&self) -> Duration {
        2 * match self {
            Self::V311(_) => KEEP_ALIVE,
            // A broker may want another time.
            Self::V5(events) => events.options.keep_alive().max(KEEP_ALIVE),
        }
    }

    /// The next event; the first is that there is a connection.
    ///
    /// # Errors
    /// When there is none, or none any more.
    pub async fn next(&mut self) -> Result<Event, Fault> {
        match self {
            Self::V311(events) => events.poll().await.map(of_event_3).map_err(fault_3),
            Self::V5(events) => {
                let event = events.poll().await.map(of_event_5).map_err(fault_5)?;
                // A broker may want no pings, which the library would send without a pause.
                if events.options.keep_alive().is_zero() {
                    events.options.set_keep_alive(KEEP_ALIVE);
                }
                Ok(event)
            }
        }
    }

    /// The broker's answers that came together with the end of the connection.
    pub fn answers(&mut self) -> Vec<Event> {
        let mut events: Vec<_> = match self {
            Self::V311(events) => events.state.events.drain(..).map(of_event_3).collect(),
            Self::V5(events) => events.state.events.drain(..).map(of_event_5).collect(),
        };
        events.retain(|event| matches!(event, Event::Acknowledged(_) | Event::Refused(..)));
        events
    }
}

fn of_event_3(event: Event3) -> Event {
    match event {
        Event3::Incoming(Packet3::ConnAck(_)) => Event::Connected(PACKETS),
        Event3::Incoming(Packet3::PubAck(ack)) => Event::Acknowledged(ack.pkid),
        Event3::Outgoing(outgoing) => of_outgoing(&outgoing),
        Event3::Incoming(_) => Event::Other,
    }
}

fn of_event_5(event: Event5) -> Event {
    match event {
        Event5::Incoming(Packet5::ConnAck(ack)) => {
            Event::Connected(ack.properties.and_then(|properties| properties.receive_max).unwrap_or(PACKETS))
        }
        Event5::Incoming(Packet5::PubAck(ack)) => match ack.reason {
            PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Event::Acknowledged(ack.pkid),
            reason => Event::Refused(ack.pkid, format!("{reason:?}")),
        },
        Event5::Outgoing(outgoing) => of_outgoing(&outgoing),
        Event5::Incoming(_) => Event::Other,
    }
}

fn of_outgoing(outgoing: &Outgoing) -> Event {
    match outgoing {
        Outgoing::Publish(packet) => Event::Sent(*packet),
        Outgoing::Disconnect => Event::Closed,
        _ => Event::Other,
    }
}

fn fault_3(fault: Fault3) -> Fault {
    match fault {
        Fault3::ConnectionRefused(code) => {
            let passes = matches!(code, Code3::ServiceUnavailable);
            let login = matches!(code, Code3::BadUserNamePassword | Code3::NotAuthorized);
            refusal(&code, passes, login)
        }
        other => of_error(&other),
    }
}

fn fault_5(fault: Fault5) -> Fault {
    match fault {
        Fault5::ConnectionRefused(code) => {
            let passes = matches!(
                code,
                Code5::ServiceUnavailable
                    | Code5::ServerUnavailable
                    | Code5::ServerBusy
                    | Code5::UnspecifiedError
                    | Code5::QuotaExceeded
                    | Code5::ConnectionRateExceeded
            );
            let login = matches!(code, Code5::BadUserNamePassword | Code5::NotAuthorized | Code5::Banned);
            refusal(&code, passes, login)
        }
        Fault5::MqttState(StateFault5::Deserialization(
            fault @ PacketFault5::OutgoingPacketTooLarge { .. },
        )) => Fault::TooLong(fault.to_string()),
        // It does not name its source.
        Fault5::MqttState(StateFault5::Deserialization(fault)) => of_error(&fault),
        other => of_error(&other),
    }
}

/// The fault for the answer of a broker: whether it may pass by itself, and whether it is about who we are.
fn refusal(code: &impl std::fmt::Debug, passes: bool, login: bool) -> Fault {
    let found = format!("the answer {code:?}");
    if passes {
        return Fault::Unreachable(found);
    }
    let cure = match login {
        true => "check username, password-file, certificate-file and what the broker lets this client do",
        false => "check protocol, client-id, qos and retain against what the broker takes",
    };
    Fault::Refused { found, cure }
}

/// The fault for what happened to a connection. What TLS does not accept is a refusal.
fn of_error(error: &(dyn StdError + 'static)) -> Fault {
    match tls_error(error) {
        Some(fault) => Fault::Refused {
            found: fault.to_string(),
            cure: "check ca-file, the name in the broker's certificate, certificate-file, and that the port is one for TLS",
        },
        None => Fault::Unreachable(error.to_string()),
    }
}

/// The fault of TLS that lies below another one.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An I/O error does not name what it wraps as its source, but the source of that.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_tls_is_found_below_others() {
        let tls = || io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        for fault in [
            fault_3(Fault3::Io(tls())),
            fault_3(Fault3::Tls(rumqttc::TlsError::Io(tls()))),
            fault_5(Fault5::MqttState(StateFault5::Io(tls()))),
            fault_5(Fault5::MqttState(StateFault5::Deserialization(tls().into()))),
        ] {
            assert!(matches!(fault, Fault::Refused { cure, .. } if cure.contains("ca-file")));
        }
        let gone = fault_3(Fault3::Io(io::ErrorKind::ConnectionRefused.into()));
        assert!(matches!(gone, Fault::Unreachable(_)));
    }

    #[test]
    fn answers_of_brokers_are_told_apart() {
        let bad = fault_3(Fault3::ConnectionRefused(Code3::NotAuthorized));
        assert!(matches!(bad, Fault::Refused { cure, .. } if cure.contains("password-file")));
        let bad = fault_5(Fault5::ConnectionRefused(Code5::ClientIdentifierNotValid));
        assert!(matches!(bad, Fault::Refused { cure, .. } if cure.contains("client-id")));
        let busy = fault_5(Fault5::ConnectionRefused(Code5::ServerBusy));
        assert!(matches!(busy, Fault::Unreachable(_)));
    }
}
