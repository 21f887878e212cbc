//! Selectors from requests: `labelSelector`, `metricLabelSelector` and `fieldSelector`.
#![no_main]

use leadsman_model::field_selector::FieldSelector;
use leadsman_model::selector::Selector;
use leadsman_rules::promql;
use promql_parser::parser::{Expr, parse};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(fields) = text.parse::<FieldSelector>() {
        // Appending a requirement adds exactly one, whatever precedes it.
        let more = format!("{text},metadata.name!=a").parse::<FieldSelector>();
        let more = more.expect("two selectors that can be read");
        for name in ["a", "b", text] {
            assert_eq!(more.admits_name(name), fields.admits_name(name) && name != "a", "{name:?}");
            assert_eq!(more.admits_namespace(name), fields.admits_namespace(name), "{name:?}");
        }
    }
    let Ok(selector) = text.parse::<Selector>() else { return };
    let written = selector.to_string();
    assert_eq!(written.parse::<Selector>().as_ref(), Ok(&selector), "{written:?}");
    assert_eq!(selector.is_empty(), text.trim().is_empty());
    // The metric's name is before the braces here, and must not also be in them.
    if selector.keys().any(|key| key == "__name__") || written.contains("!__name__") {
        return;
    }
    // A selector only adds matchers to a query.
    if let Ok(matchers) = promql::matchers(&selector) {
        let query = format!("x{{{matchers}}}");
        let Ok(Expr::VectorSelector(parsed)) = parse(&query) else { panic!("{query}") };
        assert_eq!(parsed.matchers.matchers.len(), selector.requirements().len(), "{query}");
    }
});
