//! Requests of the metrics APIs: the path on the first line, `Accept` on the second. What is read is
//! what was authorized: two paths with the same attributes are the same read.
#![no_main]

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Method, Request, StatusCode, Uri, header};
use leadsman_api::{ApiState, CurrentSnapshot, router};
use leadsman_cluster::Attributes;
use leadsman_model::owner::Owner;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::{Contents, Rejection, RejectionReason, Snapshot};
use leadsman_runtime::telemetry::Metrics;
use leadsman_server::Readiness;
use leadsman_server::auth::attributes;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// The longest response that is read.
const MAX_BYTES: usize = 1 << 20;

/// Why the metrics of the snapshot are not served, as the answer to a read of one says.
const REASON: &str = "there is no plugin";

struct Api {
    runtime: Runtime,
    router: Router,
}

static API: LazyLock<Api> = LazyLock::new(|| {
    let served = Arc::new(CurrentSnapshot::new(Arc::new(snapshot())));
    let (readiness, metrics) = (Readiness::default(), Arc::new(Metrics::new()));
    let hours = Arc::default();
    let router = router(ApiState { served, readiness, auth: None, metrics, hours });
    match Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => Api { runtime, router },
        Err(error) => panic!("{error}"),
    }
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let address = lines.next().unwrap_or_default();
    let accepted = lines.next().unwrap_or("application/json");
    let Some((status, body)) = answer(address, accepted) else { return };
    assert_ne!(status.as_u16(), 500, "{address}");
    // Probes are answered with a word, errors with JSON.
    let is_probe = ["/livez", "/healthz", "/readyz"].iter().any(|at| address.contains(at));
    if !status.is_success() && !is_probe {
        let reported = serde_json::from_slice::<serde_json::Value>(&body).unwrap_or_default();
        assert_eq!(reported["kind"], "Status", "{address}: {status}");
        assert_eq!(reported["code"], status.as_u16(), "{address}");
        let message = reported["message"].as_str().unwrap_or_default();
        if message.contains(REASON)
            && let Some(authorized) = authorized(address)
        {
            assert_eq!(answer(&authorized, accepted), Some((status, body)), "{authorized}");
        }
    }
});

fn answer(address: &str, accepted: &str) -> Option<(StatusCode, Vec<u8>)> {
    let request = Request::builder().uri(address).header(header::ACCEPT, accepted);
    let request = request.body(Body::empty()).ok()?;
    let Api { runtime, router } = &*API;
    runtime.block_on(async {
        let Ok(response) = router.clone().oneshot(request).await;
        let status = response.status();
        let Ok(body) = to_bytes(response.into_body(), MAX_BYTES).await else {
            panic!("{address}: a long answer");
        };
        Some((status, body.to_vec()))
    })
}

/// The path that the attributes of a request are those of, written in one way.
fn authorized(address: &str) -> Option<String> {
    let address: Uri = address.parse().ok()?;
    let (group, version, namespace, parts) = match attributes(&Method::GET, &address) {
        Attributes::Path { .. } => panic!("{address}: a metric that is no resource"),
        Attributes::Resource { group, version, namespace, resource, name, subresource, .. } => {
            (group, version, namespace, [resource, name, subresource])
        }
    };
    let mut path = format!("/apis/{}/{}", encoded(&group), encoded(&version));
    // A namespace alone is both the resource and its own namespace.
    let alone = parts[0] == "namespaces" && parts[1] == namespace && parts[2].is_empty();
    if !namespace.is_empty() && !alone {
        path = format!("{path}/namespaces/{}", encoded(&namespace));
    }
    for part in parts.iter().filter(|part| !part.is_empty()) {
        path = format!("{path}/{}", encoded(part));
    }
    if let Some(query) = address.query() {
        path = format!("{path}?{query}");
    }
    Some(path)
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

/// One configured metric of each kind, none of which can be served.
fn snapshot() -> Snapshot {
    let pods = Resource::known("pods").map_or(Serve::External, Serve::Custom);
    let rejected = [pods, Serve::External].into_iter().filter_map(|serve| {
        let metric = "m".parse().ok()?;
        Some(Rejection {
            owner: Owner::Operator,
            title: serve.title(&metric),
            mapping: Some((metric, serve)),
            reason: RejectionReason::Plugin("plugin"),
            message: REASON.to_owned(),
            serving: false,
            activates: None,
        })
    });
    let rejections = rejected.collect();
    Snapshot::new(1, Contents { rejections, ..Contents::default() })
}
