//! Which actions pass.

/// What parts the patterns.
const SEPARATOR: char = ';';

/// What stands for any text in a pattern.
const ANY: char = '*';

/// Actions by label and score.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Filter {
    patterns: Vec<String>,
    min_score: f32,
}

impl Filter {
    /// Labels with `;` between them, in which `*` stands for any text; none for all. Scores are 0..1.
    #[must_use]
    pub fn new(labels: &str, min_score: f32) -> Self {
        let patterns = labels.split(SEPARATOR).map(str::trim).filter(|pattern| !pattern.is_empty());
        Self { patterns: patterns.map(str::to_owned).collect(), min_score }
    }

    /// Whether an action with this label and score passes.
    #[must_use]
    pub fn lets(&self, label: &str, score: f32) -> bool {
        score >= self.min_score
            && (self.patterns.is_empty() || self.patterns.iter().any(|pattern| fits(pattern, label)))
    }
}

/// Whether the pattern stands for the text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split(ANY);
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_labels() {
        for (pattern, text, fit) in [
            ("pike", "pike", true),
            ("pike", "pikes", false),
            ("*", "", true),
            ("Back*", "Back+25som", true),
            ("Back*PIKE", "Back+25som+PIKE", true),
            ("Back*PIKE", "Back+25som+PIKE+1", false),
            ("*25*som*", "Back+25som", true),
            ("*som*25*", "Back+25som", false),
            ("ab*ba", "aba", false),
            ("ü*", "übung", true),
        ] {
            assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
        }
    }

    #[test]
    fn labels_and_score_both_have_to_fit() {
        let filter = Filter::new(" Back* ;tuck; ", 0.5);
        assert!(filter.lets("Back+1", 0.5) && filter.lets("tuck", 1.0));
        assert!(!filter.lets("Back+1", 0.49) && !filter.lets("Inward", 1.0));
        assert!(Filter::default().lets("anything", 0.0) && Filter::new(" ; ", 0.0).lets("anything", 0.0));
    }
}
