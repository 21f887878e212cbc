//! Messages of KEDA's external scaler: a byte that says which call, and the message. What is refused is
//! refused with a code and a short text, and nothing fails inside.
#![no_main]

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode, header};
use leadsman_api::CurrentSnapshot;
use leadsman_provider::snapshot::{Contents, Snapshot};
use leadsman_runtime::telemetry::Metrics;
use leadsman_scaler::{ScalerState, router};
use leadsman_server::ConnectionHandle;
use tokio::runtime::{Builder, Runtime};
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// The longest response that is read.
const MAX_BYTES: usize = 1 << 20;

/// The longest text of a refusal, with each of its characters escaped.
const LONGEST_TEXT: usize = 2000 * 12;

const CALLS: [&str; 3] = ["IsActive", "GetMetricSpec", "GetMetrics"];

struct Scaler {
    runtime: Runtime,
    router: Router,
}

static SCALER: LazyLock<Scaler> = LazyLock::new(|| {
    let snapshot = Snapshot::new(1, Contents::default());
    let router = router(ScalerState {
        served: Arc::new(CurrentSnapshot::new(Arc::new(snapshot))),
        clients: None,
        metrics: Metrics::new(),
        tasks: TaskTracker::new(),
        across_namespaces: false,
    });
    match Builder::new_current_thread().enable_time().build() {
        Ok(runtime) => Scaler { runtime, router },
        Err(error) => panic!("{error}"),
    }
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((call, message)) = data.split_first() else { return };
    let call = CALLS[usize::from(*call) % CALLS.len()];
    let Ok(length) = u32::try_from(message.len()) else { return };
    let framed = [&[0][..], &length.to_be_bytes(), message].concat();
    let request = Request::post(format!("/externalscaler.ExternalScaler/{call}"))
        .header(header::CONTENT_TYPE, "application/grpc")
        .extension(ConnectionHandle::unconnected())
        .body(Body::from(framed));
    let Ok(request) = request else { return };
    let Scaler { runtime, router } = &*SCALER;
    let (status, code, text) = runtime.block_on(async {
        let Ok(response) = router.clone().oneshot(request).await;
        let header =
            |name: &str| response.headers().get(name).map(|value| value.as_bytes().to_vec());
        let (code, text) = (header("grpc-status"), header("grpc-message"));
        let status = response.status();
        if to_bytes(response.into_body(), MAX_BYTES).await.is_err() {
            panic!("a long answer");
        }
        (status, code, text.unwrap_or_default())
    });
    assert_eq!(status, StatusCode::OK);
    assert!(text.len() <= LONGEST_TEXT, "{} bytes", text.len());
    // Nothing is served, so only a target can be told.
    assert!(code.is_some() || call == "GetMetricSpec", "{call} has an answer");
});
