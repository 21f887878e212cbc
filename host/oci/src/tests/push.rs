//! Pushes to registries that fail, deny, or are changed by somebody else meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::access;
use super::fake::{Fake, ReceivedRequest, Reply};
use crate::{
    Access, Digest, Expected, NewArtifact, PushError, Pushed, Registry, RegistryCredentials,
};

const COMPONENT: &[u8] = b"\0asm component";

async fn push(fake: &Fake, access: &Access, expected: Expected) -> Result<Pushed, PushError> {
    let annotations =
        BTreeMap::from([("org.opencontainers.image.title".to_owned(), "rate".to_owned())]);
    let artifact = NewArtifact { component: COMPONENT, annotations: &annotations };
    let registry = Registry::new(access).expect("a client");
    registry.push(&fake.reference(":v1"), &artifact, expected).await
}

/// An empty registry that takes everything. It reports each manifest under the digest that it has.
fn taking(asked: &ReceivedRequest, stored: &std::sync::Mutex<Option<String>>) -> Reply {
    let mut stored = stored.lock().unwrap();
    match asked.line.split_once(' ') {
        Some(("HEAD", path)) if path.contains("/manifests/") => match stored.as_ref() {
            Some(digest) => Reply::new(200, "").header("docker-content-digest", digest),
            None => Reply::missing(),
        },
        Some(("POST", path)) => Reply::new(202, "").header("location", &format!("{path}1?state=a")),
        Some(("PUT", path)) if path.contains("/manifests/") => {
            let digest = Digest::of(asked.body.as_bytes()).to_string();
            *stored = Some(digest.clone());
            Reply::new(201, "").header("docker-content-digest", &digest)
        }
        Some(("PUT", _)) => Reply::new(201, ""),
        _ => Reply::missing(),
    }
}

#[tokio::test]
async fn a_component_is_pushed_once() {
    let stored = std::sync::Mutex::new(None);
    let fake = Fake::new(move |asked, _| taking(asked, &stored)).await;
    let pushed = push(&fake, &access(), Expected::Nothing).await.unwrap();
    assert_eq!((pushed.replaced, pushed.unchanged), (None, false));
    let asked = fake.asked();
    let put = asked
        .iter()
        .find(|asked| asked.line.starts_with("PUT") && asked.body == *"\0asm component");
    let put = put.expect("the component");
    let wanted = format!(
        "/v2/plugins/rate/blobs/uploads/1?state=a&digest=sha256%3A{}",
        Digest::of(COMPONENT).hex()
    );
    assert_eq!(put.line, format!("PUT {wanted}"), "what the registry put into the address stays");
    let manifest = asked.iter().find(|asked| asked.line == "PUT /v2/plugins/rate/manifests/v1");
    let manifest: serde_json::Value = serde_json::from_str(&manifest.unwrap().body).unwrap();
    assert_eq!(manifest["artifactType"], crate::ARTIFACT_TYPE);
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["layers"][0]["annotations"]["org.opencontainers.image.title"], "rate.wasm");

    let number = fake.asked().len();
    let again = push(&fake, &access(), Expected::Digest(pushed.digest)).await.unwrap();
    assert_eq!((again.digest, again.unchanged), (pushed.digest, true));
    assert_eq!(fake.asked().len(), number + 1, "nothing is uploaded again");
    let error = push(&fake, &access(), Expected::Nothing).await.unwrap_err().to_string();
    assert!(error.contains("and not to nothing as expected; nothing was changed"), "{error}");
}

#[tokio::test]
async fn the_token_is_for_pushing_and_goes_to_the_registry_alone() {
    let stored = std::sync::Mutex::new(None);
    let elsewhere = Fake::new(|_, _| Reply::new(201, "")).await;
    let upload = format!("http://{}/somewhere?a=b", elsewhere.address());
    let fake = Fake::new(move |asked, own| {
        if asked.line.contains(" /token") {
            return Reply::new(200, r#"{"token":"t"}"#);
        }
        if asked.authorization.as_deref() != Some("Bearer t") {
            let challenge = format!("Bearer realm=\"http://{own}/token\",service=\"s\"");
            return Reply::new(401, "").header("WWW-Authenticate", &challenge);
        }
        match asked.line.starts_with("POST") {
            true => Reply::new(202, "").header("location", &upload),
            false => taking(asked, &stored),
        }
    })
    .await;
    push(&fake, &access(), Expected::Anything).await.unwrap();
    let lines = fake.lines();
    assert!(lines[1].contains("scope=repository%3Aplugins%2Frate%3Apull%2Cpush"), "{lines:?}");
    let uploads = elsewhere.asked();
    assert_eq!(uploads.len(), 2);
    assert!(uploads.iter().all(|asked| asked.authorization.is_none()));
    assert!(uploads[0].line.starts_with("PUT /somewhere?a=b&digest=sha256%3A"));
}

#[tokio::test]
async fn who_may_not_push_is_told_so() {
    let fake =
        Fake::new(|_, _| Reply::new(401, "").header("WWW-Authenticate", "Basic realm=\"r\"")).await;
    let error = push(&fake, &access(), Expected::Anything).await.unwrap_err();
    assert!(matches!(error, PushError::NoCredentials { .. }), "{error}");
    assert!(error.to_string().contains(&format!("docker login {}", fake.address())), "{error}");

    let secret = json!({"auths": {fake.address(): {"username": "a", "password": "hunter2"}}});
    let credentials =
        RegistryCredentials::for_registry(&secret.to_string(), &fake.reference(":v1"));
    let access = Access { credentials: Some(credentials.unwrap()), ..access() };
    let error = push(&fake, &access, Expected::Anything).await.unwrap_err();
    assert!(matches!(error, PushError::Denied { .. }), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[tokio::test]
async fn what_fails_for_a_moment_is_tried_again() {
    let (stored, failures) = (std::sync::Mutex::new(None), AtomicUsize::new(0));
    let fake = Fake::new(move |asked, _| {
        if asked.line.starts_with("POST") && failures.fetch_add(1, Ordering::Relaxed) < 2 {
            return Reply::new(503, r#"{"errors":[{"code":"UNAVAILABLE","message":"later"}]}"#);
        }
        taking(asked, &stored)
    })
    .await;
    push(&fake, &access(), Expected::Anything).await.unwrap();

    let fake = Fake::new(|asked, _| match asked.line.starts_with("HEAD") {
        true => Reply::missing(),
        false => Reply::new(503, r#"{"errors":[{"code":"UNAVAILABLE","message":"later"}]}"#),
    })
    .await;
    let error = push(&fake, &access(), Expected::Anything).await.unwrap_err().to_string();
    assert!(error.contains("503") && error.contains("UNAVAILABLE later"), "{error}");
    let posts = fake.lines().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 3);
}

#[tokio::test]
async fn a_tag_that_moves_meanwhile_is_not_overwritten_in_silence() {
    let digests = [1, 2].map(|number| Digest::of(&[number]).to_string());
    // Before: the first; right before the manifest: the second.
    let (looked, own) = (AtomicUsize::new(0), digests.clone());
    let fake = Fake::new(move |asked, _| match asked.line.split_once(' ') {
        Some(("HEAD", path)) if path.contains("/manifests/") => {
            let digest = &own[looked.fetch_add(1, Ordering::Relaxed).min(1)];
            Reply::new(200, "").header("docker-content-digest", digest)
        }
        _ => taking(asked, &std::sync::Mutex::new(None)),
    })
    .await;
    let error = push(&fake, &access(), Expected::Anything).await.unwrap_err();
    assert!(matches!(error, PushError::Moved { .. }), "{error}");
    assert!(digests.iter().all(|digest| error.to_string().contains(digest)), "{error}");
    assert!(!fake.lines().iter().any(|line| line.contains("PUT") && line.contains("/manifests/")));

    // The second comes after the manifest.
    let (looked, own) = (AtomicUsize::new(0), digests.clone());
    let fake = Fake::new(move |asked, _| match asked.line.split_once(' ') {
        Some(("HEAD", path)) if path.contains("/manifests/") => {
            let digest = &own[usize::from(looked.fetch_add(1, Ordering::Relaxed) > 1)];
            Reply::new(200, "").header("docker-content-digest", digest)
        }
        _ => taking(asked, &std::sync::Mutex::new(None)),
    })
    .await;
    let error = push(&fake, &access(), Expected::Anything).await.unwrap_err();
    assert!(matches!(error, PushError::Overtaken { .. }), "{error}");
}

#[tokio::test]
async fn a_registry_that_stores_something_else_is_noticed() {
    let other = Digest::of(b"other").to_string();
    let fake = Fake::new(move |asked, _| {
        let reply = taking(asked, &std::sync::Mutex::new(None));
        match asked.line.starts_with("PUT") && asked.line.contains("/manifests/") {
            true => Reply::new(201, "").header("docker-content-digest", &other),
            false => reply,
        }
    })
    .await;
    let error = push(&fake, &access(), Expected::Anything).await.unwrap_err();
    assert!(matches!(error, PushError::Stored { .. }), "{error}");

    let fake = Fake::new(|asked, _| match asked.line.starts_with("POST") {
        true => Reply::new(202, ""),
        false => Reply::missing(),
    })
    .await;
    let error = push(&fake, &access(), Expected::Anything).await.unwrap_err().to_string();
    assert!(error.contains("does not say where to upload to"), "{error}");
}
