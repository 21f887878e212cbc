//! Explanations: what a read is answered, and all that led to it, at the path of the read with
//! `explain=true`. So they are under its very authorization.

use axum::response::Response;
use http::{HeaderValue, Uri, header};

use super::read::ReadState;
use super::status::{JSON, Status, code_of_read};
use leadsman_provider::Caller;
use leadsman_provider::explanation::{Asker, Explained, View};

/// The parameter that asks for an explanation.
const PARAMETER: &str = "explain";

/// Whether a request asks for an explanation of its answer.
pub(super) fn is_asked(uri: &Uri) -> bool {
    let Some(query) = uri.query() else { return false };
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.any(|(name, value)| name == PARAMETER && value == "true")
}

/// Path and parameters of the read itself.
pub(super) fn without(uri: &Uri) -> String {
    let pairs = uri.query().unwrap_or_default().split('&');
    let kept = pairs.filter(|pair| pair.split('=').next() != Some(PARAMETER) && !pair.is_empty());
    let kept: Vec<_> = kept.collect();
    match kept.is_empty() {
        true => uri.path().to_owned(),
        false => format!("{}?{}", uri.path(), kept.join("&")),
    }
}

/// Who asks for it.
pub(super) fn asker<'a>(path: &'a str, caller: &Caller<'a>) -> Asker<'a> {
    Asker { path, user: caller.user, view: View::OfRead }
}

impl ReadState {
    /// An explanation as an answer. It is one, too, where the read itself would get nothing.
    pub(super) fn explain(
        &self,
        caller: Caller<'_>,
        explained: Explained,
    ) -> Result<Response, Status> {
        let Explained { mut document, error } = explained;
        if let (Some(failure), Some(error)) = (&mut document.failure, &error) {
            failure.code = Some(code_of_read(error).as_u16());
        }
        let body = serde_json::to_vec(&document).map_err(|error| {
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
        let both = "/x?labelSelector=app%3Dweb&explain=true&metricLabelSelector=a";
        assert_eq!(without(&uri(both)), "/x?labelSelector=app%3Dweb&metricLabelSelector=a");
    }
}
