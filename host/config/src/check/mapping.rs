//! Mappings: metric, objects, queries, policies and limits.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::super::{valid, written};
use super::Check;
use super::nsx_alb::note_sums;
use leadsman_document::{Severity, excerpt, nearest, segment, suggestion};
use leadsman_evaluation::{Policy, StandIn};
use leadsman_model::names::MetricName;
use leadsman_model::quantity::Quantity;
use leadsman_model::query_params::QueryParams;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_model::values::OnNan;
use leadsman_rules::promql::{self, MAX_CHECKED_BYTES, ParseError};
use leadsman_sandbox::Limits;
use leadsman_source::{Query, QueryKind, Template};

/// The maximum number of samples that Prometheus returns for one series of a range query.
const MAX_STEPS: u64 = 11_000;

/// The most queries of one mapping: all of them are sent at once, with each evaluation.
const MAX_QUERIES: usize = 50;

/// The longest time for which a mapping and what it replaces may both be evaluated.
const MAX_HANDOVER: Duration = Duration::from_secs(3600);

/// The names that mappings may refer to.
pub(super) struct Names<'a> {
    pub(super) sources: &'a [String],
    pub(super) plugins: &'a [String],
}

impl Check<'_> {
    pub(super) fn mapping(
        &mut self,
        mut written: written::Mapping,
        place: &str,
        names: &Names<'_>,
    ) -> Option<valid::Mapping> {
        let then = self.chain(&mut written, place, names);
        // With an invalid name the rest is checked nevertheless.
        let metric: Option<MetricName> = self
            .take(written.metric.parse(), &format!("{place}/metric"))
            .or_else(|| "unnamed".parse().ok());
        let serve = self.serve(&written.serve, &format!("{place}/serve"));
        let mut queries: Vec<_> = written
            .queries
            .iter()
            .map(|(name, query)| {
                let place = format!("{place}/queries/{}", segment(name));
                self.query(name, query, &place, names)
            })
            .collect();
        if queries.len() > MAX_QUERIES {
            let message = format!("a mapping has at most {MAX_QUERIES}, not {}", queries.len());
            self.fault(format!("{place}/queries"), message);
        }
        let at = if then.is_empty() { "plugin" } else { "plugins/0" };
        // A name that is missing is reported already.
        let plugin = match written.plugin.as_str() {
            "" => None,
            name => self.plugin(name, &format!("{place}/{at}"), names),
        };
        self.sums(&written, &queries, place);
        note_sums(&written, &mut queries);
        if let Some(source) = &written.source {
            self.known(source, names.sources, &format!("{place}/source"));
        }
        if let Some(candidate) = &written.candidate {
            self.plugin(&candidate.plugin, &format!("{place}/candidate/plugin"), names);
        }
        let policy = self.policy(&written, serve.as_ref(), place);
        let activation = match &written.activation {
            Some(written::Activation::Activator(activator)) => {
                self.activation(activator, serve.as_ref(), &format!("{place}/activation"))
            }
            Some(written::Activation::Below(_)) | None => None,
        };
        let limits = self.limits(written.limits.as_ref(), &format!("{place}/limits"));
        Some(valid::Mapping {
            place: place.to_owned(),
            metric: metric?,
            serve: serve?,
            queries,
            source: written
                .source
                .or_else(|| (names.sources.len() == 1).then(|| names.sources[0].clone())),
            // If the name is misspelled, the most similar plugin checks the configuration.
            plugin: plugin.unwrap_or(written.plugin),
            then,
            candidate: written.candidate.map(|candidate| {
                let config = candidate.config.unwrap_or_else(|| written.config.clone());
                (candidate.plugin, object(config))
            }),
            config: object(written.config),
            policy,
            activation,
            any_object: false,
            limits,
        })
    }

    /// What a mapping serves, or a stand-in, so that the plugin can check the configuration.
    fn serve(&mut self, serve: &written::Serve, place: &str) -> Option<Serve> {
        let written::Serve::Custom(custom) = serve else { return Some(Serve::External) };
        let resource = self.resource(custom, &format!("{place}/custom"));
        resource.or_else(|| Resource::known("pods")).map(Serve::Custom)
    }

    /// Whether a mapping has stand-ins that would make its plugin report faults again, or wrong ones.
    pub(super) fn has_stand_ins(&self, place: &str) -> bool {
        let covered = |key: &str| self.stand_ins.covers(&format!("{place}{key}"));
        ["/serve/custom", "/serve/external", "/plugin", "/plugins", "/config", "/queries"]
            .into_iter()
            .any(covered)
    }

    pub(super) fn query(
        &mut self,
        name: &str,
        written: &written::Query,
        place: &str,
        names: &Names<'_>,
    ) -> Query {
        self.known(&written.source, names.sources, &format!("{place}/source"));
        let max_sample_age = written.max_sample_age.as_deref().map(|age| {
            self.duration(Some(age), Duration::from_secs(60), &format!("{place}/maxSampleAge"))
        });
        let kind = match (&written.promql, &written.nsx_alb) {
            _ if written.exposition.is_some() => self.scraped(written, place),
            (None, Some(asked)) => {
                for (key, is_there) in
                    [("range", written.range.is_some()), ("check", written.check.is_some())]
                {
                    if is_there {
                        let message = "belongs to `promql`, and has no effect on `nsxAlb`";
                        self.fault(format!("{place}/{key}"), message);
                    }
                }
                self.nsx_alb_query(asked, &format!("{place}/nsxAlb"))
            }
            (promql, nsx_alb) => {
                if nsx_alb.is_some() {
                    let message = "only one of the keys promql, nsxAlb may stand here";
                    self.fault(format!("{place}/nsxAlb"), message);
                } else if promql.is_none() {
                    self.fault(
                        place,
                        "the key \"promql\", \"nsxAlb\" or \"exposition\" is missing",
                    );
                }
                self.promql(promql.as_deref().unwrap_or_default(), written, place)
            }
        };
        if max_sample_age.is_some() && written.range.is_none() && written.promql.is_some() {
            let message = "has no effect on an instant query, whose samples have the time of the \
                           query, however old they are; it has one with `range`";
            self.report(Severity::Warning, format!("{place}/maxSampleAge"), message);
        }
        Query { name: name.to_owned(), source: written.source.clone(), kind, max_sample_age }
    }

    fn promql(&mut self, promql: &str, written: &written::Query, place: &str) -> QueryKind {
        let range =
            written.range.as_ref().and_then(|range| self.range(range, &format!("{place}/range")));
        let place = format!("{place}/promql");
        let text = self.take(Template::parse(promql), &place);
        if let Some(text) = &text
            && written.promql.is_some()
            && written.check.unwrap_or(true)
        {
            // A query that is too long by itself is refused without being parsed.
            if promql.len() <= MAX_CHECKED_BYTES {
                self.query_work += promql.len().pow(2);
            }
            let most = match self.origin.team() {
                Some(_) => MAX_TEAM_QUERY_WORK,
                None => MAX_QUERY_WORK,
            };
            let checked = if self.query_work > most {
                Err("the queries up to here are too long in all to be checked; set `check: false` \
                     for the long ones"
                    .to_owned())
            } else {
                check_promql(text)
            };
            if let Some(Some(warning)) = self.take(checked, &place) {
                self.report(Severity::Warning, &place, warning);
            }
        }
        // A query with a fault is passed on: the plugin may require that it exists.
        QueryKind::PromQl { text: text.unwrap_or_default(), range }
    }

    fn range(&mut self, written: &written::Range, place: &str) -> Option<(Duration, Duration)> {
        let unset = Duration::ZERO;
        let duration = self.duration(Some(&written.duration), unset, &format!("{place}/duration"));
        let step = self.duration(Some(&written.step), unset, &format!("{place}/step"));
        if duration.is_zero() || step.is_zero() {
            return None;
        }
        if duration < step {
            let message = "is shorter than its step, and so holds a single sample; lengthen the \
                           duration, or remove the range";
            self.fault(place, message);
        }
        let steps = duration.as_millis() / step.as_millis().max(1);
        if steps > u128::from(MAX_STEPS) {
            self.fault(
                place,
                format!(
                    "gives {steps} samples for each series; Prometheus gives at most {MAX_STEPS}"
                ),
            );
        }
        Some((duration, step))
    }

    /// Reports an unknown plugin. Returns the most similar one, if any is similar enough.
    pub(super) fn plugin(&mut self, name: &str, place: &str, names: &Names<'_>) -> Option<String> {
        let shipped = leadsman_shipped_plugins::SHIPPED_PLUGINS.iter().map(|plugin| plugin.name);
        let known = shipped.chain(names.plugins.iter().map(String::as_str));
        if known.clone().any(|known| known == name) {
            return None;
        }
        let hint = suggestion(name, known.clone());
        self.fault(place, format!("there is no plugin \"{}\"{hint}", excerpt(name)));
        nearest(name, known).map(str::to_owned)
    }

    fn policy(&mut self, written: &written::Mapping, serve: Option<&Serve>, place: &str) -> Policy {
        let usual = Policy::default();
        let deadline = self.duration(
            written.deadline.as_deref(),
            usual.deadline,
            &format!("{place}/deadline"),
        );
        // The aggregator's limit for a request is 60 s, and it blocks a worker of the HPA controller.
        if deadline > Duration::from_secs(30) {
            self.fault(format!("{place}/deadline"), "must be at most 30s");
        }
        let max_age =
            self.duration(written.max_age.as_deref(), usual.max_age, &format!("{place}/maxAge"));
        let refresh_at_most_every = self.duration(
            written.refresh_at_most_every.as_deref(),
            usual.refresh_at_most_every,
            &format!("{place}/refreshAtMostEvery"),
        );
        if refresh_at_most_every < Duration::from_secs(1) {
            self.fault(format!("{place}/refreshAtMostEvery"), "must be at least 1s");
        }
        let (last_good, otherwise) = match &written.on_error {
            None | Some(written::OnError::Fail) => (None, None),
            Some(written::OnError::Stated(stated)) => {
                let place = format!("{place}/onError");
                let usual = Duration::from_secs(120);
                let last_good = Some(stated.last_good.as_str());
                let last_good = self.duration(last_good, usual, &format!("{place}/lastGood"));
                let then = stated.then.as_ref();
                let otherwise =
                    then.and_then(|then| self.stand_in(then, serve, &format!("{place}/then")));
                (Some(last_good), otherwise)
            }
        };
        let (last_known, default) = self.on_absent(written, serve, &format!("{place}/onAbsent"));
        let handover = self.duration(
            written.handover.as_deref(),
            usual.handover,
            &format!("{place}/handover"),
        );
        if handover > MAX_HANDOVER {
            self.fault(format!("{place}/handover"), "must be at most 1h");
        }
        let on_nan = self.on_nan(written.on_nan, &format!("{place}/onNaN"));
        let activation = match written.activation {
            Some(written::Activation::Below(least)) => Some(least),
            Some(written::Activation::Activator(_)) | None => None,
        };
        if activation.is_some_and(|least| !least.is_finite()) {
            self.fault(format!("{place}/activation"), "must be a finite number");
        }
        Policy {
            deadline,
            max_age,
            refresh_at_most_every,
            last_good,
            otherwise,
            handover,
            last_known,
            default,
            activation,
            on_nan,
        }
    }

    /// For how long the last known value stands for an absent one, and what stands for it else.
    fn on_absent(
        &mut self,
        written: &written::Mapping,
        serve: Option<&Serve>,
        place: &str,
    ) -> (Option<Duration>, Option<StandIn>) {
        match &written.on_absent {
            None | Some(written::OnAbsent::Omit) => (None, None),
            Some(written::OnAbsent::Default(value)) => {
                let default = self.take(Quantity::from_f64(*value), &format!("{place}/default"));
                (None, default.map(StandIn::Value))
            }
            Some(written::OnAbsent::Stated(stated)) => {
                let usual = Duration::from_secs(120);
                let last_good = Some(stated.last_good.as_str());
                let last_known = self.duration(last_good, usual, &format!("{place}/lastGood"));
                let then = stated.then.as_ref();
                let default =
                    then.and_then(|then| self.stand_in(then, serve, &format!("{place}/then")));
                (Some(last_known), default)
            }
        }
    }

    pub(super) fn on_nan(&mut self, written: Option<written::OnNan>, place: &str) -> OnNan {
        match written {
            None | Some(written::OnNan::Refuse) => OnNan::Refuse,
            Some(written::OnNan::Absent) => OnNan::Absent,
            Some(written::OnNan::Value(value)) => self
                .take(Quantity::from_f64(value), &format!("{place}/value"))
                .map_or(OnNan::Refuse, OnNan::Value),
        }
    }

    fn limits(&mut self, written: Option<&written::Limits>, place: &str) -> Limits {
        let default = Limits::default();
        let Some(written) = written else { return default };
        let time = self.duration(written.time.as_deref(), default.time, &format!("{place}/time"));
        if time > Duration::from_secs(10) {
            self.fault(format!("{place}/time"), "must be at most 10s");
        }
        Limits {
            time,
            memory: written
                .memory_bytes
                .and_then(|bytes| usize::try_from(bytes).ok())
                .unwrap_or(default.memory),
            measures: written.max_measures.map_or(default.measures, |count| count as usize),
        }
    }
}

pub(super) fn object(map: BTreeMap<String, Value>) -> Value {
    Value::Object(map.into_iter().collect())
}

/// The maximum cost of checking the queries of a document, as the sum of the squares of their lengths:
/// ten thousand of 300 bytes, or sixty of the longest.
pub(super) const MAX_QUERY_WORK: usize = 1 << 30;

/// The same for a team's document: a thousand of 350 bytes, or eight of the longest.
pub(super) const MAX_TEAM_QUERY_WORK: usize = 1 << 27;

/// Parses the query as it will be sent for some namespace. Returns a warning for what may be another
/// dialect.
pub(crate) fn check_promql(template: &Template) -> Result<Option<String>, String> {
    let example = "example".parse().ok();
    let text = template.fill(example.as_ref(), &QueryParams::default())?;
    if text.len() > MAX_CHECKED_BYTES {
        return Err(format!(
            "the query has {} bytes; at most {MAX_CHECKED_BYTES} can be checked; set `check: false` for it",
            text.len()
        ));
    }
    match promql::inspect(&text, |_| ()) {
        Ok(()) => Ok(None),
        Err(ParseError::Unsupported(reason)) => {
            Ok(Some(format!("{reason} (in {text}); it is sent as it is, and the source says more")))
        }
        Err(wrong @ ParseError::Invalid(_)) => {
            Err(format!("{wrong} (in {text}); for another dialect set `check: false`"))
        }
    }
}
