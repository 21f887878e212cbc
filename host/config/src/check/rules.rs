//! Rules of prometheus-adapter, and how they find series.

use std::sync::Arc;
use std::time::Duration;

use super::super::flags::{FLAGS_SOURCE, Flags, NO_PROMETHEUS};
use super::super::{valid, written};
use super::Check;
use super::mapping::MAX_QUERY_WORK;
use leadsman_document::{Fault, Severity};
use leadsman_rules::{Api, Finding, Gravity, ResourceRules, Rule};

/// How often series are listed where nothing else is said.
const INTERVAL: Duration = Duration::from_secs(600);

/// Series are listed at most this often.
const FASTEST: Duration = Duration::from_secs(1);

/// The time that uses are an average of where nothing else is said.
const WINDOW: Duration = Duration::from_secs(60);

impl Check<'_> {
    pub(super) fn rules(
        &mut self,
        lists: &[(Api, Vec<(usize, written::Rule)>)],
        resource_rules: Option<&written::ResourceRules>,
        discovery: Option<&written::Discovery>,
        sources: &[String],
        flags: &Flags,
    ) -> Option<Arc<valid::Rules>> {
        let (mut rules, mut faulty) = (Vec::new(), Vec::new());
        for (api, list) in lists {
            let section = match api {
                Api::Custom => "rules",
                Api::External => "externalRules",
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
        let usage = resource_rules.and_then(|written| self.usage(written));
        let some = lists.iter().any(|(_, list)| !list.is_empty()) || usage.is_some();
        let discovery = self.discovery(discovery, some, sources, flags)?;
        some.then(|| Arc::new(valid::Rules { rules, faulty, usage, discovery }))
    }

    /// A rule, unless it has faults: then it gives nothing, and the others do.
    fn rule(&mut self, written: &written::Rule, api: Api, place: &str) -> Option<Rule> {
        let mut whole = self.is_whole(place);
        let mut note = |key: &str, message: String| {
            whole = false;
            self.note(Severity::Part, format!("{place}{key}"), message);
        };
        let rule = Rule::new(written, api, place, &mut note);
        let rule = rule.filter(|_| whole)?;
        self.query_work = self.query_work.saturating_add(rule.work());
        if self.query_work <= MAX_QUERY_WORK {
            self.findings(rule.findings(), place);
        }
        Some(rule)
    }

    /// Whether there is no fault so far at a place and below it.
    fn is_whole(&self, place: &str) -> bool {
        let within = |fault: &Fault| {
            let rest = fault.path.strip_prefix(place);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        !self.faults.iter().any(within)
    }

    fn findings(&mut self, findings: Vec<Finding>, place: &str) {
        for Finding { place: key, gravity, message } in findings {
            let severity = match gravity {
                Gravity::Fault => Severity::Part,
                Gravity::Warning => Severity::Warning,
            };
            self.note(severity, format!("{place}{key}"), message);
        }
    }

    fn usage(&mut self, written: &written::ResourceRules) -> Option<valid::Usage> {
        // Written without anything in it, as in an example.
        if written.cpu.is_none() && written.memory.is_none() {
            return None;
        }
        let place = "/resourceRules";
        let window = written.window.as_deref();
        let window = self.duration(window, WINDOW, &format!("{place}/window"));
        let is_whole = self.is_whole(place);
        let mut note = |key: &str, message: String| {
            self.note(Severity::Part, format!("{place}{key}"), message);
        };
        let rules = ResourceRules::new(written, place, &mut note).filter(|_| is_whole)?;
        self.findings(rules.findings(), place);
        Some(valid::Usage { rules, window })
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
                // A file of prometheus-adapter has no place to name one.
                if !self.faults.iter().any(|fault| fault.message == NO_PROMETHEUS) {
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
        let max_age = max_age.map(|age| self.duration(Some(age), INTERVAL, "/discovery/maxAge"));
        let max_age = max_age.or(flags.max_age);
        // Whoever says only how old samples may be does not say that lists are rarer than that.
        let usual = max_age.map_or(INTERVAL, |age| age.clamp(FASTEST, INTERVAL));
        let place = "/discovery/interval";
        let interval = flags.relist_interval.unwrap_or(usual);
        let interval = self.duration(written.interval.as_deref(), interval, place);
        if interval < FASTEST {
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
        let exact_queries = written.exact_queries || flags.exact_queries;
        let on_nan = self.on_nan(written.on_nan, "/discovery/onNaN");
        let on_several = written.on_several.or(flags.on_several).unwrap_or_default();
        Some(valid::Discovery { source, interval, max_age, exact_queries, on_nan, on_several })
    }
}
