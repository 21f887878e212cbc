//! Rules of prometheus-adapter, as JSON: names of metrics, objects, and the resulting queries.
#![no_main]

use leadsman_model::query_params::QueryParams;
use leadsman_rules::{Api, Catalog, ResourceRules, Rule, Seen, resolver, written};

libfuzzer_sys::fuzz_target!(|text: &str| {
    // Queries are parsed on a separate thread.
    leadsman_fuzz::only_own_panics();
    let resolve = resolver(&[]);
    if let Ok(written) = serde_json::from_str::<written::ResourceRules>(text)
        && let Some(rules) = ResourceRules::new(&written, "/resourceRules", &mut |_, _| {})
    {
        for query in [rules.cpu.pods(&resolve), rules.memory.nodes(&resolve)] {
            if let Ok(Some(query)) = query {
                let _ = (query.exact(Some("shop"), &asked()), query.wider());
            }
        }
    }
    let Ok(written) = serde_json::from_str::<written::Rule>(text) else { return };
    for api in [Api::Custom, Api::External] {
        let mut faults = 0;
        let rule = Rule::new(&written, api, "/rules/0", &mut |_, _| faults += 1);
        let Some(rule) = rule.filter(|_| faults == 0) else { continue };
        let labels = ["namespace", "pod", "node", "kube_apps_deployment", "x"].map(Into::into);
        let names = ["http_requests_total", "container_memory", "a:b", "x"];
        let seen: Seen = names.map(|name| (name.into(), labels.clone().into())).into();
        let catalog = Catalog::new(&[rule], |_| Some(&seen), &resolve, &mut |_| {});
        for offered in catalog.offered {
            let _ = (offered.query.exact(Some("shop"), &asked()), offered.query.wider());
        }
    }
});

fn asked() -> QueryParams {
    let selector = "a=b,c in (d,e),!f".parse().unwrap_or_default();
    QueryParams { selector, names: vec!["web-0".into(), "web-1".into()] }
}
