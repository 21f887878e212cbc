//! Registries that want to know who asks, and that send elsewhere.

use serde_json::json;

use super::fake::{Fake, Reply};
use super::{Access, Digest, access, manifest, pull, refused, resolve};
use crate::RegistryCredentials;

const COMPONENT: &[u8] = b"\0asm component";

/// A registry that hands out tokens and wants one; and the digest of its plugin.
async fn with_tokens(answer: &'static str) -> (Fake, Digest) {
    let manifest = manifest(&Digest::of(COMPONENT), COMPONENT.len());
    let digest = Digest::of(&manifest);
    let fake = Fake::new(move |asked, own| {
        if asked.line.contains(" /token") {
            return Reply::new(200, answer);
        }
        if asked.authorization.as_deref() != Some("Bearer t") {
            let challenge =
                format!("Bearer realm=\"http://{own}/token\",service=\"s v\",scope=\"x\"");
            return Reply::new(401, "").header("WWW-Authenticate", &challenge);
        }
        match asked.line.contains("/blobs/") {
            true => Reply::new(200, COMPONENT),
            false => Reply::new(200, manifest.clone()),
        }
    })
    .await;
    (fake, digest)
}

fn with(fake: &Fake, entry: &serde_json::Value) -> Access {
    let secret = json!({"auths": {fake.address(): entry}}).to_string();
    let credentials = RegistryCredentials::for_registry(&secret, &fake.reference(":v1")).unwrap();
    Access { credentials: Some(credentials), ..access() }
}

#[tokio::test]
async fn a_token_is_fetched_once_for_a_task() {
    let (fake, digest) = with_tokens(r#"{"token":"t"}"#).await;
    assert_eq!(pull(&fake, &access(), &digest).await.unwrap(), COMPONENT);
    let lines = fake.lines();
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(lines[1], "GET /token?service=s+v&scope=repository%3Aplugins%2Frate%3Apull");
    assert_eq!(fake.asked()[1].authorization, None);
}

#[tokio::test]
async fn every_kind_of_credentials_gets_a_token() {
    let (fake, digest) = with_tokens(r#"{"access_token":"t"}"#).await;
    let access = with(&fake, &json!({"username": "a", "password": "b"}));
    assert!(pull(&fake, &access, &digest).await.is_ok());
    assert_eq!(fake.asked()[1].authorization.as_deref(), Some("Basic YTpi"));

    let (fake, digest) = with_tokens(r#"{"access_token":"t"}"#).await;
    let access = with(&fake, &json!({"identitytoken": "refresh"}));
    assert!(pull(&fake, &access, &digest).await.is_ok());
    let asked = fake.asked();
    assert_eq!(asked[1].line, "POST /token");
    assert!(asked[1].body.contains("refresh_token=refresh"), "{}", asked[1].body);
    assert_eq!(asked[1].authorization, None);

    let (fake, digest) = with_tokens("").await;
    let access = with(&fake, &json!({"registrytoken": "t"}));
    assert!(pull(&fake, &access, &digest).await.is_ok());
    assert!(!fake.lines().iter().any(|line| line.contains("/token")));
}

#[tokio::test]
async fn a_token_service_that_fails_is_named() {
    for (answer, wanted) in [
        ("hunter2", "did not answer with a token"),
        ("{}", "did not answer with a token"),
        (r#"{"token":"a\nb"}"#, "characters that cannot be sent"),
        (r#"{"token":"stale"}"#, "name a pull secret"),
    ] {
        let (fake, digest) = with_tokens(answer).await;
        refused(pull(&fake, &access(), &digest).await, "PullError", wanted);
    }
    for (challenge, wanted) in [
        ("Negotiate", "names neither Basic nor Bearer"),
        ("Bearer realm=\"nowhere\"", "its realm is no address"),
        ("Basic realm=\"r\"", "name a pull secret"),
    ] {
        let fake =
            Fake::new(move |_, _| Reply::new(401, "").header("WWW-Authenticate", challenge)).await;
        refused(resolve(&fake, &access()).await, "PullError", wanted);
    }
    let fake = Fake::new(|asked, own| match asked.line.contains("/token") {
        true => Reply::new(403, ""),
        false => {
            let challenge = format!("Bearer realm=\"http://{own}/token\"");
            Reply::new(401, "").header("WWW-Authenticate", &challenge)
        }
    })
    .await;
    let access = with(&fake, &json!({"username": "a", "password": "hunter2"}));
    refused(resolve(&fake, &access).await, "PullError", "refuses to let the credentials");
}

#[tokio::test]
async fn a_redirect_is_followed_without_credentials() {
    let store = Fake::new(|_, _| Reply::new(200, COMPONENT)).await;
    let place = format!("http://{}/elsewhere?signature=hunter2", store.address());
    let manifest = manifest(&Digest::of(COMPONENT), COMPONENT.len());
    let digest = Digest::of(&manifest);
    let fake = Fake::new(move |asked, _| match &asked.authorization {
        None => Reply::new(401, "").header("WWW-Authenticate", "Basic realm=\"r\""),
        Some(_) if asked.line.contains("/blobs/") => Reply::new(307, "").header("Location", &place),
        Some(_) => Reply::new(200, manifest.clone()),
    })
    .await;
    let access = with(&fake, &json!({"username": "a", "password": "b"}));
    assert_eq!(pull(&fake, &access, &digest).await.unwrap(), COMPONENT);
    assert_eq!(store.asked().len(), 1);
    assert_eq!(store.asked()[0].authorization, None);

    drop(store);
    let error = pull(&fake, &access, &digest).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn credentials_are_not_shown_where_a_redirect_leads() {
    let thief = Fake::new(|_, _| {
        Reply::new(401, "secrets").header("WWW-Authenticate", "Basic realm=\"r\"")
    })
    .await;
    let place = format!("http://{}/", thief.address());
    let fake = Fake::new(move |_, _| Reply::new(302, "").header("Location", &place)).await;
    let access = with(&fake, &json!({"username": "a", "password": "b"}));
    let error = resolve(&fake, &access).await.unwrap_err();
    assert!(error.to_string().contains("refuses to let the credentials"), "{error}");
    assert!(thief.asked().iter().all(|asked| asked.authorization.is_none()));
}

#[tokio::test]
async fn redirects_that_lead_nowhere_end() {
    let round = Fake::new(|_, _| Reply::new(302, "").header("Location", "/v2/again")).await;
    refused(resolve(&round, &access()).await, "PullError", "one too many");
    let odd = Fake::new(|_, _| Reply::new(302, "").header("Location", "file:///etc/passwd")).await;
    refused(resolve(&odd, &access()).await, "PullError", "it does not use TLS");
}
