//! No answer is empty without a word: what is missing from a read has its reason in the `Warning` of
//! a list, in the message of an error, on the status page and in a counter.

mod default;
mod external;
mod lists;
mod objects;
mod timeouts;

use leadsman_tests::{Answer, Config, Leadsman, Reply, Request, Upstream};
use serde_json::{Value, json};

/// When every sample was taken.
pub(crate) const TAKEN: f64 = 1_695_018_199.504;

/// Counts reads of a mapping that lacked something, by reason.
pub(crate) const INCOMPLETE: &str = "leadsman_reads_incomplete_total";

/// A rule for these series whose query is as given, with the labels `namespace`, `pod` and `service`.
pub(crate) fn rule(series: &str, query: &str) -> String {
    format!(
        "{{seriesQuery: '{series}', resources: {{overrides: {{namespace: {{resource: namespace}}, \
          pod: {{resource: pods}}, service: {{resource: services}}}}}}, metricsQuery: '{query}'}}"
    )
}

pub(crate) const SUM: &str = "sum(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)";

pub(crate) fn config(upstream: &Upstream, rules: &[String]) -> Config {
    Config::shop(&upstream.url())
        .set("discovery", "{interval: 1h}")
        .set("rules", &format!("[{}]", rules.join(", ")))
}

pub(crate) fn is_list(request: &Request) -> bool {
    request.path.ends_with("/api/v1/series")
}

/// A source with these series, which answers queries with these samples.
pub(crate) async fn upstream(series: Value, samples: Value) -> Upstream {
    let upstream = Upstream::start(Reply::NoReply).await;
    let list = json!({"status": "success", "data": series});
    upstream.reply_with(move |request| match is_list(request) {
        true => Reply::json(200, &list),
        false => Reply::vector(&samples),
    });
    upstream
}

/// A sample with these labels.
pub(crate) fn sample(labels: &Value, value: &str) -> Value {
    json!({"metric": labels, "value": [TAKEN, value]})
}

/// Asserts that a list tells all of these in its warning.
pub(crate) fn warns(answer: &Answer, parts: &[&str]) {
    let warning = answer.header("warning");
    for part in parts {
        assert!(warning.contains(part), "nothing of {part:?} in: {warning}\n{answer:#?}");
    }
}

/// Asserts that reads of a mapping were counted for a reason, and are shown on the status page.
pub(crate) async fn counted(leadsman: &Leadsman, mapping: &str, reason: &str, shown: &str) {
    let labels = [("mapping", mapping), ("reason", reason)];
    let count = leadsman.metric(INCOMPLETE, &labels).await;
    assert!(count.is_some_and(|count| count >= 1.0), "{reason}: {count:?}");
    let status = leadsman.status().await;
    let mappings = status["mappings"].as_array().cloned().unwrap_or_default();
    let told = mappings
        .iter()
        .filter_map(|mapping| mapping["incomplete"].as_array())
        .flatten()
        .filter(|told| told["reason"] == reason)
        .any(|told| told["message"].as_str().is_some_and(|message| message.contains(shown)));
    assert!(told, "nothing of {shown:?} for {reason} in {status:#}");
}
