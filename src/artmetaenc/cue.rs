//! Cues: which stretch of the stream bears which text.

use super::record::{Dates, Record};
use super::settings::Cues;
use crate::action::{ActionState, Moment};
use crate::classification::ClassScore;
use crate::meta::{ActionRecord, FrameResult};

/// A text and the stretch that it stands for.
#[derive(Debug, PartialEq, Eq)]
pub struct Cue {
    /// Number of the action or window.
    pub number: u64,
    /// Where it starts.
    pub start: Moment,
    /// Where it ends.
    pub end: Moment,
    /// One line without control characters.
    pub text: String,
    /// When an action started and ended by clocks outside of the stream.
    pub dates: Option<[Dates; 2]>,
}

/// Makes cues of what was found.
#[derive(Debug)]
pub struct CueMaker {
    cues: Cues,
    /// The last window, whose cue ends where the next one's starts.
    last: Option<Waiting>,
}

/// A window whose next one is not known yet.
#[derive(Debug)]
struct Waiting {
    number: u64,
    /// PTS at which the window starts and ends, in nanoseconds.
    window: (u64, u64),
    /// Where its cue starts.
    start: Moment,
    /// Where its cue ends if there is no next one.
    end: Moment,
    /// What the cue says; nothing for background.
    text: Option<String>,
}

impl CueMaker {
    /// No cue was made yet.
    pub fn new(cues: Cues) -> Self {
        Self { cues, last: None }
    }

    /// The cue that is complete with this record. `running` tells the running time of a PTS, in nanoseconds.
    pub fn cue(&mut self, record: Record<'_>, running: impl Fn(u64) -> u64) -> Option<Cue> {
        match (self.cues, record) {
            (Cues::Windows, Record::Window { result, .. }) => self.window(result, running),
            (Cues::Actions, Record::Action(record)) => of_action(record, captioned(&record.event.class)),
            (Cues::Chapters, Record::Action(record)) => {
                of_action(record, one_line(&record.event.class.label))
            }
            _ => None,
        }
    }

    /// The cue of the last window, which ends with it: there is no next one.
    pub fn finish(&mut self) -> Option<Cue> {
        let last = self.last.take()?;
        let end = last.end;
        last.until(end)
    }

    /// Cues of windows meet in the middle between the middles of the windows. Those of windows that do not touch start
    /// and end with them.
    fn window(&mut self, result: &FrameResult, running: impl Fn(u64) -> u64) -> Option<Cue> {
        let moment = |pts| Moment { pts, running_time: running(pts) };
        let window = (result.start, result.end);
        let last = self.last.take();
        let meeting = last.as_ref().and_then(|last| meeting(last.window, window)).map(moment);
        self.last = Some(Waiting {
            number: result.window,
            window,
            start: meeting.unwrap_or_else(|| moment(result.start)),
            end: moment(result.end),
            text: (!result.background).then(|| captioned(&result.class)),
        });
        let last = last?;
        let end = meeting.unwrap_or(last.end);
        last.until(end)
    }
}

impl Waiting {
    fn until(self, end: Moment) -> Option<Cue> {
        let Self { number, start, text, .. } = self;
        Some(Cue { number, start, end, text: text?, dates: None })
    }
}

/// Where the cues of two windows meet, if the second begins in the first and ends no earlier.
fn meeting(first: (u64, u64), second: (u64, u64)) -> Option<u64> {
    let follows = (first.0..=first.1).contains(&second.0) && second.1 >= first.1;
    let sum = [first.0, first.1, second.0, second.1].into_iter().map(u128::from).sum::<u128>();
    follows.then(|| u64::try_from(sum / 4).unwrap_or(u64::MAX))
}

/// The cue of an action, known when the action has stopped.
fn of_action(record: &ActionRecord, text: String) -> Option<Cue> {
    let event = &record.event;
    let end = event.end.filter(|_| event.state == ActionState::Stop)?;
    let start = event.start;
    Some(Cue {
        number: event.action,
        start: start.moment,
        end: end.moment,
        text,
        dates: Some([start.absolute.into(), end.absolute.into()]),
    })
}

/// Label and score, in the words of the overlay's banner.
fn captioned(ClassScore { label, score, .. }: &ClassScore) -> String {
    let label = one_line(label);
    if (0.0..=1.0).contains(score) {
        format!("{label} {:.0} %", score * 100.0)
    } else {
        format!("{label} {score:.1}")
    }
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
    fn cues_of_regular_windows_are_a_hop_long() {
        assert_eq!(meeting((0, 400), (200, 600)), Some(300));
        assert_eq!(meeting((200, 600), (400, 800)), Some(500));
        assert_eq!(meeting((0, 400), (400, 800)), Some(400));
        assert_eq!(meeting((u64::MAX, u64::MAX), (u64::MAX, u64::MAX)), Some(u64::MAX));
    }

    #[test]
    fn windows_that_do_not_follow_do_not_meet() {
        assert_eq!(meeting((0, 400), (401, 800)), None);
        assert_eq!(meeting((400, 800), (0, 400)), None);
        assert_eq!(meeting((0, 400), (100, 300)), None);
    }

    #[test]
    fn a_caption_is_one_line() {
        let class = |label: &str, score| ClassScore { label: label.into(), label_id: 0, score };
        assert_eq!(captioned(&class("a\r\nb\u{2028}c\td\0", 0.926)), "a  b c d  93 %");
        assert_eq!(captioned(&class("a", 12.34)), "a 12.3");
    }
}
