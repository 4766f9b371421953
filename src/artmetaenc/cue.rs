//! Cues: which stretch of the stream bears which text.

use std::{collections::BTreeMap, sync::Arc};

use super::record::{Dates, Record};
use super::settings::Cues;
use crate::action::ActionState;
use crate::classification::ClassScore;
use crate::meta::{ActionRecord, FrameResult};
use crate::object::ObjectId;
use crate::wording::caption;

/// A text and the stretch that it stands for.
#[derive(Debug, PartialEq, Eq)]
pub struct Cue {
    /// Number of the action or window.
    pub number: u64,
    /// Where it starts, in nanoseconds of running time.
    pub start: u64,
    /// Where it ends, in nanoseconds of running time.
    pub end: u64,
    /// One line without control characters.
    pub text: String,
    /// When an action started and ended by clocks outside of the stream.
    pub dates: Option<[Dates; 2]>,
}

/// Makes cues of what was found.
#[derive(Debug)]
pub struct CueMaker {
    cues: Cues,
    /// The window before, which the next one may follow: of each model, of the whole picture or of each object.
    last: BTreeMap<(Arc<str>, Option<ObjectId>), Last>,
    /// Half of a hop from a window to the next, in nanoseconds, once it is known.
    half_hop: u64,
}

/// A window, and where its cue ends.
#[derive(Debug, Clone, Copy)]
struct Last {
    number: u64,
    /// PTS at which the window starts and ends, in nanoseconds.
    window: (u64, u64),
    /// In nanoseconds of running time.
    end: u64,
}

impl CueMaker {
    /// No cue was made yet.
    pub fn new(cues: Cues) -> Self {
        Self { cues, last: BTreeMap::new(), half_hop: 0 }
    }

    /// The next window follows none.
    pub fn forget(&mut self) {
        self.last.clear();
    }

    /// The cue that is complete with this record. `running` tells the running time of a PTS, in nanoseconds.
    pub fn cue(&mut self, record: Record<'_>, running: impl Fn(u64) -> u64) -> Option<Cue> {
        match (self.cues, record) {
            (Cues::Windows, Record::Window { result, .. }) => self.window(result, running),
            (Cues::Actions, Record::Action(record)) => {
                of_action(record, captioned(&record.event.class, record.event.object))
            }
            (Cues::Chapters, Record::Action(record)) => {
                of_action(record, named(&record.event.class.label, record.event.object))
            }
            _ => None,
        }
    }

    /// The cue of a window ends half a hop behind the middle of the window, and starts where that of the window before
    /// ends. The first of several windows that overlap starts its cue at its own start.
    fn window(&mut self, result: &FrameResult, running: impl Fn(u64) -> u64) -> Option<Cue> {
        let window = (result.start, result.end);
        let object = result.object.map(|object| object.id);
        let whose = (Arc::clone(&result.model), object);
        let last = self.last.get(&whose).copied().filter(|last| follows(last.window, window));
        if let Some(last) = last
            && result.window == last.number + 1
        {
            self.half_hop = middle(window).saturating_sub(middle(last.window)) / 2;
        }
        let start = last.map_or_else(|| running(result.start), |last| last.end);
        let end = running(middle(window).saturating_add(self.half_hop).min(result.end)).max(start);
        // Of objects that are gone nothing follows.
        self.last.retain(|_, last| last.window.1 >= result.start);
        self.last.insert(whose, Last { number: result.window, window, end });
        let text = captioned(&result.class, object);
        (!result.background).then_some(Cue { number: result.window, start, end, text, dates: None })
    }
}

/// Whether the second window begins in the first, or where it ends, and ends no earlier.
fn follows(first: (u64, u64), second: (u64, u64)) -> bool {
    (first.0..=first.1).contains(&second.0) && second.1 >= first.1
}

/// The middle of a window, in nanoseconds.
fn middle((start, end): (u64, u64)) -> u64 {
    start.midpoint(end)
}

/// The cue of an action, known when the action has stopped.
fn of_action(record: &ActionRecord, text: String) -> Option<Cue> {
    let event = &record.event;
    let end = event.end.filter(|_| event.state == ActionState::Stop)?;
    let start = event.start;
    Some(Cue {
        number: event.action,
        start: start.moment.running_time,
        end: end.moment.running_time,
        text,
        dates: Some([start.absolute.into(), end.absolute.into()]),
    })
}

/// The label, behind the number of the object where there is one.
fn named(label: &str, object: Option<ObjectId>) -> String {
    let label = one_line(label);
    object.map_or_else(|| label.clone(), |object| format!("#{object} {label}"))
}

/// Label and score, in the words of the overlay's banner.
fn captioned(ClassScore { label, score, .. }: &ClassScore, object: Option<ObjectId>) -> String {
    caption(&named(label, object), *score)
}

/// The text with a blank for each control character, line breaks of any kind among them.
fn one_line(text: &str) -> String {
    let is_break = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    text.chars().map(|c| if is_break(c) { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_where_they_touch() {
        assert!(follows((0, 400), (200, 600)) && follows((0, 400), (400, 800)));
        assert!(
            !follows((0, 400), (401, 800))
                && !follows((400, 800), (0, 400))
                && !follows((0, 400), (100, 300))
        );
        assert_eq!(middle((u64::MAX - 2, u64::MAX)), u64::MAX - 1);
    }

    #[test]
    fn a_caption_is_one_line() {
        let class = |label: &str, score| ClassScore { label: label.into(), label_id: 0, score };
        assert_eq!(captioned(&class("a\r\nb\u{2028}c\td\0", 0.926), None), "a  b c d  93 %");
        assert_eq!(captioned(&class("a", 12.34), Some(7)), "#7 a 12.3");
    }
}
