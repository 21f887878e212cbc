//! Rules of prometheus-adapter, as JSON: what they call metrics, which objects they are for, and the
//! queries that come of them, in which a name is never more than a name. What follows the JSON is
//! the name of an object that is asked for.
#![no_main]

use leadsman_fuzz::shape;
use leadsman_model::query_params::QueryParams;
use leadsman_rules::{
    Catalog, ListedSeries, ResourceRules, Rule, RuleApi, RuleQuery, resolver, written,
};

libfuzzer_sys::fuzz_target!(|text: &str| {
    // Queries are parsed on a separate thread.
    leadsman_fuzz::only_own_panics();
    let (text, name) = text.split_once('\0').unwrap_or((text, "web-0"));
    let resolve = resolver(&[]);
    if let Ok(written) = serde_json::from_str::<written::ResourceRules>(text)
        && let Some(rules) = ResourceRules::new(&written, "/resourceRules", &mut |_, _| {})
    {
        for query in [rules.cpu.pods(&resolve), rules.memory.nodes(&resolve)] {
            if let Ok(Some(query)) = query {
                ask(&query, name);
            }
        }
    }
    let Ok(written) = serde_json::from_str::<written::Rule>(text) else { return };
    for api in [RuleApi::Custom, RuleApi::External] {
        let mut faults = 0;
        let rule = Rule::new(&written, api, "/rules/0", &mut |_, _| faults += 1);
        let Some(rule) = rule.filter(|_| faults == 0) else { continue };
        let _ = rule.findings();
        let labels = ["namespace", "pod", "node", "kube_apps_deployment", "x"].map(Into::into);
        let names = ["http_requests_total", "container_memory", "a:b", "x"];
        let seen: ListedSeries = names.map(|name| (name.into(), labels.clone().into())).into();
        let catalog = Catalog::new(&[rule], |_| Some(&seen), &resolve, &mut |_| {});
        for entry in catalog.entries {
            ask(&entry.query, name);
        }
    }
});

/// Makes the queries for a name, which have the shape of those for a plain one.
fn ask(query: &RuleQuery, name: &str) {
    let _ = query.wider();
    let exact = |name: &str| {
        let selector = "a=b,c in (d,e),!f".parse().unwrap_or_default();
        query.exact(
            Some("shop"),
            &QueryParams { selector, names: vec![name.into(), "web-1".into()] },
        )
    };
    let (Ok(filled), Ok(plain)) = (exact(name), exact("x")) else { return };
    // The parser takes a while for long ones.
    if !name.is_empty() && filled.len() + plain.len() < 4096 {
        assert_eq!(shape(&filled).ok(), shape(&plain).ok(), "{filled}");
    }
}
