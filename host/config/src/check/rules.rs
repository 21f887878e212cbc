//! Rules of prometheus-adapter, and the discovery of series.

use std::sync::Arc;
use std::time::Duration;

use super::super::flags::{FLAGS_SOURCE, Flags};
use super::super::{valid, written};
use super::Check;
use super::mapping::MAX_QUERY_WORK;
use leadsman_document::{Fault, Severity};
use leadsman_evaluation::Policy;
use leadsman_rules::{FindingSeverity, ResourceRules, Rule, RuleApi, RuleFinding};

/// The default interval between lists of series.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(600);

/// The minimum interval between lists of series.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// The default window of resource metrics.
const DEFAULT_WINDOW: Duration = Duration::from_secs(60);

impl Check<'_> {
    pub(super) fn rules(
        &mut self,
        lists: &[(RuleApi, Vec<(usize, written::Rule)>)],
        resource_rules: Option<&written::ResourceRules>,
        discovery: Option<&written::Discovery>,
        sources: &[String],
        flags: &Flags,
    ) -> Option<Arc<valid::Rules>> {
        let (mut rules, mut faulty) = (Vec::new(), Vec::new());
        for (api, list) in lists {
            let section = match api {
                RuleApi::Custom => "rules",
                RuleApi::External => "externalRules",
            };
            for (at, written) in list {
                let place = format!("/{section}/{at}");
                match self.rule(written, *api, &place) {
                    Some(rule) => rules.push(rule),
                    None => faulty.push(valid::FaultyRule {
                        place,
                        api: *api,
                        series_query: written.series_query.clone(),
                    }),
                }
            }
        }
        let resource_metrics = resource_rules.and_then(|written| self.resource_metrics(written));
        let some = lists.iter().any(|(_, list)| !list.is_empty()) || resource_metrics.is_some();
        let discovery = self.discovery(discovery, some, sources, flags)?;
        some.then(|| Arc::new(valid::Rules { rules, faulty, resource_metrics, discovery }))
    }

    /// A rule, unless it has faults, which do not affect other rules.
    fn rule(&mut self, written: &written::Rule, api: RuleApi, place: &str) -> Option<Rule> {
        let mut is_valid = self.has_no_faults(place);
        let mut report = |key: &str, message: String| {
            is_valid = false;
            self.report(Severity::Part, format!("{place}{key}"), message);
        };
        let rule = Rule::new(written, api, place, &mut report);
        let rule = rule.filter(|_| is_valid)?;
        self.query_work = self.query_work.saturating_add(rule.findings_cost());
        if self.query_work <= MAX_QUERY_WORK {
            self.findings(rule.findings(), place);
        }
        Some(rule)
    }

    /// Whether no fault was reported at a place or below it so far.
    fn has_no_faults(&self, place: &str) -> bool {
        let within = |fault: &Fault| {
            let rest = fault.path.strip_prefix(place);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !self.faults.iter().any(within)
    }

    fn findings(&mut self, findings: Vec<RuleFinding>, place: &str) {
        for RuleFinding { place: key, severity, message } in findings {
            let severity = match severity {
                FindingSeverity::Fault => Severity::Part,
                FindingSeverity::Warning => Severity::Warning,
            };
            self.report(severity, format!("{place}{key}"), message);
        }
    }

    fn resource_metrics(
        &mut self,
        written: &written::ResourceRules,
    ) -> Option<valid::ResourceMetricsRules> {
        // An empty section, as in examples.
        if written.cpu.is_none() && written.memory.is_none() {
            return None;
        }
        let place = "/resourceRules";
        let window = written.window.as_deref();
        let window = self.duration(window, DEFAULT_WINDOW, &format!("{place}/window"));
        let is_valid = self.has_no_faults(place);
        let mut report = |key: &str, message: String| {
            self.report(Severity::Part, format!("{place}{key}"), message);
        };
        let rules = ResourceRules::new(written, place, &mut report).filter(|_| is_valid)?;
        self.findings(rules.findings(), place);
        Some(valid::ResourceMetricsRules { rules, window })
    }

    fn discovery(
        &mut self,
        written: Option<&written::Discovery>,
        used: bool,
        sources: &[String],
        flags: &Flags,
    ) -> Option<valid::Discovery> {
        let default = written::Discovery::default();
        let written = written.unwrap_or(&default);
        let source = match (&written.source, sources) {
            (Some(source), _) => {
                self.known(source, sources, "/discovery/source");
                source.clone()
            }
            (None, [only]) => only.clone(),
            (None, several) if several.iter().any(|source| source == FLAGS_SOURCE) => {
                FLAGS_SOURCE.to_owned()
            }
            (None, []) if used => {
                // A file of prometheus-adapter cannot name one; that fault is reported already.
                if !self.lacks_prometheus {
                    let message = "rules need a source: name a Prometheus here, or with \
                                   --prometheus-url";
                    self.fault("/sources", message);
                }
                return None;
            }
            (None, _) if used => {
                let message = "there are several sources; say with `discovery.source` which one \
                               the rules are for";
                self.fault("/discovery", message);
                return None;
            }
            (None, _) => return None,
        };
        let max_age = written.max_age.as_deref();
        let max_age =
            max_age.map(|age| self.duration(Some(age), DEFAULT_INTERVAL, "/discovery/maxAge"));
        let max_age = max_age.or(flags.max_age);
        // With only a maximum age set, the interval must not exceed it.
        let usual =
            max_age.map_or(DEFAULT_INTERVAL, |age| age.clamp(MIN_INTERVAL, DEFAULT_INTERVAL));
        let place = "/discovery/interval";
        let interval = flags.relist_interval.unwrap_or(usual);
        let interval = self.duration(written.interval.as_deref(), interval, place);
        if interval < MIN_INTERVAL {
            self.fault(place, "must be at least 1s");
        }
        let max_age = max_age.unwrap_or(interval);
        if max_age < interval {
            let (place, message) = match (&written.max_age, &written.interval) {
                (Some(_), _) => ("/discovery/maxAge", "must not be less than the interval"),
                (None, Some(_)) => (place, "must not be more than --metrics-max-age"),
                (None, None) => {
                    ("", "--metrics-max-age must not be less than --metrics-relist-interval")
                }
            };
            self.fault(place, format!("{message}: series would come and go"));
        }
        let deadline = Policy::default().deadline;
        let deadline = self.duration(written.deadline.as_deref(), deadline, "/discovery/deadline");
        if deadline > Duration::from_secs(30) {
            self.fault("/discovery/deadline", "must be at most 30s");
        }
        let exact_queries = written.exact_queries || flags.exact_queries;
        let on_nan = self.on_nan(written.on_nan, "/discovery/onNaN");
        let on_several = written.on_several.or(flags.on_several).unwrap_or_default();
        Some(valid::Discovery {
            source,
            interval,
            max_age,
            deadline,
            exact_queries,
            on_nan,
            on_several,
        })
    }
}
