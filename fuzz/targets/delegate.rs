//! What another adapter answers: a byte that says which status and format, and the body. It is an answer
//! to what was asked, unchanged, or a short reason; a list has names of metrics alone.
#![no_main]

use std::time::Instant;

use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use leadsman_delegate::{Api, ApiList, Matcher, RequestedMetric, read_answer};
use leadsman_model::names::MetricName;

const STATUSES: [StatusCode; 4] = [
    StatusCode::OK,
    StatusCode::NOT_FOUND,
    StatusCode::FORBIDDEN,
    StatusCode::INTERNAL_SERVER_ERROR,
];

const FORMATS: [&str; 3] =
    ["application/json", "application/vnd.kubernetes.protobuf", "text/html; charset=utf-8"];

/// More than the longest reason.
const MOST_TOLD: usize = 4000;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let Some((&choice, body)) = data.split_first() else { return };
    let choice = usize::from(choice);
    let status = STATUSES[choice % STATUSES.len()];
    let format = FORMATS[choice / STATUSES.len() % FORMATS.len()];
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(format))]);
    let asked = RequestedMetric {
        api: Api::Custom,
        version: "v1beta2",
        metric: "m",
        namespace: Some("shop"),
        selector: "",
    };
    match read_answer(&asked, None, status, &headers, body.to_vec().into()) {
        Ok(answer) => {
            assert_eq!(answer.status, status);
            // That of an API that is not there has other words.
            assert!(answer.body == body || status == StatusCode::NOT_FOUND);
            short(answer.message.as_deref().unwrap_or_default());
        }
        Err(error) => short(&error.to_string()),
    }
    let matcher = Matcher {
        apis: Api::ALL.to_vec(),
        metrics: Vec::new(),
        namespaces: Vec::new(),
        selector_label: None,
    };
    for of in [(Api::Custom, "v1beta2"), (Api::External, "v1beta1"), (Api::Resource, "v1beta1")] {
        match ApiList::read(of, body, &matcher, Instant::now()) {
            Ok(listed) => {
                for entry in &listed.metrics {
                    assert!(entry.metric().parse::<MetricName>().is_ok(), "{entry:?}");
                    assert!(!entry.resource.contains('/') || of.0 != Api::Custom, "{entry:?}");
                }
            }
            Err(error) => short(&error.to_string()),
        }
    }
});

/// It is a line of a log, and of an autoscaler's condition.
fn short(reason: &str) {
    assert!(reason.len() <= MOST_TOLD && !reason.contains(char::is_control), "{reason:?}");
}
