//! What is passed on of answers, and what is not.

use serde_json::{Value, json};

use super::*;
use crate::settings::Api;

fn asked() -> RequestedMetric<'static> {
    RequestedMetric {
        api: Api::Custom,
        version: "v1beta2",
        metric: "m",
        namespace: Some("shop"),
        selector: "",
    }
}

fn headers(content_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))])
}

fn checked(
    status: u16,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Result<DelegateAnswer, ForwardError> {
    let status = StatusCode::from_u16(status).unwrap();
    read_answer(&asked(), None, status, &headers(content_type), body.into())
}

fn list(kind: &str, version: &str) -> String {
    json!({"kind": kind, "apiVersion": version, "metadata": {}, "items": []}).to_string()
}

fn protobuf(kind: &str, version: &str, raw: &[u8]) -> Bytes {
    let type_meta = TypeMeta { api_version: version.to_owned(), kind: kind.to_owned() };
    let unknown = Unknown { type_meta: Some(type_meta), raw: Bytes::copy_from_slice(raw) };
    [MAGIC, &unknown.encode_to_vec()].concat().into()
}

const V1BETA2: &str = "custom.metrics.k8s.io/v1beta2";

#[test]
fn what_was_asked_for_passes_unchanged() {
    let body = list("MetricValueList", V1BETA2);
    let answer = checked(200, "application/json; charset=utf-8", body.clone()).unwrap();
    assert_eq!((answer.status.as_u16(), &answer.body[..]), (200, body.as_bytes()));
    assert_eq!(answer.content_type, "application/json; charset=utf-8");
    let body = protobuf("MetricValueList", V1BETA2, b"\x0a\x00");
    let answer = checked(200, PROTOBUF, body.clone()).unwrap();
    assert_eq!((answer.body, answer.content_type), (body, HeaderValue::from_static(PROTOBUF)));
}

#[test]
fn an_error_of_the_request_passes_with_its_status() {
    let status = json!({"kind": "Status", "apiVersion": "v1", "message": "no such metric"});
    let answer = checked(404, JSON, status.to_string()).unwrap();
    assert_eq!((answer.status.as_u16(), answer.message.as_deref()), (404, Some("no such metric")));
    let raw = StatusText { message: "no such metric".to_owned() }.encode_to_vec();
    let answer = checked(404, PROTOBUF, protobuf("Status", "v1", &raw)).unwrap();
    assert_eq!(answer.message.as_deref(), Some("no such metric"));
}

#[test]
fn an_api_that_is_not_there_at_all_is_not_found() {
    let answer = checked(404, "text/plain; charset=utf-8", "404 page not found").unwrap();
    let status: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((answer.status.as_u16(), &status["kind"]), (404, &"Status".into()));
    let message = answer.message.unwrap();
    assert!(message.contains("404 with \"text/plain\""), "{message}");
}

#[test]
fn what_is_something_else_does_not() {
    let whole = list("MetricValueList", V1BETA2);
    let status = |message: &str| json!({"kind": "Status", "message": message}).to_string();
    let cases: [(u16, &'static str, Bytes, &str, &str); 13] = [
        (200, "text/html", "<html>".into(), "not_kubernetes", "200 OK with \"text/html\""),
        (403, "text/html", "<html>".into(), "not_kubernetes", "403 Forbidden with"),
        (200, JSON, whole.as_bytes()[..40].to_vec().into(), "malformed", "cannot be read"),
        (200, JSON, "[]".into(), "foreign", "something that is no object of Kubernetes"),
        (200, JSON, "{}".into(), "foreign", "something that is no object of Kubernetes"),
        (200, JSON, list("PodList", "v1").into(), "foreign", "PodList of v1, and MetricValueList"),
        (
            200,
            JSON,
            list("MetricValueList", "custom.metrics.k8s.io/v1beta1").into(),
            "foreign",
            "v1beta1, and",
        ),
        (
            200,
            JSON,
            list("ExternalMetricValueList", "external.metrics.k8s.io/v1beta1").into(),
            "foreign",
            "external.metrics.k8s.io",
        ),
        (404, JSON, list("MetricValueList", V1BETA2).into(), "foreign", "a Status was asked for"),
        (301, JSON, "".into(), "redirect", "redirects are not followed"),
        (401, JSON, status("Unauthorized").into(), "credentials", "Unauthorized"),
        (500, "text/plain", "panic".into(), "internal", "failed (500"),
        (508, JSON, status("loop").into(), "loop", "a loop"),
    ];
    for (code, content_type, body, reason, text) in cases {
        let error = checked(code, content_type, body).unwrap_err();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(error.to_string().contains(text), "{text:?} in {error}");
    }
    let half = protobuf("MetricValueList", V1BETA2, &[0; 100]);
    let error = checked(200, PROTOBUF, half.slice(..half.len() - 1)).unwrap_err();
    assert_eq!(error.reason(), "malformed");
    let error = checked(200, PROTOBUF, "{}").unwrap_err();
    assert_eq!(error.reason(), "malformed");
}

#[test]
fn a_table_passes_to_who_asked_for_one() {
    let asked =
        RequestedMetric { api: Api::Resource, version: "v1beta1", metric: "pods", ..asked() };
    let table: Value = json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "rows": []});
    let checked = |accept: Option<&'static str>| {
        let accept = accept.map(HeaderValue::from_static);
        let body = Bytes::from(table.to_string());
        read_answer(&asked, accept.as_ref(), StatusCode::OK, &headers(JSON), body)
    };
    assert!(checked(Some("application/json;as=Table;v=v1;g=meta.k8s.io")).is_ok());
    assert_eq!(checked(None).unwrap_err().reason(), "foreign");
}

#[test]
fn warnings_pass_within_bounds() {
    let mut headers = headers(JSON);
    for _ in 0..10 {
        headers.append(WARNING, HeaderValue::from_static("299 - \"old\""));
    }
    headers.insert("x-other", HeaderValue::from_static("x"));
    let body = Bytes::from(list("MetricValueList", V1BETA2));
    let answer = read_answer(&asked(), None, StatusCode::OK, &headers, body).unwrap();
    assert_eq!(answer.warnings.len(), MAX_WARNINGS);
}
