//! gRPC on top of HTTP: decoding and encoding, deadlines, and the status that a refusal becomes.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures_util::Stream;
use http::{HeaderMap, StatusCode};
use tonic::Code;
use tonic::server::Grpc;
use tonic_prost::ProstCodec;
use tower::service_fn;

use leadsman_api::Status;

/// The longest message of a call: the metadata of one trigger.
const MAX_MESSAGE_BYTES: usize = 64 << 10;

/// How long a call may take, whatever its client allows.
const MAX_TIME: Duration = Duration::from_secs(30);

/// The longest text of a refusal, in characters: names and selectors are from outside, and it is sent in a
/// header.
const MAX_TEXT: usize = 2000;

/// The header with the time that a client gives a call.
const TIMEOUT: &str = "grpc-timeout";

/// Answers a call with one message.
pub(super) async fn unary<Q, A, F>(
    request: Request,
    mut answer: impl FnMut(Q) -> F + Send,
) -> Response
where
    Q: prost::Message + Default + Send + 'static,
    A: prost::Message + Send + 'static,
    F: Future<Output = Result<A, Status>> + Send,
{
    let service = service_fn(move |request: tonic::Request<Q>| {
        let answer = answer(request.into_inner());
        async move { answer.await.map(tonic::Response::new).map_err(|status| status_of(&status)) }
    });
    let mut grpc =
        Grpc::new(ProstCodec::<A, Q>::default()).max_decoding_message_size(MAX_MESSAGE_BYTES);
    grpc.unary(service, request).await.map(Body::new)
}

/// Answers a call with a stream of messages.
pub(super) async fn streaming<Q, A, F, S>(
    request: Request,
    mut answer: impl FnMut(Q) -> F + Send,
) -> Response
where
    Q: prost::Message + Default + Send + 'static,
    A: prost::Message + Send + 'static,
    F: Future<Output = Result<S, Status>> + Send,
    S: Stream<Item = Result<A, tonic::Status>> + Send + 'static,
{
    let service = service_fn(move |request: tonic::Request<Q>| {
        let answer = answer(request.into_inner());
        async move { answer.await.map(tonic::Response::new).map_err(|status| status_of(&status)) }
    });
    let mut grpc =
        Grpc::new(ProstCodec::<A, Q>::default()).max_decoding_message_size(MAX_MESSAGE_BYTES);
    grpc.server_streaming(service, request).await.map(Body::new)
}

/// A call that is refused before its message is parsed.
pub(super) fn refusal(status: &Status) -> Response {
    status_of(status).into_http()
}

/// The status of gRPC for one of HTTP. `leadsman_api` chooses the codes of HTTP.
pub(super) fn status_of(status: &Status) -> tonic::Status {
    let code = match status.code() {
        StatusCode::BAD_REQUEST => Code::InvalidArgument,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::PermissionDenied,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::TOO_MANY_REQUESTS => Code::ResourceExhausted,
        StatusCode::NOT_IMPLEMENTED => Code::Unimplemented,
        StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
        StatusCode::GATEWAY_TIMEOUT => Code::DeadlineExceeded,
        _ => Code::Internal,
    };
    let text: String = status.message().chars().take(MAX_TEXT).collect();
    tonic::Status::new(code, text)
}

/// The outcome of a call, as metrics count it.
pub(super) fn outcome(response: &Response) -> &'static str {
    // Without a refusal the status comes after the messages.
    let status = response.headers().get("grpc-status");
    named(status.map_or(Code::Ok, |status| Code::from_bytes(status.as_bytes())))
}

/// The same of a refusal.
pub(super) fn outcome_of(status: &Status) -> &'static str {
    named(status_of(status).code())
}

fn named(code: Code) -> &'static str {
    match code {
        Code::Ok => "ok",
        Code::InvalidArgument | Code::OutOfRange => "invalid_argument",
        Code::Unauthenticated => "unauthenticated",
        Code::PermissionDenied => "permission_denied",
        Code::NotFound => "not_found",
        Code::ResourceExhausted => "resource_exhausted",
        Code::Unimplemented => "unimplemented",
        Code::Unavailable => "unavailable",
        Code::DeadlineExceeded => "deadline_exceeded",
        _ => "internal",
    }
}

/// How long a call may take: what its client allows, up to the limit.
pub(super) fn time_limit(headers: &HeaderMap) -> Duration {
    let allowed = headers.get(TIMEOUT).and_then(|value| parse_timeout(value.to_str().ok()?));
    allowed.map_or(MAX_TIME, |allowed| allowed.min(MAX_TIME))
}

/// The status of a call that took too long.
pub(super) fn too_late(limit: Duration) -> Status {
    let message = format!(
        "there was no answer within {limit:?}; the evaluation goes on, and a later call may find its \
         values; KEDA_HTTP_DEFAULT_TIMEOUT of KEDA, or `deadline` of the mapping, says how long a read waits"
    );
    Status::new(StatusCode::GATEWAY_TIMEOUT, message)
}

/// At most eight digits and a unit.
fn parse_timeout(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let digits = text.strip_suffix(unit)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        'H' => Duration::from_secs(number * 3600),
        'M' => Duration::from_secs(number * 60),
        'S' => Duration::from_secs(number),
        'm' => Duration::from_millis(number),
        'u' => Duration::from_micros(number),
        'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_allow_less_time_and_not_more() {
        let of = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(TIMEOUT, text.parse().unwrap());
            time_limit(&headers)
        };
        assert_eq!(of("250m"), Duration::from_millis(250));
        assert_eq!(of("3S"), Duration::from_secs(3));
        assert_eq!(of("1H"), MAX_TIME);
        assert_eq!(of("99999999H"), MAX_TIME);
        for unusable in ["", "S", "3", "3x", "-3S", "123456789S", "3é"] {
            assert_eq!(parse_timeout(unusable), None, "{unusable}");
        }
        assert_eq!(time_limit(&HeaderMap::new()), MAX_TIME);
    }

    #[test]
    fn refusals_keep_their_meaning_and_stay_short() {
        for (code, expected) in [
            (StatusCode::BAD_REQUEST, Code::InvalidArgument),
            (StatusCode::FORBIDDEN, Code::PermissionDenied),
            (StatusCode::NOT_FOUND, Code::NotFound),
            (StatusCode::GATEWAY_TIMEOUT, Code::DeadlineExceeded),
            (StatusCode::INTERNAL_SERVER_ERROR, Code::Internal),
        ] {
            let status = status_of(&Status::new(code, "ö".repeat(MAX_TEXT * 2)));
            assert_eq!(status.code(), expected);
            assert_eq!(status.message().chars().count(), MAX_TEXT);
        }
        let refused = refusal(&Status::new(StatusCode::UNAUTHORIZED, "who are you"));
        assert_eq!(refused.status(), StatusCode::OK, "gRPC says it in a header");
        assert_eq!(refused.headers()["grpc-status"], "16");
        assert_eq!(outcome(&refused), "unauthenticated");
        assert_eq!(outcome(&Response::default()), "ok");
    }
}
