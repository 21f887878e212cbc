//! Attacks in which what the source is asked, or answers, is what matters.

use std::time::Duration;

use leadsman_tests::{Reply, Unreachable, Upstream, eventually};
use serde_json::json;

use super::measure::MAX_RECOVERY;
use super::scene::Scene;
use super::{clients, configs};

/// For how long a source may take to answer, and to be connected to.
const TIMEOUT: Duration = Duration::from_secs(5);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// For how long a read waits.
const DEADLINE: Duration = Duration::from_secs(1);

/// How much later a read may end.
const LATE: Duration = Duration::from_secs(1);

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

/// Answers that are none, of all kinds in turn; others get good ones.
pub(super) async fn bad_answers(scene: &Scene) {
    let bad = bad_answers_of_each_kind();
    scene.upstream().reply_with(move |request| {
        let number = request.promql().split("other-").nth(1);
        let number = number.and_then(|rest| rest.split('"').next()?.parse::<usize>().ok());
        match number {
            Some(number) => bad[number % bad.len()].clone(),
            None => Reply::pods(&[("web-0", "1")]),
        }
    });
    clients::read_all(scene, 320, configs::selector).await;
}

fn bad_answers_of_each_kind() -> Vec<Reply> {
    const JSON: &str = "application/json";
    let good = || Reply::pods(&[("web-0", "1")]);
    let value = |value: &str| Reply::pods(&[("web-0", value)]);
    let labels = (0..2000).map(|label| (format!("l{label}"), json!("x")));
    let labels: serde_json::Map<_, _> = labels.collect();
    vec![
        Reply::NoReply,
        Reply::Endless,
        good().truncated_body(),
        good().halved(),
        good().drip(),
        Reply::new(200, "text/html", "<html>login</html>"),
        Reply::new(302, "text/plain", ""),
        Reply::new(404, "text/plain", "404 page not found"),
        Reply::new(502, "text/plain", "bad gateway"),
        Reply::json(422, &json!({"status": "error", "errorType": "execution", "error": "no"})),
        Reply::json(503, &json!({"status": "error", "errorType": "timeout", "error": "no"})),
        Reply::json(200, &json!({"status": "success"})),
        Reply::new(200, JSON, ""),
        Reply::new(200, JSON, "[]"),
        Reply::new(200, JSON, "[".repeat(100_000)),
        Reply::new(200, JSON, "\u{0}".repeat(100_000)),
        value("NaN"),
        value("+Inf"),
        value("x"),
        value(""),
        Reply::vector(&json!([{"metric": {}, "histogram": [1, {}]}])),
        Reply::vector(&json!([{"metric": {}}])),
        Reply::vector(&json!([{"metric": labels, "value": [1, "1"]}])),
    ]
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

/// A source that answers nothing, and one that no connection is made to.
pub(super) async fn hang(scene: &mut Scene) {
    let hanging = Upstream::start(Reply::NoReply).await;
    let unreachable = Unreachable::start().await;
    let url = scene.url();
    scene.configure(configs::hanging(&url, &hanging.url(), &unreachable.url()));
    eventually("the sources", MAX_RECOVERY, async || {
        let answer = scene.leadsman.get(&configs::busy("ready")).await;
        if answer.is_success() { Ok(()) } else { Err(answer.body) }
    })
    .await;
    let connection = scene.connect().await;
    for (metric, most) in [("patient-hanging", TIMEOUT), ("patient-unreachable", CONNECT_TIMEOUT)] {
        let (ok, took) = connection.read(&configs::busy(metric)).await;
        println!("{:<34}{metric} fails after {took:.1?}", "");
        assert!(!ok && took < most + LATE, "{metric} took {took:?}");
    }
    let reads = clients::read_each(scene, 160, configs::of_hanging).await;
    let slowest = reads.iter().map(|(_, took)| *took).max().unwrap_or_default();
    println!("{:<34}the slowest read took {slowest:.1?}", "");
    assert!(reads.iter().all(|(ok, _)| !ok), "values of a source that gave none");
    assert!(slowest < DEADLINE + LATE, "a read took {slowest:?}");
}
