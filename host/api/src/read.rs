//! Reads of metrics: from the request to the provider, and its values as bytes.

mod answering;
mod hour;

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode, Uri, header};

pub(super) use self::answering::warning_header;
use self::answering::{Rendered, missing};
use super::current::{CurrentSnapshot, Generation};
use super::delegated::{DelegatedRead, RequesterIdentity};
use super::hour::Hours;
use super::in_flight::LongAnswers;
use super::parameter::{MAX_METRIC_SELECTOR_BYTES, MAX_SELECTOR_BYTES, parameter};
use super::path;
use super::render::{CustomVersion, Encoding, ResourceVersion, Shape};
use super::responses::{Answer, Question, ResponseCache};
use super::status::Status;
use super::{discovery, explain};
use leadsman_delegate::{Api, RequestedMetric};
use leadsman_provider::snapshot::ReadKind;
use leadsman_provider::{
    Caller, CustomRead, CustomRequest, ExternalItems, ExternalRead, ExternalRequest, NewestRequest,
    ReadError, ResourceRead, ResourceRequest, explanation,
};
use leadsman_runtime::telemetry::Metrics;
use leadsman_server::auth::{self, watches};

/// What reads share.
#[derive(Clone)]
pub(super) struct ReadState {
    pub(super) served: Arc<CurrentSnapshot>,
    pub(super) responses: Arc<ResponseCache>,
    pub(super) long_answers: Arc<LongAnswers>,
    pub(super) metrics: Arc<Metrics>,
    /// Authorizes what an explanation has besides the read.
    pub(super) auth: Option<Arc<auth::Auth>>,
    pub(super) hours: Arc<Hours>,
}

/// The user, where requests have users.
type User = Option<Extension<auth::User>>;

/// `/apis/custom.metrics.k8s.io/{v1beta1,v1beta2}/…`
pub(super) async fn custom(
    State(state): State<ReadState>,
    user: User,
    requester: RequesterIdentity,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Status> {
    let version = match uri.path().split('/').nth(3) {
        Some("v1beta1") => CustomVersion::V1Beta1,
        Some("v1beta2") => CustomVersion::V1Beta2,
        _ => return Err(nothing_at(&uri)),
    };
    let path = path::custom(uri.path()).ok_or_else(|| nothing_at(&uri))?;
    let labels = parameter(&uri, "labelSelector", MAX_SELECTOR_BYTES)?;
    let series = parameter(&uri, "metricLabelSelector", MAX_METRIC_SELECTOR_BYTES)?;
    let request = CustomRequest {
        caller: caller(user.as_ref(), &headers),
        namespace: path.namespace.as_deref(),
        resource: &path.resource,
        target: path.target()?,
        metric: &path.metric,
        label_selector: &labels,
        metric_selector: &series,
    };
    let encoding = Encoding::asked_for(&headers);
    let question = Question {
        shape: Shape::Custom(version),
        encoding,
        namespace: request.namespace.unwrap_or_default(),
        name: path.object(),
        labels: &labels,
        fields: "",
    };
    let generation = state.served.now();
    let elsewhere = DelegatedRead {
        generation: &generation,
        asked: RequestedMetric {
            api: Api::Custom,
            version: version.as_str(),
            metric: &path.metric,
            namespace: path.place(),
            selector: &series,
        },
        uri: &uri,
        headers: &headers,
        requester: &requester,
        caller: request.caller,
    };
    if explain::is_asked(&uri) {
        let path_asked = explain::without(&uri);
        let asked = explain::requester(&path_asked, &request.caller);
        let mut explained =
            explanation::custom(&generation.snapshot, &request, &asked, explain::with(&uri)).await;
        explain::name_delegate(&mut explained, &generation.snapshot, &elsewhere.asked);
        let read = NewestRequest {
            wanted: ReadKind::Custom(request.resource),
            namespace: path.place().unwrap_or_default(),
            metric: request.metric,
            object: path.object(),
            metric_selector: &series,
        };
        let snapshot = &generation.snapshot;
        Box::pin(state.add_hour(&uri, &requester, &read, snapshot, &mut explained)).await?;
        return state.explain(request.caller, explained);
    }
    let read = CustomRead::new(&generation.snapshot, &request).await;
    let read = match read {
        Ok(read) => read,
        Err(error) => {
            // Its state is large, and reads of what is served here never have it.
            return Box::pin(state.pass_to_delegate(error, elsewhere)).await;
        }
    };
    let cached = state.cached(&question, read.peek());
    let mut stale = false;
    let rendered: Result<Rendered, ReadError> = async {
        let reading = read.read(cached.as_ref().map(|(origin, _)| *origin)).await?;
        stale = reading.is_stale();
        let warning = reading.warning();
        if let Some(answer) = state.cached_meanwhile(&question, cached, reading.origin()) {
            return Ok(Rendered { answer, warning });
        }
        let mut values = reading.values()?;
        let missing = values.missing.take().map(Arc::new);
        let is_empty = values.values.is_empty();
        let body = encoding.custom(version, &path.metric, &values);
        let answer = Answer { body, missing, is_empty };
        state.cache(&question, reading.origin(), &answer);
        Ok(Rendered { answer, warning })
    }
    .await;
    if let Some((missing, all)) = missing(&rendered) {
        read.note_missing(missing, all);
    }
    read.ended(stale, &rendered);
    state.respond(request.caller, rendered?, encoding)
}

/// `/apis/external.metrics.k8s.io/v1beta1/…`
pub(super) async fn external(
    State(state): State<ReadState>,
    user: User,
    requester: RequesterIdentity,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Status> {
    if uri.path().split('/').nth(3) != Some("v1beta1") {
        return Err(nothing_at(&uri));
    }
    let (namespace, metric) = path::external(uri.path()).ok_or_else(|| nothing_at(&uri))?;
    let labels = parameter(&uri, "labelSelector", MAX_METRIC_SELECTOR_BYTES)?;
    let request = ExternalRequest {
        caller: caller(user.as_ref(), &headers),
        namespace: &namespace,
        metric: &metric,
        metric_selector: &labels,
    };
    let encoding = Encoding::asked_for(&headers);
    let question = Question {
        shape: Shape::External,
        encoding,
        namespace: &namespace,
        name: None,
        labels: &labels,
        fields: "",
    };
    let generation = state.served.now();
    let elsewhere = DelegatedRead {
        generation: &generation,
        asked: RequestedMetric {
            api: Api::External,
            version: "v1beta1",
            metric: &metric,
            namespace: Some(&namespace),
            selector: &labels,
        },
        uri: &uri,
        headers: &headers,
        requester: &requester,
        caller: request.caller,
    };
    if explain::is_asked(&uri) {
        let path = explain::without(&uri);
        let asked = explain::requester(&path, &request.caller);
        let mut explained =
            explanation::external(&generation.snapshot, &request, &asked, explain::with(&uri))
                .await;
        explain::name_delegate(&mut explained, &generation.snapshot, &elsewhere.asked);
        let read = NewestRequest {
            wanted: ReadKind::External,
            namespace: &namespace,
            metric: &metric,
            object: None,
            metric_selector: &labels,
        };
        let snapshot = &generation.snapshot;
        Box::pin(state.add_hour(&uri, &requester, &read, snapshot, &mut explained)).await?;
        return state.explain(request.caller, explained);
    }
    let read = ExternalRead::new(&generation.snapshot, &request).await;
    let read = match read {
        Ok(read) => read,
        Err(error) => {
            // Its state is large, and reads of what is served here never have it.
            return Box::pin(state.pass_to_delegate(error, elsewhere)).await;
        }
    };
    let cached = state.cached(&question, read.peek());
    let mut stale = false;
    let rendered: Result<Rendered, ReadError> = async {
        let reading = read.read().await?;
        stale = reading.is_stale();
        let warning = reading.warning();
        if let Some(answer) = state.cached_meanwhile(&question, cached, reading.origin()) {
            return Ok(Rendered { answer, warning });
        }
        let ExternalItems { items, missing } = reading.items()?;
        let (body, missing) = (encoding.external(&metric, &items), missing.map(Arc::new));
        let answer = Answer { body, missing, is_empty: items.is_empty() };
        state.cache(&question, reading.origin(), &answer);
        Ok(Rendered { answer, warning })
    }
    .await;
    if let Some((missing, all)) = missing(&rendered) {
        read.note_missing(missing, all);
    }
    read.ended(stale, &rendered);
    state.respond(request.caller, rendered?, encoding)
}

/// `/apis/metrics.k8s.io/{v1beta1,v1}/…`
pub(super) async fn resource(
    State(state): State<ReadState>,
    user: User,
    requester: RequesterIdentity,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Status> {
    let generation = state.served.now();
    let (version, path) = resource_path(&generation, &uri)?;
    let labels = parameter(&uri, "labelSelector", MAX_SELECTOR_BYTES)?;
    let fields = parameter(&uri, "fieldSelector", MAX_SELECTOR_BYTES)?;
    let request = ResourceRequest {
        caller: caller(user.as_ref(), &headers),
        kind: path.kind,
        namespace: path.namespace.as_deref(),
        target: path.target()?,
        label_selector: &labels,
        field_selector: &fields,
    };
    let encoding = Encoding::asked_for(&headers);
    let question = Question {
        shape: Shape::Resource(version),
        encoding,
        namespace: request.namespace.unwrap_or_default(),
        name: path.name.as_deref(),
        labels: &labels,
        fields: &fields,
    };
    let elsewhere = DelegatedRead {
        generation: &generation,
        asked: RequestedMetric {
            api: Api::Resource,
            version: version.as_str(),
            metric: path.kind.plural(),
            namespace: path.namespace.as_deref(),
            selector: "",
        },
        uri: &uri,
        headers: &headers,
        requester: &requester,
        caller: request.caller,
    };
    if explain::is_asked(&uri) {
        let path_asked = explain::without(&uri);
        let asked = explain::requester(&path_asked, &request.caller);
        let mut explained =
            explanation::resource(&generation.snapshot, &request, &asked, explain::with(&uri))
                .await;
        explain::name_delegate(&mut explained, &generation.snapshot, &elsewhere.asked);
        let read = NewestRequest {
            wanted: ReadKind::Resource(path.kind),
            namespace: path.namespace.as_deref().unwrap_or_default(),
            metric: path.kind.plural(),
            object: path.name.as_deref(),
            metric_selector: "",
        };
        let snapshot = &generation.snapshot;
        Box::pin(state.add_hour(&uri, &requester, &read, snapshot, &mut explained)).await?;
        return state.explain(request.caller, explained);
    }
    let read = ResourceRead::new(&generation.snapshot, &request).await;
    let read = match read {
        Ok(read) => read,
        Err(error) => {
            // Its state is large, and reads of what is served here never have it.
            return Box::pin(state.pass_to_delegate(error, elsewhere)).await;
        }
    };
    let cached = state.cached(&question, read.peek());
    let mut stale = false;
    let rendered: Result<Rendered, ReadError> = async {
        let reading = read.read(cached.as_ref().map(|(origin, _)| *origin)).await?;
        stale = reading.is_stale();
        let warning = reading.warning();
        if let Some(answer) = state.cached_meanwhile(&question, cached, reading.origin()) {
            return Ok(Rendered { answer, warning });
        }
        let mut values = reading.values()?;
        let missing = values.missing.take().map(Arc::new);
        let is_empty = values.values.is_empty();
        let answer = Answer { body: encoding.resource(version, &values), missing, is_empty };
        state.cache(&question, reading.origin(), &answer);
        Ok(Rendered { answer, warning })
    }
    .await;
    if let Some((missing, all)) = missing(&rendered) {
        read.note_missing(missing, all);
    }
    read.ended(stale, &rendered);
    state.respond(request.caller, rendered?, encoding)
}

fn caller<'a>(user: Option<&'a Extension<auth::User>>, headers: &'a HeaderMap) -> Caller<'a> {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    Caller {
        id: user.map_or(0, |Extension(user)| user.id.0),
        user: user.map(|Extension(user)| &*user.name),
        agent: agent.unwrap_or_default(),
    }
}

/// The path of a read of resource metrics, if they are served.
fn resource_path<'u>(
    generation: &Generation,
    uri: &'u Uri,
) -> Result<(ResourceVersion, path::ResourcePath<'u>), Status> {
    let (_, version) = path::group_version(uri.path());
    let served = generation.discovery.serves(discovery::RESOURCE);
    if let (false, Some(why)) = (served, generation.snapshot.not_loaded()) {
        let message = format!("whether {} is served is not known yet: {why}", discovery::RESOURCE);
        return Err(Status::new(StatusCode::SERVICE_UNAVAILABLE, message));
    }
    let Some(version) = ResourceVersion::named(&version).filter(|_| served) else {
        let name = format!("{}/{version}", discovery::RESOURCE);
        return Err(discovery::no_group(generation, &name));
    };
    let path = path::resource(uri.path()).ok_or_else(|| no_resource_at(uri))?;
    if path.name.is_none() && watches(uri) {
        // As every API server says it of what can only be read.
        let plural = path.kind.plural();
        let message =
            format!("watch is not supported on resources of kind \"{plural}.metrics.k8s.io\"");
        return Err(Status::new(StatusCode::METHOD_NOT_ALLOWED, message));
    }
    Ok((version, path))
}

fn nothing_at(uri: &Uri) -> Status {
    let message = format!(
        "there is nothing at {}; metrics are at namespaces/NAMESPACE/RESOURCE/NAME/METRIC, \
         RESOURCE/NAME/METRIC or (external) namespaces/NAMESPACE/METRIC",
        uri.path()
    );
    Status::new(StatusCode::NOT_FOUND, message)
}

fn no_resource_at(uri: &Uri) -> Status {
    let message = format!(
        "the server could not find the requested resource: there is nothing at {}; what is used is \
         at nodes, nodes/NAME, pods, namespaces/NAMESPACE/pods and namespaces/NAMESPACE/pods/NAME",
        uri.path()
    );
    Status::new(StatusCode::NOT_FOUND, message)
}
