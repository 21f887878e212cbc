//! Parses the metadata of a trigger: the read, the target, and the activation. Reports all faults at once.

use std::collections::HashMap;

use http::StatusCode;

use super::messages::ScaledObjectRef;
use super::read::{Read, ReadSubject};
use leadsman_api::Status;
use leadsman_model::names::{MetricName, Namespace, ObjectName};
use leadsman_model::quantity::Quantity;
use leadsman_model::selector::Selector;

/// Keys that are read here, in the order in which they are reported.
const KEYS: [&str; 10] = [
    "metric",
    "scope",
    "kind",
    "object",
    "selector",
    "metricSelector",
    "namespace",
    "targetValue",
    "targetAverageValue",
    "activationTarget",
];

/// Keys that KEDA reads itself and passes on.
const KEYS_OF_KEDA: [&str; 4] = ["scalerAddress", "enableTLS", "unsafeSsl", "tlsCertFile"];

/// KEDA resolves a key with this suffix from the environment of the workload, and passes on the value.
const FROM_ENVIRONMENT: &str = "FromEnv";

/// The longest selectors, as in the APIs.
const MAX_SELECTOR_BYTES: usize = 4096;
const MAX_METRIC_SELECTOR_BYTES: usize = 1024;

/// How similar a key must be to be suggested, from 0 to 1.
const MIN_SIMILARITY: f64 = 0.8;

/// A trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trigger {
    /// What is read.
    pub(super) read: Read,
    /// The metric for the HPA.
    pub(super) aim: SpecifiedMetric,
    /// The workload is active above this value.
    pub(super) activation: Quantity,
}

impl Trigger {
    /// Reads the metadata of a trigger. `across` says whether it may name what is not in the namespace of
    /// its ScaledObject.
    pub(super) fn of(reference: &ScaledObjectRef, across: bool) -> Result<Self, Status> {
        let mut metadata = Metadata::of(reference);
        match metadata.trigger(reference, across) {
            Some(trigger) if metadata.faults.is_empty() => Ok(trigger),
            _ => Err(metadata.refused()),
        }
    }

    /// Whether a value makes the workload active.
    pub(super) fn is_active(&self, value: Quantity) -> bool {
        value > self.activation
    }
}

/// The metric that the HPA is to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpecifiedMetric {
    /// Its name for KEDA.
    pub(super) metric_name: String,
    /// The target.
    pub(super) target: Quantity,
}

impl SpecifiedMetric {
    /// Parses the metric and the target, and the rest only if one of these is invalid. Without them KEDA
    /// creates no autoscaler and shows no reason. With them KEDA requests values, and shows the faults of
    /// the rest.
    pub(super) fn of(reference: &ScaledObjectRef, across: bool) -> Result<Self, Status> {
        let mut metadata = Metadata::of(reference);
        if let (Some(metric), Some(target)) = (metadata.metric(), metadata.target()) {
            return Ok(Self { metric_name: named(&metric), target });
        }
        metadata.faults.clear();
        metadata.trigger(reference, across);
        Err(metadata.refused())
    }
}

/// KEDA makes a name of the HPA's metric of it: it replaces the same characters in the names of its own
/// scalers.
fn named(metric: &str) -> String {
    metric.replace(['/', '.', ':', '%', '(', ')'], "-")
}

/// The metadata of a trigger while it is parsed.
struct Metadata<'a> {
    found: &'a HashMap<String, String>,
    faults: Vec<String>,
}

impl<'a> Metadata<'a> {
    fn of(reference: &'a ScaledObjectRef) -> Self {
        Self { found: &reference.scaler_metadata, faults: Vec::new() }
    }

    /// Its faults.
    fn refused(&self) -> Status {
        let message = format!("the trigger's metadata: {}", self.faults.join("; "));
        Status::new(StatusCode::BAD_REQUEST, message)
    }

    fn trigger(&mut self, reference: &'a ScaledObjectRef, across: bool) -> Option<Trigger> {
        self.unknown_keys();
        let own = match reference.namespace.parse::<Namespace>() {
            Ok(own) => own,
            Err(error) => {
                self.faults.push(format!("the namespace of the ScaledObject: {error}"));
                return None;
            }
        };
        let metric = self.metric();
        let namespace = self.namespace(&own, across);
        let of = self.objects(namespace, own.as_str(), across);
        let target = self.target();
        let activation = self.number("activationTarget").unwrap_or(Some(Quantity::ZERO));
        let (metric, target) = (metric?, target?);
        let aim = SpecifiedMetric { metric_name: named(&metric), target };
        Some(Trigger { read: Read { metric, of: of? }, aim, activation: activation? })
    }

    fn unknown_keys(&mut self) {
        let known = |key: &str| KEYS.contains(&key) || KEYS_OF_KEDA.contains(&key);
        let mut unknown: Vec<_> = self
            .found
            .keys()
            .filter(|key| !known(key) && !key.strip_suffix(FROM_ENVIRONMENT).is_some_and(known))
            .collect();
        unknown.sort_unstable();
        for key in unknown {
            let similar = KEYS
                .iter()
                .map(|known| (strsim::jaro_winkler(key, known), known))
                .max_by(|(one, _), (other, _)| one.total_cmp(other))
                .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY);
            let hint = match similar {
                Some((_, known)) => format!("did you mean `{known}`?"),
                None => format!("known are {}", KEYS.map(|key| format!("`{key}`")).join(", ")),
            };
            self.faults.push(format!("unknown key \"{}\": {hint}", shown(key)));
        }
    }

    /// The value of a key, as it is or from the environment. An empty one counts as left out.
    fn get(&self, key: &str) -> Option<&'a str> {
        let found = self.found;
        let given = found.get(key).or_else(|| found.get(&format!("{key}{FROM_ENVIRONMENT}")));
        given.map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn metric(&mut self) -> Option<Box<str>> {
        let Some(text) = self.get("metric") else {
            let fault = "`metric` is missing: name a metric that a mapping or a rule gives";
            self.faults.push(fault.to_owned());
            return None;
        };
        match text.parse::<MetricName>() {
            Ok(_) => Some(text.into()),
            Err(error) => {
                self.faults.push(format!("`metric`: {error}"));
                None
            }
        }
    }

    fn namespace(&mut self, own: &Namespace, across: bool) -> Option<Box<str>> {
        let Some(text) = self.get("namespace") else { return Some(own.as_str().into()) };
        match text.parse::<Namespace>() {
            Ok(named) if named == *own || across => Some(named.as_str().into()),
            Ok(named) => {
                self.faults.push(format!(
                    "`namespace` is {named}, and the ScaledObject is in {own}: a trigger reads metrics of \
                     its own namespace, unless the operator serves with --scaler-across-namespaces"
                ));
                None
            }
            Err(error) => {
                self.faults.push(format!("`namespace`: {error}"));
                None
            }
        }
    }

    /// The objects or series that the metric is read for. `None` if that is not known, or if the namespace is not.
    fn objects(
        &mut self,
        namespace: Option<Box<str>>,
        own: &str,
        across: bool,
    ) -> Option<ReadSubject> {
        match self.get("scope").unwrap_or("external") {
            "external" => {
                for key in ["kind", "object", "metricSelector"] {
                    if self.get(key).is_some() {
                        self.faults.push(format!(
                            "`{key}` belongs to `scope: custom`: an external metric has no objects"
                        ));
                    }
                }
                let selector = self.selector("selector", MAX_METRIC_SELECTOR_BYTES)?;
                Some(ReadSubject::External { namespace: namespace?, selector })
            }
            "custom" => self.custom(namespace, own, across),
            other => {
                let other = shown(other);
                self.faults.push(format!("`scope` is \"{other}\": it is external or custom"));
                None
            }
        }
    }

    fn custom(
        &mut self,
        namespace: Option<Box<str>>,
        own: &str,
        across: bool,
    ) -> Option<ReadSubject> {
        let (object, selector) = (self.get("object"), self.get("selector"));
        let Some(kind) = self.get("kind") else {
            let fault = "`kind` is missing: a custom metric is of objects, for instance of `pods`";
            self.faults.push(fault.to_owned());
            return None;
        };
        if object.is_some() == selector.is_some() {
            let fault = "exactly one of `object` and `selector` says which objects the value is of: one by \
                         its name, or the sum over all that the selector picks";
            self.faults.push(fault.to_owned());
        }
        if let Some(Err(error)) = object.map(ObjectName::try_from) {
            self.faults.push(format!("`object`: {error}"));
        }
        if kind.len() > 253
            || !kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
        {
            let kind = shown(kind);
            self.faults.push(format!("`kind` is \"{kind}\": expected pods or deployments.apps"));
        }
        // A namespace is an object of the whole cluster; its own may be read all the same.
        let of_other = matches!(kind, "namespaces" | "namespace") && object != Some(own);
        if of_other && !across {
            self.faults.push(format!(
                "a trigger of a ScaledObject in {own} reads no metrics of other namespaces, unless the \
                 operator serves with --scaler-across-namespaces"
            ));
        }
        let picks = self.selector("selector", MAX_SELECTOR_BYTES);
        let metric_selector = self.selector("metricSelector", MAX_METRIC_SELECTOR_BYTES);
        Some(ReadSubject::Custom {
            namespace: Some(namespace?),
            kind: kind.into(),
            object: object.map(Into::into),
            selector: picks?,
            metric_selector: metric_selector?,
        })
    }

    fn selector(&mut self, key: &str, most: usize) -> Option<Box<str>> {
        let Some(text) = self.get(key) else { return Some(Box::default()) };
        if text.len() > most {
            self.faults.push(format!("`{key}` has {} bytes and may have {most}", text.len()));
            return None;
        }
        match text.parse::<Selector>() {
            Ok(_) => Some(text.into()),
            Err(error) => {
                self.faults.push(format!("`{key}`: {error}"));
                None
            }
        }
    }

    fn target(&mut self) -> Option<Quantity> {
        let (value, average) = (self.number("targetValue"), self.number("targetAverageValue"));
        let target = match (value, average) {
            (Some(target), None) | (None, Some(target)) => target?,
            (None, None) => {
                let fault = "the target is missing: `targetAverageValue` for each replica (KEDA's metricType \
                             AverageValue, which it assumes), or `targetValue` for all together (metricType: \
                             Value)";
                self.faults.push(fault.to_owned());
                return None;
            }
            (Some(_), Some(_)) => {
                let fault = "`targetValue` and `targetAverageValue` exclude each other";
                self.faults.push(fault.to_owned());
                return None;
            }
        };
        if target <= Quantity::ZERO {
            self.faults.push(format!("the target is {target}: it must be more than 0"));
            return None;
        }
        Some(target)
    }

    /// The number of a key: `None` if it is left out, `Some(None)` if it is none.
    fn number(&mut self, key: &str) -> Option<Option<Quantity>> {
        let text = self.get(key)?;
        match text.parse::<Quantity>() {
            Ok(number) => Some(Some(number)),
            Err(_) => {
                let text = shown(text);
                self.faults.push(format!(
                    "`{key}` is \"{text}\": expected a number such as 100, 0.5 or 60m"
                ));
                Some(None)
            }
        }
    }
}

/// A text from outside in a message: quoted and short.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(80).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests;
