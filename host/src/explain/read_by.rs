//! The autoscalers that read a metric, each with its last hour: the adapter records the past of a metric by
//! autoscaler.

use std::fmt;

use leadsman_autoscaler::verdict::{target_words, title};
use leadsman_cluster::Cluster;
use leadsman_model::text::one_line;
use leadsman_provider::explanation::{MetricExplanation, With};
use serde::Serialize;
use serde_json::Value;

use super::autoscaler::{Autoscaler, MetricSpec};
use super::explainer::explained;
use super::gather::described;
use super::hour::Hour;
use super::metric::{MetricText, write_line};
use super::readings;
use super::requests::{Surroundings, path, segment};

/// The most autoscalers of a namespace that are looked at, and of these that are shown with their hour.
const MAX_LISTED: usize = 500;
const MAX_SHOWN: usize = 5;

/// How many characters of a line are shown.
const MAX_TEXT: usize = 2000;

/// The explanation of a read, with who scales by it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedRead {
    /// The explanation of the adapter.
    #[serde(flatten)]
    pub document: MetricExplanation,
    /// The autoscalers that read it; `None` where there is no cluster, or nothing that they could read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_by: Option<ReadBy>,
}

/// The autoscalers of a namespace that read a metric.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadBy {
    namespace: String,
    /// Why they are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<String>,
    /// Their metrics, in the order of names: 5 at most.
    autoscalers: Vec<Reader>,
    /// Metrics of this name that were not asked for.
    more: usize,
    /// Whether the namespace has more autoscalers than those that were looked at.
    partial: bool,
}

/// A metric of an autoscaler.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reader {
    /// The name of the autoscaler.
    autoscaler: String,
    /// The place of the metric in it; the first is 0.
    place: usize,
    /// Its type and name, and its target in words.
    title: String,
    target: String,
    /// Its last hour.
    hour: Hour,
}

/// Which autoscalers read what an explanation is of. Each is asked for by its own request, with the rights
/// of whoever asks.
pub(super) async fn read_by(cluster: &Cluster, document: &MetricExplanation) -> Option<ReadBy> {
    let namespace = document.request.namespace.as_deref()?;
    if document.metrics.is_empty() {
        return None;
    }
    let list = format!(
        "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers?limit={MAX_LISTED}",
        segment(namespace)
    );
    let mut result = ReadBy { namespace: namespace.to_owned(), ..ReadBy::default() };
    let found = match readings::get(cluster, &list).await {
        Ok(answer) => {
            result.partial = is_partial(&answer.body);
            readers(&answer.body, document)
        }
        Err(reason) => {
            result.unknown = Some(reason);
            return Some(result);
        }
    };
    let custom_version = readings::custom_version(cluster).await;
    result.more = found.len().saturating_sub(MAX_SHOWN);
    for (autoscaler, place, spec) in found.into_iter().take(MAX_SHOWN) {
        let kind = described(cluster, &spec).await;
        let around = Surroundings {
            namespace,
            pods: "",
            custom_version: &custom_version,
            described: kind.as_deref(),
        };
        let Ok(request) = path(&spec, &around) else {
            result.more += 1;
            continue;
        };
        let hour = match explained(cluster, &request, With::default(), Some(&autoscaler)).await {
            // A metric of this name may be served for other objects, too.
            Ok(Some(other)) if !is_same(&other, document) => continue,
            Ok(mut other) => Hour::taken_from(other.as_mut(), place),
            Err(reason) => Hour::unknown(&reason),
        };
        let target = spec.target().map_or_else(|reason| reason, target_words);
        result.autoscalers.push(Reader { autoscaler, place, title: title(&spec), target, hour });
    }
    Some(result)
}

/// Whether there is more than a list has.
fn is_partial(list: &Value) -> bool {
    list["metadata"]["continue"].as_str().is_some_and(|token| !token.is_empty())
}

/// The metrics of autoscalers that may be what an explanation is of, by name and place.
fn readers(list: &Value, document: &MetricExplanation) -> Vec<(String, usize, MetricSpec)> {
    let items = list["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut readers = Vec::new();
    for item in items {
        // What this version cannot read has no metric that it knows.
        let Ok(autoscaler) = serde_json::from_value::<Autoscaler>(item.clone()) else { continue };
        for (place, spec) in autoscaler.spec.metrics().into_iter().enumerate() {
            if may_read(&spec, document) {
                readers.push((autoscaler.metadata.name.clone(), place, spec));
            }
        }
    }
    readers.sort_by(|one, other| (&one.0, one.1).cmp(&(&other.0, other.1)));
    readers
}

/// Whether a metric of an autoscaler reads what was asked for, or a part of it.
fn may_read(spec: &MetricSpec, document: &MetricExplanation) -> bool {
    let request = &document.request;
    let is_of_api = match request.api.as_str() {
        "external" => spec.external.is_some(),
        "custom" => spec.pods.is_some() || spec.object.is_some(),
        _ => spec.resource.is_some() || spec.container_resource.is_some(),
    };
    let is_named = document.metrics.iter().any(|metric| metric.mapping.metric == spec.name());
    let source = spec.pods.as_ref().or(spec.object.as_ref()).or(spec.external.as_ref());
    let selector = source.and_then(|source| source.metric.selector.as_ref());
    let selector = selector.map(ToString::to_string).unwrap_or_default();
    let object = spec.object.as_ref().and_then(|object| object.described_object.as_ref());
    let is_selected = request.metric_selector.is_empty() || request.metric_selector == selector;
    let is_of_object = match &request.object {
        Some(asked) => object.is_some_and(|object| object.name == *asked),
        None => true,
    };
    is_of_api && is_named && is_selected && is_of_object
}

/// Whether the same mapping or rule answers both.
fn is_same(one: &MetricExplanation, other: &MetricExplanation) -> bool {
    let titles = |of: &MetricExplanation| -> Vec<String> {
        of.metrics.iter().map(|metric| metric.mapping.title.clone()).collect()
    };
    let known = titles(other);
    titles(one).iter().any(|title| known.contains(title))
}

impl fmt::Display for ExplainedRead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        MetricText(&self.document).fmt(f)?;
        self.read_by.as_ref().map_or(Ok(()), |read_by| read_by.fmt(f))
    }
}

impl fmt::Display for ReadBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(why) = &self.unknown {
            return writeln!(
                f,
                "\nwhich autoscalers read it is not known: {}",
                one_line(why, MAX_TEXT)
            );
        }
        if self.autoscalers.is_empty() && self.more == 0 && !self.partial {
            writeln!(f, "\nno autoscaler of {} reads it", self.namespace)?;
        }
        for reader in &self.autoscalers {
            let Reader { autoscaler, title, target, hour, .. } = reader;
            let read = format!("{}/{autoscaler}: {title}, target {target}", self.namespace);
            writeln!(f, "\nread by {}", one_line(&read, MAX_TEXT))?;
            for line in hour.lines() {
                write_line(f, &line)?;
            }
        }
        if self.more > 0 {
            writeln!(f, "\n{} more metrics of autoscalers have its name", self.more)?;
        }
        if self.partial {
            let namespace = &self.namespace;
            writeln!(f, "\nno more than {MAX_LISTED} autoscalers of {namespace} were looked at")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
