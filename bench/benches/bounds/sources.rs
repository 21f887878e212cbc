//! Attacks in which what the source is asked, or answers, is what matters.

use std::time::Duration;

use leadsman_tests::Reply;
use serde_json::json;

use super::scene::Scene;
use super::{clients, configs};

/// Lists of all namespaces while each query takes a while, and one namespace has NaN.
pub(super) async fn namespaces(scene: &Scene) {
    scene.upstream().reply_with(|request| {
        let promql = request.promql();
        if !promql.contains("total") {
            return Reply::pods(&[("web-0", "1")]);
        }
        let namespace = promql.split('"').nth(1).unwrap_or_default();
        let value = if namespace == "team-7" { "NaN" } else { "1" };
        let item = json!({"metric": {"namespace": namespace}, "value": [1, value]});
        Reply::vector(&json!([item])).after(Duration::from_millis(100))
    });
    clients::read_all(scene, 16, configs::all_namespaces).await;
}

/// Text that would be a query, in all places of a request.
pub(super) async fn injected(scene: &Scene) {
    clients::read_all(scene, 2000, configs::injected).await;
    for request in scene.upstream().requests() {
        let promql = request.promql();
        // Within a value a quote is escaped.
        let ends_a_value = promql.replace(r#"\""#, "").contains(r#""} or vector(666)"#);
        assert!(!ends_a_value, "{promql}");
    }
}

/// A target whose page does not end.
pub(super) async fn pages(scene: &Scene) {
    scene.upstream().reply_with(|request| match request.path.as_str() {
        "/metrics" => Reply::EndlessPage,
        _ => Reply::pods(&[("web-0", "1")]),
    });
    clients::read_all(scene, 256, configs::page).await;
    let taken = scene.upstream().bytes_read() >> 20;
    println!("{:<34}{taken} MiB of pages were taken", "");
}
