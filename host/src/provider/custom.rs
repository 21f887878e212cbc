//! Reads of custom metrics: values for objects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::{Found, ReadError, count, offered, reader, stale_warning};
use crate::evaluation::{Evaluations, Reading};
use crate::model::asked::Asked;
use crate::model::names::{Namespace, Scope};
use crate::model::resource::Resource;
use crate::model::selector::Selector;
use crate::model::values::{Served, Value};
use crate::objects::Kind;
use crate::snapshot::Snapshot;

/// A read of a custom metric.
#[derive(Debug, Clone, Copy)]
pub struct CustomRequest<'a> {
    /// Path and query, which tell it from other requests.
    pub raw: &'a str,
    /// The namespace of the objects; `None` at the root.
    pub namespace: Option<&'a str>,
    /// The resource as it was named.
    pub resource: &'a str,
    /// Which objects.
    pub target: Target<'a>,
    /// The metric.
    pub metric: &'a str,
    /// Picks objects.
    pub label_selector: &'a str,
    /// Picks series.
    pub metric_selector: &'a str,
}

/// Which objects are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// Those that the selector picks.
    All,
    /// This one.
    One(&'a str),
}

/// What the objects are that values are for, as answers describe them.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// The kind.
    pub kind: &'a str,
    /// The version; that of the core group has a leading slash.
    pub api_version: &'a str,
}

/// A value for an object.
#[derive(Debug, Clone, Copy)]
pub struct ObjectValue<'a> {
    /// The object's namespace; empty if it lives in none.
    pub namespace: &'a str,
    /// The object's name.
    pub name: &'a str,
    /// The value.
    pub value: Value,
}

/// Answers a read.
pub async fn custom(
    snapshot: &Snapshot,
    request: &CustomRequest<'_>,
    render: impl FnOnce(&Described<'_>, &Selector, &[ObjectValue<'_>]) -> Bytes,
) -> Result<Found, ReadError> {
    let begun = Instant::now();
    let evaluations = &find(snapshot, request).await?;
    let Some(kind) = &evaluations.mapping().kind else {
        return Err(unknown(snapshot, request));
    };
    let mut stale = false;
    let read = Read { evaluations, kind, resource: kind.resource(), request };
    let result = read.answer(&mut stale, render).await;
    count(evaluations.mapping(), &result, stale);
    evaluations.mapping().metrics.read_took(begun.elapsed());
    result
}

/// How long the first read of a metric of a rule waits for the objects to be listed.
const LISTED: Duration = Duration::from_secs(2);

/// What a mapping gives, or else a rule.
async fn find(
    snapshot: &Snapshot,
    request: &CustomRequest<'_>,
) -> Result<Arc<Evaluations>, ReadError> {
    let CustomRequest { metric, resource, namespace, .. } = *request;
    if let Some(evaluations) = snapshot.custom(metric, resource, namespace) {
        return Ok(evaluations.clone());
    }
    if let Some(rejected) = snapshot.unavailable(metric, Some(resource), namespace) {
        return Err(ReadError::unavailable(rejected));
    }
    let offer = snapshot.offers().custom(metric, resource);
    let offer = offer.ok_or_else(|| unknown(snapshot, request))?;
    let is_first = offer.bound().is_none();
    let evaluations = offered(offer).await?;
    if is_first
        && request.target == Target::All
        && let Some(kind) = &evaluations.mapping().kind
    {
        // Objects are followed from the first read on. Whether they are known is said later.
        let _ = tokio::time::timeout(LISTED, kind.settled()).await;
    }
    Ok(evaluations)
}

/// There is no such mapping; say what there is under a name so near.
fn unknown(snapshot: &Snapshot, request: &CustomRequest<'_>) -> ReadError {
    let CustomRequest { metric, resource, namespace, .. } = *request;
    let mut message = format!("the server could not find the metric {metric} for {resource}");
    let others: Vec<_> = snapshot
        .served()
        .filter(|known| known.metric.as_str() == metric && known.owner.serves(namespace))
        .map(|known| known.serve.described())
        .collect();
    if !others.is_empty() {
        message.push_str(&format!("; it is served {}", others.join(" and ")));
    }
    ReadError::NotFound(message)
}

struct Read<'a> {
    evaluations: &'a Arc<Evaluations>,
    kind: &'a Kind,
    resource: &'a Resource,
    request: &'a CustomRequest<'a>,
}

impl Read<'_> {
    async fn answer(
        &self,
        stale: &mut bool,
        render: impl FnOnce(&Described<'_>, &Selector, &[ObjectValue<'_>]) -> Bytes,
    ) -> Result<Found, ReadError> {
        let (mapping, request) = (self.evaluations.mapping(), self.request);
        if !self.takes_any_name() {
            self.kind.ready().map_err(|unknown| ReadError::NotSynced {
                metric: request.metric.to_owned(),
                unknown,
            })?;
        }
        let render = |series: &Selector, values: &[ObjectValue<'_>]| {
            // Objects that are known are of a kind that is known.
            let details = self.resource.details().unwrap_or_default();
            let api_version = details.described_api_version(self.resource);
            let described = Described { kind: &details.kind, api_version: &api_version };
            render(&described, series, values)
        };
        let namespace = self.namespace()?;
        let series = selector("metricLabelSelector", request.metric_selector)?;
        let key = namespace.as_ref().map_or("", Namespace::as_str);
        if self.resource.is_namespace() && mapping.per_namespace() {
            return self.namespaces(&series, stale, render).await;
        }
        let scope = match &namespace {
            Some(namespace) => mapping.scope(namespace),
            None => Scope::Cluster,
        };
        let version = self.kind.version(key);
        // Names that the objects do not have are not worth an evaluation. A request that was
        // answered before, from the same objects, had some.
        let mut names = None;
        let mut asked = Asked::from(series);
        if mapping.names_objects() || !self.answered_before(&scope, &asked, version) {
            let known = self.names(key)?;
            if known.is_empty() {
                return Ok(Found { body: render(&asked.selector, &[]), warning: None });
            }
            if mapping.names_objects() {
                asked.names.clone_from(&known);
            }
            names = Some(known);
        }
        let reading = self.read(&scope, &asked).await?;
        *stale = reading.stale.is_some();
        if let Some(body) = reading.evaluated.answers.get(request.raw, version) {
            return Ok(Found { body, warning: stale_warning(&reading, mapping) });
        }
        let names = match names {
            Some(names) => names,
            None => self.names(key)?,
        };
        let (values, missing) = self.values(&reading, key, &names)?;
        let body = render(&asked.selector, &values);
        if missing.is_none() {
            reading.evaluated.answers.put(request.raw, version, body.clone());
        }
        let warning = stale_warning(&reading, mapping).or(missing);
        Ok(Found { body, warning })
    }

    /// Whether the objects that there are do not matter to the request.
    fn takes_any_name(&self) -> bool {
        let named = matches!(self.request.target, Target::One(_));
        named && self.evaluations.mapping().any_object
    }

    fn answered_before(&self, scope: &Scope, asked: &Asked, version: u64) -> bool {
        self.evaluations
            .peek(scope, asked)
            .is_some_and(|evaluated| evaluated.answers.get(self.request.raw, version).is_some())
    }

    /// Values of namespaces themselves, each of which has an evaluation of its own.
    async fn namespaces(
        &self,
        series: &Selector,
        stale: &mut bool,
        render: impl FnOnce(&Selector, &[ObjectValue<'_>]) -> Bytes,
    ) -> Result<Found, ReadError> {
        let names = self.names("")?;
        let mut all: Vec<ObjectValue<'_>> = Vec::new();
        let mut warning = None;
        for name in &names {
            let namespace: Namespace =
                name.parse().map_err(|error| ReadError::Bad(format!("{error}")))?;
            let mut asked = Asked::from(series.clone());
            if self.evaluations.mapping().names_objects() {
                asked.names.push(name.clone());
            }
            let reading = self.read(&Scope::Namespace(namespace), &asked).await?;
            *stale |= reading.stale.is_some();
            let (values, missing) = self.values(&reading, "", std::slice::from_ref(name))?;
            all.extend(values);
            warning =
                warning.or_else(|| stale_warning(&reading, self.evaluations.mapping())).or(missing);
        }
        Ok(Found { body: render(series, &all), warning })
    }

    /// The namespace of the objects, checked against the kind.
    fn namespace(&self) -> Result<Option<Namespace>, ReadError> {
        let (resource, metric) = (self.resource, self.request.metric);
        match (self.request.namespace, resource.namespaced()) {
            (Some(name), true) => {
                name.parse().map(Some).map_err(|error| ReadError::Bad(format!("{error}")))
            }
            (None, false) => Ok(None),
            (None, true) => Err(ReadError::NotFound(format!(
                "{resource} live in namespaces: ask for namespaces/NAMESPACE/{resource}/NAME/{metric}"
            ))),
            (Some(_), false) => Err(ReadError::NotFound(format!(
                "{resource} live in no namespace: ask for {resource}/NAME/{metric}"
            ))),
        }
    }

    /// The names of the objects that are asked for.
    fn names(&self, namespace: &str) -> Result<Vec<Arc<str>>, ReadError> {
        let request = self.request;
        match request.target {
            Target::All => {
                let picked = selector("labelSelector", request.label_selector)?;
                Ok(self.kind.select(namespace, &picked))
            }
            Target::One(name) if self.takes_any_name() || self.kind.exists(namespace, name) => {
                Ok(vec![name.into()])
            }
            Target::One(name) => {
                let place = match namespace {
                    "" => String::new(),
                    namespace => format!(" in namespace {namespace}"),
                };
                Err(ReadError::NotFound(format!(
                    "the server could not find the metric {} for {} {name}: there is no such \
                     object{place}",
                    request.metric, request.resource
                )))
            }
        }
    }

    async fn read(&self, scope: &Scope, asked: &Asked) -> Result<Reading, ReadError> {
        let reading = self.evaluations.read(scope, asked, reader(self.request.raw)).await;
        reading.map_err(|failure| {
            let place = match scope {
                Scope::Namespace(_) => format!(" in {scope}"),
                Scope::Cluster => String::new(),
            };
            let what = format!("{} for {}{place}", self.request.metric, self.resource);
            ReadError::Failed { what, failure }
        })
    }

    /// The values of these objects, and a word on those that are missing for a reason.
    fn values<'v>(
        &self,
        reading: &Reading,
        namespace: &'v str,
        names: &'v [Arc<str>],
    ) -> Result<(Vec<ObjectValue<'v>>, Option<String>), ReadError> {
        let evaluated = &reading.evaluated;
        let Served::Objects(served) = &evaluated.values.served else {
            return Ok((Vec::new(), None));
        };
        let default = self.evaluations.mapping().policy.default;
        let default =
            default.map(|quantity| Value { quantity, time: evaluated.time, window: None });
        let mut values = Vec::with_capacity(names.len());
        // What the plugin gave and what cannot be served is not absent: no default stands for it.
        let mut refused = None;
        for name in names {
            match served.get(namespace, name) {
                Some(Ok(value)) => values.push(ObjectValue { namespace, name, value }),
                Some(Err(reason)) => {
                    refused = refused.or(Some((name.as_ref(), reason.to_string())))
                }
                None => {
                    let value = default.map(|value| ObjectValue { namespace, name, value });
                    values.extend(value);
                }
            }
        }
        if values.len() == names.len() {
            return Ok((values, None));
        }
        // Measures for another namespace, or for none, belong to no object that exists.
        let elsewhere = || {
            let refusals = &evaluated.values.refused;
            let refusal = refusals
                .iter()
                .find(|refusal| names.iter().any(|name| **name == *refusal.object))?;
            Some((refusal.object.as_str(), refusal.reason.clone()))
        };
        let metric = self.request.metric;
        let missing = refused.or_else(elsewhere).map(|(name, reason)| {
            format!("{metric} for {} {name} is not served: {reason}", self.resource)
        });
        match (&missing, self.request.target) {
            (Some(reason), _) if values.is_empty() => Err(ReadError::Refused(reason.clone())),
            (_, Target::One(name)) if values.is_empty() => Err(ReadError::NotFound(format!(
                "the server could not find the metric {metric} for {} {name}: the mapping's \
                 evaluation has a value for {} objects and none for this one",
                self.request.resource,
                served.len()
            ))),
            _ => Ok((values, missing)),
        }
    }
}

/// Reads a selector; `parameter` is where it was given.
pub(super) fn selector(parameter: &str, text: &str) -> Result<Selector, ReadError> {
    if text.is_empty() {
        return Ok(Selector::default());
    }
    text.parse().map_err(|error| ReadError::Bad(format!("{parameter}: {error}")))
}
