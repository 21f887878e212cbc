//! Rules of resource metrics: one for each file.

use serde_json::{Value, json};

use crate::random::Random;

/// What is read of them.
pub(crate) const READS: [&str; 8] = [
    "nodes",
    "nodes/node-a",
    "nodes?labelSelector=zone%3Dnode-b",
    "namespaces/shop/pods",
    "namespaces/shop/pods?labelSelector=app%3Dweb",
    "namespaces/shop/pods/web-0",
    "namespaces/annex/pods/web-0",
    "namespaces/shop/pods/nobody",
];

/// Rules for cpu and memory of the series that there are.
pub(crate) fn rules(random: &mut Random) -> Value {
    let resources = match random.chance(50) {
        true => json!({"template": "<<.Resource>>"}),
        false => json!({"overrides": {
            "namespace": {"resource": "namespace"},
            "node": {"resource": random.pick(&["node", "nodes"])},
            "pod": {"resource": random.pick(&["pod", "pods"])},
        }}),
    };
    let range = random.pick(&["1m", "3m", "5m"]);
    let rate = random.pick(&["rate", "irate"]);
    let more = random.pick(&["", r#",container!="""#, r#",container!="POD",pod!="""#]);
    let first = random.chance(50);
    let sum = |of: String| match first {
        true => format!("sum by (<<.GroupBy>>) ({of})"),
        false => format!("sum({of}) by (<<.GroupBy>>)"),
    };
    let cpu = |series: &str, more: &str| {
        sum(format!("{rate}({series}{{<<.LabelMatchers>>{more}}}[{range}])"))
    };
    let memory = |series: &str, more: &str| sum(format!("{series}{{<<.LabelMatchers>>{more}}}"));
    json!({
        "cpu": {
            "containerQuery": cpu("container_cpu_usage_seconds_total", more),
            "nodeQuery": cpu("node_cpu_usage_seconds_total", ""),
            "resources": resources,
            "containerLabel": "container",
        },
        "memory": {
            "containerQuery": memory("container_memory_working_set_bytes", more),
            "nodeQuery": memory("node_memory_working_set_bytes", ""),
            "resources": resources,
            "containerLabel": "container",
        },
        "window": range,
    })
}
