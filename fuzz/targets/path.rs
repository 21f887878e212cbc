//! Requests of the metrics APIs: the path on the first line, `Accept` on the second.
#![no_main]

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Request, header};
use leadsman_api::{ApiState, CurrentSnapshot, router};
use leadsman_model::owner::Owner;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::{Contents, Rejection, Snapshot};
use leadsman_runtime::telemetry::Metrics;
use leadsman_server::Readiness;
use leadsman_server::auth::Peer;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// The longest response that is read.
const LONGEST: usize = 1 << 20;

struct Api {
    runtime: Runtime,
    router: Router,
}

static API: LazyLock<Api> = LazyLock::new(|| {
    let served = Arc::new(CurrentSnapshot::new(Arc::new(snapshot())));
    let (readiness, metrics) = (Readiness::default(), Arc::new(Metrics::new()));
    let router = router(ApiState { served, readiness, auth: None, metrics });
    match Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => Api { runtime, router },
        Err(error) => panic!("{error}"),
    }
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let address = lines.next().unwrap_or_default();
    let accepted = lines.next().unwrap_or("application/json");
    let peer = Arc::new(Peer::default());
    let request = Request::builder().uri(address).header(header::ACCEPT, accepted).extension(peer);
    let Ok(request) = request.body(Body::empty()) else { return };
    let Api { runtime, router } = &*API;
    runtime.block_on(async {
        let Ok(response) = router.clone().oneshot(request).await;
        let status = response.status();
        assert_ne!(status.as_u16(), 500, "{address}");
        let Ok(body) = to_bytes(response.into_body(), LONGEST).await else {
            panic!("{address}: a long answer");
        };
        // Probes are answered with a word, errors with JSON.
        let is_probe = ["/livez", "/healthz", "/readyz"].iter().any(|at| address.contains(at));
        if !status.is_success() && !is_probe {
            let told = serde_json::from_slice::<serde_json::Value>(&body).unwrap_or_default();
            assert_eq!(told["kind"], "Status", "{address}: {status}");
            assert_eq!(told["code"], status.as_u16(), "{address}");
        }
    });
});

/// One configured metric of each kind, none of which can be served.
fn snapshot() -> Snapshot {
    let pods = Resource::known("pods").map_or(Serve::External, Serve::Custom);
    let rejected = [pods, Serve::External].into_iter().filter_map(|serve| {
        let metric = "m".parse().ok()?;
        Some(Rejection {
            owner: Owner::Operator,
            title: serve.title(&metric),
            mapping: Some((metric, serve)),
            reason: "plugin",
            message: "there is no plugin".to_owned(),
            serving: false,
        })
    });
    let rejections = rejected.collect();
    Snapshot::new(1, Contents { rejections, ..Contents::default() })
}
