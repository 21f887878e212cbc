//! Explanations of resource metrics: cpu and memory, each with its own query.

use serde_json::json;

use crate::{ALL, World};

#[tokio::test]
async fn both_resources_are_explained_with_their_own_rows() {
    let world = World::start(&ALL).await;
    let explanation = world.get("namespaces/shop/pods?explain=true").await.ok();
    assert_eq!(explanation["kind"], "MetricExplanation");
    assert_eq!(explanation["request"]["path"], "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods");
    let metrics = explanation["metrics"].as_array().expect("metrics");
    assert_eq!(metrics.len(), 2, "{explanation:#}");
    for (metric, name, decimal, series) in
        [(&metrics[0], "cpu", "2", "cores"), (&metrics[1], "memory", "1234567.5", "bytes")]
    {
        assert_eq!(metric["mapping"]["metric"], name);
        let values = metric["values"].as_array().expect("values");
        let of_db = values.iter().find(|value| value["object"] == "db-0").expect("a value");
        assert_eq!(of_db["container"], "postgres");
        assert_eq!(of_db["value"]["decimal"], decimal);
        let run = &metric["evaluations"][0]["runs"][0];
        let query = &run["queries"][0];
        let sent = query["sent"].as_str().unwrap_or_default();
        assert!(sent.contains(&format!("({series}{{")), "{sent}");
        assert_eq!((&query["series"], &query["whole"]), (&json!(3), &json!(true)), "{query:#}");
        assert_eq!(run["measures"].as_array().map(Vec::len), Some(3));
    }
    // Of one pod there is nothing of the others.
    let one = world.get("namespaces/shop/pods/web-0?explain=true").await;
    assert!(!one.body.contains("postgres") && !one.body.contains("db-0"), "{}", one.body);
    assert_eq!(one.ok()["metrics"][0]["valuesTotal"], 2);
}

#[tokio::test]
async fn nodes_are_explained() {
    let world = World::start(&ALL).await;
    let explanation = world.get("nodes?explain=true").await.ok();
    let cpu = &explanation["metrics"][0];
    assert_eq!(cpu["valuesTotal"], 2);
    let rows = cpu["evaluations"][0]["runs"][0]["queries"][0]["rows"].as_array().expect("rows");
    let mut nodes: Vec<_> = rows.iter().map(|row| row["object"].to_string()).collect();
    nodes.sort();
    assert_eq!(nodes, ["\"node-a\"", "\"node-b\""]);
}
