//! Reads of external metrics: items with labels.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use super::custom::selector;
use super::{Found, ReadError, count, offered, reader, stale_warning};
use crate::evaluation::{Evaluations, Reading};
use crate::model::asked::Asked;
use crate::model::names::{Namespace, Scope};
use crate::model::selector::Selector;
use crate::model::serve::Serve;
use crate::model::values::{Item, Served, Value};
use crate::snapshot::Snapshot;

/// A read of an external metric.
#[derive(Debug, Clone, Copy)]
pub struct ExternalRequest<'a> {
    /// Path and query, which tell it from other requests.
    pub raw: &'a str,
    /// The namespace that the read is for.
    pub namespace: &'a str,
    /// The metric.
    pub metric: &'a str,
    /// Picks series.
    pub label_selector: &'a str,
}

/// Answers a read.
pub async fn external(
    snapshot: &Snapshot,
    request: &ExternalRequest<'_>,
    render: impl FnOnce(&[&Item]) -> Bytes,
) -> Result<Found, ReadError> {
    let begun = Instant::now();
    let evaluations = &find(snapshot, request).await?;
    let mut stale = false;
    let result = answer(evaluations, request, &mut stale, render).await;
    count(evaluations.mapping(), &result, stale);
    evaluations.mapping().metrics.read_took(begun.elapsed());
    result
}

/// What a mapping gives, or else a rule.
async fn find(
    snapshot: &Snapshot,
    request: &ExternalRequest<'_>,
) -> Result<Arc<Evaluations>, ReadError> {
    let ExternalRequest { metric, namespace, .. } = *request;
    if let Some(evaluations) = snapshot.external(metric, namespace) {
        return Ok(evaluations.clone());
    }
    if let Some(rejected) = snapshot.unavailable(metric, None, Some(namespace)) {
        return Err(ReadError::unavailable(rejected));
    }
    match snapshot.offers().external(metric) {
        Some(offer) => offered(offer).await,
        None => Err(unknown(snapshot, request)),
    }
}

fn unknown(snapshot: &Snapshot, request: &ExternalRequest<'_>) -> ReadError {
    let ExternalRequest { metric, namespace, .. } = *request;
    let mut message = format!("the server could not find the external metric {metric}");
    let others: Vec<_> = snapshot
        .served()
        .filter(|known| known.metric.as_str() == metric && known.owner.serves(Some(namespace)))
        .filter_map(|known| match known.serve {
            Serve::Custom(resource) => Some(resource.to_string()),
            Serve::External | Serve::Usage(_) => None,
        })
        .collect();
    if !others.is_empty() {
        message.push_str(&format!("; it is served as a custom metric for {}", others.join(", ")));
    }
    ReadError::NotFound(message)
}

async fn answer(
    evaluations: &Arc<Evaluations>,
    request: &ExternalRequest<'_>,
    stale: &mut bool,
    render: impl FnOnce(&[&Item]) -> Bytes,
) -> Result<Found, ReadError> {
    let mapping = evaluations.mapping();
    let namespace: Namespace =
        request.namespace.parse().map_err(|error| ReadError::Bad(format!("{error}")))?;
    let picked = selector("labelSelector", request.label_selector)?;
    let scope = mapping.scope(&namespace);
    // Where a query has a place for the selector, it decides what is asked for; all other
    // selectors pick from one evaluation.
    let in_query = mapping.queries.iter().any(|query| query.promql.uses_selector());
    let asked = if in_query { picked.clone().into() } else { Asked::default() };
    let reading = evaluations.read(&scope, &asked, reader(request.raw)).await;
    let reading = reading.map_err(|failure| {
        let what = match &scope {
            Scope::Namespace(_) => format!("external metric {} in {scope}", request.metric),
            Scope::Cluster => format!("external metric {}", request.metric),
        };
        ReadError::Failed { what, failure }
    })?;
    *stale = reading.stale.is_some();
    if let Some(body) = reading.evaluated.answers.get(request.raw, 0) {
        return Ok(Found { body, warning: stale_warning(&reading, mapping) });
    }
    let default = absent(&reading, mapping.policy.default);
    let Served::Items(served) = &reading.evaluated.values.served else {
        return Err(unknown_kind(request.metric, &mapping.serve));
    };
    let mut items: Vec<&Item> =
        served.iter().filter(|item| in_query || picks(&picked, &item.labels)).collect();
    let values = &reading.evaluated.values;
    // Whoever reads adds the items up, so one that is missing would count as 0. Of those that were
    // not kept it is not known whether they were asked for.
    let lost = values.refused_count > values.refused.len();
    let refused =
        values.refused.iter().find(|refusal| in_query || lost || picks(&picked, &refusal.labels));
    if let Some(refusal) = refused {
        return Err(ReadError::Refused(format!(
            "external metric {} is not served: an item cannot be, and items are added up: {} \
             ({{{}}}; refused in all: {})",
            request.metric, refusal.reason, refusal.object, values.refused_count
        )));
    }
    if items.is_empty() {
        items.extend(&default);
    }
    let body = render(&items);
    reading.evaluated.answers.put(request.raw, 0, body.clone());
    Ok(Found { body, warning: stale_warning(&reading, mapping) })
}

fn picks(selector: &Selector, labels: &[(Box<str>, Box<str>)]) -> bool {
    selector
        .matches(|key| labels.iter().find(|(name, _)| **name == *key).map(|(_, value)| &**value))
}

/// The item that stands for no item, if the policy states one.
fn absent(reading: &Reading, default: Option<crate::model::quantity::Quantity>) -> Option<Item> {
    let quantity = default?;
    let value = Value { quantity, time: reading.evaluated.time, window: None };
    Some(Item { labels: Vec::new(), value })
}

fn unknown_kind(metric: &str, serve: &Serve) -> ReadError {
    ReadError::NotFound(format!("{metric} is served as {serve:?}"))
}
