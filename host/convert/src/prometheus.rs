//! Prometheus triggers.

use http::{HeaderName, HeaderValue};
use leadsman_rules::promql::{self, ParseError};

use crate::Context;
use crate::authentication;
use crate::node::{Entries, Node};
use crate::note::Notes;
use crate::policy;
use crate::scaled_object::{ScaledObject, Trigger};
use crate::series::{is_single, is_unlabelled};
use crate::source::Source;
use crate::trigger::{Mapping, Metadata, Planned, Query, Target, metric_name};
use crate::zero::Zero;

/// The longest time for which a read may wait, in milliseconds.
const MAX_DEADLINE: u64 = 30_000;

/// A Prometheus trigger that can be kept.
pub(crate) struct Prometheus {
    pub(crate) source: Source,
    pub(crate) query: Text,
    pub(crate) threshold: Option<f64>,
    pub(crate) activation: f64,
    pub(crate) ignores_null: bool,
    pub(crate) deadline: Option<String>,
}

/// The text of a query, and what is known of it.
pub(crate) struct Text {
    promql: String,
    is_known: bool,
    /// Whether its result is one series without labels, or nothing.
    is_unlabelled: bool,
    /// Whether its result is at most one series, as far as that is seen.
    is_single: bool,
}

impl Text {
    /// As it is written.
    pub(crate) fn plain(&self) -> String {
        escaped(&self.promql)
    }

    /// Without labels: KEDA takes the only element, whatever its labels are.
    pub(crate) fn unlabelled(&self) -> String {
        if self.is_unlabelled { self.plain() } else { format!("sum({})", self.inside()) }
    }

    /// 0 where there is no number, as a value that is known: what stands for one that is not takes no
    /// workload to zero.
    pub(crate) fn or_zero(&self) -> String {
        let query = match self.is_unlabelled {
            true => format!("({})", self.inside()),
            false => self.unlabelled(),
        };
        format!("({query} > -Inf < +Inf) or vector(0)")
    }

    pub(crate) fn is_known(&self) -> bool {
        self.is_known
    }

    /// For a place between brackets. A comment ends with its line.
    fn inside(&self) -> String {
        let query = self.plain();
        if query.contains('#') { format!("{query}\n") } else { query }
    }
}

/// Reads a trigger. `None` if it cannot be kept; the notes say why.
pub(crate) fn read(
    object: &ScaledObject,
    index: usize,
    trigger: &Trigger,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<Prometheus> {
    let mut metadata = Metadata::new(object, index, trigger, context);
    let place = metadata.place().to_owned();
    // What is wrong with one key does not hide what is wrong with the next.
    let url = metadata.required("serverAddress", notes).and_then(|url| url_of(&url, &place, notes));
    let query = metadata.required("query", notes);
    let threshold = match object.modifiers {
        // The formula has the target; KEDA reads the threshold nevertheless.
        Some(_) => metadata.number("threshold", Some(f64::NAN), notes).map(|_| None),
        None => metadata.number("threshold", None, notes).map(Some),
    };
    let activation = metadata.number("activationThreshold", Some(0.0), notes);
    let ignores_null = metadata.flag("ignoreNullValues", true, notes);
    let headers = metadata.pairs("customHeaders", notes);
    let parameters = metadata.pairs("queryParameters", notes);
    let namespace = metadata.get("namespace", notes);
    let timeout = metadata.get("timeout", notes).and_then(|text| timeout_of(text, &place, notes));
    let reference = trigger.authentication.as_ref();
    let authentication =
        authentication::of_trigger(object, &mut metadata, reference, context, notes);
    for key in ["awsRegion", "identityOwner"] {
        if metadata.get(key, notes)?.is_some_and(|value| !value.is_empty()) && key == "awsRegion" {
            notes.refuse(format!(
                "{place}: its requests are signed for AWS, and Leadsman signs none; put a proxy that signs \
                 them (aws-sigv4-proxy) before the server, and give its address"
            ));
        }
    }
    metadata.finish(&["metricName"], notes);
    let query = text_of(&query?, &place, notes);
    if query.is_known && !query.is_single {
        notes.todo(format!(
            "{place}: its query may give several series, which KEDA refuses and which are added up here; \
             aggregate them in the query, as with sum(…)"
        ));
    }
    let mut parameters = parameters?;
    if let Some(namespace) = namespace?.filter(|namespace| !namespace.is_empty()) {
        let other = parameters.insert("namespace".to_owned(), namespace.clone());
        if other.is_some_and(|other| other != namespace) {
            notes.differs(format!(
                "{place}: it has two parameters of the URL that are called namespace; the one of the key \
                 `namespace` is kept"
            ));
        }
    }
    parameters.retain(|name, _| {
        let is_own = promql::QUERY_PARAMETERS.contains(&name.as_str());
        if is_own {
            notes.differs(format!(
                "{place}: the parameter \"{name}\" of its queryParameters is left out: a query has it by itself"
            ));
        }
        !is_own
    });
    let headers = headers?;
    for (name, value) in &headers {
        if HeaderName::try_from(name).is_err() || HeaderValue::try_from(value).is_err() {
            let name = leadsman_document::excerpt(name);
            notes.refuse(format!("{place}: its customHeaders have \"{name}\", which is no header"));
        }
    }
    let timeout = timeout?;
    let source = Source {
        url: url?,
        timeout: timeout.map(duration),
        headers,
        parameters,
        authentication: authentication?,
    };
    Some(Prometheus {
        source,
        query,
        threshold: threshold?,
        activation: activation?,
        ignores_null: ignores_null?,
        deadline: timeout.map(|timeout| duration(timeout.min(MAX_DEADLINE))),
    })
}

/// The mapping and the metric of a trigger.
pub(crate) fn plan(
    object: &ScaledObject,
    index: usize,
    trigger: &Trigger,
    zero: &Zero,
    context: &Context<'_>,
    notes: &mut Notes,
) -> Option<Planned> {
    let read = read(object, index, trigger, context, notes)?;
    let place = crate::trigger::place(index, trigger);
    let target = Target::new(
        read.threshold.unwrap_or_default(),
        trigger.metric_type.as_deref(),
        &place,
        notes,
    )?;
    zero.compare(read.activation, &target, object, &place, notes);
    let metric = metric_name(object, index, trigger);
    let makes_zero = read.ignores_null && zero.needs_known_values();
    let promql = if makes_zero { read.query.or_zero() } else { read.query.plain() };
    let query = Query {
        name: "query".to_owned(),
        source: read.source,
        promql,
        is_known: read.query.is_known(),
    };
    let policies = Entries::default()
        .maybe("deadline", read.deadline.map(Node::duration))
        .extended(policy::of(object, &target, read.ignores_null, makes_zero, notes))
        .extended(zero.activation(read.activation, &place, notes));
    Some(Planned {
        metric: target.external(&metric),
        mapping: Some(Mapping {
            metric,
            about: place,
            queries: vec![query],
            plugin: "external",
            config: Entries::default(),
            policies,
        }),
    })
}

/// The address, as a source has it.
fn url_of(text: &str, place: &str, notes: &mut Notes) -> Option<String> {
    let text = text.trim();
    let shown = leadsman_document::excerpt(text);
    let wrong = match url::Url::parse(text) {
        Err(error) => format!("its serverAddress \"{shown}\" is not an address: {error}"),
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            format!("its serverAddress \"{shown}\" does not begin with http:// or https://")
        }
        // Not repeated: it holds a password.
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "its serverAddress holds credentials; bring them into a Secret, and use the authMode basic"
                .to_owned()
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            format!("its serverAddress \"{shown}\" has a query; use queryParameters")
        }
        Ok(url) => return Some(url.as_str().trim_end_matches('/').to_owned()),
    };
    notes.refuse(format!("{place}: {wrong}"));
    None
}

/// A query, and whether it is PromQL as it is known here.
fn text_of(text: &str, place: &str, notes: &mut Notes) -> Text {
    let promql = text.trim().to_owned();
    if promql.contains("${") && escaped(&promql) != promql {
        notes.todo(format!(
            "{place}: its query has \"${{\", which is sent as it is, as KEDA does; if another tool fills it, \
             convert what that tool writes"
        ));
    }
    let inspected = promql::inspect(&promql, |query| (is_unlabelled(query), is_single(query)));
    let (is_known, (is_unlabelled, is_single)) = match inspected {
        Ok(known) => (true, known),
        Err(ParseError::Unsupported(reason) | ParseError::Invalid(reason)) => {
            let reason = leadsman_model::text::one_line(&reason, 200);
            notes.todo(format!(
                "{place}: its query is not looked into ({reason}); it is sent as it is, with `check: false`"
            ));
            (false, (false, false))
        }
    };
    Text { promql, is_known, is_unlabelled, is_single }
}

/// A query with `${` as it is to be sent, where it would be a place otherwise.
fn escaped(promql: &str) -> String {
    let (mut text, mut rest) = (String::with_capacity(promql.len()), promql);
    while let Some(at) = rest.find("${") {
        let (before, brace) = rest.split_at(at);
        let digits = brace[2..].split('}').next().unwrap_or_default();
        // The group of a regular expression is no place.
        let is_group = !digits.is_empty()
            && digits.len() + 2 < brace.len()
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        text.push_str(before);
        text.push_str(if is_group && !before.ends_with('$') { "${" } else { "$${" });
        rest = &brace[2..];
    }
    text.push_str(rest);
    text
}

/// A timeout in milliseconds: a duration of Go, or a number of milliseconds.
fn timeout_of(text: Option<String>, place: &str, notes: &mut Notes) -> Option<Option<u64>> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Some(None) };
    match text.parse::<u64>().ok().or_else(|| go_duration(&text)) {
        Some(0) => Some(None),
        Some(milliseconds) => Some(Some(milliseconds)),
        None => {
            let text = leadsman_document::excerpt(&text);
            notes.refuse(format!("{place}: its timeout, \"{text}\", is no duration"));
            None
        }
    }
}

/// A duration as Go writes one, in milliseconds: `1.5s`, `1m30s`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // compared with the limits first
fn go_duration(text: &str) -> Option<u64> {
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let unit = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..unit].parse().ok()?;
        let end = rest[unit..].find(|c: char| c.is_ascii_digit() || c == '.');
        let end = end.map_or(rest.len(), |length| unit + length);
        total += number
            * match &rest[unit..end] {
                "ns" => 1e-6,
                "us" | "µs" => 1e-3,
                "ms" => 1.0,
                "s" => 1e3,
                "m" => 6e4,
                "h" => 3.6e6,
                _ => return None,
            };
        rest = &rest[end..];
    }
    (!text.is_empty() && (0.0..1e12).contains(&total)).then_some(total.round() as u64)
}

/// Milliseconds as a duration of the configuration.
pub(crate) fn duration(milliseconds: u64) -> String {
    let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let fits = |(length, _): &(u64, &str)| milliseconds.is_multiple_of(*length);
    let (length, unit) = units.into_iter().find(fits).unwrap_or((1, "ms"));
    format!("{}{unit}", milliseconds / length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_of_go_are_read() {
        for (text, milliseconds) in
            [("500ms", 500), ("1.5s", 1500), ("1m30s", 90_000), ("2h", 7_200_000), ("1500us", 2)]
        {
            assert_eq!(go_duration(text), Some(milliseconds), "{text}");
        }
        for text in ["", "5", "s", "-5s", "5 s", "1.2.3s", "9999999999999h"] {
            assert_eq!(go_duration(text), None, "{text}");
        }
        assert_eq!((duration(1500), duration(90_000)), ("1500ms".to_owned(), "90s".to_owned()));
    }

    #[test]
    fn what_is_sent_is_what_keda_sends() {
        for (query, expected) in [
            ("sum(x)", "sum(x)"),
            (
                r#"label_replace(x, "a", "${1}", "b", "(.*)")"#,
                r#"label_replace(x, "a", "${1}", "b", "(.*)")"#,
            ),
            (r#"x{a="${NAME}"}"#, r#"x{a="$${NAME}"}"#),
            (r#"x{a="${namespace}"}"#, r#"x{a="$${namespace}"}"#),
            (r#"x{a="$${1}"}"#, r#"x{a="$$${1}"}"#),
            (r#"x{a="${1"}"#, r#"x{a="$${1"}"#),
        ] {
            assert_eq!(escaped(query), expected);
        }
    }

    #[test]
    fn what_is_made_of_a_query_is_promql() {
        let mut notes = Notes::default();
        for query in ["sum(x)", "x by y", "x # a comment", "sum(a) by (b) or c", "x > 1 and y"] {
            let text = text_of(query, "trigger 0", &mut notes);
            if !text.is_known() {
                continue;
            }
            for made in [text.unlabelled(), text.or_zero()] {
                assert_eq!(
                    promql::inspect(&made, is_unlabelled),
                    Ok(!made.ends_with("vector(0)")),
                    "{made}"
                );
            }
        }
    }
}
