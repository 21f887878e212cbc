//! Forwards reads of metrics that are not served here to a delegate, if one is configured for them.

use std::collections::BTreeMap;

use axum::response::Response;
use bytes::Bytes;
use http::{StatusCode, header};
use serde_json::Value;

use super::current::Generation;
use super::read::{ReadRequest, ReadState, warning_header};
use super::status::Status;
use leadsman_delegate::{
    Delegate, DelegateAnswer, ForwardedRequest, ForwardedUser, RequestedMetric,
};
use leadsman_provider::{Caller, ReadError};
use leadsman_server::auth::{ANONYMOUS, UNAUTHENTICATED};

/// A read that may pass to a delegate.
pub(super) struct DelegatedRead<'a> {
    /// The snapshot that the read began with.
    pub(super) generation: &'a Generation,
    /// What is requested.
    pub(super) asked: RequestedMetric<'a>,
    /// The request itself.
    pub(super) request: ReadRequest<'a>,
}

impl ReadState {
    /// The answer of another adapter to a read that failed here, if nothing here serves the metric.
    pub(super) async fn pass_to_delegate(
        &self,
        failed: ReadError,
        read: DelegatedRead<'_>,
    ) -> Result<Response, Status> {
        let DelegatedRead { generation, asked, request } = read;
        let ReadRequest { uri, headers, identity, caller } = request;
        // A rule may give the metric once it is loaded and its series are known. Until then only those
        // delegates are asked of which the configuration says that it is theirs.
        let specific = failed.may_be_given();
        if let Some(delegates) = generation.snapshot.delegates()
            && (failed.is_unknown() || specific)
        {
            // Requests that are not authenticated, on a machine without a cluster.
            let nobody = (vec![UNAUTHENTICATED.to_owned()], BTreeMap::new());
            let user = match identity {
                Some(identity) => ForwardedUser {
                    name: &identity.user,
                    uid: identity.uid.as_deref(),
                    groups: &identity.groups,
                    extra: &identity.extra,
                },
                None => ForwardedUser {
                    name: ANONYMOUS,
                    uid: None,
                    groups: &nobody.0,
                    extra: &nobody.1,
                },
            };
            let passed = ForwardedRequest { uri, headers, user };
            match delegates.forward(&asked, &passed, specific).await {
                None => {}
                Some(Ok((delegate, answer))) => {
                    return self.passed_back(caller, &delegate, answer);
                }
                Some(Err(failed)) => return Err(failed.into()),
            }
        }
        self.count_unserved(&failed);
        Err(failed.into())
    }

    /// An answer with its bytes as they came. An error names the delegate.
    fn passed_back(
        &self,
        caller: Caller<'_>,
        delegate: &Delegate,
        answer: DelegateAnswer,
    ) -> Result<Response, Status> {
        let name = &delegate.settings().name;
        let DelegateAnswer { status, content_type, body, warnings, stale, message } = answer;
        let is_json = content_type.as_bytes().starts_with(b"application/json");
        let body = match &message {
            Some(message) if !status.is_success() && is_json => named(name, message, body),
            _ => body,
        };
        let mut response = Response::new(self.long_answers.admit(caller.id, body)?.into());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, content_type);
        for warning in warnings {
            headers.append(header::WARNING, warning);
        }
        // The text of an error in protobuf is left as it is.
        let unnamed = (!status.is_success() && !is_json)
            .then(|| format!("the delegate \"{name}\" answered {status}"));
        if let Some(warning) = stale.or(unnamed).and_then(|text| warning_header(&text)) {
            headers.append(header::WARNING, warning);
        }
        Ok(response)
    }
}

/// A Status of a delegate whose message names it.
fn named(name: &str, message: &str, body: Bytes) -> Bytes {
    let Ok(Value::Object(mut status)) = serde_json::from_slice::<Value>(&body) else { return body };
    let message = format!("the delegate \"{name}\" answered: {message}");
    status.insert("message".to_owned(), message.into());
    Value::Object(status).to_string().into()
}

/// A request came back that was passed to a delegate.
pub(super) fn loop_found() -> Status {
    let message = "the request has come through this adapter before, or through too many: a delegate \
                   sends requests back here; see docs/neighbours.md";
    Status::new(StatusCode::LOOP_DETECTED, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_delegate_and_keeps_the_rest() {
        let body = serde_json::json!({
            "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": "no metric",
            "reason": "NotFound", "code": 404, "details": {"kind": "x"},
        });
        let named = named("keda", "no metric", body.to_string().into());
        let mut named: Value = serde_json::from_slice(&named).unwrap();
        assert_eq!(named["message"], "the delegate \"keda\" answered: no metric");
        named["message"] = "no metric".into();
        assert_eq!(named, body);
        let broken = Bytes::from_static(b"{");
        assert_eq!(super::named("keda", "x", broken.clone()), broken);
    }
}
