//! The class names of a model and which of them are background.

use std::{collections::HashMap, path::Path, sync::Arc};

use super::limits;
use crate::{
    error::Error,
    wording::{nearest, quote},
};

/// Class names in the order of the model's scores.
#[derive(Debug, Clone)]
pub struct Labels {
    names: Vec<Arc<str>>,
    background: Vec<bool>,
}

impl Labels {
    /// Labels from a list; `origin` is the file that errors name.
    ///
    /// # Errors
    /// When there is none or too many, one is empty, long, double or has control characters, or a background
    /// name is no label or leaves no action.
    pub fn new(names: Vec<String>, background: &[String], origin: &Path) -> Result<Self, Error> {
        if names.is_empty() {
            return Err(Error::contents(origin, "labels", "none", "a label for each class"));
        }
        if names.len() > limits::LABELS {
            let found = names.len().to_string();
            return Err(Error::contents(origin, "labels", found, format!("at most {}", limits::LABELS)));
        }
        let mut first = HashMap::new();
        for (id, name) in names.iter().enumerate() {
            let subject = || format!("label {} of {}", id + 1, names.len());
            let found = || quote(name);
            if name.trim().is_empty() {
                return Err(Error::contents(
                    origin,
                    subject(),
                    "nothing",
                    "a name: fill it in or take it out",
                ));
            }
            if name.chars().count() > limits::NAME || name.contains(|letter: char| letter.is_control()) {
                let expected =
                    format!("at most {} characters, none of them a control character: mend it", limits::NAME);
                return Err(Error::contents(origin, subject(), found(), expected));
            }
            if let Some(other) = first.insert(name, id) {
                let found = format!("{}, which is label {} too", found(), other + 1);
                return Err(Error::contents(origin, subject(), found, "a name of its own for each class"));
            }
        }
        if let Some(name) = background.iter().find(|name| !names.contains(name)) {
            let near = nearest(name, names.iter().map(String::as_str));
            let near = near.map_or(String::new(), |near| format!(", such as {}", quote(near)));
            return Err(Error::contents(
                origin,
                "labels.background",
                format!("{}, which is no label", quote(name)),
                format!("names out of the labels{near}"),
            ));
        }
        let background: Vec<bool> = names.iter().map(|name| background.contains(name)).collect();
        if !background.contains(&false) {
            let expected = "at least one label that is an action: leave it out of labels.background";
            return Err(Error::contents(origin, "labels.background", "every label", expected));
        }
        Ok(Self { names: names.into_iter().map(Arc::from).collect(), background })
    }

    /// Splits the text of a labels file into names, one a line. Blank lines at the end are left out.
    ///
    /// # Errors
    /// When the bytes are not UTF-8, with the line and byte at fault.
    pub fn read(bytes: &[u8], path: &Path) -> Result<Vec<String>, Error> {
        let text = std::str::from_utf8(bytes).map_err(|fault| {
            let at = fault.valid_up_to();
            let line = bytes[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
            let found = match bytes {
                [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "UTF-16 text".to_owned(),
                _ => format!("byte 0x{:02x}, which is not UTF-8", bytes[at]),
            };
            Error::contents(
                path,
                format!("line {line}"),
                found,
                "UTF-8 text, one label a line: save it as UTF-8",
            )
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Ok(text.trim_end().lines().map(|line| line.trim().to_owned()).collect())
    }

    /// Number of classes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no class; never true for labels that were made.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The name of a class.
    #[must_use]
    pub fn name(&self, id: usize) -> Option<&Arc<str>> {
        self.names.get(id)
    }

    /// Whether a class is no action.
    #[must_use]
    pub fn is_background(&self, id: usize) -> bool {
        self.background.get(id).copied().unwrap_or(false)
    }

    /// Whether any class is background.
    #[must_use]
    pub fn has_background(&self) -> bool {
        self.background.contains(&true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_encodings_are_named() {
        let path = Path::new("labels.txt");
        let fault = Labels::read(b"pike\nna\xefve\n", path).unwrap_err().to_string();
        assert!(fault.contains("labels.txt: line 2: found byte 0xef"), "{fault}");
        let fault = Labels::read(b"\xff\xfep\0", path).unwrap_err().to_string();
        assert!(fault.contains("UTF-16"), "{fault}");
        assert_eq!(Labels::read("\u{feff}a\r\nb\n\n".as_bytes(), path).unwrap(), ["a", "b"]);
    }

    #[test]
    fn names_that_cannot_be_are_refused() {
        let path = Path::new("labels.txt");
        let long = "x".repeat(limits::NAME + 1);
        for (names, words) in [
            (&[][..], "labels: found none"),
            (&["pike", " ", "tuck"], "label 2 of 3: found nothing"),
            (&["pike", "tuck", "pike"], "label 3 of 3: found \"pike\", which is label 1 too"),
            (&["pike", "tu\0ck"], "label 2 of 2: found \"tu\\0ck\""),
            (&[long.as_str()], "at most 500 characters"),
        ] {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let fault = Labels::new(names, &[], path).unwrap_err().to_string();
            assert!(fault.contains(words) && fault.starts_with("labels.txt"), "{fault}");
        }
        let many = (0..=limits::LABELS).map(|id| id.to_string()).collect();
        let fault = Labels::new(many, &[], path).unwrap_err().to_string();
        assert!(fault.contains("labels: found 65537, expected at most 65536"), "{fault}");
        let fault = Labels::new(vec!["pike".into()], &["pike".into()], path).unwrap_err().to_string();
        assert!(fault.contains("found every label"), "{fault}");
    }

    #[test]
    fn a_background_that_is_no_label_is_refused() {
        let fault = Labels::new(
            vec!["pike".into(), "background".into()],
            &["backgruond".into()],
            Path::new("m.toml"),
        )
        .unwrap_err()
        .to_string();
        assert!(fault.contains("backgruond") && fault.contains("such as \"background\""), "{fault}");
    }
}
