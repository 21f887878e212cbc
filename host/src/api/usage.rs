//! Reads of `metrics.k8s.io`: what nodes and pods use.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri};

use super::ApiState;
use super::discovery;
use super::path::{self, parameter};
use super::read::{answer, raw};
use super::render::Encoding;
use super::status::Status;
use crate::auth::watches;
use crate::provider::{self, Target, UsageRequest};

/// `/apis/metrics.k8s.io/v1beta1/…`
pub(super) async fn read(State(state): State<ApiState>, uri: Uri, headers: HeaderMap) -> Response {
    let served = state.served.now();
    let (_, version) = path::group_version(uri.path());
    if served.snapshot.usage().is_none() || version != discovery::USAGE_VERSION {
        return discovery::no_group(&served, &format!("{}/{version}", discovery::USAGE));
    }
    let Some(path) = path::usage(uri.path()) else { return nothing_at(&uri) };
    if path.name.is_none() && watches(&uri) {
        // As every API server says it of what can only be read.
        let plural = path.resource.plural();
        let message =
            format!("watch is not supported on resources of kind \"{plural}.metrics.k8s.io\"");
        return Status::new(StatusCode::METHOD_NOT_ALLOWED, message).into();
    }
    let encoding = Encoding::asked_for(&headers);
    let request = UsageRequest {
        raw: &raw(&uri, encoding),
        resource: path.resource,
        namespace: path.namespace.as_deref(),
        target: path.target(),
        label_selector: &parameter(uri.query(), "labelSelector"),
        field_selector: &parameter(uri.query(), "fieldSelector"),
    };
    let found = provider::usage(&served.snapshot, &request, |window, objects| {
        match (request.target, objects) {
            (Target::One(_), [object]) => encoding.usage_of(request.resource, window, object),
            _ => encoding.usage(request.resource, window, objects),
        }
    });
    answer(encoding, found.await)
}

fn nothing_at(uri: &Uri) -> Response {
    let message = format!(
        "the server could not find the requested resource: there is nothing at {}; what is used is \
         at nodes, nodes/NAME, pods, namespaces/NAMESPACE/pods and namespaces/NAMESPACE/pods/NAME",
        uri.path()
    );
    Status::new(StatusCode::NOT_FOUND, message).into()
}
