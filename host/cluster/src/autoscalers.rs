//! The reflector of HorizontalPodAutoscalers, for the status page.

use std::sync::Weak;
use std::time::Duration;

use futures_util::StreamExt as _;
use kube::api::ListParams;
use kube::core::DynamicObject;
use kube::discovery::ApiResource;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;

use super::reason::{is_forbidden, of_watch, status_of};
use leadsman_autoscaler::manifest::Autoscaler;
use leadsman_autoscaler::{AutoscalerStore, Followed};

/// What is missing where they may not be listed.
const RIGHT: &str = "the role of the adapter may not list and watch HorizontalPodAutoscalers: add \
                     {apiGroups: [\"autoscaling\"], resources: [\"horizontalpodautoscalers\"], verbs: \
                     [\"list\", \"watch\"]} to its ClusterRole (chart: page.autoscalers)";

/// How long to wait before it is tried again whether they may be listed.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);

/// Fills a store for as long as somebody holds it.
pub(super) async fn follow(client: Client, store: Weak<AutoscalerStore>) {
    let resource = ApiResource {
        group: "autoscaling".to_owned(),
        version: "v2".to_owned(),
        api_version: "autoscaling/v2".to_owned(),
        kind: "HorizontalPodAutoscaler".to_owned(),
        plural: "horizontalpodautoscalers".to_owned(),
    };
    let api: Api<DynamicObject> = Api::all_with(client, &resource);
    // Without the right, as in most installations, a watcher would warn at each of its attempts.
    while let Err(error) = api.list(&ListParams::default().limit(1)).await {
        let Some(store) = store.upgrade() else { return };
        failed(&store, &watcher::Error::InitialListFailed(error));
        drop(store);
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
    let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
    let mut listing = Vec::new();
    loop {
        let Some(event) = events.next().await else { return };
        let Some(store) = store.upgrade() else { return };
        match event {
            Ok(watcher::Event::Init) => listing = Vec::new(),
            Ok(watcher::Event::InitApply(object)) => listing.extend(autoscaler(object)),
            Ok(watcher::Event::InitDone) => {
                let count = listing.len();
                store.replace(std::mem::take(&mut listing));
                tracing::debug!(count, "the autoscalers are known and followed");
            }
            Ok(watcher::Event::Apply(object)) => {
                if let Some((autoscaler, bytes)) = autoscaler(object) {
                    store.apply(autoscaler, bytes);
                }
            }
            Ok(watcher::Event::Delete(object)) => {
                store.delete(&object.namespace().unwrap_or_default(), &object.name_any());
            }
            Err(error) => {
                // The version is too old to go on from: the list that follows has everything.
                if status_of(&error).is_some_and(|status| status.code == 410) {
                    continue;
                }
                failed(&store, &error);
            }
        }
    }
}

fn failed(store: &AutoscalerStore, error: &watcher::Error) {
    let reported = of_watch(error);
    // Nothing is served from them: the page alone lacks them, and says so.
    if is_forbidden(error) {
        store.watch_failed(Followed::Forbidden(format!("{RIGHT} ({reported})")));
    } else if store.watch_failed(Followed::Interrupted(reported.clone())) {
        tracing::info!(reason = reported, "the page cannot show autoscalers");
    }
}

/// What is kept of an object, and its size as the API writes it; `None` for one of another shape.
fn autoscaler(object: DynamicObject) -> Option<(Autoscaler, usize)> {
    let (namespace, name) = (object.namespace(), object.name_any());
    let mut data = object.data;
    let bytes = data.to_string().len();
    if let Some(fields) = data.as_object_mut() {
        fields.insert("metadata".to_owned(), json!({"namespace": namespace, "name": name}));
    }
    match serde_json::from_value(data) {
        Ok(autoscaler) => Some((autoscaler, bytes)),
        Err(error) => {
            tracing::debug!(?namespace, name, %error, "an autoscaler cannot be read");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use axum::Router;
    use axum::routing::get;
    use http::StatusCode;
    use http::header::CONTENT_TYPE;
    use serde_json::Value;
    use tokio::task::JoinSet;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use leadsman_runtime::telemetry::Metrics;

    use super::super::Reflectors;
    use super::super::fake_server::serve;
    use super::*;

    /// What the store becomes where kube-apiserver answers each list so.
    async fn followed(
        status: StatusCode,
        answer: Value,
        is_so: impl Fn(&AutoscalerStore) -> bool,
    ) -> Arc<AutoscalerStore> {
        let mut server = JoinSet::new();
        let list = move || {
            let body = answer.to_string();
            async move { (status, [(CONTENT_TYPE, "application/json")], body) }
        };
        let path = "/apis/autoscaling/v2/horizontalpodautoscalers";
        let cluster = serve(&mut server, Router::new().route(path, get(list))).await;
        let reflectors =
            Reflectors::new(&cluster, Metrics::new(), TaskTracker::new(), CancellationToken::new());
        let store = reflectors.autoscalers();
        let follows = async {
            while !is_so(&store) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), follows).await.is_ok();
        assert!(in_time, "{:?}", store.known());
        store
    }

    #[tokio::test]
    async fn autoscalers_are_listed() {
        let answer = json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscalerList",
            "metadata": {"resourceVersion": "1"},
            "items": [{
                "metadata": {"namespace": "shop", "name": "web", "resourceVersion": "1"},
                "spec": {
                    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
                    "maxReplicas": 3,
                },
                "status": {"currentReplicas": 2, "desiredReplicas": 2, "currentMetrics": null},
            }],
        });
        let is_there = |store: &AutoscalerStore| !store.known().list.is_empty();
        let store = followed(StatusCode::OK, answer, is_there).await;
        let known = store.known();
        assert_eq!(known.list[0].metadata.name, "web");
        assert_eq!(known.list[0].metadata.namespace.as_deref(), Some("shop"));
        assert_eq!(known.list[0].spec.max_replicas, 3);
    }

    #[tokio::test]
    async fn a_right_that_is_missing_is_named() {
        let answer = json!({
            "apiVersion": "v1",
            "kind": "Status",
            "metadata": {},
            "status": "Failure",
            "message": "horizontalpodautoscalers.autoscaling is forbidden",
            "reason": "Forbidden",
            "code": 403,
        });
        let is_reported =
            |store: &AutoscalerStore| matches!(store.known().followed, Followed::Forbidden(_));
        let store = followed(StatusCode::FORBIDDEN, answer, is_reported).await;
        let Followed::Forbidden(why) = store.known().followed else { panic!("{store:?}") };
        assert!(why.contains("resources: [\"horizontalpodautoscalers\"]"), "{why}");
        assert!(why.contains("is forbidden"), "{why}");
    }
}
