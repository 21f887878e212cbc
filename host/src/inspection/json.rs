//! What rules give, for programs.

use serde_json::{Value, json};

use super::notes::notes;
use super::{Inspection, OfRule, Offer};
use leadsman_model::names::MetricName;
use leadsman_rules::Api;

/// All that was found, as JSON.
pub fn json(inspection: &Inspection) -> Value {
    let listed = |warnings: bool| {
        let faults = inspection.faults.iter().flat_map(|faults| &faults.list);
        let faults = faults.filter(|fault| fault.is_warning() == warnings);
        faults
            .map(|fault| json!({"line": fault.line, "place": fault.path, "message": fault.message}))
            .collect::<Vec<_>>()
    };
    let usage: Vec<_> = inspection
        .usage
        .iter()
        .map(|usage| {
            let (query, why) = sent(
                usage.query.as_ref().map_err(|(template, why)| (template.as_str(), why.as_str())),
            );
            json!({
                "resource": usage.resource, "of": usage.of, "query": query,
                "forEachReadBecause": why, "fault": usage.fault,
            })
        })
        .collect();
    json!({
        "document": inspection.document,
        "faults": listed(false),
        "warnings": listed(true),
        "source": inspection.source,
        "exactQueries": inspection.exact_queries,
        "rules": inspection.rules.iter().map(of_rule).collect::<Vec<_>>(),
        "resourceRules": usage,
        "notes": notes(inspection),
    })
}

fn of_rule(rule: &OfRule) -> Value {
    let unserved = rule.unserved.iter();
    let unserved: Vec<_> = unserved
        .map(|unserved| {
            json!({
                "series": *unserved.series,
                "metric": unserved.metric.as_ref().map(MetricName::as_str),
                "why": unserved.why.to_string(),
            })
        })
        .collect();
    json!({
        "place": rule.place,
        "api": match rule.api { Api::Custom => "custom", Api::External => "external" },
        "seriesQuery": rule.series_query,
        "seriesNames": rule.seen.as_ref().ok(),
        "notListedBecause": rule.seen.as_ref().err(),
        "faults": rule.faults,
        "doubts": rule.doubts,
        "givesNothingBecause": rule.nothing,
        "metrics": rule.offers.iter().map(offer).collect::<Vec<_>>(),
        "unserved": unserved,
    })
}

fn offer(offer: &Offer) -> Value {
    let (query, why) =
        sent(offer.wider.as_ref().map_err(|why| (offer.template.as_str(), why.as_str())));
    json!({
        "metric": offer.metric.as_str(),
        "resource": offer.resource.as_ref().map(ToString::to_string),
        "label": offer.label,
        "series": offer.series,
        "query": query,
        "forEachReadBecause": why,
        "unreadableBecause": offer.unreadable,
        "servedByMapping": offer.mapped,
    })
}

/// The query, and why it is one of each read.
fn sent<'a>(query: Result<&'a String, (&'a str, &'a str)>) -> (&'a str, Option<&'a str>) {
    match query {
        Ok(query) => (query, None),
        Err((template, why)) => (template, Some(why)),
    }
}
