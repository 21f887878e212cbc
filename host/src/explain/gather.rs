//! Reads everything that the controller's decision depends on.

use std::path::Path;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{GroupVersionKind, ListParams};
use kube::discovery::pinned_kind;
use leadsman_cluster::{Cluster, explain};
use leadsman_document::Document;
use leadsman_hpa::{
    DEFAULT_DOWNSCALE_STABILIZATION, History, Metric, MetricTarget, Recommendation, Situation,
    Startup,
};
use leadsman_provider::explanation::{MetricExplanation, With};
use leadsman_runtime::clock;
use serde::de::DeserializeOwned;

use super::autoscaler::{
    Autoscaler, CrossVersionObjectReference, MetricSpec, ScaleSubresource, TargetSpec,
};
use super::explainer::explained;
use super::hour::Hour;
use super::past::{PastEvent, past};
use super::readings::Answer;
use super::requests::{Surroundings, is_namespace, path, segment};
use super::{ExplainError, ExplainOptions, Explainer, pods, readings};

/// What was read.
pub(super) struct Gathered {
    pub(super) namespace: String,
    pub(super) autoscaler: Autoscaler,
    pub(super) scale: ScaleSubresource,
    /// Whether the autoscaler is not in the cluster yet.
    pub(super) from_file: bool,
    pub(super) metrics: Vec<GatheredMetric>,
    pub(super) situation: Situation,
    /// What was reported on the autoscaler within the last hour.
    pub(super) past: Result<Vec<PastEvent>, String>,
}

/// A metric as written, and how it was read.
pub(super) struct GatheredMetric {
    pub(super) spec: MetricSpec,
    pub(super) request: Option<String>,
    pub(super) warnings: Vec<String>,
    /// What the adapter did for it, if the adapter explains its answers.
    pub(super) record: Option<MetricExplanation>,
    pub(super) hour: Hour,
}

pub(super) async fn gather(
    cluster: &Cluster,
    own: Option<&Explainer>,
    options: &ExplainOptions,
) -> Result<Gathered, ExplainError> {
    let (autoscaler, namespace) = match &options.file {
        Some(file) => {
            let autoscaler = read_file(file)?;
            let namespace = autoscaler.metadata.namespace.clone();
            (autoscaler, namespace.unwrap_or_else(|| cluster.namespace().to_owned()))
        }
        None => {
            let (namespace, name) = (&options.namespace, &options.name);
            let path = format!(
                "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers/{}",
                segment(namespace),
                segment(name)
            );
            let what = || format!("the HorizontalPodAutoscaler {namespace}/{name}");
            (object(cluster, &path, what).await?, namespace.clone())
        }
    };
    let target = &autoscaler.spec.scale_target_ref;
    let plural = plural(cluster, target).await?;
    let scale: ScaleSubresource = object(cluster, &scale_path(target, &plural, &namespace), || {
        format!("the scale of {} {namespace}/{}", target.kind, target.name)
    })
    .await?;
    let selector = scale.status.selector.clone();
    let listed = list_pods(cluster, &namespace, &selector).await?;
    let custom_version = readings::custom_version(cluster).await;
    let (mut metrics, mut values) = (Vec::new(), Vec::new());
    let from_file = options.file.is_some();
    // Of one that is not in the cluster, nobody knows an hour.
    let named = (!from_file).then_some(autoscaler.metadata.name.as_str());
    for (place, spec) in autoscaler.spec.metrics().into_iter().enumerate() {
        let described = described(cluster, &spec).await;
        let around = Surroundings {
            namespace: &namespace,
            pods: &selector,
            custom_version: &custom_version,
            described: described.as_deref(),
        };
        let request = path(&spec, &around);
        let (answer, mut record) = match &request {
            Ok(path) => read(cluster, own, path, named).await,
            Err(reason) => (Err(reason.clone()), None),
        };
        let (reading, warnings) = match answer {
            Ok(answer) => {
                let source = spec.resource.as_ref().or(spec.container_resource.as_ref());
                let requests = || {
                    let source = source.ok_or("it is no resource metric")?;
                    pods::requests(&listed, &source.name, source.container.as_deref())
                };
                (readings::reading(&spec, &answer.body, requests), answer.warnings)
            }
            Err(reason) => (Err(reason), Vec::new()),
        };
        let target = spec.target().and_then(TargetSpec::in_thousandths);
        values.push(match target {
            Ok(target) => Metric { target, reading },
            Err(reason) => Metric { target: MetricTarget::Value(0), reading: Err(reason) },
        });
        let hour = match (own, named, &request) {
            (Some(_), ..) => Hour::unknown(
                "this process has only just read it; an adapter in the cluster keeps the last hour",
            ),
            (None, None, _) => Hour::unknown("the autoscaler is not in the cluster yet"),
            (None, Some(_), Err(_)) => Hour::unknown("there is no request for it"),
            (None, Some(_), Ok(_)) => Hour::taken_from(record.as_mut(), place),
        };
        metrics.push(GatheredMetric { spec, request: request.ok(), warnings, record, hour });
    }
    let spec = &autoscaler.spec;
    // The controller's first look at an autoscaler takes the current replicas as recommended.
    let first = Recommendation { age: Duration::ZERO, replicas: scale.spec.replicas };
    let recommendations = if from_file { vec![first] } else { Vec::new() };
    let situation = Situation {
        min: spec.min_replicas.unwrap_or(1),
        max: spec.max_replicas,
        replicas: scale.spec.replicas,
        status_replicas: scale.status.replicas,
        tolerance: spec.tolerance(),
        behavior: spec.behavior(),
        default_window: DEFAULT_DOWNSCALE_STABILIZATION,
        pods: listed.iter().map(pods::pod).collect(),
        startup: Startup::at(clock::now()),
        metrics: values,
        history: History { recommendations, ..History::default() },
    };
    let past = match from_file {
        true => Ok(Vec::new()),
        false => past(cluster, &namespace, &autoscaler.metadata.name, clock::now()).await,
    };
    Ok(Gathered { namespace, autoscaler, scale, from_file, metrics, situation, past })
}

/// Reads a metric as the controller does, and asks for what the adapter did for it, with the last hour of
/// the autoscaler that is named. With a configuration of its own, this process is the adapter.
async fn read(
    cluster: &Cluster,
    own: Option<&Explainer>,
    path: &str,
    autoscaler: Option<&str>,
) -> (Result<Answer, String>, Option<MetricExplanation>) {
    if let Some(own) = own {
        return match own.explain(path, With::default()).await {
            Ok(document) => (Answer::of(&document), Some(document)),
            Err(error) => (Err(error.to_string()), None),
        };
    }
    let answer = readings::get(cluster, path).await;
    let record = explained(cluster, path, With::default(), autoscaler).await;
    // The metric itself is what counts; some adapters explain nothing.
    (answer, record.ok().flatten())
}

fn read_file(file: &Path) -> Result<Autoscaler, ExplainError> {
    let name = file.display().to_string();
    let fault = |reason: String| ExplainError::File { file: name.clone(), reason };
    let text = std::fs::read_to_string(file).map_err(|error| fault(error.to_string()))?;
    let (document, faults) = Document::parse(&name, &text);
    if !faults.is_empty() {
        return Err(fault(document.locate(faults).to_string()));
    }
    if document.value["kind"] != "HorizontalPodAutoscaler" {
        return Err(fault("it is no HorizontalPodAutoscaler".to_owned()));
    }
    serde_json::from_value(document.value).map_err(|error| fault(error.to_string()))
}

async fn object<T: DeserializeOwned>(
    cluster: &Cluster,
    path: &str,
    what: impl Fn() -> String,
) -> Result<T, ExplainError> {
    let answer = readings::get(cluster, path)
        .await
        .and_then(|answer| serde_json::from_value(answer.body).map_err(|error| error.to_string()));
    answer.map_err(|reason| ExplainError::Read { what: what(), reason })
}

/// Group and version of a reference; that of the core group where it names none.
fn group_version(reference: &CrossVersionObjectReference) -> (&str, &str) {
    match reference.api_version.as_deref() {
        None => ("", "v1"),
        Some(version) => version.split_once('/').unwrap_or(("", version)),
    }
}

async fn plural(
    cluster: &Cluster,
    reference: &CrossVersionObjectReference,
) -> Result<String, ExplainError> {
    let (group, version) = group_version(reference);
    let kind = GroupVersionKind::gvk(group, version, &reference.kind);
    match pinned_kind(cluster.client(), &kind).await {
        Ok((resource, _)) => Ok(resource.plural),
        Err(error) => Err(ExplainError::Read {
            what: format!("what a {} of {group}/{version} is", reference.kind),
            reason: explain(&error),
        }),
    }
}

fn scale_path(target: &CrossVersionObjectReference, plural: &str, namespace: &str) -> String {
    let (group, version) = group_version(target);
    let version = segment(version);
    let api = if group.is_empty() {
        format!("/api/{version}")
    } else {
        format!("/apis/{}/{version}", segment(group))
    };
    // Whoever may write an autoscaler says what it scales.
    let (namespace, plural, name) = (segment(namespace), segment(plural), segment(&target.name));
    format!("{api}/namespaces/{namespace}/{plural}/{name}/scale")
}

/// The plural of the kind that a metric describes, with its group; `None` if it describes none or the kind
/// is not known.
pub(super) async fn described(cluster: &Cluster, metric: &MetricSpec) -> Option<String> {
    let described = metric.object.as_ref()?.described_object.as_ref()?;
    if is_namespace(described) {
        return None;
    }
    let plural = plural(cluster, described).await.ok()?;
    Some(match group_version(described).0 {
        "" => plural,
        group => format!("{plural}.{group}"),
    })
}

async fn list_pods(
    cluster: &Cluster,
    namespace: &str,
    selector: &str,
) -> Result<Vec<Pod>, ExplainError> {
    // An empty selector would select all pods; the controller refuses it.
    if selector.is_empty() {
        return Ok(Vec::new());
    }
    let api: Api<Pod> = Api::namespaced(cluster.client().clone(), namespace);
    let found = api.list(&ListParams::default().labels(selector)).await;
    found.map(|list| list.items).map_err(|error| ExplainError::Read {
        what: format!("the pods of {namespace} with {selector}"),
        reason: explain(&error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_autoscaler_says_of_its_target_stays_in_its_place_of_the_path() {
        let of = |api_version: Option<&str>, name: &str| {
            let api_version = api_version.map(str::to_owned);
            let reference = CrossVersionObjectReference {
                api_version,
                kind: "Deployment".to_owned(),
                name: name.to_owned(),
            };
            scale_path(&reference, "deployments", "shop")
        };
        assert_eq!(
            of(Some("apps/v1"), "web"),
            "/apis/apps/v1/namespaces/shop/deployments/web/scale"
        );
        assert_eq!(of(None, "web"), "/api/v1/namespaces/shop/deployments/web/scale");
        assert_eq!(
            of(Some("a?b/v1#c"), "x/../y?z"),
            "/apis/a%3Fb/v1%23c/namespaces/shop/deployments/x%2F..%2Fy%3Fz/scale"
        );
    }
}
