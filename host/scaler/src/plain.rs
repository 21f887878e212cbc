//! The same values as plain JSON, for KEDA's `metrics-api` trigger: `valueLocation: value`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{StatusCode, Uri};
use jiff::Timestamp;
use serde_json::json;

use super::Scaler;
use super::caller::{Caller, Credentials};
use super::grpc;
use super::measure::Measured;
use super::read::{Read, ReadSubject};
use leadsman_api::Status;
use leadsman_model::names::{InvalidName, MetricName, Namespace, ObjectName};
use leadsman_model::selector::Selector;
use leadsman_server::ConnectionHandle;

/// The longest selector, decoded, as in the APIs: of objects, and of series or items.
const MAX_SELECTOR_BYTES: usize = 4096;
const MAX_METRIC_SELECTOR_BYTES: usize = 1024;

/// How this call is counted.
const CALL: &str = "json";

type Shared = State<Arc<Scaler>>;

/// `/scaler/v1/namespaces/NAMESPACE/external/METRIC?selector=…`
pub(super) async fn external(
    State(scaler): Shared,
    Extension(connection): Extension<ConnectionHandle>,
    Path((namespace, metric)): Path<(String, String)>,
    request: Request,
) -> Response {
    let read = of_items(request.uri(), &namespace, &metric);
    answer(scaler, connection, request, read).await
}

/// `/scaler/v1/namespaces/NAMESPACE/custom/RESOURCE/NAME/METRIC?selector=…&metricSelector=…`
pub(super) async fn custom(
    State(scaler): Shared,
    Extension(connection): Extension<ConnectionHandle>,
    Path((namespace, kind, object, metric)): Path<(String, String, String, String)>,
    request: Request,
) -> Response {
    let read = of_objects(request.uri(), Some(&namespace), &kind, &object, &metric);
    answer(scaler, connection, request, read).await
}

/// `/scaler/v1/custom/RESOURCE/NAME/METRIC?selector=…&metricSelector=…`, for objects that live in no
/// namespace.
pub(super) async fn custom_at_root(
    State(scaler): Shared,
    Extension(connection): Extension<ConnectionHandle>,
    Path((kind, object, metric)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let read = of_objects(request.uri(), None, &kind, &object, &metric);
    answer(scaler, connection, request, read).await
}

/// The read of items that the selector picks.
fn of_items(uri: &Uri, namespace: &str, metric: &str) -> Result<Read, Status> {
    let [selector] = parameters(uri, [("selector", MAX_METRIC_SELECTOR_BYTES)])?;
    let namespace = checked::<Namespace>(namespace)?;
    let metric = checked::<MetricName>(metric)?;
    Ok(Read::external(namespace.as_str(), metric.as_str(), &selector))
}

/// The read of objects: one by its name, or with `*` all that the selector picks.
fn of_objects(
    uri: &Uri,
    namespace: Option<&str>,
    kind: &str,
    object: &str,
    metric: &str,
) -> Result<Read, Status> {
    let [selector, metric_selector] = parameters(
        uri,
        [("selector", MAX_SELECTOR_BYTES), ("metricSelector", MAX_METRIC_SELECTOR_BYTES)],
    )?;
    let namespace = namespace.map(checked::<Namespace>).transpose()?;
    let kind_is_a_name = ObjectName::try_from(kind).map_err(bad)?;
    let object = match object {
        "*" => None,
        name => Some(ObjectName::try_from(name).map_err(bad)?.as_str().into()),
    };
    let of = ReadSubject::Custom {
        namespace: namespace.map(|namespace| namespace.as_str().into()),
        kind: kind_is_a_name.as_str().into(),
        object,
        selector,
        metric_selector,
    };
    Ok(Read { metric: checked::<MetricName>(metric)?.as_str().into(), of })
}

async fn answer(
    scaler: Arc<Scaler>,
    connection: ConnectionHandle,
    request: Request,
    read: Result<Read, Status>,
) -> Response {
    let limit = grpc::time_limit(request.headers());
    let credentials = Credentials::of(connection.peer().clone(), &request);
    let shared = scaler.clone();
    let answered = async move {
        // Who has not shown who they are learns nothing, not even what is wrong with their path.
        let caller = Caller::of(shared, credentials).await?;
        let read = read?;
        caller.authorize(&read).await?;
        let generation = caller.scaler.state.served.now();
        let measured = caller.measure(&generation.snapshot, &read).await?;
        Ok::<_, Status>(rendered(&read, &measured))
    };
    let answered = tokio::time::timeout(limit, answered).await;
    let answered = answered.unwrap_or_else(|_| Err(grpc::too_late(limit)));
    let outcome = match &answered {
        Ok(_) => "ok",
        Err(status) => grpc::outcome_of(status),
    };
    scaler.state.metrics.scaler().answered(CALL, outcome);
    answered.unwrap_or_else(Response::from)
}

fn rendered(read: &Read, measured: &Measured) -> Response {
    let time = Timestamp::from_millisecond(measured.time).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut body = json!({
        "metric": &*read.metric,
        "value": measured.value.as_f64(),
        "timestamp": time.to_string(),
    });
    if let Some(notes) = measured.notes() {
        body["warning"] = notes.into();
    }
    let mut response = Response::new(body.to_string().into());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The selectors in a query, empty if they are not there. Whatever else is in it is refused: a selector
/// with a misspelled name would pick everything.
fn parameters<const N: usize>(
    uri: &Uri,
    known: [(&str, usize); N],
) -> Result<[Box<str>; N], Status> {
    let mut found = [const { None::<Box<str>> }; N];
    for (key, value) in form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()) {
        let Some(at) = known.iter().position(|(name, _)| *name == key) else {
            let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            let key: String = key.chars().take(80).collect();
            let message = format!(
                "unknown parameter \"{}\": known here are {}",
                key.escape_debug(),
                names.join(", ")
            );
            return Err(Status::new(StatusCode::BAD_REQUEST, message));
        };
        let (name, most) = known[at];
        if value.len() > most {
            let message = format!("{name} has {} bytes and may have {most}", value.len());
            return Err(Status::new(StatusCode::BAD_REQUEST, message));
        }
        if let Err(error) = value.parse::<Selector>()
            && !value.is_empty()
        {
            return Err(Status::new(StatusCode::BAD_REQUEST, format!("{name}: {error}")));
        }
        found[at] = Some(value.as_ref().into());
    }
    Ok(found.map(Option::unwrap_or_default))
}

fn checked<T: std::str::FromStr<Err = InvalidName>>(text: &str) -> Result<T, Status> {
    text.parse().map_err(bad)
}

fn bad(error: InvalidName) -> Status {
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(uri: &str) -> Result<[String; 2], String> {
        let known = [("selector", 20), ("metricSelector", 20)];
        let found = parameters(&uri.parse().unwrap(), known);
        found.map(|found| found.map(String::from)).map_err(|status| status.message().to_owned())
    }

    #[test]
    fn selectors_are_decoded_checked_and_nothing_else_is_taken() {
        let texts = |one: &str, other: &str| Ok([one.to_owned(), other.to_owned()]);
        assert_eq!(reported("/x"), texts("", ""));
        assert_eq!(reported("/x?metricSelector=v%3D4&selector=app%3Dweb"), texts("app=web", "v=4"));
        for (uri, expected) in [
            (
                "/x?labelSelector=a",
                "unknown parameter \"labelSelector\": known here are selector, ",
            ),
            ("/x?selector=a%20in%20(", "selector: "),
            ("/x?selector=aaaaaaaaaaaaaaaaaaaaaaaa", "selector has 24 bytes and may have 20"),
        ] {
            let why = reported(uri).unwrap_err();
            assert!(why.contains(expected), "{why}");
        }
    }

    #[test]
    fn paths_are_reads_of_one_object_or_of_all() {
        let of = |object: &str| {
            let uri = "/x?selector=app%3Dweb".parse().unwrap();
            of_objects(&uri, Some("shop"), "pods", object, "load").map(|read| read.of)
        };
        let Ok(ReadSubject::Custom { object: None, selector, .. }) = of("*") else { panic!() };
        assert_eq!(&*selector, "app=web");
        let Ok(ReadSubject::Custom { object: Some(object), .. }) = of("web-0") else { panic!() };
        assert_eq!(&*object, "web-0");
        assert_eq!(of("a/b").unwrap_err().code(), StatusCode::BAD_REQUEST);
    }
}
