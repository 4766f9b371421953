//! How values that somebody else wrote appear in messages: in one line, short, without control characters.

/// Longest stretch of foreign text in most messages, in characters.
const BRIEF: usize = 160;

/// The text as one line: each run of white space is one blank, other control characters are escaped.
#[must_use]
pub fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut line = String::with_capacity(text.len());
    for letter in words.join(" ").chars() {
        if letter.is_control() { line.extend(letter.escape_default()) } else { line.push(letter) }
    }
    line
}

/// The text in one line of at most about `most` characters, its middle left out where it is longer.
#[must_use]
pub fn shorten(text: &str, most: usize) -> String {
    let line = one_line(text);
    let count = line.chars().count();
    if count <= most {
        return line;
    }
    let start: String = line.chars().take(most / 2).collect();
    let end: String = line.chars().skip(count - most / 2).collect();
    format!("{start} ... {end}")
}

/// The text in one line and short.
#[must_use]
pub fn brief(text: &str) -> String {
    shorten(text, BRIEF)
}

/// The text in quotes, short, its control characters and white space as escapes.
#[must_use]
pub fn quote(text: &str) -> String {
    brief(&format!("{text:?}"))
}

/// Names in quotes with commas between them, or the word "none".
pub fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("{name:?}")).collect();
    if quoted.is_empty() { "none".to_owned() } else { quoted.join(", ") }
}

/// The choice that is spelt most like `name`.
pub fn nearest<'a>(name: &str, choices: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    choices.into_iter().max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)))
}

/// A label and its score: in percent where it is a share, 0 to 1.
#[must_use]
pub fn caption(label: &str, score: f32) -> String {
    format!("{label} {}", score_text(score))
}

/// A score: in percent where it is a share, 0 to 1.
#[must_use]
pub fn score_text(score: f32) -> String {
    if (0.0..=1.0).contains(&score) { format!("{:.0} %", score * 100.0) } else { format!("{score:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_fits_into_a_line() {
        assert_eq!(one_line(" a\r\n\tb\u{0}c "), "a b\\u{0}c");
        assert_eq!(brief("short"), "short");
        let long = brief(&"x".repeat(5000));
        assert!(long.len() < 200 && long.contains(" ... "), "{long}");
        assert_eq!(quote("a\r\u{0}"), r#""a\r\0""#);
    }

    #[test]
    fn names_are_listed_or_none() {
        assert_eq!(list([]), "none");
        assert_eq!(list(["a", "b"]), "\"a\", \"b\"");
    }

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        assert_eq!(nearest("frmaes", ["fps", "frames", "width"]), Some("frames"));
        assert_eq!(nearest("frmaes", []), None);
    }
}
