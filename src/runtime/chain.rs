//! The property `providers`: which execution providers to try, in which order.

use std::fmt;

use super::{
    Library,
    provider::{PROVIDERS, Provider, names},
};
use crate::{
    error::Error,
    wording::{nearest, quote},
};

/// The word for all that the library has.
const AUTO: &str = "auto";

/// A provider, and which kind of device where it has several.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Choice {
    /// The provider.
    pub provider: Provider,
    /// The device in the provider's own words, such as `GPU.1`.
    pub target: Option<String>,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.provider.name())?;
        self.target.as_ref().map_or(Ok(()), |target| write!(f, ":{target}"))
    }
}

impl From<Provider> for Choice {
    fn from(provider: Provider) -> Self {
        Self { provider, target: None }
    }
}

/// The providers to try.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Chain {
    /// What the library was built with, best first, the CPU last.
    Auto,
    /// These, in this order.
    Named(Vec<Choice>),
}

impl Chain {
    /// Reads the value of the property.
    ///
    /// # Errors
    /// When a name is unknown, empty or there twice, or `auto` is not alone.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.trim() == AUTO {
            return Ok(Self::Auto);
        }
        let mut choices = Vec::new();
        for word in text.split(',').map(str::trim) {
            let choice = parse_choice(word)?;
            if choices.contains(&choice) {
                return Err(fault(format!("{choice} twice"), "each provider once"));
            }
            choices.push(choice);
        }
        Ok(Self::Named(choices))
    }

    /// The providers to try, in order, with a library.
    #[must_use]
    pub fn choices(&self, library: &Library) -> Vec<Choice> {
        match self {
            Self::Auto => {
                let automatic = library.providers().into_iter().filter(|provider| provider.row().automatic);
                automatic.map(Choice::from).collect()
            }
            Self::Named(choices) => choices.clone(),
        }
    }
}

fn parse_choice(word: &str) -> Result<Choice, Error> {
    let (name, target) = word.split_once(':').map_or((word, None), |(name, target)| (name, Some(target)));
    let Some(row) = PROVIDERS.iter().find(|row| row.name == name) else {
        let all = names(PROVIDERS.iter().map(|row| row.provider));
        let lower = name.to_lowercase();
        let near = nearest(&lower, PROVIDERS.iter().map(|row| row.name).chain([AUTO]));
        let near = near.filter(|_| !name.is_empty() && name != AUTO);
        let near = near.map_or(String::new(), |near| format!("; did you mean {near:?}?"));
        let expected = format!("names out of {all} with commas between them, or {AUTO} alone{near}");
        return Err(fault(quote(word), expected));
    };
    let Some(target) = target else { return Ok(row.provider.into()) };
    if row.provider != Provider::OpenVino {
        let expected = format!("{name} alone; the property device takes the number of a GPU");
        return Err(fault(quote(word), expected));
    }
    let sound = !target.is_empty()
        && target.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | ':' | '_'));
    if !sound {
        return Err(fault(quote(word), "a device of OpenVINO after the colon, such as openvino:GPU"));
    }
    Ok(Choice { provider: row.provider, target: Some(target.to_uppercase()) })
}

fn fault(found: String, expected: impl Into<String>) -> Error {
    Error::Property { name: "providers", found, expected: expected.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_in_their_order() {
        let chain = |text: &str| match Chain::parse(text).unwrap() {
            Chain::Auto => "auto".to_owned(),
            Chain::Named(choices) => choices.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        };
        assert_eq!(chain(" auto "), "auto");
        assert_eq!(chain("tensorrt,cuda, cpu"), "tensorrt cuda cpu");
        assert_eq!(
            chain("openvino:gpu.1,openvino:NPU,openvino,cpu"),
            "openvino:GPU.1 openvino:NPU openvino cpu"
        );
        for row in PROVIDERS {
            assert_eq!(chain(row.name), row.name);
        }
    }

    #[test]
    fn what_is_no_chain_is_told_with_the_nearest_name() {
        for (text, words) in [
            ("", "found \"\", expected names out of tensorrt, cuda"),
            ("cuda,,cpu", "found \"\", expected names"),
            ("cdua", "found \"cdua\""),
            ("cdua", "did you mean \"cuda\"?"),
            ("cpu,TensorrtExecutionProvider", "did you mean \"tensorrt\"?"),
            ("CUDA", "did you mean \"cuda\"?"),
            ("cuda,auto", "found \"auto\", expected names out of"),
            ("cuda,cpu,cuda", "found cuda twice, expected each"),
            ("cuda:1", "found \"cuda:1\", expected cuda alone; the property device"),
            ("openvino:", "found \"openvino:\", expected a device of OpenVINO"),
            ("openvino:a b", "such as openvino:GPU"),
        ] {
            let fault = Chain::parse(text).unwrap_err().to_string();
            assert!(fault.starts_with("property providers: ") && fault.contains(words), "{text}: {fault}");
        }
    }
}
