//! Authentication at a registry: the challenge of a 401 and the response to it.

use http::{HeaderMap, HeaderValue, header};
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;

use super::answer::{bounded, host};
use super::credentials::CredentialKind;
use super::error::PullError;
use super::session::Session;

/// The maximum size of a token service's response, in bytes.
const MAX_TOKEN_BYTES: u64 = 1 << 20;

/// A challenge: its scheme in lower case, and its parameters.
#[derive(Debug, PartialEq, Eq)]
struct Challenge<'a> {
    scheme: String,
    parameters: Vec<(&'a str, String)>,
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
}

/// The `Authorization` header of the next request.
pub(super) async fn answer(
    session: &Session<'_>,
    headers: &HeaderMap,
) -> Result<HeaderValue, PullError> {
    let texts = headers.get_all(header::WWW_AUTHENTICATE).iter().filter_map(|it| it.to_str().ok());
    let challenges: Vec<_> = texts.flat_map(challenges).collect();
    let find = |scheme| challenges.iter().find(|challenge| challenge.scheme == scheme);
    if let Some(bearer) = find("bearer") {
        return bearer_token(session, bearer).await;
    }
    if find("basic").is_none() {
        return Err(session.challenge("it names neither Basic nor Bearer"));
    }
    match session.credentials() {
        None => Err(session.no_credentials()),
        Some(CredentialKind::Password { user, password }) => basic(session, user, password),
        Some(CredentialKind::IdentityToken(_) | CredentialKind::RegistryToken(_)) => {
            Err(session
                .challenge("it wants a user and a password, and the pull secret holds a token"))
        }
    }
}

async fn bearer_token(
    session: &Session<'_>,
    challenge: &Challenge<'_>,
) -> Result<HeaderValue, PullError> {
    if let Some(CredentialKind::RegistryToken(token)) = session.credentials() {
        return bearer(session, token);
    }
    let realm = challenge.get("realm").unwrap_or_default();
    let realm = Url::parse(realm).map_err(|_| session.challenge("its realm is no address"))?;
    if realm.scheme() != "https" && !session.is_plain() {
        return Err(session.challenge("its token service does not speak TLS"));
    }
    // Only the scope that is needed, whatever the challenge proposes.
    let (repository, actions) = (session.reference().repository(), session.rights().actions());
    let scope = format!("repository:{repository}:{actions}");
    let service = challenge.get("service").unwrap_or_default();
    let asked = [("service", service), ("scope", &scope)];
    let request = match session.credentials() {
        Some(CredentialKind::IdentityToken(token)) => {
            let grant = [
                ("grant_type", "refresh_token"),
                ("client_id", "leadsman"),
                ("refresh_token", token),
            ];
            let form: Vec<_> = grant.into_iter().chain(asked).collect();
            session.request(Method::POST, realm.clone()).form(&form)
        }
        Some(CredentialKind::Password { user, password }) => session
            .request(Method::GET, realm.clone())
            .query(&asked)
            .basic_auth(user, Some(password)),
        _ => session.request(Method::GET, realm.clone()).query(&asked),
    };
    let response = ask(request, &realm).await?;
    match response.status() {
        status if status.is_success() => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(match session.credentials() {
                None => session.no_credentials(),
                Some(_) => session.denied(host(&realm)),
            });
        }
        status => {
            let (host, what) = (host(&realm), "a token".to_owned());
            return Err(PullError::Status { host, what, status, said: None });
        }
    }
    let what = format!("the token from {}", host(&realm));
    let body = bounded(response, MAX_TOKEN_BYTES, &what).await?;
    // The parser's message could quote the token.
    let answer: TokenAnswer = serde_json::from_slice(&body)
        .map_err(|_| session.challenge("its token service did not answer with a token"))?;
    match answer.token.or(answer.access_token) {
        Some(token) => bearer(session, &token),
        None => Err(session.challenge("its token service did not answer with a token")),
    }
}

async fn ask(request: RequestBuilder, realm: &Url) -> Result<Response, PullError> {
    request.send().await.map_err(|error| PullError::of_request(host(realm), error))
}

fn basic(session: &Session<'_>, user: &str, password: &str) -> Result<HeaderValue, PullError> {
    use base64::Engine as _;
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    secret(session, &format!("Basic {pair}"))
}

fn bearer(session: &Session<'_>, token: &str) -> Result<HeaderValue, PullError> {
    secret(session, &format!("Bearer {token}"))
}

fn secret(session: &Session<'_>, text: &str) -> Result<HeaderValue, PullError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| session.challenge("the token has characters that cannot be sent"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl Challenge<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads a `WWW-Authenticate`, which may hold several challenges. What cannot be read ends it.
fn challenges(mut text: &str) -> Vec<Challenge<'_>> {
    let mut found: Vec<Challenge<'_>> = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t', ',']);
        let end = text.find([' ', '\t', ',', '=']).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        if word.is_empty() {
            return found;
        }
        let Some(rest) = rest.trim_start().strip_prefix('=') else {
            found.push(Challenge { scheme: word.to_ascii_lowercase(), parameters: Vec::new() });
            text = rest;
            continue;
        };
        let Some((value, rest)) = value(rest.trim_start()) else { return found };
        if let Some(challenge) = found.last_mut() {
            challenge.parameters.push((word, value));
        }
        text = rest;
    }
}

/// A token or a quoted string, and the rest.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = text.split_at(text.find([' ', '\t', ',']).unwrap_or(text.len()));
        return Some((word.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((value, &quoted[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read() {
        let text = r#"Bearer realm="https://auth.example/token?a=b,c",service="registry",scope="x:y \"z\"""#;
        let found = challenges(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].scheme, "bearer");
        assert_eq!(found[0].get("Realm"), Some("https://auth.example/token?a=b,c"));
        assert_eq!(found[0].get("service"), Some("registry"));
        assert_eq!(found[0].get("scope"), Some("x:y \"z\""));
        assert_eq!(found[0].get("error"), None);
    }

    #[test]
    fn several_challenges_are_told_apart() {
        let found = challenges("Negotiate, BASIC realm = a , charset=utf-8,Bearer realm=\"b\"");
        let schemes: Vec<_> = found.iter().map(|it| it.scheme.as_str()).collect();
        assert_eq!(schemes, ["negotiate", "basic", "bearer"]);
        assert_eq!(found[1].get("realm"), Some("a"));
        assert_eq!(found[1].get("charset"), Some("utf-8"));
        assert_eq!(found[2].get("realm"), Some("b"));
    }

    #[test]
    fn nonsense_ends() {
        for text in
            ["", ",,", "=", "a=b", "Bearer realm=\"open", "Bearer realm=\"\\", "é=\"", "= ="]
        {
            assert!(challenges(text).iter().all(|it| it.parameters.is_empty()), "{text}");
        }
    }
}
