//! Properties of `artgate`.

use std::sync::LazyLock;

use gst::{glib, prelude::*};

use crate::{
    error::Error,
    gate::{Filter, GateSettings, Moment},
};

/// When it is decided whether an action passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, glib::Enum)]
#[enum_type(name = "GstArtGateDecide")]
pub enum Decide {
    /// When its clip is complete.
    #[default]
    #[enum_value(
        name = "When an action has stopped, by its final label and score; its clip leaves once no other can join it",
        nick = "stop"
    )]
    Stop,
    /// As soon as it is told of.
    #[enum_value(
        name = "When an action is told of, by what is known then; its clip begins to leave max-lag after its start",
        nick = "start"
    )]
    Start,
}

/// What the properties hold. Times in nanoseconds.
#[derive(Debug, Clone)]
pub struct Settings {
    pre_roll: u64,
    post_roll: u64,
    max_lag: u64,
    max_size_time: u64,
    max_size_bytes: u64,
    decide: Decide,
    labels: Option<String>,
    min_score: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pre_roll: 3_000_000_000,
            post_roll: 1_000_000_000,
            max_lag: 5_000_000_000,
            max_size_time: 60_000_000_000,
            max_size_bytes: 256 << 20,
            decide: Decide::default(),
            labels: None,
            min_score: 0.0,
        }
    }
}

/// The properties as GObject knows them.
pub static PROPERTIES: LazyLock<Vec<glib::ParamSpec>> = LazyLock::new(|| {
    let defaults = Settings::default();
    let nanoseconds = |name, nick, blurb, default| {
        let builder = glib::ParamSpecUInt64::builder(name).nick(nick).blurb(blurb);
        builder.default_value(default).mutable_ready().build()
    };
    vec![
        nanoseconds(
            "pre-roll",
            "Pre-roll",
            "What passes before an action at least, in nanoseconds: the clip begins with the last keyframe before",
            defaults.pre_roll,
        ),
        nanoseconds(
            "post-roll",
            "Post-roll",
            "What passes behind an action, in nanoseconds",
            defaults.post_roll,
        ),
        nanoseconds(
            "max-lag",
            "Longest lag",
            "How long after its start artclassify tells of an action at most, in nanoseconds: so far frames are kept for \
             actions that are still to be told of",
            defaults.max_lag,
        ),
        nanoseconds(
            "max-size-time",
            "Most time",
            "Frames are held for so long at most, in nanoseconds: then it is decided by what is known; more than pre-roll and \
             max-lag together",
            defaults.max_size_time,
        ),
        glib::ParamSpecUInt64::builder("max-size-bytes")
            .nick("Most bytes")
            .blurb(
                "Frames that are held take so much memory at most, in bytes: then it is decided by what is known. As much again \
                 may wait for a slow downstream; each audio pad counts for itself",
            )
            .minimum(1)
            .default_value(defaults.max_size_bytes)
            .mutable_ready()
            .build(),
        glib::ParamSpecEnum::builder_with_default("decide", defaults.decide)
            .nick("Decide")
            .blurb("When it is decided whether an action passes, and its clip leaves")
            .mutable_ready()
            .build(),
        glib::ParamSpecString::builder("labels")
            .nick("Labels")
            .blurb("Labels of the actions that pass, with ; between them, * stands for any text, as in Back*;Inward*PIKE; none = all")
            .mutable_ready()
            .build(),
        glib::ParamSpecFloat::builder("min-score")
            .nick("Least score")
            .blurb("Actions that score less do not pass")
            .minimum(0.0)
            .maximum(1.0)
            .default_value(defaults.min_score)
            .mutable_ready()
            .build(),
        glib::ParamSpecBoxed::builder::<gst::Structure>("stats")
            .nick("Statistics")
            .blurb("Counts since the element started: clips, actions, shortened, lost, passed, dropped, crowded, crowded-audio")
            .read_only()
            .build(),
    ]
});

impl Settings {
    /// Sets the property of the given name. GObject has checked the name, the type and the range.
    pub fn set(&mut self, name: &str, value: &glib::Value) {
        match name {
            "pre-roll" => take(value, &mut self.pre_roll),
            "post-roll" => take(value, &mut self.post_roll),
            "max-lag" => take(value, &mut self.max_lag),
            "max-size-time" => take(value, &mut self.max_size_time),
            "max-size-bytes" => take(value, &mut self.max_size_bytes),
            "decide" => take(value, &mut self.decide),
            "labels" => take(value, &mut self.labels),
            "min-score" => take(value, &mut self.min_score),
            _ => {}
        }
    }

    /// The value of the property of the given name, if it is a setting.
    pub fn get(&self, name: &str) -> Option<glib::Value> {
        Some(match name {
            "pre-roll" => self.pre_roll.to_value(),
            "post-roll" => self.post_roll.to_value(),
            "max-lag" => self.max_lag.to_value(),
            "max-size-time" => self.max_size_time.to_value(),
            "max-size-bytes" => self.max_size_bytes.to_value(),
            "decide" => self.decide.to_value(),
            "labels" => self.labels.to_value(),
            "min-score" => self.min_score.to_value(),
            _ => return None,
        })
    }

    /// How far back frames are kept for actions that are still to be told of, in nanoseconds.
    fn kept(&self) -> u64 {
        self.pre_roll.saturating_add(self.max_lag)
    }

    /// How long a frame may wait; without a bound, as long as GStreamer can add to a running time.
    pub fn latency(&self) -> gst::ClockTime {
        let nanoseconds = match self.decide {
            Decide::Stop => self.max_size_time,
            Decide::Start => self.kept(),
        };
        gst::ClockTime::from_nseconds(nanoseconds.min(i64::MAX as u64))
    }

    /// What the gate is to do.
    ///
    /// # Errors
    /// Properties that contradict each other.
    pub fn gate(&self) -> Result<GateSettings, Error> {
        if self.max_size_time <= self.kept() {
            return Err(Error::Property {
                name: "max-size-time",
                found: format!("{} ns", self.max_size_time),
                expected: format!(
                    "more than pre-roll and max-lag together, {} ns: raise it, or lower one of them",
                    self.kept()
                ),
            });
        }
        Ok(GateSettings {
            pre_roll: self.pre_roll,
            post_roll: self.post_roll,
            max_lag: self.max_lag,
            max_time: self.max_size_time,
            max_bytes: self.max_size_bytes,
            decide: match self.decide {
                Decide::Stop => Moment::Stop,
                Decide::Start => Moment::Start,
            },
            filter: Filter::new(self.labels.as_deref().unwrap_or_default(), self.min_score),
        })
    }
}

fn take<'a, T: glib::value::FromValue<'a>>(value: &'a glib::Value, setting: &mut T) {
    if let Ok(value) = value.get() {
        *setting = value;
    }
}
