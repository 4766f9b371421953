//! What kinds of values manifest keys take, and how each is told in words.

use std::ops::RangeInclusive;

use toml::de::DeValue;

use super::limits;

/// A kind of value.
pub trait Kind {
    /// What it is read as.
    type Value;

    /// The value, where it is of this kind.
    fn read(&self, value: &DeValue<'_>) -> Option<Self::Value>;

    /// The kind in words, as in "expected ...".
    fn expected(&self) -> String;
}

/// A whole number in a range.
pub struct Whole(pub RangeInclusive<usize>);

impl Kind for Whole {
    type Value = usize;

    fn read(&self, value: &DeValue<'_>) -> Option<usize> {
        let integer = value.as_integer()?;
        let number = usize::from_str_radix(integer.as_str(), integer.radix()).ok()?;
        self.0.contains(&number).then_some(number)
    }

    fn expected(&self) -> String {
        format!("a whole number, {} to {}", self.0.start(), self.0.end())
    }
}

/// True or false.
pub struct Flag;

impl Kind for Flag {
    type Value = bool;

    fn read(&self, value: &DeValue<'_>) -> Option<bool> {
        value.as_bool()
    }

    fn expected(&self) -> String {
        "true or false".to_owned()
    }
}

/// A number in a range.
pub struct Number(pub f64, pub f64);

impl Kind for Number {
    type Value = f64;

    fn read(&self, value: &DeValue<'_>) -> Option<f64> {
        number(value).filter(|number| (self.0..=self.1).contains(number))
    }

    fn expected(&self) -> String {
        format!("a number, {} to {}", self.0, self.1)
    }
}

/// A list of so many finite numbers, each above the bound where there is one.
pub struct Numbers {
    /// How many.
    pub count: usize,
    /// What each has to exceed.
    pub above: Option<f32>,
}

impl Kind for Numbers {
    type Value = Vec<f32>;

    fn read(&self, value: &DeValue<'_>) -> Option<Vec<f32>> {
        let array = value.as_array()?;
        if array.len() != self.count {
            return None;
        }
        let in_range = |number: &f32| number.is_finite() && self.above.is_none_or(|bound| *number > bound);
        array.iter().map(|value| Some(number(value.get_ref())? as f32).filter(in_range)).collect()
    }

    fn expected(&self) -> String {
        let above = self.above.map_or(String::new(), |bound| format!(" above {bound}"));
        format!("a list of {} finite numbers{above}, one a channel", self.count)
    }
}

/// A name: some text without control characters.
pub struct Name;

impl Kind for Name {
    type Value = String;

    fn read(&self, value: &DeValue<'_>) -> Option<String> {
        let text = value.as_str()?;
        let sound = !text.trim().is_empty()
            && text.chars().count() <= limits::NAME
            && !text.contains(|letter: char| letter.is_control());
        sound.then(|| text.to_owned())
    }

    fn expected(&self) -> String {
        format!("text in quotes, 1 to {} characters, none of them a control character", limits::NAME)
    }
}

/// Any text.
pub struct Text(pub &'static str);

impl Kind for Text {
    type Value = String;

    fn read(&self, value: &DeValue<'_>) -> Option<String> {
        value.as_str().map(str::to_owned)
    }

    fn expected(&self) -> String {
        self.0.to_owned()
    }
}

/// The name of a file.
pub struct FileName;

impl Kind for FileName {
    type Value = String;

    fn read(&self, value: &DeValue<'_>) -> Option<String> {
        let name = value.as_str()?;
        (!name.is_empty() && !name.contains('\0')).then(|| name.to_owned())
    }

    fn expected(&self) -> String {
        "the name of a file in quotes, relative to the manifest".to_owned()
    }
}

/// A list of texts.
pub struct Texts;

impl Kind for Texts {
    type Value = Vec<String>;

    fn read(&self, value: &DeValue<'_>) -> Option<Vec<String>> {
        value.as_array()?.iter().map(|value| value.get_ref().as_str().map(str::to_owned)).collect()
    }

    fn expected(&self) -> String {
        "a list of labels in quotes, such as [\"jump\", \"fall\"]".to_owned()
    }
}

/// One of some words.
pub struct Choice<T: 'static>(pub &'static [(&'static str, T)]);

impl<T: Copy> Kind for Choice<T> {
    type Value = T;

    fn read(&self, value: &DeValue<'_>) -> Option<T> {
        let text = value.as_str()?;
        self.0.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice)
    }

    fn expected(&self) -> String {
        let words: Vec<String> = self.0.iter().map(|(word, _)| format!("{word:?}")).collect();
        match words.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(float) => float.as_str().parse().ok(),
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).ok().map(|number| number as f64)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<K: Kind>(kind: &K, text: &str) -> Option<K::Value> {
        kind.read(DeValue::parse(text).unwrap().get_ref())
    }

    #[test]
    fn numbers_are_taken_in_any_spelling_and_within_bounds_only() {
        assert_eq!(read(&Whole(1..=64), "0x10"), Some(16));
        assert_eq!(read(&Whole(1..=64), "1_6"), Some(16));
        for wrong in ["0", "65", "-1", "16.0", "\"16\"", "true", "99999999999999999999999", "1979-05-27"] {
            assert_eq!(read(&Whole(1..=64), wrong), None, "{wrong}");
        }
        assert_eq!(read(&Number(0.5, 60.0), "25"), Some(25.0));
        assert_eq!(read(&Number(0.5, 60.0), "2.5e1"), Some(25.0));
        for wrong in ["0", "-25.0", "nan", "inf", "-inf", "1e999", "\"25\"", "[25]"] {
            assert_eq!(read(&Number(0.5, 60.0), wrong), None, "{wrong}");
        }
        let above = Numbers { count: 2, above: Some(0.0) };
        assert_eq!(read(&above, "[1, 0.5]"), Some(vec![1.0, 0.5]));
        for wrong in ["[1]", "[1, 2, 3]", "[1, 0]", "[1, -1]", "[1, nan]", "[1, 1e300]", "[1, \"2\"]", "1"] {
            assert_eq!(read(&above, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_and_choices_are_told_in_words() {
        assert_eq!(read(&Name, "\"r3d 18\""), Some("r3d 18".to_owned()));
        for wrong in ["\"\"", "\" \"", "\"a\\u0000b\"", "\"a\\nb\"", "18"] {
            assert_eq!(read(&Name, wrong), None, "{wrong}");
        }
        let choice = Choice(&[("a", 1), ("b", 2), ("c", 3)]);
        assert_eq!((read(&choice, "\"b\""), read(&choice, "\"B\"")), (Some(2), None));
        assert_eq!(choice.expected(), "\"a\", \"b\" or \"c\"");
        assert_eq!((read(&Flag, "true"), read(&Flag, "\"true\"")), (Some(true), None));
        assert_eq!(read(&Texts, "[\"a\", 1]"), None);
        assert_eq!(read(&FileName, "\"\""), None);
    }
}
