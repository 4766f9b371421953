//! Properties of `artmetaenc`.

use std::sync::LazyLock;

use gst::glib;
use gst::prelude::*;

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstArtMetaEncFormat")]
pub enum Format {
    /// An object a line.
    #[default]
    #[enum_value(
        name = "JSON Lines: an object a window and one where an action starts or stops",
        nick = "json-lines"
    )]
    JsonLines,
    /// Timed text.
    #[enum_value(
        name = "WebVTT: timed text as the property cues says; without its header as text/x-raw where downstream takes \
                that alone, such as a muxer",
        nick = "webvtt"
    )]
    WebVtt,
    /// A table.
    #[enum_value(name = "CSV: a header, a row a window and one an action that has stopped", nick = "csv")]
    Csv,
}

/// What bears a cue of timed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstArtMetaEncCues")]
pub enum Cues {
    /// Each action, with its score.
    #[default]
    #[enum_value(
        name = "Captions: label and score of each action, from its start to its end",
        nick = "actions"
    )]
    Actions,
    /// Each action, by its label.
    #[enum_value(
        name = "Chapters: the label alone of each action, from its start to its end",
        nick = "chapters"
    )]
    Chapters,
    /// Each window.
    #[enum_value(
        name = "Captions: label and score of each window that is not background, over the stretch in its middle",
        nick = "windows"
    )]
    Windows,
}

/// What the properties hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// How results are written.
    pub format: Format,
    /// What bears a cue.
    pub cues: Cues,
}

impl Settings {
    /// The declared properties.
    pub fn properties() -> &'static [glib::ParamSpec] {
        static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
            let d = Settings::default();
            vec![
                glib::ParamSpecEnum::builder_with_default("format", d.format)
                    .nick("Format")
                    .blurb("How classes, regions and actions are written")
                    .mutable_ready()
                    .build(),
                glib::ParamSpecEnum::builder_with_default("cues", d.cues)
                    .nick("Cues")
                    .blurb("What bears a cue of timed text; with format=webvtt only")
                    .mutable_ready()
                    .build(),
            ]
        });
        &PROPERTIES
    }

    /// Takes over the value of a property; a value of another type changes nothing.
    pub fn set(&mut self, name: &str, value: &glib::Value) {
        match name {
            "format" => self.format = value.get().unwrap_or(self.format),
            "cues" => self.cues = value.get().unwrap_or(self.cues),
            _ => (),
        }
    }

    /// The value of a property.
    pub fn get(&self, name: &str) -> glib::Value {
        match name {
            "format" => self.format.to_value(),
            "cues" => self.cues.to_value(),
            _ => unreachable!("GObject asks for declared properties only"),
        }
    }
}
