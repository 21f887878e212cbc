//! What rules do not give, and why: for reads of metrics that are not in the table.

use std::collections::HashMap;

use super::ReadKind;
use leadsman_rules::MayGive;

/// How many reasons of one kind a message names.
const MAX_SHOWN: usize = 3;

/// What is known of metrics that rules do not give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleGaps {
    /// The rules that are not served yet: the plugins that rules run are not loaded.
    pub unloaded: Vec<Undecided>,
    /// The rules whose series are not known: the list failed, or has not ended yet.
    pub unlisted: Vec<Undecided>,
    /// The rules that no series was listed for.
    pub empty: Vec<RuleGap>,
    /// Why series give no metric, by the name that the metric would have, or by that of the series.
    pub metrics: HashMap<String, Vec<RuleGap>>,
}

/// A rule that does not give a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleGap {
    /// Whether it is a rule of external metrics.
    pub external: bool,
    /// Which rule, and why, for people.
    pub message: String,
}

/// A rule of which it is not known what it gives, and what it may give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecided {
    /// The rule.
    pub gap: RuleGap,
    /// What it may give.
    pub may_give: MayGive,
}

/// Why no rule gives a metric.
#[derive(Debug, PartialEq, Eq)]
pub enum NotGiven {
    /// Rules may give it, and are not served yet.
    Unloaded(String),
    /// Series could not be listed, so it is not known whether one does.
    Unlisted(String),
    /// Rules leave it out.
    LeftOut(String),
    /// Rules have no series.
    NoSeries(String),
    /// Series could not be listed, and whichever there are, their rules give other metrics.
    Others(String),
    /// There is nothing to say: there are no rules, or they are for other series.
    Unknown,
}

impl RuleGaps {
    /// Why no rule gives this metric as it is wanted.
    pub fn of(&self, metric: &str, wanted: ReadKind<'_>) -> NotGiven {
        let (external, kind) = match wanted {
            ReadKind::External => (true, None),
            ReadKind::Custom(kind) => (false, Some(kind)),
            ReadKind::Resource(_) => return NotGiven::Unknown,
        };
        let reported = |gaps: &mut dyn Iterator<Item = &RuleGap>| {
            let mut gaps: Vec<_> =
                gaps.filter(|gap| gap.external == external).map(|gap| &*gap.message).collect();
            gaps.dedup();
            let more = match gaps.len().saturating_sub(MAX_SHOWN) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            gaps.truncate(MAX_SHOWN);
            (!gaps.is_empty()).then(|| format!("{}{more}", gaps.join("; ")))
        };
        let may_give = |rule: &&Undecided| rule.may_give.is(metric, kind);
        let unloaded = self.unloaded.iter().filter(may_give);
        if let Some(unloaded) = reported(&mut unloaded.map(|rule| &rule.gap)) {
            return NotGiven::Unloaded(unloaded);
        }
        let known = self.metrics.get(metric).and_then(|gaps| reported(&mut gaps.iter()));
        let unlisted = self.unlisted.iter().filter(may_give);
        if let Some(unlisted) = reported(&mut unlisted.map(|rule| &rule.gap)) {
            let known = known.map_or_else(String::new, |known| format!("; {known}"));
            return NotGiven::Unlisted(format!("{unlisted}{known}"));
        }
        let others = || reported(&mut self.unlisted.iter().map(|rule| &rule.gap));
        match (known, reported(&mut self.empty.iter())) {
            (Some(known), _) => NotGiven::LeftOut(known),
            (None, Some(empty)) => NotGiven::NoSeries(empty),
            (None, None) => others().map_or(NotGiven::Unknown, NotGiven::Others),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_rules::{Rule, RuleApi, resolver, written};
    use serde_json::json;

    fn gap(external: bool, message: &str) -> RuleGap {
        RuleGap { external, message: message.to_owned() }
    }

    /// A rule for all series whose names match this, or for this one.
    fn undecided(gap: RuleGap, series_query: &str) -> Undecided {
        let rule = json!({
            "seriesQuery": series_query,
            "metricsQuery": "<<.Series>>{<<.LabelMatchers>>}",
            "resources": {"overrides": {"pod": {"resource": "pod"}}},
        });
        let rule: written::Rule = serde_json::from_value(rule).unwrap();
        let api = if gap.external { RuleApi::External } else { RuleApi::Custom };
        let rule = Rule::new(&rule, api, "/rules/0", &mut |_, what| panic!("{what}")).unwrap();
        Undecided { gap, may_give: rule.may_give(&resolver(&[])) }
    }

    #[test]
    fn a_list_that_failed_comes_before_what_is_known() {
        let mut gaps = RuleGaps::default();
        let pods = ReadKind::Custom("pods");
        assert_eq!(gaps.of("a", pods), NotGiven::Unknown);
        gaps.unlisted.push(undecided(gap(false, "other"), "x"));
        assert_eq!(gaps.of("a", pods), NotGiven::Others("other".into()));
        assert_eq!(gaps.of("x", pods), NotGiven::Unlisted("other".into()));
        gaps.empty.push(gap(false, "rules[1] has no series"));
        assert_eq!(gaps.of("a", pods), NotGiven::NoSeries("rules[1] has no series".into()));
        assert_eq!(gaps.of("a", ReadKind::External), NotGiven::Unknown, "of the other API");
        gaps.metrics.insert("a".into(), vec![gap(false, "rules[0] filters it")]);
        assert_eq!(gaps.of("a", pods), NotGiven::LeftOut("rules[0] filters it".into()));
        gaps.unlisted.push(undecided(gap(false, "down"), "{__name__=~\"a|b\"}"));
        assert_eq!(gaps.of("a", pods), NotGiven::Unlisted("down; rules[0] filters it".into()));
        assert_eq!(gaps.of("b", ReadKind::Custom("pod")), NotGiven::Unlisted("down".into()));
        let services = gaps.of("b", ReadKind::Custom("services"));
        assert_eq!(services, NotGiven::NoSeries("rules[1] has no series".into()));
    }

    #[test]
    fn rules_that_are_not_loaded_come_before_all_that_is_known() {
        let unloaded = vec![undecided(gap(false, "loading"), "x")];
        let unlisted = vec![undecided(gap(false, "down"), "x"), undecided(gap(false, "down"), "y")];
        let gaps = RuleGaps { unloaded, unlisted, ..RuleGaps::default() };
        let pods = |metric| gaps.of(metric, ReadKind::Custom("pods"));
        assert_eq!(pods("x"), NotGiven::Unloaded("loading".into()));
        assert_eq!(pods("y"), NotGiven::Unlisted("down".into()), "the rule is for other series");
        assert_eq!(gaps.of("x", ReadKind::Custom("services")), NotGiven::Others("down".into()));
        assert_eq!(gaps.of("x", ReadKind::External), NotGiven::Unknown, "of the other API");
    }

    #[test]
    fn few_of_many_are_told() {
        let rules = (0..5).map(|number| undecided(gap(true, &format!("r{number}")), "a"));
        let gaps = RuleGaps { unlisted: rules.collect(), ..RuleGaps::default() };
        assert_eq!(
            gaps.of("a", ReadKind::External),
            NotGiven::Unlisted("r0; r1; r2; and 2 more".into())
        );
    }
}
