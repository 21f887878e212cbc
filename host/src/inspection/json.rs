//! An inspection as JSON.

use serde_json::{Value, json};

use super::notes::notes;
use super::{InspectedMetric, InspectedRule, Inspection};
use leadsman_model::names::MetricName;
use leadsman_rules::RuleApi;

/// The whole inspection as JSON.
pub fn json(inspection: &Inspection) -> Value {
    let listed = |warnings: bool| {
        let faults = inspection.faults.iter().flat_map(|faults| &faults.list);
        let faults = faults.filter(|fault| fault.is_warning() == warnings);
        faults
            .map(|fault| json!({"line": fault.line, "place": fault.path, "message": fault.message}))
            .collect::<Vec<_>>()
    };
    let resource_rules: Vec<_> = inspection
        .resource_queries
        .iter()
        .map(|of| {
            let (query, why) = sent(
                of.query.as_ref().map_err(|(template, why)| (template.as_str(), why.as_str())),
            );
            json!({
                "resource": of.resource, "of": of.of, "query": query,
                "forEachReadBecause": why, "fault": of.fault,
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
        "resourceRules": resource_rules,
        "notes": notes(inspection),
    })
}

fn of_rule(rule: &InspectedRule) -> Value {
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
        "api": match rule.api { RuleApi::Custom => "custom", RuleApi::External => "external" },
        "seriesQuery": rule.series_query,
        "seriesNames": rule.series.as_ref().ok(),
        "notListedBecause": rule.series.as_ref().err(),
        "faults": rule.faults,
        "doubts": rule.possible_faults,
        "givesNothingBecause": rule.without_metrics,
        "metrics": rule.metrics.iter().map(metric).collect::<Vec<_>>(),
        "unserved": unserved,
    })
}

fn metric(metric: &InspectedMetric) -> Value {
    let (query, why) =
        sent(metric.widened.as_ref().map_err(|why| (metric.template.as_str(), why.as_str())));
    json!({
        "metric": metric.metric.as_str(),
        "resource": metric.resource.as_ref().map(ToString::to_string),
        "label": metric.label,
        "series": metric.series,
        "query": query,
        "forEachReadBecause": why,
        "unreadableBecause": metric.invalid,
        "servedByMapping": metric.overridden,
    })
}

/// The query, and the reason if each read sends one of its own.
fn sent<'a>(query: Result<&'a String, (&'a str, &'a str)>) -> (&'a str, Option<&'a str>) {
    match query {
        Ok(query) => (query, None),
        Err((template, why)) => (template, Some(why)),
    }
}
