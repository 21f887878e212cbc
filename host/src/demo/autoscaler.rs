//! Autoscalers of the demo: what they read, and what the HPA's arithmetic makes of it.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use leadsman_document::Document;
use leadsman_hpa::{
    Metric as HpaMetric, Phase, Pod, PodSample, Reading, ReadyCondition, Replicas, Startup, Target,
    Tolerance, propose,
};
use leadsman_model::quantity::Quantity;

/// The maximum number of frames in the history.
const MAX_HISTORY: usize = 40;

/// An autoscaler in autoscalers.yaml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: String,
    kind: String,
    namespace: String,
    min: u32,
    max: u32,
    start: u32,
    metric: Metric,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
enum Metric {
    Pods {
        name: String,
        selector: String,
        #[serde(rename = "averageValue")]
        target: String,
    },
    Object {
        resource: String,
        object: String,
        name: String,
        #[serde(rename = "value")]
        target: String,
    },
    External {
        name: String,
        #[serde(rename = "averageValue")]
        target: String,
    },
}

/// An autoscaler with its last decision and its history.
#[derive(Debug)]
pub(super) struct Autoscaler {
    spec: Spec,
    target: Quantity,
    /// The current value that an HPA would show: an average per pod, or the value of an object.
    value: Option<Quantity>,
    replicas: u32,
    values: VecDeque<Option<f64>>,
    history: VecDeque<u32>,
    message: Option<String>,
}

impl Autoscaler {
    /// Parses a list of autoscalers.
    pub(super) fn all(text: &str) -> anyhow::Result<Vec<Self>> {
        #[derive(Deserialize)]
        struct List {
            autoscalers: Vec<Spec>,
        }
        let (document, faults) = Document::parse("autoscalers.yaml", text);
        anyhow::ensure!(faults.is_empty(), "{}", document.locate(faults));
        let list: List = serde_json::from_value(document.value)?;
        list.autoscalers.into_iter().map(Self::new).collect()
    }

    fn new(spec: Spec) -> anyhow::Result<Self> {
        let target = match &spec.metric {
            Metric::Pods { target, .. }
            | Metric::Object { target, .. }
            | Metric::External { target, .. } => target.parse()?,
        };
        Ok(Self {
            target,
            value: None,
            replicas: spec.start,
            values: VecDeque::new(),
            history: VecDeque::new(),
            message: None,
            spec,
        })
    }

    /// The path that the HPA controller reads.
    pub(super) fn request(&self) -> String {
        let namespace = &self.spec.namespace;
        let custom = format!("/apis/custom.metrics.k8s.io/v1beta2/namespaces/{namespace}");
        match &self.spec.metric {
            Metric::Pods { name, selector, .. } => {
                let selector = selector.replace('=', "%3D");
                format!("{custom}/pods/%2A/{name}?labelSelector={selector}")
            }
            Metric::Object { resource, object, name, .. } => {
                format!("{custom}/{resource}/{object}/{name}")
            }
            Metric::External { name, .. } => {
                format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/{namespace}/{name}")
            }
        }
    }

    /// Computes the replicas from the result of a read.
    pub(super) fn decide(&mut self, read: Result<Vec<Quantity>, String>) {
        let decision = read.and_then(|values| self.decision(&values));
        match decision {
            Ok((value, replicas)) => {
                self.value = Some(value);
                self.replicas = replicas.clamp(self.spec.min, self.spec.max);
                self.message = None;
            }
            // Without a value, an HPA changes nothing.
            Err(message) => {
                self.value = None;
                self.message = Some(message);
            }
        }
        push(&mut self.values, self.value.map(Quantity::as_f64));
        push(&mut self.history, self.replicas);
    }

    /// The value to show, and the desired replicas.
    fn decision(&self, values: &[Quantity]) -> Result<(Quantity, u32), String> {
        if values.is_empty() {
            return Err("no metrics returned".to_owned());
        }
        let values: Vec<_> = values.iter().map(|value| value.milli()).collect();
        let replicas = i32::try_from(self.replicas).unwrap_or(i32::MAX);
        let target = self.target.milli();
        let (reading, target, pods) = match &self.spec.metric {
            Metric::Pods { .. } => {
                let samples = values.iter().enumerate().map(|(number, value)| {
                    let sample = PodSample { value: *value, time: 0, window: Duration::ZERO };
                    (number.to_string(), sample)
                });
                let reading =
                    Reading::Pods { samples: samples.collect(), startup: false, utilization: None };
                (reading, Target::AverageValue(target), pods(values.len()))
            }
            // All of its pods are ready.
            Metric::Object { .. } => {
                let pods = pods(usize::try_from(replicas).unwrap_or_default());
                (Reading::Object(values.iter().sum()), Target::Value(target), pods)
            }
            Metric::External { .. } => {
                (Reading::External(values), Target::AverageValue(target), Vec::new())
            }
        };
        let metric = HpaMetric { target, reading: Ok(reading) };
        let replicas = Replicas { spec: replicas, status: replicas };
        let proposal = propose(&metric, replicas, &pods, &Startup::at(0), Tolerance::default());
        let proposal = proposal.map_err(|failure| failure.to_string())?;
        let desired = u32::try_from(proposal.replicas).unwrap_or_default();
        Ok((Quantity::from_milli(proposal.current), desired))
    }

    pub(super) fn workload(&self) -> String {
        format!("{}/{}", self.spec.kind, self.spec.name)
    }

    pub(super) fn metric(&self) -> &str {
        match &self.spec.metric {
            Metric::Pods { name, .. }
            | Metric::Object { name, .. }
            | Metric::External { name, .. } => name,
        }
    }

    /// Value and target in the format of kubectl: `34858m/100 (avg)`.
    pub(super) fn value_and_target(&self) -> String {
        let value = self.value.map_or("<unknown>".to_owned(), |value| value.to_string());
        let average = if matches!(self.spec.metric, Metric::Object { .. }) { "" } else { " (avg)" };
        format!("{value}/{}{average}", self.target)
    }

    pub(super) fn replicas(&self) -> u32 {
        self.replicas
    }

    pub(super) fn max(&self) -> u32 {
        self.spec.max
    }

    pub(super) fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    pub(super) fn values(&self) -> impl Iterator<Item = Option<f64>> {
        self.values.iter().copied()
    }

    pub(super) fn history(&self) -> impl Iterator<Item = Option<f64>> {
        self.history.iter().map(|&replicas| Some(replicas.into()))
    }

    /// The JSON for the status page.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "workload": self.workload(),
            "namespace": self.spec.namespace,
            "metric": self.metric(),
            "value": self.value.map(|value| value.to_string()),
            "target": self.target.to_string(),
            "replicas": self.replicas,
            "min": self.spec.min,
            "max": self.spec.max,
            "valueHistory": self.values,
            "replicasHistory": self.history,
            "message": self.message,
        })
    }
}

fn push<T>(history: &mut VecDeque<T>, point: T) {
    history.push_back(point);
    if history.len() > MAX_HISTORY {
        history.pop_front();
    }
}

/// So many pods that run and are ready.
fn pods(count: usize) -> Vec<Pod> {
    let pod = |number: usize| Pod {
        name: number.to_string(),
        phase: Phase::Running,
        deleted: false,
        ready: Some(ReadyCondition { status: Some(true), since: 0 }),
        started: Some(0),
    };
    (0..count).map(pod).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(metric: &str, replicas: u32, values: &[&str]) -> (String, u32) {
        let text = format!(
            "autoscalers:\n  - {{name: x, kind: Deployment, namespace: d, min: 0, max: 10, start: {replicas}, metric: {metric}}}\n"
        );
        let mut autoscaler = Autoscaler::all(&text).unwrap().remove(0);
        autoscaler.decide(Ok(values.iter().map(|value| value.parse().unwrap()).collect()));
        (autoscaler.value_and_target(), autoscaler.replicas())
    }

    #[test]
    fn decisions_of_the_recorded_cases() {
        let go = "{pods: {name: ops, selector: a=b, averageValue: \"3\"}}";
        assert_eq!(decided(go, 1, &["1"]), ("1/3 (avg)".into(), 1));
        assert_eq!(decided(go, 1, &["4"]), ("4/3 (avg)".into(), 2));
        assert_eq!(decided(go, 2, &["2", "2"]), ("2/3 (avg)".into(), 2));
        let alb = "{object: {resource: services, object: o, name: c, value: \"200\"}}";
        assert_eq!(decided(alb, 1, &["700"]), ("700/200".into(), 4));
        assert_eq!(decided(alb, 4, &["1013400m"]), ("1013400m/200".into(), 10));
        let keda = "{external: {name: r, averageValue: \"3\"}}";
        assert_eq!(decided(keda, 1, &["12"]).1, 4);
        assert_eq!(decided(keda, 4, &["14"]).1, 5);
    }

    #[test]
    fn scaling_to_zero_and_from_zero() {
        let keda = "{external: {name: r, averageValue: \"3\"}}";
        assert_eq!(decided(keda, 1, &["0"]).1, 0);
        assert_eq!(decided(keda, 0, &["1"]).1, 1);
        assert_eq!(decided(keda, 0, &["0"]).1, 0);
    }

    #[test]
    fn within_the_tolerance_nothing_changes() {
        let pods = "{pods: {name: ops, selector: a=b, averageValue: \"100\"}}";
        assert_eq!(decided(pods, 2, &["109", "109"]).1, 2);
        assert_eq!(decided(pods, 2, &["112", "112"]).1, 3);
    }

    #[test]
    fn without_a_value_nothing_changes() {
        assert_eq!(decided("{external: {name: r, averageValue: \"3\"}}", 4, &[]).1, 4);
    }
}
