//! Properties of `artpublish`.

use std::sync::LazyLock;

use gst::glib;
use gst::prelude::*;

use super::choices::{Content, Protocol, Qos};
use crate::artclassify::take;

/// What the properties hold.
#[derive(Debug, Clone)]
pub struct Settings {
    /// URL of the broker.
    pub broker: Option<String>,
    /// Topic with placeholders.
    pub topic: Option<String>,
    /// What is published.
    pub content: Content,
    /// Version of MQTT.
    pub protocol: Protocol,
    /// How sure it is that a message arrives.
    pub qos: Qos,
    /// Whether the broker keeps the newest message of a topic.
    pub retain: bool,
    /// Name of this client; none for one out of chance.
    pub client_id: Option<String>,
    /// Name to log in with.
    pub username: Option<String>,
    /// Password to log in with.
    pub password: Option<String>,
    /// File that holds it.
    pub password_file: Option<String>,
    /// File of the certificates that the broker's is checked by.
    pub ca_file: Option<String>,
    /// File of the certificate that this client shows.
    pub certificate_file: Option<String>,
    /// File of its key.
    pub key_file: Option<String>,
    /// Folder that keeps what was not acknowledged.
    pub spool: Option<String>,
    /// Messages that wait at most.
    pub max_messages: u32,
    /// How long stopping waits for acknowledgements, in nanoseconds.
    pub linger: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            broker: None,
            topic: Some("artclassify/{host}/{element}".into()),
            content: Content::default(),
            protocol: Protocol::default(),
            qos: Qos::default(),
            retain: false,
            client_id: None,
            username: None,
            password: None,
            password_file: None,
            ca_file: None,
            certificate_file: None,
            key_file: None,
            spool: None,
            max_messages: 10_000,
            linger: 5_000_000_000,
        }
    }
}

/// A property that is text and none unless set.
fn text(name: &'static str, nick: &'static str, blurb: &'static str) -> glib::ParamSpec {
    glib::ParamSpecString::builder(name).nick(nick).blurb(blurb).mutable_ready().build()
}

/// The properties as GObject knows them.
pub static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
    let d = Settings::default();
    vec![
        text("broker", "Broker", "mqtt://HOST or mqtts://HOST (TLS), and :PORT unless it is 1883 or 8883"),
        glib::ParamSpecString::builder("topic")
            .nick("Topic")
            .blurb(
                "Topic to publish to; {host}, {element}, {stream} and {type} stand for the name of the machine, the name of \
                 the element, the id of the stream and window or action",
            )
            .default_value(d.topic.as_deref())
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("content", d.content)
            .nick("Content")
            .blurb("What is published")
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("protocol", d.protocol)
            .nick("Protocol")
            .blurb("Version of MQTT")
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("qos", d.qos)
            .nick("Quality of service")
            .blurb("How sure it is that a message arrives")
            .mutable_ready()
            .build(),
        glib::ParamSpecBoolean::builder("retain")
            .nick("Retain")
            .blurb("Whether the broker keeps the newest message of a topic for those who come later")
            .default_value(d.retain)
            .mutable_ready()
            .build(),
        text("client-id", "Client id", "Name of this client, another one for each; none = one out of chance"),
        text("username", "User name", "Name to log in with"),
        glib::ParamSpecString::builder("password")
            .nick("Password")
            .blurb("Password to log in with; on a command line everybody on the machine sees it, see password-file")
            .write_only()
            .mutable_ready()
            .build(),
        text("password-file", "Password file", "File whose first line is the password to log in with"),
        text(
            "ca-file",
            "CA file",
            "PEM file of the certificates that the broker's certificate is checked by; none = those of the system",
        ),
        text("certificate-file", "Certificate file", "PEM file of the certificate that this client shows"),
        text("key-file", "Key file", "PEM file of the key of certificate-file"),
        text(
            "spool",
            "Spool",
            "Folder that keeps messages until they are acknowledged, over a restart too; none = in memory",
        ),
        glib::ParamSpecUInt::builder("max-messages")
            .nick("Most messages")
            .blurb("How many messages wait at most, in the spool or in memory; beyond that the oldest are dropped")
            .minimum(1)
            .maximum(10_000_000)
            .default_value(d.max_messages)
            .mutable_ready()
            .build(),
        glib::ParamSpecUInt64::builder("linger")
            .nick("Linger")
            .blurb("How long the end of the stream waits for messages that are not acknowledged, in nanoseconds")
            .default_value(d.linger)
            .mutable_ready()
            .build(),
        glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
            .nick("Statistics")
            .blurb("Messages by what became of them, and the connection")
            .read_only()
            .build(),
    ]
});

impl Settings {
    /// Takes over the value of a property; a value of another type changes nothing.
    pub fn set(&mut self, name: &str, value: &glib::Value) {
        match name {
            "broker" => take(value, &mut self.broker),
            "topic" => take(value, &mut self.topic),
            "content" => take(value, &mut self.content),
            "protocol" => take(value, &mut self.protocol),
            "qos" => take(value, &mut self.qos),
            "retain" => take(value, &mut self.retain),
            "client-id" => take(value, &mut self.client_id),
            "username" => take(value, &mut self.username),
            "password" => take(value, &mut self.password),
            "password-file" => take(value, &mut self.password_file),
            "ca-file" => take(value, &mut self.ca_file),
            "certificate-file" => take(value, &mut self.certificate_file),
            "key-file" => take(value, &mut self.key_file),
            "spool" => take(value, &mut self.spool),
            "max-messages" => take(value, &mut self.max_messages),
            "linger" => take(value, &mut self.linger),
            _ => (),
        }
    }

    /// The value of a property that can be read, but for `stats`.
    pub fn get(&self, name: &str) -> Option<glib::Value> {
        Some(match name {
            "broker" => self.broker.to_value(),
            "topic" => self.topic.to_value(),
            "content" => self.content.to_value(),
            "protocol" => self.protocol.to_value(),
            "qos" => self.qos.to_value(),
            "retain" => self.retain.to_value(),
            "client-id" => self.client_id.to_value(),
            "username" => self.username.to_value(),
            "password-file" => self.password_file.to_value(),
            "ca-file" => self.ca_file.to_value(),
            "certificate-file" => self.certificate_file.to_value(),
            "key-file" => self.key_file.to_value(),
            "spool" => self.spool.to_value(),
            "max-messages" => self.max_messages.to_value(),
            "linger" => self.linger.to_value(),
            _ => return None,
        })
    }
}
