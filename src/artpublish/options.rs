//! From the properties to what a connection needs.

use std::{fmt, path::Path, sync::Arc};

use rustls::ClientConfig;

use super::{
    choices::{Protocol, Qos},
    settings::Settings,
    tls,
};
use crate::{error::Error, wording::quote};

/// Ports that brokers listen at, without and with TLS.
const PORTS: (u16, u16) = (1883, 8883);

/// Where a broker is. Its text is its URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Whether TLS is spoken to it.
    pub tls: bool,
    /// Name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tls, host, port } = self;
        write!(f, "{}://{host}:{port}", if *tls { "mqtts" } else { "mqtt" })
    }
}

impl Broker {
    /// Reads the value of the property `broker`.
    ///
    /// # Errors
    /// When it is no such URL.
    pub fn parse(url: &str) -> Result<Self, Error> {
        let fault = |expected: &str| Error::Property {
            name: "broker",
            found: quote(url),
            expected: expected.to_owned(),
        };
        const EXPECTED: &str = "mqtt://HOST, mqtt://HOST:PORT, mqtts://HOST or mqtts://HOST:PORT";
        let (tls, rest) = match (url.strip_prefix("mqtt://"), url.strip_prefix("mqtts://")) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            (None, None) => return Err(fault(EXPECTED)),
        };
        if rest.contains('@') {
            // The URL may hold a password, which has no place in a message.
            return Err(Error::Property {
                name: "broker",
                found: "a URL with a user name in it".into(),
                expected: "the properties username and password-file besides a URL without them".into(),
            });
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // The colons of an IPv6 address stand in brackets.
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().ok().filter(|port| *port > 0).ok_or_else(|| fault(EXPECTED))?)
            }
            _ => (rest, if tls { PORTS.1 } else { PORTS.0 }),
        };
        let in_brackets = host.starts_with('[') && host.ends_with(']');
        let foreign = |c: char| c.is_whitespace() || c.is_control() || "/?#".contains(c);
        if host.is_empty() || host.contains(foreign) || (host.contains(':') && !in_brackets) {
            return Err(fault(EXPECTED));
        }
        Ok(Self { tls, host: host.to_owned(), port })
    }
}

/// What a connection needs.
pub struct Options {
    /// The broker.
    pub broker: Broker,
    /// Version of MQTT.
    pub protocol: Protocol,
    /// Name of this client.
    pub client_id: String,
    /// Name and password to log in with.
    pub login: Option<(String, String)>,
    /// How TLS is spoken; none without it.
    pub tls: Option<Arc<ClientConfig>>,
    /// How sure it is that a message arrives.
    pub qos: Qos,
    /// Whether the broker keeps the newest message of a topic.
    pub retain: bool,
}

impl Options {
    /// Reads files that properties name, and checks what goes together.
    ///
    /// # Errors
    /// What is wrong with a property or a file.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let Some(url) = &settings.broker else {
            return Err(Error::Property {
                name: "broker",
                found: "nothing".into(),
                expected: "the URL of a broker, as in mqtt://localhost or mqtts://broker.example:8883".into(),
            });
        };
        let broker = Broker::parse(url)?;
        if !broker.tls {
            let files = [
                ("ca-file", &settings.ca_file),
                ("certificate-file", &settings.certificate_file),
                ("key-file", &settings.key_file),
            ];
            if let Some((name, Some(found))) = files.into_iter().find(|(_, file)| file.is_some()) {
                return Err(Error::Property {
                    name,
                    found: quote(found),
                    expected: "none where broker begins with mqtt://, which is not encrypted; mqtts:// is"
                        .into(),
                });
            }
        }
        let tls = if broker.tls { Some(tls::config(settings)?) } else { None };
        Ok(Self {
            broker,
            protocol: settings.protocol,
            client_id: settings.client_id.clone().filter(|id| !id.is_empty()).unwrap_or_else(client_id),
            login: login(settings)?,
            tls,
            qos: settings.qos,
            retain: settings.retain,
        })
    }
}

/// A name that no other client has.
fn client_id() -> String {
    format!("artpublish-{:016x}", fastrand::u64(..))
}

fn login(settings: &Settings) -> Result<Option<(String, String)>, Error> {
    let password = match (&settings.password, &settings.password_file) {
        (Some(_), Some(file)) => {
            return Err(Error::Property {
                name: "password-file",
                found: quote(file),
                expected: "none where password is set".into(),
            });
        }
        (Some(password), None) => Some(password.clone()),
        (None, Some(file)) => Some(first_line(Path::new(file))?),
        (None, None) => None,
    };
    match (&settings.username, password) {
        (Some(name), password) => Ok(Some((name.clone(), password.unwrap_or_default()))),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(Error::Property {
            name: "username",
            found: "nothing, but a password".into(),
            expected: "a user name, without which brokers take no password".into(),
        }),
    }
}

fn first_line(path: &Path) -> Result<String, Error> {
    let hint = "see the property password-file";
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::from_io(path, "file with a password", hint, source))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_broker() {
        for (url, text) in [
            ("mqtt://localhost", "mqtt://localhost:1883"),
            ("mqtts://broker.example/", "mqtts://broker.example:8883"),
            ("mqtt://10.0.0.7:11883", "mqtt://10.0.0.7:11883"),
            ("mqtt://[::1]:5", "mqtt://[::1]:5"),
        ] {
            assert_eq!(Broker::parse(url).unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_urls_are_told() {
        for url in [
            "",
            "localhost",
            "localhost:1883",
            "http://localhost",
            "mqtt://",
            "mqtt://:1883",
            "mqtt://host:0",
            "mqtt://host:65536",
            "mqtt://host:port",
            "mqtt://host/topic",
            "mqtt://host?x=1",
        ] {
            let fault = Broker::parse(url).expect_err(url).to_string();
            assert!(fault.contains("property broker: found") && fault.contains("mqtts://HOST"), "{fault}");
        }
        let fault = Broker::parse("mqtt://me:secret@host").unwrap_err().to_string();
        assert!(fault.contains("password-file") && !fault.contains("secret"), "{fault}");
    }

    fn fault(settings: Settings) -> String {
        match Options::new(&settings) {
            Err(fault) => fault.to_string(),
            Ok(_) => panic!("no fault of {settings:?}"),
        }
    }

    #[test]
    fn properties_that_do_not_go_together_are_told() {
        let plain = || Settings { broker: Some("mqtt://host".into()), ..Settings::default() };
        let some = || Some("x".to_owned());
        assert!(fault(Settings::default()).contains("property broker: found nothing"));
        assert!(fault(Settings { ca_file: some(), ..plain() }).contains("property ca-file"));
        assert!(fault(Settings { password: some(), ..plain() }).contains("property username"));
        let both = Settings { password: some(), password_file: some(), ..plain() };
        assert!(fault(both).contains("property password-file"));
        let missing = Settings { password_file: some(), username: some(), ..plain() };
        assert!(fault(missing).contains("x: no such file with a password"));
        let options = Options::new(&Settings { username: some(), ..plain() }).unwrap();
        assert_eq!(options.login, Some(("x".into(), String::new())));
        assert!(options.client_id.starts_with("artpublish-") && options.tls.is_none());
    }
}
