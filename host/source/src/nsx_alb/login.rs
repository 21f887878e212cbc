//! Login and logout at a controller, and the request for its version.

use std::path::Path;

use base64::Engine as _;
use http::StatusCode;
use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use serde::Deserialize;
use serde_json::{Value, json};

use super::cookies::{Cookies, sensitive};
use super::credentials::{Credentials, Secret};
use super::error::AlbError;
use super::request::{Call, CallKind};
use super::send::Received;
use super::settings::Login;
use crate::error::shortened;

/// The longest version.
const MAX_VERSION: usize = 64;

/// What a login gives.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) cookies: Cookies,
    pub(super) version: Option<String>,
}

/// The fields that are used of the answers to a login and to a request for the version.
#[derive(Deserialize)]
struct LoginAnswer {
    version: Option<Value>,
    #[serde(rename = "Version")]
    own_version: Option<String>,
    session_cookie_name: Option<String>,
}

/// The call that a session begins with. With basic authentication it asks for the version, so that
/// credentials that are not taken are noticed once and not with every call. `None` if the
/// credentials cannot be sent.
pub(super) fn call(login: Login, credentials: &Credentials) -> Option<Call> {
    if login == Login::Basic {
        basic(credentials)?;
        let path = "/api/cluster/version".to_owned();
        return Some(Call { kind: CallKind::Version, path, body: None });
    }
    let (key, secret) = match &credentials.secret {
        Secret::Password(password) => ("password", password),
        Secret::Token(token) => ("token", token),
    };
    let body = json!({"username": credentials.username, key: secret});
    Some(Call { kind: CallKind::Login, path: "/login".to_owned(), body: Some(body.to_string()) })
}

/// The end of a session.
pub(super) fn logout() -> Call {
    Call { kind: CallKind::Logout, path: "/logout".to_owned(), body: Some("{}".to_owned()) }
}

/// Whether the cluster can answer; anybody may ask.
pub(super) fn status() -> Call {
    Call { kind: CallKind::Status, path: "/api/cluster/status".to_owned(), body: None }
}

/// The header of basic authentication.
pub(super) fn basic(credentials: &Credentials) -> Option<HeaderValue> {
    let (Secret::Password(secret) | Secret::Token(secret)) = &credentials.secret;
    if credentials.username.contains(':') {
        return None;
    }
    let pair = format!("{}:{secret}", credentials.username);
    sensitive(&format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

/// What the answer to a login means. Nothing is tried again that could lock the account.
pub(super) fn outcome(received: Received, folder: &Path) -> Result<Outcome, AlbError> {
    let status = received.status;
    if status.is_server_error() || matches!(status.as_u16(), 419 | 429) {
        return Err(AlbError::Unavailable { status, excerpt: received.excerpt() });
    }
    if status.is_client_error() && status.as_u16() != 404 {
        let message = received.message();
        return Err(AlbError::LoginRefused { status, message, folder: folder.to_owned() });
    }
    let mut cookies = Cookies::default();
    cookies.absorb(&received.headers);
    let body = received.json()?;
    if !status.is_success() {
        let message = "it knows no login; is this the address of the controller?".to_owned();
        return Err(AlbError::Unreachable(message));
    }
    let greeting: LoginAnswer = serde_json::from_slice(&body)
        .map_err(|error| AlbError::Decode(shortened(&error.to_string())))?;
    cookies.spread_session(greeting.session_cookie_name.as_deref());
    let version = greeting.own_version.or_else(|| match greeting.version? {
        Value::String(version) => Some(version),
        version => version.get("Version")?.as_str().map(str::to_owned),
    });
    // It goes into a header of all requests, and into what people read.
    let version = version.filter(|version| is_version(version));
    Ok(Outcome { cookies, version })
}

/// Whether a text can be a version, such as `22.1.3` or `30.2.1-2p3`.
fn is_version(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+');
    (1..=MAX_VERSION).contains(&text.len()) && text.bytes().all(is_part)
}

/// Parses the answer to a login: a status, the values of its headers `Set-Cookie`, and a body. Gives the
/// cookies that later requests send, and the version.
pub(super) fn parse(
    status: StatusCode,
    set_cookie: &[&[u8]],
    body: &[u8],
) -> Result<(Vec<u8>, Option<String>), AlbError> {
    let mut headers = HeaderMap::new();
    for value in set_cookie {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(SET_COOKIE, value);
        }
    }
    let received = Received { status, headers, body: body.to_vec() };
    let Outcome { cookies, version } = outcome(received, Path::new("secret"))?;
    let cookies = cookies.header().map(|header| header.as_bytes().to_vec());
    Ok((cookies.unwrap_or_default(), version))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::header::CONTENT_TYPE;

    fn credentials(secret: Secret) -> Credentials {
        Credentials { username: "scaler".to_owned(), secret }
    }

    fn received(status: u16, body: &str) -> Received {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "application/json".parse().unwrap());
        headers.append(SET_COOKIE, "csrftoken=c; Secure".parse().unwrap());
        headers.append(SET_COOKIE, "avi-sessionid=s; Secure".parse().unwrap());
        let status = StatusCode::from_u16(status).unwrap();
        Received { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn a_session_begins_with_a_password_or_a_token() {
        let body = |secret| {
            let call = call(Login::Session, &credentials(secret)).unwrap();
            assert_eq!(call.path, "/login");
            serde_json::from_str::<Value>(&call.body.unwrap()).unwrap()
        };
        let password = body(Secret::Password("p\"w".into()));
        assert_eq!(password, json!({"username": "scaler", "password": "p\"w"}));
        let token = body(Secret::Token("t".into()));
        assert_eq!(token, json!({"username": "scaler", "token": "t"}));
    }

    #[test]
    fn basic_authentication_begins_with_the_version() {
        let user = credentials(Secret::Password("pw".into()));
        assert_eq!(call(Login::Basic, &user).unwrap().path, "/api/cluster/version");
        let header = basic(&user).unwrap();
        assert_eq!(header, "Basic c2NhbGVyOnB3");
        assert!(header.is_sensitive());
        let user = Credentials { username: "a:b".to_owned(), ..user };
        assert!(call(Login::Basic, &user).is_none());
    }

    #[test]
    fn the_version_is_found_wherever_it_stands() {
        for (body, expected) in [
            (r#"{"version": {"Version": "22.1.3", "build": 1}, "tenants": []}"#, Some("22.1.3")),
            (r#"{"version": "30.2.1", "session_cookie_name": "avi-sessionid"}"#, Some("30.2.1")),
            (r#"{"Version": "31.1.1"}"#, Some("31.1.1")),
            ("{}", None),
            (r#"{"version": "22.1.3\r\nX-Avi-Tenant: bank"}"#, None),
            (r#"{"version": 22}"#, None),
        ] {
            let outcome = outcome(received(200, body), Path::new("/etc/alb")).unwrap();
            assert_eq!(outcome.version.as_deref(), expected, "{body}");
            let cookies = outcome.cookies.header().unwrap();
            assert_eq!(cookies, "csrftoken=c; avi-sessionid=s; sessionid=s");
        }
    }

    #[test]
    fn a_refused_login_is_told_from_a_controller_that_is_down() {
        let reported = |status, body| {
            let error = outcome(received(status, body), Path::new("/etc/alb")).err().unwrap();
            error.to_string()
        };
        let refused = reported(401, r#"{"error": "Invalid credentials"}"#);
        assert_eq!(
            refused,
            "refused the login (401 Unauthorized: Invalid credentials); it is not asked again \
             until a file in /etc/alb changes, so that the account is not locked"
        );
        assert!(reported(403, "").starts_with("refused the login (403 Forbidden);"));
        assert!(reported(503, "<html>busy</html>").starts_with("answered 503"));
        assert!(reported(404, "{}").contains("is this the address of the controller?"));
        assert!(reported(200, "<html>Welcome</html>").contains("in place of JSON: \"Welcome\""));
    }

    #[test]
    fn what_is_sent_back_and_told_has_bounds() {
        let name = "n".repeat(10_000);
        let body = json!({"version": "22.1.3", "session_cookie_name": name}).to_string();
        let cookies = [&b"sessionid=s"[..], b"a\nb=c"];
        let (cookie, version) = parse(StatusCode::OK, &cookies, body.as_bytes()).unwrap();
        assert_eq!(cookie, b"sessionid=s; avi-sessionid=s");
        assert_eq!(version.as_deref(), Some("22.1.3"));
        let refusal = br#"{"error": "in\ntwo lines"}"#;
        let reported = parse(StatusCode::UNAUTHORIZED, &[], refusal).unwrap_err().to_string();
        assert!(
            reported.starts_with("refused the login (401 Unauthorized: in two lines);"),
            "{reported}"
        );
    }
}
