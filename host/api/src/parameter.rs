//! The parameters of a query.

use std::borrow::Cow;

use http::{StatusCode, Uri};

use super::status::Status;

/// A selector of objects may be so long, decoded.
pub(super) const MAX_SELECTOR_BYTES: usize = 4096;

/// A selector of series or of external items may be so long, decoded. It stands in every item of an
/// answer, and each one that is different is an evaluation.
pub(super) const MAX_METRIC_SELECTOR_BYTES: usize = 1024;

/// The value of a query parameter, empty if it is not there.
pub(super) fn parameter<'u>(
    uri: &'u Uri,
    name: &str,
    max_bytes: usize,
) -> Result<Cow<'u, str>, Status> {
    let value = value(uri.query(), name);
    if value.len() > max_bytes {
        let length = value.len();
        let message = format!(
            "{name} has {length} bytes, which is more than the {max_bytes} that it may have"
        );
        return Err(Status::new(StatusCode::BAD_REQUEST, message));
    }
    Ok(value)
}

fn value<'q>(query: Option<&'q str>, name: &str) -> Cow<'q, str> {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.filter(|(key, _)| key == name).map(|(_, value)| value).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let query = Some("labelSelector=app%3Dweb%2Ctier+in+%28a%2Cb%29&metricLabelSelector=v%3D4");
        assert_eq!(value(query, "labelSelector"), "app=web,tier in (a,b)");
        assert_eq!(value(query, "metricLabelSelector"), "v=4");
        assert_eq!(value(None, "labelSelector"), "");
    }

    #[test]
    fn what_is_too_long_is_refused_by_name() {
        let of = |length: usize| {
            let uri = format!("/x?labelSelector={}", "a".repeat(length)).parse().unwrap();
            parameter(&uri, "labelSelector", 8).map(|value| value.len())
        };
        assert_eq!(of(8).unwrap(), 8);
        let refused = of(9).unwrap_err();
        let refused = serde_json::to_value(refused).unwrap();
        assert_eq!(refused["code"], 400);
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains("labelSelector has 9 bytes"), "{message}");
    }
}
