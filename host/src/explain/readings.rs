//! The values of an autoscaler's metrics, read as its controller reads them.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use leadsman_cluster::Cluster;
use leadsman_hpa::{PodSample, Reading, Utilization};
use leadsman_provider::explanation::MetricExplanation;
use serde_json::{Value, json};

use super::autoscaler::MetricSpec;

/// How long an answer may take: the controller waits no longer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// What the custom metrics API's clients assume where an item has no window.
const DEFAULT_WINDOW: Duration = Duration::from_secs(60);

/// An answer of an API.
pub(super) struct Answer {
    pub(super) body: Value,
    /// The texts of its `Warning` headers.
    pub(super) warnings: Vec<String>,
}

impl Answer {
    /// What the read that is explained is answered.
    pub(super) fn of(document: &MetricExplanation) -> Result<Self, String> {
        if let Some(failure) = &document.failure {
            let code = failure.code.map_or_else(String::new, |code| format!("{code}: "));
            return Err(format!("{code}{}", failure.message));
        }
        // By namespace and name: a pod of resource metrics has values of two metrics.
        let mut pods: BTreeMap<(&str, &str), Value> = BTreeMap::new();
        let mut items = Vec::new();
        for metric in &document.metrics {
            for value in &metric.values {
                let quantity = &value.value.quantity;
                if document.request.api != "resource" {
                    let name = &value.object;
                    let mut item = json!({"value": quantity, "timestamp": value.time});
                    item["describedObject"] = json!({"name": name});
                    if let Some(window) = value.window {
                        item["windowSeconds"] = window.into();
                    }
                    items.push(item);
                    continue;
                }
                let pod = pods
                    .entry((value.namespace.as_str(), value.object.as_str()))
                    .or_insert_with(|| {
                        let metadata = json!({"name": value.object, "namespace": value.namespace});
                        json!({"metadata": metadata, "timestamp": value.time, "containers": []})
                    });
                let Some(containers) = pod["containers"].as_array_mut() else { continue };
                let known = containers.iter().position(|of| of["name"] == *value.container);
                let at = known.unwrap_or_else(|| {
                    containers.push(json!({"name": value.container, "usage": {}}));
                    containers.len() - 1
                });
                containers[at]["usage"][&metric.mapping.metric] = quantity.as_str().into();
            }
        }
        items.extend(pods.into_values());
        Ok(Self { body: json!({"items": items}), warnings: document.warnings.clone() })
    }
}

/// The answer at a path. A status other than 200 is an error with the message of the answer.
pub(super) async fn get(cluster: &Cluster, path: &str) -> Result<Answer, String> {
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, cluster.get(path)).await;
    let answer = answer.map_err(|_| format!("no answer within {REQUEST_TIMEOUT:?}"))??;
    let warnings = answer.headers().get_all(http::header::WARNING).iter();
    let warnings = warnings.filter_map(|value| value.to_str().ok()).map(text_of).collect();
    let status = answer.status();
    let body: Value = serde_json::from_slice(answer.body())
        .map_err(|_| format!("{status} with an answer that is no JSON"))?;
    if status == http::StatusCode::OK {
        return Ok(Answer { body, warnings });
    }
    let message = body["message"].as_str().unwrap_or_default();
    Err(format!("{}: {message}", status.as_u16()))
}

/// The version that the controller asks for: the one that discovery prefers.
pub(super) async fn custom_version(cluster: &Cluster) -> String {
    let group = get(cluster, "/apis/custom.metrics.k8s.io").await;
    let preferred = group
        .ok()
        .and_then(|group| group.body["preferredVersion"]["version"].as_str().map(str::to_owned));
    preferred.unwrap_or_else(|| "v1beta2".to_owned())
}

/// The text of a `Warning` header: `299 AGENT "TEXT"`.
fn text_of(header: &str) -> String {
    let text = header.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"'));
    text.map_or(header, |(text, _)| text).to_owned()
}

/// The values in an answer, in the sense of a metric.
pub(super) fn reading(
    metric: &MetricSpec,
    body: &Value,
    requests: impl FnOnce() -> Result<BTreeMap<String, i64>, String>,
) -> Result<Reading, String> {
    let items = body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return Err("the answer has no items".to_owned());
    }
    if metric.external.is_some() {
        let values: Result<_, _> = items.iter().map(|item| milli(&item["value"])).collect();
        return Ok(Reading::External(values?));
    }
    if metric.object.is_some() {
        return Ok(Reading::Object(milli(&items[0]["value"])?));
    }
    if let Some(source) = metric.resource.as_ref().or(metric.container_resource.as_ref()) {
        let container = source.container.as_deref();
        let mut samples = BTreeMap::new();
        for item in items {
            if let Some(value) = used(item, &source.name, container)? {
                let name = item["metadata"]["name"].as_str().unwrap_or_default();
                let window = item["window"].as_str().and_then(go_duration);
                samples.insert(
                    name.to_owned(),
                    PodSample {
                        value,
                        time: time(&item["timestamp"]),
                        window: window.unwrap_or(DEFAULT_WINDOW),
                    },
                );
            }
        }
        let utilization = source.target.average_value.is_none();
        let utilization = utilization.then(|| Utilization { requests: requests() });
        return Ok(Reading::Pods { samples, startup: source.name == "cpu", utilization });
    }
    let mut samples = BTreeMap::new();
    for item in items {
        let name = item["describedObject"]["name"].as_str().unwrap_or_default();
        let window = item["windowSeconds"].as_u64().map(Duration::from_secs);
        samples.insert(
            name.to_owned(),
            PodSample {
                value: milli(&item["value"])?,
                time: time(&item["timestamp"]),
                window: window.unwrap_or(DEFAULT_WINDOW),
            },
        );
    }
    Ok(Reading::Pods { samples, startup: false, utilization: None })
}

/// What a pod uses, or one of its containers; `None` where a part is not known.
fn used(item: &Value, resource: &str, container: Option<&str>) -> Result<Option<i64>, String> {
    let containers = item["containers"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of = |of: &Value| match &of["usage"][resource] {
        Value::Null => Ok(None),
        value => milli(value).map(Some),
    };
    if let Some(container) = container {
        let found = containers.iter().find(|of| of["name"] == container);
        return found.map_or(Ok(None), of);
    }
    let mut sum = None;
    for container in containers {
        match of(container)? {
            None => return Ok(None),
            Some(value) => sum = Some(sum.unwrap_or(0_i64).saturating_add(value)),
        }
    }
    Ok(sum)
}

fn milli(value: &Value) -> Result<i64, String> {
    let text = value.as_str().ok_or_else(|| format!("{value} is no quantity"))?;
    super::pods::milli(text)
}

/// In milliseconds since 1970.
fn time(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_default();
    text.parse::<Timestamp>().map_or(0, |time| time.as_millisecond())
}

/// A duration as Go writes it: `1m30s`, `90s`, `500ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += Duration::try_from_secs_f64(number * unit).ok()?;
        rest = &rest[end..];
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(kind: &str, key: &str, settings: Value) -> MetricSpec {
        serde_json::from_value(json!({"type": kind, key: settings})).unwrap()
    }

    fn no_requests() -> Result<BTreeMap<String, i64>, String> {
        Err("there are none".to_owned())
    }

    #[test]
    fn a_pod_counts_only_with_all_of_its_containers() {
        let cpu = json!({"name": "cpu", "target": {"averageValue": "1"}});
        let metric = metric("Resource", "resource", cpu);
        let body = json!({"items": [
            {"metadata": {"name": "a"}, "timestamp": "1970-01-01T00:00:05Z", "window": "1m30.5s",
             "containers": [{"name": "x", "usage": {"cpu": "100m"}}, {"name": "y", "usage": {"cpu": "1"}}]},
            {"metadata": {"name": "b"}, "containers": [{"name": "x", "usage": {"memory": "1"}}]},
        ]});
        let Reading::Pods { samples, startup, utilization } =
            reading(&metric, &body, no_requests).unwrap()
        else {
            panic!()
        };
        assert!(startup && utilization.is_none() && samples.len() == 1);
        let window = Duration::from_millis(90_500);
        assert_eq!(samples["a"], PodSample { value: 1100, time: 5000, window });
    }

    #[test]
    fn answers_without_items_and_values_that_are_none_are_no_reading() {
        let target = json!({"averageValue": "1"});
        let metric =
            metric("External", "external", json!({"metric": {"name": "m"}, "target": target}));
        let none = reading(&metric, &json!({"items": []}), no_requests);
        assert!(none.unwrap_err().contains("no items"));
        let wrong = reading(&metric, &json!({"items": [{"value": "much"}]}), no_requests);
        assert!(wrong.unwrap_err().contains("much"));
        let both = json!({"items": [{"value": "1500m"}, {"value": "2k"}]});
        let both = reading(&metric, &both, no_requests).unwrap();
        assert_eq!(both, Reading::External(vec![1500, 2_000_000]));
    }

    #[test]
    fn warnings_are_their_text() {
        assert_eq!(text_of(r#"299 leadsman "m is 4s old""#), "m is 4s old");
        assert_eq!(text_of("odd"), "odd");
    }
}
