use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use axum::Router;
use axum::extract::RawQuery;
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::super::fake_server::{in_its_task, serve};
use super::*;
use leadsman_model::objects::SyncState;

/// A kube-apiserver whose discovery has widgets, and that does not find a list of them.
async fn cluster(
    server: &mut JoinSet<std::io::Result<()>>,
    lists: watch::Sender<Vec<Instant>>,
) -> Cluster {
    let answer =
        |body: Value| get(async move || ([(CONTENT_TYPE, "application/json")], body.to_string()));
    let version = json!({"groupVersion": "example.com/v1", "version": "v1"});
    let group = json!({
        "name": "example.com", "versions": [version], "preferredVersion": version,
    });
    let widgets = json!({
        "name": "widgets", "singularName": "widget", "kind": "Widget", "namespaced": true,
        "verbs": ["list", "watch"],
    });
    let list = async move || {
        lists.send_modify(|lists| lists.push(Instant::now()));
        (StatusCode::NOT_FOUND, "404 page not found")
    };
    let router = Router::new()
        .route("/apis", answer(json!({"kind": "APIGroupList", "groups": [group]})))
        .route(
            "/apis/example.com/v1",
            answer(json!({
                "kind": "APIResourceList", "groupVersion": "example.com/v1",
                "resources": [widgets],
            })),
        )
        .route("/apis/example.com/v1/widgets", get(list));
    serve(server, router).await
}

#[tokio::test]
async fn a_list_that_is_not_found_is_asked_for_again_with_backoff_and_told() {
    let lists = watch::Sender::new(Vec::new());
    let mut asked = lists.subscribe();
    let mut server = JoinSet::new();
    let cluster = cluster(&mut server, lists).await;
    let reflectors =
        Reflectors::new(&cluster, Metrics::new(), TaskTracker::new(), CancellationToken::new());
    let store = reflectors.store(&Resource::custom("widgets.example.com", None).unwrap());
    store.first_list().await;
    let SyncState::Unknown(reason) = &*store.state() else { panic!("{:?}", store.state()) };
    assert!(reason.contains("404"), "{reason}");
    let asked = asked.wait_for(|asked| asked.len() >= 3).await.unwrap().clone();
    assert!(asked[1] - asked[0] >= MIN_BACKOFF, "{asked:?}");
    assert!(asked[2] - asked[1] >= MIN_BACKOFF * 2, "{asked:?}");
}

#[tokio::test]
async fn a_reflector_that_panics_is_told_and_started_again() {
    let (lists, watched) = (Arc::new(AtomicUsize::new(0)), watch::Sender::new(false));
    let mut is_watched = watched.subscribe();
    let pods = move |RawQuery(query): RawQuery| {
        let (lists, watched) = (lists.clone(), watched.clone());
        async move {
            if query.unwrap_or_default().contains("watch=true") {
                watched.send_replace(true);
                std::future::pending::<()>().await;
            }
            let first = lists.fetch_add(1, Ordering::Relaxed) == 0;
            assert!(!first, "the first list panics");
            let pod = json!({"metadata": {"namespace": "shop", "name": "web-0"}});
            let list = json!({
                "apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"},
                "items": [pod],
            });
            ([(CONTENT_TYPE, "application/json")], list.to_string())
        }
    };
    let cluster = in_its_task(Router::new().route("/api/v1/pods", get(pods)));
    let metrics = Metrics::new();
    let reflectors =
        Reflectors::new(&cluster, metrics.clone(), TaskTracker::new(), CancellationToken::new());
    let store = reflectors.store(&Resource::known("pods").unwrap());
    // Whoever waits for the list gets the reason instead.
    store.first_list().await;
    let reason = store.ready().unwrap_err().reason;
    assert!(reason.contains("the first list panics"), "{reason}");
    let page = metrics.encode();
    assert!(page.contains("leadsman_task_panics_total{task=\"objects\"} 1"), "{page}");
    // A watch follows the list.
    is_watched.wait_for(|watched| *watched).await.unwrap();
    assert_eq!(*store.state(), SyncState::Synced);
    assert!(store.exists("shop", "web-0"));
}
