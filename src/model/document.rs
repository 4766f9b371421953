//! A manifest's TOML before it means anything: sections, keys, and the lines on which they stand.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{keys::keys_of, kinds::Kind};
use crate::{
    error::Error,
    wording::{brief, nearest, quote},
};

/// The text of a manifest, parsed.
pub struct Document<'a> {
    path: &'a Path,
    text: &'a str,
    root: DeTable<'a>,
}

impl<'a> Document<'a> {
    /// Parses the bytes of the file `path`.
    ///
    /// # Errors
    /// When they are not UTF-8 or not TOML, or a key is one that no manifest has.
    pub fn parse(bytes: &'a [u8], path: &'a Path) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).map_err(|fault| {
            let at = fault.valid_up_to();
            let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
            Error::manifest(
                path,
                format!("line {line}"),
                format!("byte 0x{:02x} at {at}", bytes[at]),
                "UTF-8 text in TOML: the property model takes a folder with a model.toml, or that file",
            )
        })?;
        let root = DeTable::parse(text).map_err(|fault| {
            let line = line_at(text, fault.span().map_or(0, |span| span.start));
            let written = quote(text.lines().nth(line - 1).unwrap_or_default());
            let found = format!("{written} ({})", brief(fault.message()));
            Error::manifest(
                path,
                format!("line {line}"),
                found,
                "TOML: [section] lines and key = value lines",
            )
        })?;
        let document = Self { path, text, root: root.into_inner() };
        document.check_keys(&document.root, "")?;
        Ok(document)
    }

    /// Refuses keys that no manifest has, and names the nearest one that it may have.
    fn check_keys(&self, table: &DeTable<'_>, section: &str) -> Result<(), Error> {
        let Some(keys) = keys_of(section) else { return Ok(()) };
        for (key, value) in table {
            let (line, key) = (line_at(self.text, key.span().start), key.get_ref().as_ref());
            let name = full_name(section, key);
            if !keys.contains(&key) {
                let near = nearest(key, keys.iter().copied());
                let near = near.map_or(String::new(), |near| format!("; did you mean {near:?}?"));
                return Err(Error::manifest(
                    self.path,
                    brief(&name),
                    format!("a key that no manifest has (line {line})"),
                    format!("one of {}{near}", keys.join(", ")),
                ));
            }
            if let DeValue::Table(inner) = value.get_ref() {
                self.check_keys(inner, &name)?;
            }
        }
        Ok(())
    }

    /// A section that a manifest needs.
    ///
    /// # Errors
    /// When it is missing or not a table.
    pub fn section(&self, name: &'static str) -> Result<Section<'_>, Error> {
        let whole = Section { document: self, name: String::new(), table: &self.root };
        whole.needed_table(name, &format!("a section [{name}]"))
    }
}

/// One table of a manifest.
pub struct Section<'a> {
    document: &'a Document<'a>,
    name: String,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    /// The value of a key as it is written, its type and its line.
    fn found(&self, key: &str) -> String {
        let Some(value) = self.value(key) else { return "nothing".to_owned() };
        let span = value.span();
        let line = line_at(self.document.text, span.start);
        let written = brief(self.document.text.get(span).unwrap_or_default());
        let kind = match value.get_ref() {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "a truth value",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        format!("{written} ({kind}, line {line})")
    }

    /// The error about the value of a key.
    #[must_use]
    pub fn fault(&self, key: &str, expected: impl Into<String>) -> Error {
        Error::manifest(self.document.path, full_name(&self.name, key), self.found(key), expected)
    }

    /// The error about keys that do not go together.
    #[must_use]
    pub fn conflict(&self, found: impl Into<String>, expected: impl Into<String>) -> Error {
        Error::manifest(self.document.path, self.name.clone(), found, expected)
    }

    /// The value of a key; `None` where it is not there.
    ///
    /// # Errors
    /// When it is of another kind.
    pub fn get<K: Kind>(&self, key: &str, kind: &K) -> Result<Option<K::Value>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        kind.read(value.get_ref()).map(Some).ok_or_else(|| self.fault(key, kind.expected()))
    }

    /// Refuses a key that may not be there.
    ///
    /// # Errors
    /// When it is.
    pub fn without(&self, key: &str, expected: &str) -> Result<(), Error> {
        if self.value(key).is_some() { Err(self.fault(key, expected)) } else { Ok(()) }
    }

    /// The value of a key that has to be there.
    ///
    /// # Errors
    /// When it is missing or of another kind.
    pub fn needed<K: Kind>(&self, key: &str, kind: &K) -> Result<K::Value, Error> {
        let missing = || self.fault(key, format!("{}: add it to [{}]", kind.expected(), self.name));
        self.get(key, kind)?.ok_or_else(missing)
    }

    /// The table of a key; `None` where it is not there. `expected` says what it should be.
    ///
    /// # Errors
    /// When it is no table.
    pub fn table(&self, key: &str, expected: &str) -> Result<Option<Section<'a>>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let table = value.get_ref().as_table().ok_or_else(|| self.fault(key, expected))?;
        Ok(Some(Section { document: self.document, name: full_name(&self.name, key), table }))
    }

    /// The table of a key that has to be there.
    ///
    /// # Errors
    /// When it is missing or no table.
    pub fn needed_table(&self, key: &str, expected: &str) -> Result<Section<'a>, Error> {
        self.table(key, expected)?.ok_or_else(|| self.fault(key, expected))
    }

    /// The keys of the table.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.table.keys().map(|key| key.get_ref().as_ref())
    }
}

fn full_name(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}

/// The line, from 1, on which the byte `at` of a text stands.
fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|&byte| byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::kinds::Whole;

    const PATH: &str = "model.toml";

    fn fault(text: &str) -> String {
        let path = Path::new(PATH);
        let frames = |document: Document<'_>| document.section("input")?.needed("frames", &Whole(1..=64));
        Document::parse(text.as_bytes(), path).and_then(frames).unwrap_err().to_string()
    }

    #[test]
    fn values_are_told_with_key_type_and_line() {
        for (text, words) in [
            ("[model]\n", "input: found nothing, expected a section [input]"),
            ("input = 5", "input: found 5 (a whole number, line 1), expected a section [input]"),
            ("[[input]]\nframes = 1", "(a list, line 1), expected a section [input]"),
            ("[input]\n", "input.frames: found nothing, expected a whole number, 1 to 64: add it to [input]"),
            ("[input]\n\nframes = 'x'", "input.frames: found 'x' (text, line 3), expected a whole number"),
            ("[input]\r\nframes = -1", "input.frames: found -1 (a whole number, line 2)"),
            ("input.frames = 1.5", "input.frames: found 1.5 (a number, line 1)"),
            ("input = { frames = true }", "input.frames: found true (a truth value, line 1)"),
            ("[input.frames]\nx = 1", "input.frames: found [input.frames] (a table, line 1)"),
            ("[input]\nframes = 1979-05-27", "(a date or time, line 2)"),
            (
                "[input]\nfrmaes = 1",
                "input.frmaes: found a key that no manifest has (line 2), expected one of",
            ),
            ("[input]\nfrmaes = 1", "did you mean \"frames\"?"),
            ("[outputs.scores]\nnom = 'x'", "outputs.scores.nom: found a key that no manifest has (line 2)"),
            ("[input]\nframes = 1\nframes = 2", "line 3: found \"frames = 2\" (duplicate key)"),
            ("a\n[b", "line 1: found \"a\" ("),
        ] {
            let fault = fault(text);
            assert!(fault.contains(words) && fault.starts_with(PATH), "{text}: {fault}");
            assert!(fault.contains("README"), "{fault}");
        }
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_are_taken() {
        let text = "\u{feff}[input]\r\nframes = 16\r\n";
        let document = Document::parse(text.as_bytes(), Path::new(PATH)).unwrap();
        assert_eq!(document.section("input").unwrap().needed("frames", &Whole(1..=64)).unwrap(), 16);
    }
}
