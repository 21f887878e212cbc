//! Registries that give something else than was asked for.

use std::time::Duration;

use super::fake::{Fake, Reply};
use super::{Access, Digest, access, manifest, pull, refused, resolve};

const COMPONENT: &[u8] = b"\0asm component";

/// A registry with this manifest and an answer to the question for the blob.
async fn with(manifest: &[u8], blob: impl Fn() -> Reply + Send + Sync + 'static) -> Fake {
    let manifest = manifest.to_vec();
    Fake::new(move |asked, _| match asked.line.contains("/manifests/") {
        true => Reply::new(200, manifest.clone()),
        false => blob(),
    })
    .await
}

#[tokio::test]
async fn a_blob_is_cut_off_where_its_manifest_ends() {
    let good = manifest(&Digest::of(COMPONENT), COMPONENT.len());
    let digest = Digest::of(&good);
    let fake = with(&good, || Reply::new(200, COMPONENT)).await;
    assert_eq!(pull(&fake, &access(), &digest).await.unwrap(), COMPONENT);

    let endless = with(&good, || Reply::new(200, COMPONENT).endless()).await;
    let text = "with more than the 14 bytes that its manifest declares";
    refused(pull(&endless, &access(), &digest).await, "DigestMismatch", text);
    let longer = with(&good, || Reply::new(200, [COMPONENT, b"!"].concat())).await;
    refused(pull(&longer, &access(), &digest).await, "DigestMismatch", text);
    let other = with(&good, || Reply::new(200, b"\0asm komponent".as_slice())).await;
    refused(pull(&other, &access(), &digest).await, "DigestMismatch", "came as sha256:");
    let shorter = with(&good, || Reply::new(200, &COMPONENT[1..])).await;
    refused(pull(&shorter, &access(), &digest).await, "DigestMismatch", "came as sha256:");
}

#[tokio::test]
async fn a_large_blob_is_not_asked_for() {
    let large = manifest(&Digest::of(COMPONENT), 1001);
    let fake = with(&large, || Reply::new(200, COMPONENT)).await;
    let result = pull(&fake, &access(), &Digest::of(&large)).await;
    refused(result, "TooLarge", "has 1001 bytes, and the limit is 1000 bytes");
    assert_eq!(fake.lines().len(), 1);
}

#[tokio::test]
async fn a_manifest_is_bounded_and_compared() {
    let good = manifest(&Digest::of(COMPONENT), COMPONENT.len());
    let digest = Digest::of(&good);
    let fake = with(b"{}", Reply::missing).await;
    refused(pull(&fake, &access(), &digest).await, "DigestMismatch", "came as sha256:44136f");
    let endless = Fake::new(|_, _| Reply::new(200, vec![b' '; 1 << 16]).endless()).await;
    refused(pull(&endless, &access(), &digest).await, "TooLarge", "the limit is 4194304 bytes");
    refused(resolve(&endless, &access()).await, "TooLarge", "the limit is 4194304 bytes");
    let long = Fake::new(|_, _| Reply::new(200, vec![b' '; (4 << 20) + 1])).await;
    refused(pull(&long, &access(), &digest).await, "TooLarge", "has 4194305 bytes");
    let text = b"no manifest";
    let fake = with(text, Reply::missing).await;
    let result = pull(&fake, &access(), &Digest::of(text)).await;
    refused(result, "PullError", "cannot be understood");
}

#[tokio::test]
async fn every_wait_ends() {
    let access = Access { timeout: Duration::from_millis(200), ..access() };
    let good = manifest(&Digest::of(COMPONENT), COMPONENT.len());
    for fake in [
        Fake::new(|_, _| Reply::new(200, "").hanging()).await,
        with(&good, || Reply::new(200, COMPONENT).trickling()).await,
        with(&good, || Reply::new(200, "").hanging()).await,
    ] {
        let result = pull(&fake, &access, &Digest::of(&good)).await;
        refused(result, "PullError", "was not read within 200ms");
    }
}

#[tokio::test]
async fn a_tag_is_resolved_without_the_help_of_a_header() {
    let body = b"{}";
    let named = Digest::of(b"named").to_string();
    let fake =
        Fake::new(move |_, _| Reply::new(200, body).header("Docker-Content-Digest", &named)).await;
    assert_eq!(resolve(&fake, &access()).await.unwrap(), Digest::of(b"named"));
    assert_eq!(fake.lines(), ["HEAD /v2/plugins/rate/manifests/v1"]);
    let fake =
        Fake::new(move |_, _| Reply::new(200, body).header("Docker-Content-Digest", "md5:1")).await;
    assert_eq!(resolve(&fake, &access()).await.unwrap(), Digest::of(body));
    let fake = Fake::new(move |asked, _| match asked.line.starts_with("HEAD") {
        true => Reply::new(405, ""),
        false => Reply::new(200, body),
    })
    .await;
    assert_eq!(resolve(&fake, &access()).await.unwrap(), Digest::of(body));
}

#[tokio::test]
async fn what_the_registry_says_is_passed_on() {
    for (body, wanted) in [
        (
            r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow\ndown"}]}"#,
            ": TOOMANYREQUESTS slow down",
        ),
        ("over\u{7}loaded", ": over loaded"),
        ("", "answered 429 Too Many Requests when asked for"),
    ] {
        let fake = Fake::new(move |_, _| Reply::new(429, body)).await;
        refused(resolve(&fake, &access()).await, "PullError", wanted);
    }
    let fake = Fake::new(|_, _| Reply::new(503, "x".repeat(5000)).endless()).await;
    refused(resolve(&fake, &access()).await, "PullError", "answered 503");
}

#[tokio::test]
async fn a_broken_answer_is_told_from_none() {
    let fake = Fake::new(|_, _| Reply::new(200, "abc").short()).await;
    refused(pull(&fake, &access(), &Digest::of(b"abc")).await, "PullError", "broke off its answer");
}
