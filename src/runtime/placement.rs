//! Which execution providers ran the nodes of a graph, read from ONNX Runtime's profile of a run.
//!
//! ONNX Runtime puts nodes that a provider does not take on the next one and says nothing. Its profile names, for
//! each node that ran, the provider that ran it. A provider that compiles counts a whole part of the graph as one node.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Deserialize;

use super::provider::{PROVIDERS, Provider};

/// Number of nodes that ran on each provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Placement(BTreeMap<String, usize>);

#[derive(Deserialize)]
struct Event {
    #[serde(default)]
    name: String,
    #[serde(default)]
    args: Args,
}

#[derive(Default, Deserialize)]
struct Args {
    provider: Option<String>,
}

impl Placement {
    /// Reads a profile: a JSON array of events, in which those of nodes name a provider.
    ///
    /// # Errors
    /// When it is not such an array.
    pub fn parse(profile: &str) -> Result<Self, String> {
        let events: Vec<Event> = serde_json::from_str(profile).map_err(|fault| fault.to_string())?;
        let nodes: BTreeSet<(String, String)> = events
            .into_iter()
            .filter_map(|event| Some((event.args.provider.filter(|name| !name.is_empty())?, event.name)))
            .collect();
        let mut placement = Self::default();
        for (provider, _) in nodes {
            *placement.0.entry(provider).or_default() += 1;
        }
        Ok(placement)
    }

    /// Adds the nodes of another graph.
    pub fn add(&mut self, other: Self) {
        for (provider, nodes) in other.0 {
            *self.0.entry(provider).or_default() += nodes;
        }
    }

    /// Number of nodes that ran on a provider.
    #[must_use]
    pub fn on(&self, provider: Provider) -> usize {
        self.0.get(provider.row().runtime).copied().unwrap_or(0)
    }

    /// Number of nodes that ran.
    #[must_use]
    pub fn all(&self) -> usize {
        self.0.values().sum()
    }
}

/// As in `cuda 96, cpu 4`.
impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = |name: &str| PROVIDERS.iter().position(|row| row.runtime == name);
        let mut each: Vec<_> = self.0.iter().map(|(name, nodes)| (place(name), name, nodes)).collect();
        each.sort_by_key(|(place, ..)| place.unwrap_or(PROVIDERS.len()));
        for (number, (place, name, nodes)) in each.into_iter().enumerate() {
            let name = place.map_or(name.as_str(), |place| PROVIDERS[place].name);
            write!(f, "{}{name} {nodes}", if number == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_counts_once_where_it_ran() {
        let profile = r#"[
            {"cat":"Session","name":"model_run","args":{}},
            {"cat":"Node","name":"a_kernel_time","args":{"provider":"CPUExecutionProvider","op_name":"Cast"}},
            {"cat":"Node","name":"a_kernel_time","args":{"provider":"CPUExecutionProvider","op_name":"Cast"}},
            {"cat":"Node","name":"b_kernel_time","args":{"provider":"CUDAExecutionProvider"}},
            {"cat":"Node","name":"c_kernel_time","args":{"provider":"CUDAExecutionProvider"}},
            {"cat":"Node","name":"d_fence_before","args":{"provider":""}},
            {"cat":"Node","name":"e_kernel_time","args":{"provider":"NewExecutionProvider"}},
            {"name":"without_args"}
        ]"#;
        let mut placement = Placement::parse(profile).unwrap();
        assert_eq!(placement.to_string(), "cuda 2, cpu 1, NewExecutionProvider 1");
        assert_eq!(
            (placement.on(Provider::Cuda), placement.on(Provider::TensorRt), placement.all()),
            (2, 0, 4)
        );
        placement.add(Placement::parse(profile).unwrap());
        assert_eq!(placement.to_string(), "cuda 4, cpu 2, NewExecutionProvider 2");
    }

    #[test]
    fn what_is_no_profile_is_told() {
        for text in ["", "{}", "[{]", "[{\"args\": 1}]"] {
            assert!(Placement::parse(text).is_err(), "{text}");
        }
        assert_eq!(Placement::parse("[]").unwrap().to_string(), "");
    }
}
