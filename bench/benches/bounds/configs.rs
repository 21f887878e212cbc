//! The configurations that are attacked, and what attacking readers ask for.

use std::fmt::Write as _;

use leadsman_tests::{Config, HOSTILE, Mapping};

/// A query with one evaluation for each namespace and selector.
const NAMESPACED: &str = r#"load{namespace="${namespace}",${selector}}"#;

pub(super) fn external(url: &str) -> Config {
    let query = r#"depth{namespace="${namespace}",${selector}}"#;
    Config::shop(url).mapping(Mapping::external("depth").query("q", query))
}

/// A metric of 2,000 pods in the namespace `busy`, and of two in `quiet`.
pub(super) fn many_pods(url: &str) -> Config {
    let query = r#"load{namespace="${namespace}",${selector}}"#;
    let load = Mapping::pods("load").query("q", query).set("onAbsent", "{default: 1}");
    let config = Config::shop(url).pods("quiet", &["web-0", "web-1"]).mapping(load);
    (0..2000).fold(config, |config, pod| config.pods("busy", &[&format!("web-{pod}")]))
}

pub(super) fn many_labels(url: &str) -> Config {
    let all = Mapping::custom("all", "pods").query("q", NAMESPACED);
    let all = all.plugin("hostile", "do: count-objects").set("limits", "{time: 2s}");
    let config = external(url).plugin("hostile", HOSTILE).mapping(all);
    (0..2000).fold(config, |config, object| {
        let labels: Vec<_> = (0..60).map(|key| format!("key-{object}-{key}: x")).collect();
        config.object("pods", Some("busy"), &format!("pod-{object}"), &labels.join(", "))
    })
}

pub(super) fn loops(url: &str) -> Config {
    looping_in(external(url))
}

/// What all readers attack.
pub(super) fn everything(url: &str) -> Config {
    let query = r#"depth{namespace="${namespace}",${selector}}"#;
    looping_in(many_pods(url).mapping(Mapping::external("depth").query("q", query)))
}

/// Adds a metric of 40 namespaces whose plugin loops.
fn looping_in(config: Config) -> Config {
    let load = Mapping::custom("looping", "pods").query("q", r#"load{namespace="${namespace}"}"#);
    let load = load.plugin("hostile", "do: loop").set("limits", "{time: 2s}");
    let config = config.plugin("hostile", HOSTILE).mapping(load);
    (0..40).fold(config, |config, number| config.pods(&format!("team-{number}"), &["web-0"]))
}

pub(super) fn long_selector(number: usize) -> String {
    let mut values = format!("first-{number}");
    for value in 0..500 {
        let _ = write!(values, ",{value:0>60}");
    }
    let path = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/busy/pods/%2A/load";
    format!("{path}?metricLabelSelector=pod%20notin%20({values})")
}

pub(super) fn unknown_parameter(number: usize) -> String {
    format!("/apis/custom.metrics.k8s.io/v1beta2/namespaces/busy/pods/%2A/load?x={number}")
}

/// What led to the values of a long list.
pub(super) fn explained(number: usize) -> String {
    format!("{}&explain=true&fixture=true", unknown_parameter(number))
}

pub(super) fn selector(number: usize) -> String {
    format!("{}?labelSelector=pod%21%3Dother-{number}", busy("depth"))
}

pub(super) fn looping(number: usize) -> String {
    let namespace = number % 40;
    format!("/apis/custom.metrics.k8s.io/v1beta2/namespaces/team-{namespace}/pods/%2A/looping")
}

pub(super) fn labelled(number: usize) -> String {
    let path = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/busy/pods/%2A/all";
    format!("{path}?metricLabelSelector=pod%21%3Dother-{number}")
}

/// A metric of 100 namespaces, each of which is an evaluation.
pub(super) fn namespaces(url: &str) -> Config {
    let query = r#"sum by (namespace) (total{namespace="${namespace}",${selector}})"#;
    let total = Mapping::custom("total", "namespaces").query("q", query);
    let total = total.plugin("per-object", "object: namespace").set("deadline", "10s");
    (0..100).fold(external(url).mapping(total), |config, number| {
        config.object("namespaces", None, &format!("team-{number}"), "")
    })
}

/// A list of all namespaces, for a selector of its own.
pub(super) fn all_namespaces(number: usize) -> String {
    let path = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/%2A/metrics/total";
    format!("{path}?metricLabelSelector=pod%21%3Dother-{number}")
}

/// An external metric of the namespace `busy`.
pub(super) fn busy(metric: &str) -> String {
    format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/busy/{metric}")
}

/// The sources of [`hanging`] that give nothing.
const HANGING: [&str; 2] = ["hanging", "unreachable"];

/// A metric of a source that takes connections and answers nothing, and one of a source to which no
/// connection is made. Reads of them wait for as long as reads do by default, and those of two more for as
/// long as the source takes.
pub(super) fn hanging(url: &str, hanging: &str, unreachable: &str) -> Config {
    let query = r#"depth{namespace="${namespace}",${selector}}"#;
    let of_source = |source: &str| {
        let named = |metric: &str| Mapping::external(metric).query_from(source, "q", query);
        [named(source), named(&format!("patient-{source}")).set("deadline", "10s")]
    };
    let ready = Mapping::external("ready").query("q", query);
    let config =
        external(url).prometheus("hanging", hanging).prometheus("unreachable", unreachable);
    HANGING.into_iter().flat_map(of_source).fold(config.mapping(ready), Config::mapping)
}

/// One of the metrics of these sources, for a selector of its own.
pub(super) fn of_hanging(number: usize) -> String {
    let metric = HANGING[number % HANGING.len()];
    format!("{}?labelSelector=pod%21%3Dother-{number}", busy(metric))
}

/// A page that is scraped, for pods of the namespace `busy`.
pub(super) fn pages(url: &str) -> Config {
    let source = format!("exposition: {{urls: ['{url}/metrics'], scrapeAtMostEvery: 1s}}");
    let scraped = |number: usize| {
        Mapping::custom(&format!("scraped-{number}"), "pods")
            .exposition_query("pages", "q", &format!("metric: scraped_{number}"))
            .plugin("per-object", "object: pod")
            .set("deadline", "5s")
    };
    let config = external(url).source_of("pages", &source).pods("busy", &["web-0"]);
    (0..8).map(scraped).fold(config, Config::mapping)
}

/// One of the metrics that are scraped.
pub(super) fn page(number: usize) -> String {
    let metric = format!("scraped-{}", number % 8);
    format!("/apis/custom.metrics.k8s.io/v1beta2/namespaces/busy/pods/%2A/{metric}")
}

/// What would end a value and go on with a query.
const INJECTED: &str = "%22%7D%20or%20vector(666)%20%23";

/// A read with text that would be a query, in one of the places where a request has text.
pub(super) fn injected(number: usize) -> String {
    let pods = "/apis/custom.metrics.k8s.io/v1beta2/namespaces/busy/pods";
    match number % 5 {
        0 => format!("{pods}/web-{number}{INJECTED}/load"),
        1 => format!("{pods}/%2A/load?metricLabelSelector=a%20in%20(b{number}{INJECTED})"),
        2 => format!("{pods}/%2A/load?labelSelector=app%3Dweb{number}{INJECTED}"),
        3 => format!(
            "/apis/custom.metrics.k8s.io/v1beta2/namespaces/busy{number}{INJECTED}/pods/%2A/load"
        ),
        _ => format!("{pods}/%2A/load{number}{INJECTED}"),
    }
}
