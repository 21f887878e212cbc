//! A scenario that can be played, and every reason why a text is none.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;
use std::time::Duration;

use leadsman_document::{
    Document, Fault as TextFault, Faults, json_schema, parse_duration, segment,
};
use serde::Deserialize as _;
use serde_json::{Value, json};

use super::script::{Begin, End, Fault, What};
use super::values::{OverTime, Values};
use super::written;
use crate::alb::Pool;
use crate::reply::Reply;

/// A scenario.
#[derive(Debug)]
pub(super) struct Scenario {
    pub(super) tls: bool,
    pub(super) nodes: usize,
    pub(super) basic: bool,
    /// With the values of the beginning.
    pub(super) pools: Vec<Pool>,
    pub(super) values: Values,
    pub(super) faults: Vec<Fault>,
}

/// How long anything may take.
const MAX_TIME: Duration = Duration::from_secs(24 * 60 * 60);

/// How many pools there may be.
const MAX_POOLS: usize = 100_000;

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| schemars::schema_for!(written::Scenario).to_value());

impl Scenario {
    /// Reads a text. `name` is what faults call it.
    pub(super) fn parse(name: &str, text: &str) -> Result<Self, Faults> {
        let (document, mut faults) = Document::parse(name, text);
        if faults.is_empty() {
            faults = json_schema::explain(&SCHEMA, &document.value, "");
        }
        if faults.is_empty() {
            match written::Scenario::deserialize(&document.value) {
                Ok(written) => {
                    let scenario = valid(written, &mut faults);
                    if faults.is_empty() {
                        return Ok(scenario);
                    }
                }
                Err(error) => faults.push(TextFault::at("", error.to_string())),
            }
        }
        Err(document.locate(faults))
    }
}

fn valid(written: written::Scenario, faults: &mut Vec<TextFault>) -> Scenario {
    let nodes = written.nodes.map_or(1, usize::from);
    let repeat = written.repeat.and_then(|text| duration("/repeat", &text, faults));
    if repeat.is_some_and(|repeat| repeat.is_zero()) {
        faults.push(TextFault::at("/repeat", "nothing can be repeated in no time"));
    }
    let (mut pools, mut values) = (Vec::new(), Values { repeat, changing: Vec::new() });
    for (at, pool) in written.pools.into_iter().enumerate() {
        let place = format!("/pools/{at}");
        let begin = pools.len();
        pools.extend(all_of(&pool, &place, faults));
        if pools.len() > MAX_POOLS {
            faults.push(TextFault::at(place, format!("there are more than {MAX_POOLS} pools")));
            break;
        }
        values.changing.extend(changing(pool.metrics, begin..pools.len(), &place, faults));
    }
    let written_faults = written.faults.into_iter().enumerate();
    let scenario_faults = written_faults
        .filter_map(|(at, fault)| fault_of(fault, &format!("/faults/{at}"), nodes, faults))
        .collect();
    values.apply(Duration::ZERO, &mut pools);
    Scenario {
        tls: written.tls.unwrap_or(true),
        nodes,
        basic: written.basic,
        pools,
        values,
        faults: scenario_faults,
    }
}

/// The pools of an entry, with those values that do not change.
fn all_of(pool: &written::Pool, place: &str, faults: &mut Vec<TextFault>) -> Vec<Pool> {
    let count = pool.count.unwrap_or(1);
    if pool.cluster.is_none() && !pool.markers.is_empty() {
        let told = "only AKO makes markers: say for which `cluster` it made the pool";
        faults.push(TextFault::at(format!("{place}/markers"), told));
    }
    if count > 1 && !pool.uuid.contains("${n}") {
        let told = format!("{count} pools cannot have one uuid: it has to contain ${{n}}");
        faults.push(TextFault::at(format!("{place}/uuid"), told));
    }
    for id in pool.metrics.keys().filter(|id| !id.contains('.')) {
        let told = "is not the id of a metric, such as l4_server.avg_open_conns";
        let told = format!("\"{id}\" {told}");
        faults.push(TextFault::at(format!("{place}/metrics/{}", segment(id)), told));
    }
    (0..count).map(|number| one_of(pool, number)).collect()
}

fn one_of(pool: &written::Pool, number: u32) -> Pool {
    let filled = |text: &str| text.replace("${n}", &number.to_string());
    let (uuid, name) = (filled(&pool.uuid), filled(&pool.name));
    let mut made = match &pool.cluster {
        None => Pool::new(&uuid, &name),
        Some(cluster) => {
            let markers: Vec<_> =
                pool.markers.iter().map(|(key, value)| (key.as_str(), filled(value))).collect();
            let markers: Vec<_> =
                markers.iter().map(|(key, value)| (*key, value.as_str())).collect();
            Pool::of_ako(&uuid, &name, cluster, &markers)
        }
    };
    if let Some(tenant) = &pool.tenant {
        made = made.of_tenant(tenant);
    }
    for (server, value) in &pool.servers {
        made = made.server(server, *value);
    }
    for (id, metric) in &pool.metrics {
        if let written::Metric::Constant(value) = metric {
            made.set(id, *value);
        }
    }
    made
}

/// The metrics whose values change.
fn changing(
    metrics: BTreeMap<String, written::Metric>,
    pools: Range<usize>,
    place: &str,
    faults: &mut Vec<TextFault>,
) -> Vec<OverTime> {
    let mut all = Vec::new();
    for (metric, values) in metrics {
        let written::Metric::OverTime(values) = values else { continue };
        let place = format!("{place}/metrics/{}", segment(&metric));
        let mut points = Vec::new();
        for (time, value) in values {
            let time = duration(&format!("{place}/{}", segment(&time)), &time, faults);
            points.extend(time.map(|time| (time, value)));
        }
        points.sort_by_key(|(time, _)| *time);
        if points.first().is_none_or(|(first, _)| !first.is_zero()) {
            let told = "the value from the beginning is missing: `0s: …`";
            faults.push(TextFault::at(&place, told));
        }
        all.push(OverTime { pools: pools.clone(), metric, points });
    }
    all
}

fn fault_of(
    fault: written::Fault,
    place: &str,
    nodes: usize,
    faults: &mut Vec<TextFault>,
) -> Option<Fault> {
    let before = faults.len();
    refuse_what_does_not_belong(&fault, place, faults);
    let by = fault.by.as_ref().and_then(|by| duration(&format!("{place}/by"), by, faults));
    let what = match fault.what {
        written::What::Status => {
            let status = fault.status.unwrap_or(500);
            let message = fault.message.as_deref().unwrap_or("recorded fault");
            reply(Reply::json(status, &json!({"error": message})))
        }
        written::What::Maintenance => {
            let page = "<html><body><h1>Down for maintenance</h1></body></html>";
            reply(Reply::new(200, "text/html", page))
        }
        written::What::Silent => reply(Reply::NoReply),
        written::What::CutOff => {
            let padding = "x".repeat(1000);
            let whole = Reply::json(200, &json!({"results": [], "padding": padding}));
            reply(whole.truncated_body())
        }
        written::What::Endless => reply(Reply::Endless),
        written::What::Slow => What::Slow(by.unwrap_or_default()),
        written::What::ExpireSessions => What::ExpireSessions,
        written::What::Gaps => What::Gaps,
        written::What::OldSamples => What::OldSamples(by.unwrap_or_default()),
        written::What::RepeatPages => What::RepeatPages,
        written::What::NodeDown => {
            let node = fault.node.map_or(1, usize::from);
            if node > nodes {
                let told = format!("there are {nodes} nodes; say how many with `nodes`");
                faults.push(TextFault::at(format!("{place}/node"), told));
            }
            What::NodeDown(node.saturating_sub(1))
        }
    };
    let begin = match (fault.at, fault.after_requests) {
        (Some(_), Some(_)) => {
            faults
                .push(TextFault::at(place, "only one of `at` and `afterRequests` may stand here"));
            Begin::At(Duration::ZERO)
        }
        (Some(at), None) => {
            Begin::At(duration(&format!("{place}/at"), &at, faults).unwrap_or_default())
        }
        (None, Some(requests)) => Begin::AfterRequests(requests),
        (None, None) => Begin::At(Duration::ZERO),
    };
    let end = match (fault.lasts, fault.times) {
        (Some(_), Some(_)) => {
            faults.push(TextFault::at(place, "only one of `for` and `times` may stand here"));
            End::Never
        }
        (Some(lasts), None) => {
            End::After(duration(&format!("{place}/for"), &lasts, faults).unwrap_or_default())
        }
        (None, Some(times)) => End::Times(times),
        (None, None) => End::Never,
    };
    let path = fault.path.unwrap_or_else(|| "/".to_owned());
    if !path.starts_with('/') {
        faults.push(TextFault::at(format!("{place}/path"), "a path begins with a slash"));
    }
    (faults.len() == before).then_some(Fault { what, path, begin, end })
}

fn reply(reply: Reply) -> What {
    What::Reply(Box::new(reply))
}

/// Keys that mean something for other faults only, and keys without which a fault is none.
fn refuse_what_does_not_belong(fault: &written::Fault, place: &str, faults: &mut Vec<TextFault>) {
    use written::What::{ExpireSessions, NodeDown, OldSamples, Slow, Status};

    let what = fault.what;
    let keys = [
        ("status", fault.status.is_some(), &[Status][..], what == Status),
        ("message", fault.message.is_some(), &[Status], false),
        ("by", fault.by.is_some(), &[Slow, OldSamples], matches!(what, Slow | OldSamples)),
        ("node", fault.node.is_some(), &[NodeDown], what == NodeDown),
    ];
    for (key, is_there, belongs, is_required) in keys {
        if is_there && !belongs.contains(&what) {
            let of: Vec<_> = belongs.iter().map(|what| format!("\"{}\"", named(*what))).collect();
            let told = format!("`{key}` is for {}, not for \"{}\"", of.join(" and "), named(what));
            faults.push(TextFault::at(format!("{place}/{key}"), told));
        }
        if is_required && !is_there {
            faults.push(TextFault::at(place, format!("the key \"{key}\" is missing")));
        }
    }
    let counts = match what {
        ExpireSessions => Some("ends all sessions once, and so has no end"),
        NodeDown => Some("meets no requests that could be counted"),
        _ => None,
    };
    for (key, is_there) in [("times", fault.times.is_some()), ("for", fault.lasts.is_some())] {
        // A node comes back after a time.
        if let Some(why) = counts.filter(|_| is_there && !(what == NodeDown && key == "for")) {
            let told = format!("\"{}\" {why}", named(what));
            faults.push(TextFault::at(format!("{place}/{key}"), told));
        }
    }
}

/// How a fault is called in a file.
fn named(what: written::What) -> &'static str {
    use written::What;

    match what {
        What::Status => "status",
        What::Maintenance => "maintenance",
        What::Slow => "slow",
        What::Silent => "silent",
        What::CutOff => "cutOff",
        What::Endless => "endless",
        What::ExpireSessions => "expireSessions",
        What::Gaps => "gaps",
        What::OldSamples => "oldSamples",
        What::RepeatPages => "repeatPages",
        What::NodeDown => "nodeDown",
    }
}

fn duration(place: &str, text: &str, faults: &mut Vec<TextFault>) -> Option<Duration> {
    let parsed = parse_duration(text).and_then(|time| match time <= MAX_TIME {
        true => Ok(time),
        false => Err(format!("\"{text}\" is longer than a scenario may last, which is 24h")),
    });
    parsed.map_err(|told| faults.push(TextFault::at(place, told))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        Scenario::parse("scenario.yaml", text).expect_err("faults").to_string()
    }

    #[test]
    fn a_scenario_is_read_with_its_defaults() {
        let text = "
            pools:
              - {name: web, uuid: pool-1, metrics: {l4_server.avg_open_conns: 7}}
              - name: k8s--${n}
                uuid: pool-k8s-${n}
                count: 3
                cluster: k8s
                tenant: shop
                markers: {Namespace: 'ns${n}'}
                metrics: {l4_server.avg_open_conns: {10s: 2, 0s: 1}}
        ";
        let scenario = Scenario::parse("scenario.yaml", text).expect("a scenario");
        assert!(scenario.tls && !scenario.basic && scenario.faults.is_empty());
        assert_eq!((scenario.nodes, scenario.pools.len()), (1, 4));
        let last = &scenario.pools[3];
        assert_eq!((last.name(), last.uuid(), last.tenant()), ("k8s--2", "pool-k8s-2", "shop"));
        assert_eq!(last.value("l4_server.avg_open_conns"), Some(1.0));
        assert_eq!(scenario.pools[0].value("l4_server.avg_open_conns"), Some(7.0));
        assert_eq!(scenario.values.changing[0].pools, 1..4);
    }

    #[test]
    fn all_faults_of_a_text_are_told_with_what_is_allowed() {
        let text =
            "pools:\n  - {name: web, uid: pool-1}\nfaults:\n  - {what: statsu}\n  - {}\nnode: 2\n";
        assert_eq!(
            told(text),
            "scenario.yaml:2: pools[0].uid: unknown key \"uid\"; did you mean \"uuid\"?\n\
             scenario.yaml:4: faults[0].what: \"statsu\" is not known here; did you mean \"status\"?\n\
             scenario.yaml:5: faults[1]: the key \"what\" is missing\n\
             scenario.yaml:6: node: unknown key \"node\"; did you mean \"nodes\"?"
        );
        let unknown = told("pools: []\nfaults:\n  - {what: explode}\n");
        assert!(unknown.contains("there are cutOff, endless, expireSessions, gaps"), "{unknown}");
    }

    #[test]
    fn what_contradicts_itself_is_told() {
        for (fault, expected) in [
            ("what: status", "faults[0]: the key \"status\" is missing"),
            ("what: slow", "faults[0]: the key \"by\" is missing"),
            ("what: gaps, status: 500", "`status` is for \"status\", not for \"gaps\""),
            ("what: slow, by: 3", "expected"),
            ("what: slow, by: 3x", "\"3x\" is not a duration such as"),
            ("what: slow, by: 2d", "longer than a scenario may last"),
            ("what: gaps, at: 1s, afterRequests: 2", "only one of `at` and `afterRequests`"),
            ("what: gaps, for: 1s, times: 2", "only one of `for` and `times`"),
            ("what: nodeDown, node: 2", "there are 1 nodes"),
            ("what: nodeDown, node: 1, times: 2", "no requests that could be counted"),
            ("what: expireSessions, for: 2s", "ends all sessions once"),
            ("what: status, status: 500, path: api", "a path begins with a slash"),
            ("what: status, status: 200", "expected at least 400"),
        ] {
            let told = told(&format!("pools: []\nfaults:\n  - {{{fault}}}\n"));
            assert!(told.starts_with("scenario.yaml:3: ") && told.contains(expected), "{told}");
        }
        for (pool, expected) in [
            ("name: a, uuid: b, count: 2", "2 pools cannot have one uuid"),
            ("name: a, uuid: b, markers: {Host: c}", "only AKO makes markers"),
            ("name: a, uuid: b, metrics: {conns: 1}", "is not the id of a metric"),
            ("name: a, uuid: b, metrics: {a.b: {5s: 1}}", "from the beginning is missing"),
        ] {
            let told = told(&format!("pools:\n  - {{{pool}}}\n"));
            assert!(told.starts_with("scenario.yaml:2: ") && told.contains(expected), "{told}");
        }
    }
}
