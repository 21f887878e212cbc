//! What rules do not give, and why: for reads of metrics that are not there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::listing::Listed;
use leadsman_config::valid;
use leadsman_provider::snapshot::{Gap, RuleGaps};
use leadsman_rules::{Api, Offered, Rule, Unserved, Why};

/// How many names are known by why rules leave them out. A rule for all series that takes few has
/// more.
const MAX_NAMES: usize = 10_000;

/// How many reasons are kept for one name.
const MAX_REASONS: usize = 3;

/// The gaps of rules in the making.
pub(super) struct Gathering<'a> {
    rules: &'a valid::Rules,
    names: HashMap<String, Vec<Reason>>,
}

struct Reason {
    gap: Gap,
    /// Whether the metric may be given for other objects all the same.
    of_objects: bool,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(rules: &'a valid::Rules) -> Self {
        Self { rules, names: HashMap::new() }
    }

    /// A series gives no metric.
    pub(super) fn add(&mut self, unserved: &Unserved) {
        let Some(rule) = self.rules.rules.get(unserved.rule) else { return };
        let of_objects = match &unserved.why {
            // Another series gives the metric.
            Why::Hidden { .. } => return,
            Why::NoNamespace { .. } | Why::NoObject(_) => true,
            _ => false,
        };
        let metric = unserved.metric.as_ref().map(|metric| metric.as_str());
        let series = &*unserved.series;
        let names = metric.filter(|metric| *metric != series).into_iter().chain([series]);
        for name in names {
            if self.names.len() >= MAX_NAMES && !self.names.contains_key(name) {
                return;
            }
            let gaps = self.names.entry(name.to_owned()).or_default();
            if gaps.len() < MAX_REASONS {
                let message = format!("{}: the series {series}: {}", rule.title(), unserved.why);
                gaps.push(Reason { gap: gap(rule, message), of_objects });
            }
        }
    }

    /// All of them, without what is given after all.
    pub(super) fn end(mut self, listed: &Listed, offered: &[Offered]) -> Arc<RuleGaps> {
        let given: HashSet<_> = offered
            .iter()
            .map(|offered| (offered.metric.as_str(), offered.resource.is_none()))
            .collect();
        self.names.retain(|name, reasons| {
            reasons.retain(|Reason { gap, of_objects }| {
                *of_objects || !given.contains(&(name.as_str(), gap.external))
            });
            !reasons.is_empty()
        });
        let gaps = |reasons: Vec<Reason>| reasons.into_iter().map(|reason| reason.gap).collect();
        let metrics = self.names.into_iter().map(|(name, of)| (name, gaps(of))).collect();
        let mut gaps = RuleGaps { metrics, ..RuleGaps::default() };
        for rule in &self.rules.rules {
            let (query, title) = (&rule.series_query, rule.title());
            match (listed.fault(query), listed.seen(query)) {
                (Some(fault), _) => gaps.unlisted.push(gap(rule, format!("{title}: {fault}"))),
                (None, _) if !listed.was_asked(query) => {
                    let message = format!("{title}: they are being listed for the first time");
                    gaps.unlisted.push(gap(rule, message));
                }
                (None, seen) if seen.is_none_or(|seen| seen.is_empty()) => {
                    let age = self.rules.discovery.max_age;
                    let message = format!("{title}: {query} had no series in the last {age:?}");
                    gaps.empty.push(gap(rule, message));
                }
                (None, _) => {}
            }
        }
        Arc::new(gaps)
    }
}

fn gap(rule: &Rule, message: String) -> Gap {
    Gap { external: rule.api == Api::External, message }
}
