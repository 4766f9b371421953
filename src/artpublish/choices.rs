//! What properties of `artpublish` choose between.

use gst::glib;

/// What is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstArtPublishContent")]
pub enum Content {
    /// Starts and stops of actions.
    #[default]
    #[enum_value(name = "Where an action starts and where it stops", nick = "actions")]
    Actions,
    /// Results of windows.
    #[enum_value(name = "The result of each window", nick = "windows")]
    Windows,
    /// Both.
    #[enum_value(name = "Windows and actions", nick = "all")]
    All,
}

/// Version of MQTT, by the number that it has on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstArtPublishProtocol")]
pub enum Protocol {
    /// MQTT 3.1.1.
    #[default]
    #[enum_value(name = "MQTT 3.1.1, which every broker speaks", nick = "3.1.1")]
    V311 = 4,
    /// MQTT 5.
    #[enum_value(name = "MQTT 5, in which brokers say why they refuse a message", nick = "5")]
    V5 = 5,
}

/// How sure it is that a message arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstArtPublishQos")]
pub enum Qos {
    /// It is sent.
    #[enum_value(name = "At most once: lost where the connection breaks after it was sent", nick = "0")]
    AtMostOnce = 0,
    /// The broker has acknowledged it.
    #[default]
    #[enum_value(name = "At least once: sent again until the broker acknowledges it", nick = "1")]
    AtLeastOnce = 1,
}
