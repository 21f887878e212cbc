//! Queries with placeholders: a selector on the first line, then the query. Values of placeholders
//! never change the structure of the query.
#![no_main]

use leadsman_config::check_promql;
use leadsman_fuzz::shape;
use leadsman_model::names::Namespace;
use leadsman_model::selector::{Operator, Selector};
use leadsman_rules::promql;
use leadsman_source::Template;

libfuzzer_sys::fuzz_target!(|text: &str| {
    // Queries are checked on a separate thread.
    leadsman_fuzz::only_own_panics();
    let (selector, query) = text.split_once('\n').unwrap_or(("", text));
    let Ok(template) = Template::parse(query) else { return };
    assert_eq!(template.to_string(), query);
    let is_promql = check_promql(&template).is_ok();
    // What is written so is sent without the first sign.
    if query.contains("$${") {
        return;
    }
    let (Ok(selector), Ok(namespace)) = (selector.parse::<Selector>(), "shop".parse::<Namespace>())
    else {
        return;
    };
    let Ok(filled) = template.fill(Some(&namespace), &selector.clone().into()) else { return };
    match promql::matchers(&selector) {
        // The text around a placeholder changes only if the placeholder becomes empty.
        Ok(matchers) if !matchers.is_empty() => {
            let wanted = query.replace("${namespace}", "shop").replace("${selector}", &matchers);
            assert_eq!(filled, wanted);
        }
        _ if !template.uses_selector() => {
            assert_eq!(filled, query.replace("${namespace}", "shop"));
        }
        _ => {}
    }
    // The parser takes a while for long ones.
    if is_promql && filled.len() < 4096 && has_strings_for_namespaces(query) {
        keeps_its_shape(&template, &selector, &filled);
    }
});

/// The query for plain values has the same structure, if it can be parsed.
fn keeps_its_shape(template: &Template, selector: &Selector, filled: &str) {
    let (Some(plain), Ok(namespace)) = (plain(selector), "x".parse::<Namespace>()) else { return };
    let Ok(plain) = template.fill(Some(&namespace), &plain.into()) else { return };
    // What is a query for plain values is one for any.
    if let Ok(wanted) = shape(&plain) {
        assert_eq!(shape(filled).as_ref(), Ok(&wanted), "{filled}");
    }
}

/// A selector of the same form with plain values; `None` where PromQL cannot say it, or where an empty
/// value may leave nothing that selects a series.
fn plain(selector: &Selector) -> Option<Selector> {
    // All different and in order: equal requirements would become one.
    let mut count = 0;
    let mut plain = |values: &[String]| {
        let from = count;
        count += values.len();
        let values: Vec<_> = (from..count).map(|at| format!("v{at:06}")).collect();
        values.join(",")
    };
    let mut requirements = Vec::new();
    for requirement in selector.requirements() {
        let key = &requirement.key;
        requirements.push(match &requirement.operator {
            Operator::In(values) | Operator::NotIn(values)
                if values.iter().any(String::is_empty) =>
            {
                return None;
            }
            Operator::In(values) => format!("{key} in ({})", plain(values)),
            Operator::NotIn(values) => format!("{key} notin ({})", plain(values)),
            Operator::Exists => key.clone(),
            Operator::DoesNotExist => format!("!{key}"),
            Operator::GreaterThan(_) | Operator::LessThan(_) => return None,
        });
    }
    requirements.join(",").parse().ok()
}

/// Whether namespaces stand in strings and selectors outside of them, as values and matchers do.
/// Elsewhere the author has made them a part of the structure. Strings are not followed into escapes
/// and comments.
fn has_strings_for_namespaces(query: &str) -> bool {
    let (mut quote, mut rest) = (None, query);
    while let Some(sign) = rest.chars().next() {
        let (is_namespace, is_selector) =
            (rest.starts_with("${namespace}"), rest.starts_with("${selector}"));
        if (is_namespace && quote.is_none()) || (is_selector && quote.is_some()) {
            return false;
        }
        match (quote, sign) {
            (_, '\\' | '#') => return false,
            (Some(open), _) if open == sign => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(sign),
            _ => {}
        }
        rest = &rest[sign.len_utf8()..];
    }
    true
}
