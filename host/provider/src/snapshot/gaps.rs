//! What rules do not give, and why: for reads of metrics that are not in the table.

use std::collections::HashMap;

/// How many reasons of one kind a message names.
const MAX_TOLD: usize = 3;

/// What is known of metrics that rules do not give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleGaps {
    /// The rules whose series are not known: the list failed, or has not ended yet.
    pub unlisted: Vec<Gap>,
    /// The rules that no series was listed for.
    pub empty: Vec<Gap>,
    /// Why series give no metric, by the name that the metric would have, or by that of the series.
    pub metrics: HashMap<String, Vec<Gap>>,
}

/// A rule that does not give a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Whether it is a rule of external metrics.
    pub external: bool,
    /// Which rule, and why, for people.
    pub message: String,
}

/// Why no rule gives a metric.
#[derive(Debug, PartialEq, Eq)]
pub enum NotGiven {
    /// Series could not be listed, so it is not known whether one does.
    Unlisted(String),
    /// Rules leave it out.
    LeftOut(String),
    /// Rules have no series.
    NoSeries(String),
    /// There is nothing to say: there are no rules, or they are for other series.
    Unknown,
}

impl RuleGaps {
    /// Why no rule gives this metric, in the API of external metrics or in that of custom ones.
    pub fn of(&self, metric: &str, external: bool) -> NotGiven {
        let told = |gaps: &[Gap]| {
            let mut gaps: Vec<_> = gaps
                .iter()
                .filter(|gap| gap.external == external)
                .map(|gap| &*gap.message)
                .collect();
            gaps.dedup();
            let more = match gaps.len().saturating_sub(MAX_TOLD) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            gaps.truncate(MAX_TOLD);
            (!gaps.is_empty()).then(|| format!("{}{more}", gaps.join("; ")))
        };
        let known = self.metrics.get(metric).and_then(|gaps| told(gaps));
        if let Some(unlisted) = told(&self.unlisted) {
            let known = known.map_or_else(String::new, |known| format!("; {known}"));
            return NotGiven::Unlisted(format!("{unlisted}{known}"));
        }
        match (known, told(&self.empty)) {
            (Some(known), _) => NotGiven::LeftOut(known),
            (None, Some(empty)) => NotGiven::NoSeries(empty),
            (None, None) => NotGiven::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(external: bool, message: &str) -> Gap {
        Gap { external, message: message.to_owned() }
    }

    #[test]
    fn a_list_that_failed_comes_before_what_is_known() {
        let mut gaps = RuleGaps::default();
        assert_eq!(gaps.of("a", false), NotGiven::Unknown);
        gaps.empty.push(gap(false, "rules[1] has no series"));
        assert_eq!(gaps.of("a", false), NotGiven::NoSeries("rules[1] has no series".into()));
        assert_eq!(gaps.of("a", true), NotGiven::Unknown, "of the other API");
        gaps.metrics.insert("a".into(), vec![gap(false, "rules[0] filters it")]);
        assert_eq!(gaps.of("a", false), NotGiven::LeftOut("rules[0] filters it".into()));
        gaps.unlisted.push(gap(false, "down"));
        assert_eq!(gaps.of("a", false), NotGiven::Unlisted("down; rules[0] filters it".into()));
        assert_eq!(gaps.of("b", false), NotGiven::Unlisted("down".into()));
    }

    #[test]
    fn few_of_many_are_told() {
        let unlisted = (0..5).map(|number| gap(true, &format!("r{number}"))).collect();
        let gaps = RuleGaps { unlisted, ..RuleGaps::default() };
        assert_eq!(gaps.of("a", true), NotGiven::Unlisted("r0; r1; r2; and 2 more".into()));
    }
}
