use std::task::Poll;

use leadsman_autoscaler::AutoscalerStore;
use leadsman_provider::snapshot::{Contents, ReadKind};
use serde_json::{Value, json};

use super::*;

const DEPTH: NewestRequest<'static> = NewestRequest {
    wanted: ReadKind::External,
    namespace: "shop",
    metric: "depth",
    object: None,
    metric_selector: "",
};

/// An autoscaler with a target of 10 for each pod, and with another metric that nobody has read.
fn autoscaler(replicas: i32, average: &str) -> Value {
    let metric = |name: &str| {
        let target = json!({"type": "AverageValue", "averageValue": "10"});
        json!({"type": "External", "external": {"metric": {"name": name}, "target": target}})
    };
    let current = json!({"type": "External", "external": {"current": {"averageValue": average}}});
    json!({
        "metadata": {"namespace": "shop", "name": "web"},
        "spec": {
            "scaleTargetRef": {"kind": "Deployment", "name": "web"},
            "maxReplicas": 9,
            "metrics": [metric("secret"), metric("depth")],
        },
        "status": {
            "currentReplicas": replicas,
            "desiredReplicas": replicas,
            "conditions": [{"type": "ScalingActive", "status": "True", "reason": "ValidMetricFound"}],
            "currentMetrics": [{"type": ""}, current],
        },
    })
}

fn hours() -> (Arc<AutoscalerStore>, Arc<Hours>) {
    let store = Arc::new(AutoscalerStore::new(Followed::Starting));
    (store.clone(), Arc::new(Hours::new(store)))
}

fn put(store: &AutoscalerStore, object: Value) {
    store.apply(serde_json::from_value(object).unwrap(), 100);
}

async fn explained(hours: &Arc<Hours>, read: &NewestRequest<'_>) -> AutoscalerHour {
    let snapshot = Arc::new(Snapshot::new(1, Contents::default()));
    hours.explained("web", read, &snapshot).await
}

#[tokio::test]
async fn an_hour_has_the_values_and_what_changed_with_them() {
    let (store, hours) = hours();
    put(&store, autoscaler(2, "10"));
    explained(&hours, &DEPTH).await;
    put(&store, autoscaler(2, "25"));
    explained(&hours, &DEPTH).await;
    put(&store, autoscaler(5, "10"));
    let hour = explained(&hours, &DEPTH).await;
    assert_eq!((hour.unknown.as_deref(), hour.autoscaler.as_str()), (None, "web"));
    assert!(hour.started <= hour.since && hour.since <= hour.until, "{hour:#?}");
    let [metric] = &hour.metrics[..] else { panic!("{hour:#?}") };
    assert_eq!((metric.place, metric.percent, metric.changes_since.as_ref()), (1, false, None));
    let changes = metric.changes.iter().map(|of| (of.value, of.proposes, of.replicas));
    let expected = [
        (Some(10.0), Some(2), Some(2)),
        (Some(25.0), Some(5), Some(2)),
        (Some(10.0), Some(5), Some(5)),
    ];
    assert_eq!(changes.collect::<Vec<_>>(), expected);
    assert!(metric.changes.iter().all(|of| of.target == Some(10.0) && of.state == "current"));
    assert_eq!(metric.values.last().map(|of| of.value), Some(10.0));
    // The other metric is not what is read: nothing of it is explained but what it leads to.
    assert!(!serde_json::to_string(&hour).unwrap().contains("secret"));
}

#[tokio::test]
async fn what_was_read_before_is_told_to_nobody_who_reads_something_else() {
    let (store, hours) = hours();
    let mut object = autoscaler(2, "81549");
    object["spec"]["metrics"][1]["external"]["metric"]["name"] = json!("secret");
    put(&store, object);
    hours.observe(&hours.autoscalers().known().list, &Snapshot::new(1, Contents::default()));
    put(&store, autoscaler(2, "10"));
    let hour = explained(&hours, &DEPTH).await;
    let reported = serde_json::to_string(&hour).unwrap();
    assert_eq!((hour.metrics[0].values.len(), hour.metrics[0].changes.len()), (1, 1));
    assert!(!reported.contains("81549"), "{reported}");
}

#[tokio::test]
async fn a_metric_that_the_controller_cannot_read_has_no_value() {
    let (store, hours) = hours();
    let mut object = autoscaler(2, "10");
    for list in ["/spec/metrics", "/status/currentMetrics"] {
        object.pointer_mut(list).unwrap().as_array_mut().unwrap().remove(0);
    }
    put(&store, object.clone());
    explained(&hours, &DEPTH).await;
    // The value from before stays in the status.
    object["status"]["conditions"] =
        json!([{"type": "ScalingActive", "status": "False", "reason": "FailedGetExternalMetric"}]);
    put(&store, object);
    let hour = explained(&hours, &DEPTH).await;
    let changes =
        hour.metrics[0].changes.iter().map(|of| (of.state.as_str(), of.value, of.proposes));
    let expected = [("current", Some(10.0), Some(2)), ("failing", None, None)];
    assert_eq!(changes.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn what_is_not_known_is_said_with_its_reason() {
    let (store, hours) = hours();
    let why = async |read: &NewestRequest<'_>| {
        let hour = explained(&hours, read).await;
        assert!(hour.since.is_none() && hour.metrics.is_empty(), "{hour:#?}");
        hour.unknown.unwrap_or_default()
    };
    assert!(why(&DEPTH).await.contains("has not listed the autoscalers yet"));
    store.watch_failed(Followed::Forbidden("a right is missing".to_owned()));
    assert_eq!(why(&DEPTH).await, "a right is missing");
    put(&store, autoscaler(2, "10"));
    let other = NewestRequest { metric: "other", ..DEPTH };
    assert!(why(&other).await.contains("the read is of none of the first 16 metrics"));
    let elsewhere = NewestRequest { namespace: "bank", ..DEPTH };
    assert!(why(&elsewhere).await.contains("knows no such autoscaler"));
}

/// Many who ask for an hour do not take all threads that may block.
#[test]
fn one_of_those_who_ask_looks_at_a_time() {
    // Blocking work is done in its order.
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build();
    runtime.unwrap().block_on(async {
        let (store, hours) = hours();
        put(&store, autoscaler(2, "10"));
        let another = hours.turn.clone().acquire_owned().await.unwrap();
        let mut asked = Box::pin(explained(&hours, &DEPTH));
        let poll = std::future::poll_fn(|context| Poll::Ready(asked.as_mut().poll(context)));
        assert!(poll.await.is_pending());
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        assert!(hours.lock().changes.of("shop/web").is_none(), "it waits for its turn");
        drop(another);
        assert_eq!(asked.await.unknown, None);
    });
}
