//! What rules give now, written as mappings.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::text::one_line;
use super::{Inspection, OfRule, Offer, count};
use leadsman_model::resource::Resource;

/// A configuration of mappings that serve what the rules give now. What only a rule can say
/// stands in it as a comment.
pub fn mappings(inspection: &Inspection) -> String {
    let mut text = format!(
        "# What the rules of {} give now, as mappings. Metrics of series that come later are not\n\
         # among them.\n\
         apiVersion: leadsman.dev/v1alpha1\n\
         kind: Config\n",
        one_line(&inspection.document)
    );
    text.push_str("sources:\n");
    if let Some(Value::Object(sources)) = inspection.written.get("sources") {
        for (name, source) in sources {
            line(&mut text, &format!("  {}: {source}", quoted(name)));
        }
    }
    let (written, left): (Vec<_>, Vec<_>) = inspection
        .offers()
        .map(|(rule, offer)| (rule, offer, convertible(offer)))
        .partition(|(_, _, query)| query.is_ok());
    text.push_str(if written.is_empty() { "mappings: []\n" } else { "mappings:\n" });
    let mut of = "";
    for (rule, offer, query) in &written {
        if of != rule.place {
            of = &rule.place;
            line(&mut text, &format!("  # {} {}", rule.place, one_line(&rule.series_query)));
        }
        let source = inspection.source.as_deref().unwrap_or_default();
        let query = query.as_deref().unwrap_or_default();
        mapping(&mut text, offer, source, query);
        // What holds for all rules is a policy of each mapping.
        let discovery = inspection.written.get("discovery");
        for key in ["deadline", "onNaN"] {
            if let Some(policy) = discovery.and_then(|discovery| discovery.get(key)) {
                line(&mut text, &format!("    {key}: {policy}"));
            }
        }
    }
    if !left.is_empty() {
        let left = left.iter().map(|(rule, offer, query)| {
            (*rule, *offer, query.as_ref().err().map_or("", String::as_str))
        });
        text.push('\n');
        not_converted(&mut text, left.collect());
    }
    let empty = inspection.rules.iter().filter(|rule| rule.offers.is_empty());
    for OfRule { place, series_query, seen, .. } in empty {
        let why = match seen {
            Ok(0) => "it sees no series now".to_owned(),
            Ok(_) => "none of its series gives a metric".to_owned(),
            Err(reason) => format!("its series cannot be listed: {}", one_line(reason)),
        };
        line(&mut text, &format!("# {place} {}: no mapping, {why}.", one_line(series_query)));
    }
    if let Some(usage) = inspection.written.get("resourceRules") {
        text.push_str(
            "\n# What nodes and pods use has no form as a mapping: the rules as they were.\n",
        );
        text.push_str("resourceRules:\n");
        format!("{usage:#}").lines().for_each(|json| line(&mut text, &format!("  {json}")));
        let mut discovery = inspection.written.get("discovery").cloned().unwrap_or(json!({}));
        discovery["source"] = inspection.source.clone().into();
        line(&mut text, &format!("discovery: {discovery}"));
    }
    text
}

/// The query of a mapping, or why there can be none.
fn convertible(offer: &Offer) -> Result<&str, String> {
    if offer.mapped {
        return Err("a mapping of the configuration serves it already".to_owned());
    }
    if let Some(reason) = &offer.unreadable {
        return Err(reason.clone());
    }
    offer.wider.as_deref().map_err(String::clone)
}

fn mapping(text: &mut String, offer: &Offer, source: &str, query: &str) {
    line(text, &format!("  - metric: {}", quoted(offer.metric.as_str())));
    let (serve, plugin) = match &offer.resource {
        Some(resource) => (format!("{{custom: {}}}", kind(resource)), "per-object"),
        None => ("{external: {}}".to_owned(), "external"),
    };
    line(text, &format!("    serve: {serve}"));
    line(text, "    queries:");
    line(text, "      rule:");
    line(text, &format!("        source: {}", quoted(source)));
    line(text, &format!("        promql: {}", quoted(query.trim())));
    line(text, &format!("    plugin: {plugin}"));
    // JSON is YAML.
    line(text, &format!("    config: {}", offer.config));
}

/// The kind of objects, with all that only a cluster knows of it.
fn kind(resource: &Resource) -> String {
    let name = quoted(&resource.to_string());
    match resource.details() {
        Some(details) if Resource::known(&resource.to_string()).is_none() => format!(
            "{{resource: {name}, kind: {}, version: {}, namespaced: {}}}",
            quoted(&details.kind),
            quoted(&details.version),
            details.namespaced,
        ),
        _ => format!("{{resource: {name}}}"),
    }
}

fn not_converted(text: &mut String, left: Vec<(&OfRule, &Offer, &str)>) {
    line(
        text,
        &format!(
            "# {} not converted. Their rules can stay, under `rules` or `externalRules` of this file.",
            count(left.len(), "metric is", "metrics are")
        ),
    );
    for (rule, offer, why) in left {
        line(text, &format!("# {} of {}: {}.", offer.title(), rule.place, one_line(why)));
        if !offer.mapped {
            line(text, &format!("#   {}", one_line(&offer.template)));
        }
    }
}

/// A text as JSON, which is YAML.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn line(text: &mut String, line: &str) {
    // Writing to a text does not fail.
    let _ = writeln!(text, "{line}");
}
