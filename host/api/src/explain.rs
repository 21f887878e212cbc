//! Explanations of reads: the path of a read with `explain=true`. They need the permission for that read.

use axum::response::Response;
use http::{HeaderValue, Uri, header};

use super::hour;
use super::parameter::{MAX_METRIC_SELECTOR_BYTES, MAX_SELECTOR_BYTES, parameter};
use super::read::ReadState;
use super::status::{JSON, Status, code_of_read};
use super::{discovery, path};
use leadsman_delegate::RequestedMetric;
use leadsman_model::names::InvalidName;
use leadsman_provider::explanation::{
    Explained, MetricExplanation, Requester, View, With, custom, external, resource,
};
use leadsman_provider::snapshot::Snapshot;
use leadsman_provider::{Caller, CustomRequest, ExternalRequest, ObjectSelection, ResourceRequest};

/// The parameter that asks for an explanation, and the one that asks for a fixture in it.
const PARAMETER: &str = "explain";
const FIXTURE: &str = "fixture";

/// Whether a request asks for an explanation of its answer.
pub(super) fn is_asked(uri: &Uri) -> bool {
    is_true(uri, PARAMETER)
}

/// What the explanation is to have.
pub(super) fn with(uri: &Uri) -> With {
    With { fixture: is_true(uri, FIXTURE) }
}

fn is_true(uri: &Uri, parameter: &str) -> bool {
    // Nearly no read asks for it, and then nothing is decoded.
    let Some(query) = uri.query().filter(|query| query.contains(parameter)) else { return false };
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.any(|(name, value)| name == parameter && value == "true")
}

/// Path and parameters of the read itself.
pub(super) fn without(uri: &Uri) -> String {
    let pairs = uri.query().unwrap_or_default().split('&');
    let is_own = |pair: &str| {
        let name = pair.split('=').next();
        matches!(name, Some(PARAMETER | FIXTURE | hour::PARAMETER | ""))
    };
    let kept = pairs.filter(|pair| !is_own(pair));
    let kept: Vec<_> = kept.collect();
    match kept.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), kept.join("&")),
    }
}

/// The requester of an explanation.
pub(super) fn requester<'a>(path: &'a str, caller: &Caller<'a>) -> Requester<'a> {
    Requester { path, user: caller.user, view: View::OfRead }
}

/// Explains the read of a path with its parameters, in this process and for the operator. An error says
/// why the path is that of no read.
pub async fn explain(
    snapshot: &Snapshot,
    path: &str,
    with: With,
) -> Result<MetricExplanation, String> {
    let uri: Uri =
        path.parse().map_err(|error: http::uri::InvalidUri| format!("{path}: {error}"))?;
    let text = |name: &str, max| parameter(&uri, name, max).map_err(Status::into_message);
    let labels = text("labelSelector", MAX_SELECTOR_BYTES)?;
    let series = text("metricLabelSelector", MAX_METRIC_SELECTOR_BYTES)?;
    let fields = text("fieldSelector", MAX_SELECTOR_BYTES)?;
    let read = without(&uri);
    let requester = Requester { path: &read, user: None, view: View::Everything };
    let caller = Caller::default();
    let nothing = || format!("{path} is not the path of a metric");
    let (group, _) = path::group_version(uri.path());
    let explained = match &*group {
        discovery::CUSTOM => {
            let path = path::custom(uri.path()).ok_or_else(nothing)?;
            let request = CustomRequest {
                caller,
                namespace: path.namespace.as_deref(),
                resource: &path.resource,
                target: target(path.target())?,
                metric: &path.metric,
                label_selector: &labels,
                metric_selector: &series,
            };
            custom(snapshot, &request, &requester, with).await
        }
        discovery::EXTERNAL => {
            let (namespace, metric) = path::external(uri.path()).ok_or_else(nothing)?;
            let request = ExternalRequest {
                caller,
                namespace: &namespace,
                metric: &metric,
                metric_selector: &labels,
            };
            external(snapshot, &request, &requester, with).await
        }
        discovery::RESOURCE => {
            let path = path::resource(uri.path()).ok_or_else(nothing)?;
            let request = ResourceRequest {
                caller,
                kind: path.kind,
                namespace: path.namespace.as_deref(),
                target: target(path.target())?,
                label_selector: &labels,
                field_selector: &fields,
            };
            resource(snapshot, &request, &requester, with).await
        }
        _ => return Err(nothing()),
    };
    Ok(coded(explained))
}

fn target(target: Result<ObjectSelection<'_>, InvalidName>) -> Result<ObjectSelection<'_>, String> {
    target.map_err(|error| error.to_string())
}

/// An explanation with the status code of the read.
fn coded(explained: Explained) -> MetricExplanation {
    let Explained { mut document, error } = explained;
    if let (Some(failure), Some(error)) = (&mut document.failure, &error) {
        failure.code = Some(code_of_read(error).as_u16());
    }
    document
}

/// Says which delegate answers a read that nothing here serves.
pub(super) fn name_delegate(
    explained: &mut Explained,
    snapshot: &Snapshot,
    asked: &RequestedMetric<'_>,
) {
    let Explained { document, error } = explained;
    let Some(error) = error.as_ref() else { return };
    let specific = error.may_be_given();
    let delegates = snapshot.delegates().filter(|_| specific || error.is_unknown());
    let first = delegates.and_then(|delegates| delegates.first_for(asked, specific));
    let Some((delegate, lists)) = first else { return };
    let name = &delegate.settings().name;
    let why = match lists {
        true => "nothing here serves it, and that adapter lists it",
        false => "nothing here serves it; that adapter does not list it either",
    };
    document.verdict = format!("the delegate \"{name}\" is asked: {why}");
    document.delegate = Some(name.as_str().into());
    document.failure = None;
    document
        .left_out
        .push(format!("what the delegate \"{name}\" does for it, which it does not tell"));
}

impl ReadState {
    /// An explanation as an answer. It is one, too, where the read itself would get nothing.
    pub(super) fn explain(
        &self,
        caller: Caller<'_>,
        explained: Explained,
    ) -> Result<Response, Status> {
        let body = serde_json::to_vec(&coded(explained)).map_err(|error| {
            let message = format!("the explanation cannot be written: {error}");
            Status::new(http::StatusCode::INTERNAL_SERVER_ERROR, message)
        })?;
        let body = self.long_answers.admit(caller.id, body.into())?;
        let mut response = Response::new(body.into());
        response.headers_mut().insert(header::CONTENT_TYPE, JSON);
        // What was recorded until now is nothing to keep.
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    #[test]
    fn an_explanation_is_asked_for_by_one_parameter() {
        for (asked, path) in [
            (true, "/x?explain=true"),
            (true, "/x?labelSelector=app%3Dweb&explain=true"),
            (false, "/x"),
            (false, "/x?explain=false"),
            (false, "/x?labelSelector=explain%3Dtrue"),
            (false, "/x?explained=true"),
        ] {
            assert_eq!(is_asked(&uri(path)), asked, "{path}");
        }
    }

    #[test]
    fn the_read_itself_is_the_rest() {
        assert_eq!(without(&uri("/x?explain=true")), "/x");
        assert_eq!(without(&uri("/x?explain=true&autoscaler=web&fixture=true")), "/x");
        let both = "/x?labelSelector=app%3Dweb&explain=true&metricLabelSelector=a";
        assert_eq!(without(&uri(both)), "/x?labelSelector=app%3Dweb&metricLabelSelector=a");
    }
}
