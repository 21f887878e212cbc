//! The arithmetic of the HorizontalPodAutoscaler over what the API answers.

use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::{Value, json};

use leadsman_document::Document;
use leadsman_model::quantity::Quantity;

/// Ratios this near to 1 change nothing, as in the HPA controller.
const TOLERANCE: f64 = 0.1;

/// How many frames a trend line has.
const POINTS: usize = 40;

/// An autoscaler as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
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

/// An autoscaler and what it decided.
#[derive(Debug)]
pub(super) struct Autoscaler {
    written: Written,
    target: Quantity,
    /// What the HPA would show: the average per pod, or the value.
    value: Option<Quantity>,
    replicas: u32,
    values: VecDeque<Option<f64>>,
    history: VecDeque<u32>,
    message: Option<String>,
}

impl Autoscaler {
    /// Reads the list.
    pub(super) fn all(text: &str) -> anyhow::Result<Vec<Self>> {
        #[derive(Deserialize)]
        struct List {
            autoscalers: Vec<Written>,
        }
        let (document, faults) = Document::parse("autoscalers.yaml", text);
        anyhow::ensure!(faults.is_empty(), "{}", document.locate(faults));
        let list: List = serde_json::from_value(document.value)?;
        list.autoscalers.into_iter().map(Self::new).collect()
    }

    fn new(written: Written) -> anyhow::Result<Self> {
        let target = match &written.metric {
            Metric::Pods { target, .. }
            | Metric::Object { target, .. }
            | Metric::External { target, .. } => target.parse()?,
        };
        Ok(Self {
            target,
            value: None,
            replicas: written.start,
            values: VecDeque::new(),
            history: VecDeque::new(),
            message: None,
            written,
        })
    }

    /// What the HPA controller asks for.
    pub(super) fn request(&self) -> String {
        let namespace = &self.written.namespace;
        let custom = format!("/apis/custom.metrics.k8s.io/v1beta2/namespaces/{namespace}");
        match &self.written.metric {
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

    /// Decides over the replicas from the values that were read.
    pub(super) fn decide(&mut self, read: Result<Vec<Quantity>, String>) {
        let decided = read.and_then(|values| self.decision(&values));
        match decided {
            Ok((value, replicas)) => {
                self.value = Some(value);
                self.replicas = replicas.clamp(self.written.min, self.written.max);
                self.message = None;
            }
            // As the HPA does: without a value, nothing changes.
            Err(message) => {
                self.value = None;
                self.message = Some(message);
            }
        }
        push(&mut self.values, self.value.map(Quantity::as_f64));
        push(&mut self.history, self.replicas);
    }

    /// The value to show, and the replicas wanted.
    fn decision(&self, values: &[Quantity]) -> Result<(Quantity, u32), String> {
        let sum: f64 = values.iter().map(|value| value.as_f64()).sum();
        let current = f64::from(self.replicas);
        let target = self.target.as_f64();
        let (shown, ratio, wanted) = match (&self.written.metric, values) {
            (_, []) => return Err("no metrics returned".to_owned()),
            (Metric::Pods { .. }, pods) => {
                let count = f64::from(u32::try_from(pods.len()).unwrap_or(u32::MAX));
                (sum / count, sum / count / target, sum / target)
            }
            (Metric::Object { .. }, _) => (sum, sum / target, sum / target * current.max(1.0)),
            (Metric::External { .. }, _) => {
                // With no replicas there is no average; any value wakes the workload.
                let ratio =
                    if self.replicas == 0 { sum * f64::INFINITY } else { sum / target / current };
                (sum / current.max(1.0), ratio, sum / target)
            }
        };
        let shown = Quantity::from_f64(shown).map_err(|error| error.to_string())?;
        let wanted =
            if (ratio - 1.0).abs() <= TOLERANCE { self.replicas } else { rounded_up(wanted) };
        Ok((shown, wanted))
    }

    pub(super) fn workload(&self) -> String {
        format!("{}/{}", self.written.kind, self.written.name)
    }

    pub(super) fn metric(&self) -> &str {
        match &self.written.metric {
            Metric::Pods { name, .. }
            | Metric::Object { name, .. }
            | Metric::External { name, .. } => name,
        }
    }

    /// `34858m/100 (avg)`, as kubectl shows it.
    pub(super) fn value_and_target(&self) -> String {
        let value = self.value.map_or("<unknown>".to_owned(), |value| value.to_string());
        let average =
            if matches!(self.written.metric, Metric::Object { .. }) { "" } else { " (avg)" };
        format!("{value}/{}{average}", self.target)
    }

    pub(super) fn replicas(&self) -> u32 {
        self.replicas
    }

    pub(super) fn max(&self) -> u32 {
        self.written.max
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

    /// As the page shows it.
    pub(super) fn to_json(&self) -> Value {
        json!({
            "workload": self.workload(),
            "namespace": self.written.namespace,
            "metric": self.metric(),
            "value": self.value.map(|value| value.to_string()),
            "target": self.target.to_string(),
            "replicas": self.replicas,
            "min": self.written.min,
            "max": self.written.max,
            "valueHistory": self.values,
            "replicasHistory": self.history,
            "message": self.message,
        })
    }
}

fn push<T>(line: &mut VecDeque<T>, point: T) {
    line.push_back(point);
    if line.len() > POINTS {
        line.pop_front();
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates, and is clamped
fn rounded_up(replicas: f64) -> u32 {
    // A sum of thousandths may be off by the smallest step of a float.
    (replicas - 1e-9).ceil().max(0.0) as u32
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
    fn what_the_users_saw() {
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
    fn to_zero_and_from_zero() {
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
