//! The series of a pod as a whole is no container of it.

use leadsman_tests::rules::resource_metrics_rules;
use leadsman_tests::{Config, History};
use serde_json::Value;

use crate::scene::Scene;

const PODS: &str = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods";

/// Name, cpu and memory of each container.
fn uses(pod: &Value) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let containers = pod["containers"].as_array().cloned().unwrap_or_default();
    let mut uses: Vec<_> = containers
        .iter()
        .map(|c| (text(&c["name"]), text(&c["usage"]["cpu"]), text(&c["usage"]["memory"])))
        .collect();
    uses.sort();
    uses
}

#[tokio::test]
async fn a_container_without_a_name_is_not_counted_beside_the_real_ones() {
    let mebibytes = |count: u32| f64::from(count) * 1_048_576.0;
    let mut history = History::new();
    for (container, cores, memory) in [
        // As cAdvisor has the sum of the pod: the label is empty, which is the same as none.
        ("", 0.010_5, mebibytes(26)),
        (r#",container="app""#, 0.008_3, mebibytes(20)),
        (r#",container="reloader""#, 0.002_2, mebibytes(6)),
    ] {
        let labels = format!(r#"namespace="shop",node="node-a",pod="web-0"{container}"#);
        history = history.gauge(&format!("cores{{{labels}}}"), cores);
        history = history.gauge(&format!("bytes{{{labels}}}"), memory);
    }
    let config = Config::new()
        .set("resourceRules", &resource_metrics_rules("1m").to_string())
        .pods("shop", &["web-0"])
        .object("nodes", None, "node-a", "");
    let scene = Scene::start(&history, config).await;
    let of =
        |name: &str, cpu: &str, memory: &str| (name.to_owned(), cpu.to_owned(), memory.to_owned());
    let expected = [of("app", "8m", "20Mi"), of("reloader", "2m", "6Mi")];
    let one = scene.leadsman.get(&format!("{PODS}/web-0")).await.ok();
    assert_eq!(uses(&one), expected, "{one:#}");
    let all = scene.leadsman.get(PODS).await.items();
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(uses(&all[0]), expected, "{all:#?}");
}
