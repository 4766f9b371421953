//! WebVTT (<https://www.w3.org/TR/webvtt1/>): how a cue is written.

use std::fmt;

use super::cue::Cue;
use super::record::Dates;

/// What stands before the first cue.
pub const HEADER: &str = "WEBVTT\n\n";

/// The block of a cue with its final blank line, in running time, and before it a comment where the cue is dated.
pub fn block(cue: &Cue) -> String {
    let start = Timestamp::at(cue.start);
    // A cue ends after its start.
    let end = Timestamp::at(cue.end).max(Timestamp(start.0 + 1));
    let comment = cue.dates.as_ref().map(comment).unwrap_or_default();
    format!("{comment}{}\n{start} --> {end}\n{}\n\n", cue.number, escaped(&cue.text))
}

/// A comment that tells UTC and timecode; empty where neither is known.
fn comment([start, end]: &[Dates; 2]) -> String {
    let line = |name: &str, dates: &Dates| {
        let known: Vec<&str> =
            [&dates.utc, &dates.timecode].into_iter().flatten().map(String::as_str).collect();
        if known.is_empty() { String::new() } else { format!("{name} {}\n", known.join(" ")) }
    };
    let lines = line("start", start) + &line("end", end);
    if lines.is_empty() { lines } else { format!("NOTE\n{lines}\n") }
}

/// Text in which nothing is markup. Without `>` it holds no `-->` either.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A time in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Timestamp(u64);

impl Timestamp {
    fn at(nanoseconds: u64) -> Self {
        Self(nanoseconds / 1_000_000)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, milliseconds) = (self.0 / 1000, self.0 % 1000);
        let (minutes, hours) = (seconds / 60, seconds / 3600);
        write!(f, "{hours:02}:{:02}:{:02}.{milliseconds:03}", minutes % 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cue(start: u64, end: u64, text: &str) -> Cue {
        Cue { number: 3, start, end, text: text.into(), dates: None }
    }

    #[test]
    fn times_have_hours_and_milliseconds() {
        for (ns, text) in [
            (0, "00:00:00.000"),
            (61_001_999_999, "00:01:01.001"),
            (3_599_999_000_000, "00:59:59.999"),
            (360_000_000_000_000, "100:00:00.000"),
        ] {
            assert_eq!(Timestamp::at(ns).to_string(), text);
        }
    }

    #[test]
    fn a_cue_is_never_empty_of_time() {
        let block = block(&cue(5_000_000, 5_100_000, "a"));
        assert_eq!(block, "3\n00:00:00.005 --> 00:00:00.006\na\n\n");
    }

    #[test]
    fn text_is_no_markup() {
        let block = block(&cue(0, 1_000_000, "<b>a & b</b> --> &amp;"));
        assert!(block.ends_with("\n&lt;b&gt;a &amp; b&lt;/b&gt; --&gt; &amp;amp;\n\n"), "{block}");
    }

    #[test]
    fn a_comment_holds_what_is_known() {
        let utc = |utc: &str| Dates { utc: Some(utc.into()), timecode: None };
        let both = Dates { timecode: Some("10:20:28;03".into()), ..utc("2026") };
        assert_eq!(comment(&[both, utc("2027")]), "NOTE\nstart 2026 10:20:28;03\nend 2027\n\n");
        assert_eq!(comment(&[Dates::default(), Dates::default()]), "");
    }
}
