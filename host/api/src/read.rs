//! Reads of metrics: from the request to the provider, and its values as bytes.

mod answering;
mod explained;
mod hour;
mod request;

use std::sync::Arc;

use axum::response::Response;
use http::{StatusCode, Uri};

pub(super) use self::answering::warning_header;
use self::answering::{Rendered, missing};
use self::explained::ExplainedRead;
pub(super) use self::request::ReadRequest;
use super::current::{CurrentSnapshot, Generation};
use super::delegated::DelegatedRead;
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
    CustomRead, CustomRequest, ExternalItems, ExternalRead, ExternalRequest, NewestRequest,
    ReadError, ResourceRead, ResourceRequest, yield_to_others,
};
use leadsman_runtime::telemetry::Metrics;
use leadsman_server::auth::{self, watches};

/// What reads share.
pub(super) struct ReadState {
    pub(super) served: Arc<CurrentSnapshot>,
    pub(super) responses: ResponseCache,
    pub(super) long_answers: LongAnswers,
    pub(super) metrics: Arc<Metrics>,
    /// Authorizes requests, and what an explanation has besides the read.
    pub(super) auth: Option<Arc<auth::Auth>>,
    pub(super) hours: Arc<Hours>,
}

/// `/apis/custom.metrics.k8s.io/{v1beta1,v1beta2}/…`
pub(super) async fn custom(
    state: &ReadState,
    incoming: ReadRequest<'_>,
) -> Result<Response, Status> {
    let (uri, caller) = (incoming.uri, incoming.caller);
    let version = match uri.path().split('/').nth(3) {
        Some("v1beta1") => CustomVersion::V1Beta1,
        Some("v1beta2") => CustomVersion::V1Beta2,
        _ => return Err(nothing_at(uri)),
    };
    let path = path::custom(uri.path()).ok_or_else(|| nothing_at(uri))?;
    let labels = parameter(uri, "labelSelector", MAX_SELECTOR_BYTES)?;
    let series = parameter(uri, "metricLabelSelector", MAX_METRIC_SELECTOR_BYTES)?;
    let request = CustomRequest {
        caller,
        namespace: path.namespace.as_deref(),
        resource: &path.resource,
        target: path.target()?,
        metric: &path.metric,
        label_selector: &labels,
        metric_selector: &series,
    };
    let encoding = Encoding::asked_for(incoming.headers);
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
        request: incoming,
    };
    if explain::is_asked(uri) {
        let newest = NewestRequest {
            wanted: ReadKind::Custom(request.resource),
            namespace: path.place().unwrap_or_default(),
            metric: request.metric,
            object: path.object(),
            metric_selector: &series,
        };
        let explained = state.explained(ExplainedRead::Custom(&request), newest, elsewhere);
        return Box::pin(explained).await;
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
        yield_to_others(reading.size()).await;
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
    state.respond(caller, rendered?, encoding)
}

/// `/apis/external.metrics.k8s.io/v1beta1/…`
pub(super) async fn external(
    state: &ReadState,
    incoming: ReadRequest<'_>,
) -> Result<Response, Status> {
    let (uri, caller) = (incoming.uri, incoming.caller);
    if uri.path().split('/').nth(3) != Some("v1beta1") {
        return Err(nothing_at(uri));
    }
    let (namespace, metric) = path::external(uri.path()).ok_or_else(|| nothing_at(uri))?;
    let labels = parameter(uri, "labelSelector", MAX_METRIC_SELECTOR_BYTES)?;
    let request = ExternalRequest {
        caller,
        namespace: &namespace,
        metric: &metric,
        metric_selector: &labels,
    };
    let encoding = Encoding::asked_for(incoming.headers);
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
        request: incoming,
    };
    if explain::is_asked(uri) {
        let newest = NewestRequest {
            wanted: ReadKind::External,
            namespace: &namespace,
            metric: &metric,
            object: None,
            metric_selector: &labels,
        };
        let explained = state.explained(ExplainedRead::External(&request), newest, elsewhere);
        return Box::pin(explained).await;
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
        yield_to_others(reading.size()).await;
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
    state.respond(caller, rendered?, encoding)
}

/// `/apis/metrics.k8s.io/{v1beta1,v1}/…`
pub(super) async fn resource(
    state: &ReadState,
    incoming: ReadRequest<'_>,
) -> Result<Response, Status> {
    let (uri, caller) = (incoming.uri, incoming.caller);
    let generation = state.served.now();
    let (version, path) = resource_path(&generation, uri)?;
    let labels = parameter(uri, "labelSelector", MAX_SELECTOR_BYTES)?;
    let fields = parameter(uri, "fieldSelector", MAX_SELECTOR_BYTES)?;
    let request = ResourceRequest {
        caller,
        kind: path.kind,
        namespace: path.namespace.as_deref(),
        target: path.target()?,
        label_selector: &labels,
        field_selector: &fields,
    };
    let encoding = Encoding::asked_for(incoming.headers);
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
        request: incoming,
    };
    if explain::is_asked(uri) {
        let newest = NewestRequest {
            wanted: ReadKind::Resource(path.kind),
            namespace: path.namespace.as_deref().unwrap_or_default(),
            metric: path.kind.plural(),
            object: path.name.as_deref(),
            metric_selector: "",
        };
        let explained = state.explained(ExplainedRead::Resource(&request), newest, elsewhere);
        return Box::pin(explained).await;
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
        yield_to_others(reading.size()).await;
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
    state.respond(caller, rendered?, encoding)
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
