//! What rules do not give, and why: for reads of metrics that are not there.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::listing::SeriesIndex;
use leadsman_config::valid;
use leadsman_provider::snapshot::{RuleGap, RuleGaps, Undecided};
use leadsman_rules::{CatalogEntry, NoMetricReason, Resolve, Rule, RuleApi, Unserved};

/// How many names are known by why rules leave them out. A rule for all series that takes few has
/// more.
const MAX_NAMES: usize = 10_000;

/// How many reasons are kept for one name.
const MAX_REASONS: usize = 3;

/// The gaps of rules under construction.
pub(super) struct Gathering<'a> {
    rules: &'a valid::Rules,
    names: HashMap<String, Vec<Reason>>,
}

struct Reason {
    gap: RuleGap,
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
            NoMetricReason::Hidden { .. } => return,
            NoMetricReason::NoNamespace { .. } | NoMetricReason::NoObject(_) => true,
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
    pub(super) fn end(
        mut self,
        listed: &SeriesIndex,
        resolve: &Resolve<'_>,
        entries: &[CatalogEntry],
    ) -> Arc<RuleGaps> {
        let given: HashSet<_> =
            entries.iter().map(|entry| (entry.metric.as_str(), entry.resource.is_none())).collect();
        self.names.retain(|name, reasons| {
            reasons.retain(|Reason { gap, of_objects }| {
                *of_objects || !given.contains(&(name.as_str(), gap.external))
            });
            !reasons.is_empty()
        });
        let gaps = |reasons: Vec<Reason>| reasons.into_iter().map(|reason| reason.gap).collect();
        let metrics = self.names.into_iter().map(|(name, of)| (name, gaps(of))).collect();
        let mut gaps = RuleGaps { metrics, ..RuleGaps::default() };
        let unlisted = |rule: &Rule, message| undecided(rule, resolve, message);
        for rule in &self.rules.rules {
            let (query, title) = (&rule.series_query, rule.title());
            match (listed.fault(query), listed.seen(query)) {
                (Some(fault), _) => gaps.unlisted.push(unlisted(rule, format!("{title}: {fault}"))),
                (None, _) if !listed.was_asked(query) => {
                    let message = format!("{title}: they are being listed for the first time");
                    gaps.unlisted.push(unlisted(rule, message));
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

/// The gaps of rules that are not served yet, for this reason.
pub(super) fn unloaded(rules: &valid::Rules, resolve: &Resolve<'_>, why: &str) -> Arc<RuleGaps> {
    let unloaded = |rule: &Rule| undecided(rule, resolve, format!("{}: {why}", rule.title()));
    let unloaded = rules.rules.iter().map(unloaded).collect();
    Arc::new(RuleGaps { unloaded, ..RuleGaps::default() })
}

fn undecided(rule: &Rule, resolve: &Resolve<'_>, message: String) -> Undecided {
    Undecided { gap: gap(rule, message), may_give: rule.may_give(resolve) }
}

fn gap(rule: &Rule, message: String) -> RuleGap {
    RuleGap { external: rule.api == RuleApi::External, message }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use leadsman_model::values::OnNan;
    use leadsman_provider::snapshot::{NotGiven, ReadKind};
    use leadsman_rules::{Catalog, ListedSeries, OnSeveral, resolver};

    const PODS: ReadKind<'_> = ReadKind::Custom("pods");

    const RULE: &str = r#"{
        "seriesQuery": "QUERY",
        "seriesFilters": [{"isNot": "^hidden_"}],
        "resources": {"overrides": {"pod": {"resource": "pod"}, "ns": {"resource": "namespace"}}},
        "metricsQuery": "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)"
    }"#;

    fn rules(queries: &[&str]) -> valid::Rules {
        let rule = |(at, query): (usize, &&str)| {
            let written = serde_json::from_str(&RULE.replace("QUERY", query)).unwrap();
            let place = format!("/rules/{at}");
            Rule::new(&written, RuleApi::Custom, &place, &mut |_, fault| panic!("{fault}")).unwrap()
        };
        valid::Rules {
            rules: queries.iter().enumerate().map(rule).collect(),
            faulty: Vec::new(),
            resource_metrics: None,
            discovery: valid::Discovery {
                source: "prometheus".to_owned(),
                interval: Duration::from_secs(60),
                max_age: Duration::from_secs(60),
                deadline: Duration::from_secs(1),
                exact_queries: false,
                on_nan: OnNan::Refuse,
                on_several: OnSeveral::Refuse,
            },
        }
    }

    fn seen(series: &[(&str, &[&str])]) -> ListedSeries {
        let labels = |labels: &[&str]| labels.iter().map(|label| (*label).into()).collect();
        series.iter().map(|(name, of)| ((*name).into(), labels(of))).collect()
    }

    /// The gaps of rules whose lists were answered so.
    fn gaps(lists: &[(&str, Option<Result<ListedSeries, &str>>)]) -> Arc<RuleGaps> {
        let queries: Vec<_> = lists.iter().map(|(query, _)| *query).collect();
        let (rules, mut listed) = (rules(&queries), SeriesIndex::default());
        for (query, answer) in lists {
            if let Some(answer) = answer {
                listed.answered(query, answer.clone().map_err(str::to_owned));
            }
        }
        let mut gathering = Gathering::new(&rules);
        let resolve = resolver(&[]);
        let found = |query: &str| listed.seen(query);
        let catalog =
            Catalog::new(&rules.rules, found, &resolve, &mut |unserved| gathering.add(&unserved));
        gathering.end(&listed, &resolve, &catalog.entries)
    }

    fn left_out(gaps: &RuleGaps, metric: &str) -> String {
        match gaps.of(metric, PODS) {
            NotGiven::LeftOut(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_series_that_gives_no_metric_is_known_by_its_name() {
        let all = seen(&[("hidden_a", &["pod", "ns"]), ("b", &["job"]), ("c", &["pod", "ns"])]);
        let gaps = gaps(&[("all", Some(Ok(all)))]);
        assert!(
            left_out(&gaps, "hidden_a").contains("rules[0]: the series hidden_a: the rule leaves")
        );
        assert!(left_out(&gaps, "b").ends_with("none of its labels names an object: job"));
        assert_eq!(gaps.of("c", PODS), NotGiven::Unknown, "it is given");
    }

    #[test]
    fn lists_that_failed_or_are_empty_are_told() {
        let gaps = gaps(&[("a", Some(Err("down"))), ("b", Some(Ok(seen(&[])))), ("c", None)]);
        let unlisted = |metric: &str| gaps.of(metric, PODS);
        assert_eq!(unlisted("a"), NotGiven::Unlisted("rules[0]: down".to_owned()));
        let first = "rules[2]: they are being listed for the first time";
        assert_eq!(unlisted("c"), NotGiven::Unlisted(first.to_owned()));
        let empty = "rules[1]: b had no series in the last 60s";
        assert_eq!(unlisted("b"), NotGiven::NoSeries(empty.to_owned()));
        let external = gaps.of("a", ReadKind::External);
        assert_eq!(external, NotGiven::Unknown, "they are rules of custom metrics");
    }

    #[test]
    fn names_are_bounded() {
        let names: Vec<_> = (0..MAX_NAMES + 10).map(|number| format!("hidden_{number}")).collect();
        let all: Vec<(&str, &[&str])> = names.iter().map(|name| (name.as_str(), &[][..])).collect();
        let gaps = gaps(&[("all", Some(Ok(seen(&all))))]);
        assert_eq!(gaps.metrics.len(), MAX_NAMES);
    }
}
