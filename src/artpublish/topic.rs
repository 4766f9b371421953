//! Topics: names with levels, in which placeholders stand for what is published.

use crate::{error::Error, wording::quote};

/// Longest topic that MQTT knows, in bytes.
const LONGEST: usize = 65_535;
/// What no level of a topic may hold: it parts levels or stands for any of them.
const SPECIAL: [char; 3] = ['/', '+', '#'];

/// Whether MQTT has such a topic to publish to.
pub fn is_topic(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST
        && !text.contains(['+', '#'])
        && !text.contains(char::is_control)
}

/// What is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The start or the stop of an action.
    Action,
    /// The result of a window.
    Window,
}

impl Kind {
    /// The word that stands for it, which is the field `type` of the payload.
    fn word(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Window => "window",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Stream,
    Type,
}

/// The property `topic`, with the names of machine and element in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    /// Reads the value of the property.
    ///
    /// # Errors
    /// When it has a placeholder that is none of ours, or is no topic that can be published to.
    pub fn parse(text: &str, host: &str, element: &str) -> Result<Self, Error> {
        let fault = |expected: &str| Error::Property {
            name: "topic",
            found: quote(text),
            expected: expected.to_owned(),
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, behind)) = after.split_once('}') else {
                return Err(fault("a } behind each {"));
            };
            parts.push(Part::Text(before.to_owned()));
            parts.push(match name {
                "host" => Part::Text(level(host)),
                "element" => Part::Text(level(element)),
                "stream" => Part::Stream,
                "type" => Part::Type,
                _ => return Err(fault("no placeholder but {host}, {element}, {stream} and {type}")),
            });
            rest = behind;
        }
        parts.push(Part::Text(rest.to_owned()));
        let template = Self(parts);
        let example = template.topic("stream", Kind::Action);
        if example.is_empty() || example.contains(['+', '#', '}']) || example.contains(char::is_control) {
            return Err(fault("levels with / between them, without +, #, } and control characters"));
        }
        if example.starts_with('$') {
            return Err(fault("no $ in front, which marks topics of the broker itself"));
        }
        if example.len() > LONGEST {
            return Err(fault("65535 bytes at most"));
        }
        Ok(template)
    }

    /// The topic of something that a stream brought.
    pub fn topic(&self, stream: &str, kind: Kind) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => text.clone(),
            Part::Stream => level(stream),
            Part::Type => kind.word().to_owned(),
        });
        parts.collect()
    }
}

/// A name as one level of a topic.
fn level(name: &str) -> String {
    let allowed = |c: char| !c.is_control() && !SPECIAL.contains(&c);
    name.chars().map(|c| if allowed(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Template, Error> {
        Template::parse(text, "machine", "camera/1")
    }

    #[test]
    fn placeholders_are_one_level_each() {
        let topic = |text, kind| parse(text).unwrap().topic("a+b/#c\n", kind);
        assert_eq!(topic("art/{host}/{element}", Kind::Action), "art/machine/camera_1");
        assert_eq!(topic("{stream}/x/{type}", Kind::Window), "a_b__c_/x/window");
        assert_eq!(topic("plain", Kind::Action), "plain");
    }

    #[test]
    fn what_is_no_topic_is_told() {
        for (text, expected) in [
            ("", "levels"),
            ("a/#", "levels"),
            ("a/+/b", "levels"),
            ("a\nb", "levels"),
            ("a}", "levels"),
            ("{host", "behind each"),
            ("{label}", "{element}"),
            ("$SYS/a", "no $"),
        ] {
            let fault = parse(text).unwrap_err().to_string();
            assert!(fault.starts_with("property topic: found") && fault.contains(expected), "{fault}");
        }
        assert!(parse(&"a".repeat(LONGEST + 1)).is_err());
    }
}
