//! Queries with placeholders: a selector on the first line, then the query.
#![no_main]

use leadsman_config::check_promql;
use leadsman_model::names::Namespace;
use leadsman_model::selector::Selector;
use leadsman_rules::promql;
use leadsman_source::Template;

libfuzzer_sys::fuzz_target!(|text: &str| {
    // Queries are checked on a separate thread.
    leadsman_fuzz::only_own_panics();
    let (selector, query) = text.split_once('\n').unwrap_or(("", text));
    let Ok(template) = Template::parse(query) else { return };
    assert_eq!(template.to_string(), query);
    let _ = check_promql(&template);
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
});
