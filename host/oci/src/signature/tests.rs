//! Signatures that cosign made, and what is made of them.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{PublicKey, SignatureError, bundle, simple, verify};
use crate::tests::access;
use crate::tests::fake::{Fake, Reply};
use crate::{Digest, Registry};

/// What a real registry held after real cosign had signed.
struct Golden {
    folder: PathBuf,
    digest: Digest,
    keys: Vec<PublicKey>,
}

impl Golden {
    fn read(name: &str) -> Self {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).join(name);
        let text = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
        let digest = text("digest").parse().unwrap();
        let keys = PublicKey::from_pem(&text("cosign.pub")).unwrap();
        Self { folder, digest, keys }
    }

    async fn verdict(&self, digest: &Digest, keys: &[PublicKey]) -> Result<(), SignatureError> {
        ask(&Fake::holding(&self.folder).await, digest, keys).await
    }

    /// The signed blob: the one whose text has this in it.
    fn blob(&self, mark: &str) -> String {
        let files = std::fs::read_dir(self.folder.join("blobs")).unwrap();
        let mut texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        texts.find(|text| text.contains(mark)).expect("a blob")
    }

    fn simple(&self) -> (String, String) {
        let tag = format!("manifests/sha256-{}.sig.json", self.digest.hex());
        let text = std::fs::read_to_string(self.folder.join(tag)).unwrap();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        let signature = &manifest["layers"][0]["annotations"][simple::SIGNATURE];
        (self.blob("docker-manifest-digest"), signature.as_str().unwrap().to_owned())
    }

    fn bundle(&self) -> Value {
        serde_json::from_str(&self.blob("dsseEnvelope")).unwrap()
    }
}

async fn ask(fake: &Fake, digest: &Digest, keys: &[PublicKey]) -> Result<(), SignatureError> {
    let registry = Registry::new(&access()).unwrap();
    verify(&registry, &fake.reference(":v1"), digest, keys).await
}

fn other_keys() -> Vec<PublicKey> {
    PublicKey::from_pem(&rcgen::KeyPair::generate().unwrap().public_key_pem()).unwrap()
}

#[track_caller]
fn refused(verdict: Result<(), SignatureError>, reason: &str, text: &str) {
    let error = verdict.expect_err("a refusal");
    assert!(error.to_string().contains(text), "{error}");
    assert_eq!(error.reason(), reason, "{error}");
}

const SIGNED: [&str; 6] = [
    "cosign2-bundle",
    "cosign2-referrer",
    "cosign2-tag",
    "cosign3-bundle",
    "cosign3-referrer",
    "cosign3-tag",
];

#[tokio::test]
async fn what_cosign_made_is_good_and_for_one_artifact_and_key_only() {
    for name in SIGNED {
        let golden = Golden::read(name);
        golden.verdict(&golden.digest, &golden.keys).await.unwrap();
        let both = [other_keys(), golden.keys.clone()].concat();
        golden.verdict(&golden.digest, &both).await.unwrap();
        let verdict = golden.verdict(&golden.digest, &other_keys()).await;
        refused(verdict, "SignatureInvalid", "none of the keys made it");
        let verdict = golden.verdict(&golden.digest, &[]).await;
        refused(verdict, "SignatureInvalid", "none of the keys made it");
        let verdict = golden.verdict(&Digest::of(b"another"), &golden.keys).await;
        refused(verdict, "SignatureInvalid", "is not signed");
    }
}

#[tokio::test]
async fn an_attestation_does_not_vouch() {
    for name in ["cosign2-attestation", "cosign3-attestation"] {
        let golden = Golden::read(name);
        let verdict = golden.verdict(&golden.digest, &golden.keys).await;
        refused(verdict, "SignatureInvalid", "no signature but an attestation, https://leadsman");
    }
}

/// Ed25519ph, which is another algorithm than the one that is known.
#[tokio::test]
async fn a_signature_of_another_algorithm_is_refused() {
    for major in [2, 3] {
        for form in ["tag", "bundle"] {
            let golden = Golden::read(&format!("cosign{major}-ed25519-{form}"));
            let verdict = golden.verdict(&golden.digest, &golden.keys).await;
            refused(verdict, "SignatureInvalid", "give it an ECDSA key");
        }
    }
}

#[test]
fn a_payload_is_not_to_be_changed() {
    let golden = Golden::read("cosign3-tag");
    let (payload, signature) = golden.simple();
    let check = |payload: &str, signature: Option<&str>, digest: &Digest| {
        simple::check(payload.as_bytes(), signature, digest, &golden.keys)
    };
    assert_eq!(check(&payload, Some(&signature), &golden.digest), Ok(()));
    let other = Digest::of(b"another");
    let moved = payload.replace(&golden.digest.to_string(), &other.to_string());
    for (verdict, wanted) in [
        (check(&moved, Some(&signature), &other), "none of the keys"),
        (check(&payload, Some(&signature), &other), "of another artifact, sha256:"),
        (check(&payload, Some("AAAA"), &golden.digest), "none of the keys"),
        (check(&payload, Some("!"), &golden.digest), "not base64"),
        (check(&payload, None, &golden.digest), "has no annotation"),
        (check("", Some(&signature), &golden.digest), "none of the keys"),
    ] {
        assert!(verdict.as_ref().is_err_and(|text| text.contains(wanted)), "{verdict:?}");
    }
}

#[test]
fn a_bundle_is_not_to_be_changed() {
    let golden = Golden::read("cosign3-bundle");
    let good = golden.bundle();
    let check = |bundle: &Value, digest: &Digest| {
        bundle::check(bundle.to_string().as_bytes(), digest, &golden.keys)
    };
    assert_eq!(check(&good, &golden.digest), Ok(()));
    let other = Digest::of(b"another");
    assert_eq!(check(&good, &other).unwrap_err(), "it is a signature of another artifact");
    let payload = STANDARD.decode(good["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    let payload = String::from_utf8(payload).unwrap().replace(&golden.digest.hex(), &other.hex());
    let mut moved = good.clone();
    moved["dsseEnvelope"]["payload"] = json!(STANDARD.encode(payload));
    assert_eq!(check(&moved, &other).unwrap_err(), "none of the keys made it");

    for (pointer, value, wanted) in [
        ("/mediaType", json!("application/json"), "a bundle of the type"),
        ("/dsseEnvelope", Value::Null, "no DSSE envelope"),
        ("/dsseEnvelope/payload", json!("!"), "not base64"),
        ("/dsseEnvelope/payload", json!(""), "none of the keys"),
        ("/dsseEnvelope/payloadType", json!("text/plain"), "payload is of the type"),
        ("/dsseEnvelope/signatures", json!([]), "none of the keys"),
        ("/dsseEnvelope/signatures/0/sig", json!("AAAA"), "none of the keys"),
        ("/dsseEnvelope/signatures/0/sig", json!(1), "not a bundle"),
    ] {
        let mut bundle = good.clone();
        *bundle.pointer_mut(pointer).unwrap() = value;
        let error = check(&bundle, &golden.digest).unwrap_err();
        assert!(error.contains(wanted), "{pointer}: {error}");
    }
}

#[test]
fn no_byte_of_what_is_signed_may_change_nor_of_the_signature() {
    for name in ["cosign2-tag", "cosign3-tag"] {
        let golden = Golden::read(name);
        let (payload, signature) = golden.simple();
        let signature = STANDARD.decode(signature).unwrap();
        assert_only_as_signed(payload.as_bytes(), &signature, |payload, signature| {
            let signature = STANDARD.encode(signature);
            simple::check(payload, Some(&signature), &golden.digest, &golden.keys)
        });
    }
    for name in ["cosign2-bundle", "cosign3-bundle"] {
        let golden = Golden::read(name);
        let good = golden.bundle();
        let decoded = |pointer| STANDARD.decode(good.pointer(pointer).unwrap().as_str().unwrap());
        let (payload, signature) = ("/dsseEnvelope/payload", "/dsseEnvelope/signatures/0/sig");
        let (is, by) = (decoded(payload).unwrap(), decoded(signature).unwrap());
        assert_only_as_signed(&is, &by, |is, by| {
            let mut bundle = good.clone();
            *bundle.pointer_mut(payload).unwrap() = json!(STANDARD.encode(is));
            *bundle.pointer_mut(signature).unwrap() = json!(STANDARD.encode(by));
            bundle::check(bundle.to_string().as_bytes(), &golden.digest, &golden.keys)
        });
    }
}

/// Asserts that a check passes, and does not with any one byte of the payload or the signature changed.
#[track_caller]
fn assert_only_as_signed(
    payload: &[u8],
    signature: &[u8],
    check: impl Fn(&[u8], &[u8]) -> Result<(), String>,
) {
    assert_eq!(check(payload, signature), Ok(()));
    let refusal = Err("none of the keys made it".to_owned());
    for at in 0..payload.len() {
        let mut changed = payload.to_vec();
        changed[at] ^= 1;
        assert_eq!(check(&changed, signature), refusal, "byte {at} of the payload");
    }
    for at in 0..signature.len() {
        let mut changed = signature.to_vec();
        changed[at] ^= 1;
        assert_eq!(check(payload, &changed), refusal, "byte {at} of the signature");
    }
}

/// A referrer among others, as a registry that knows referrers lists them.
#[tokio::test]
async fn the_referrers_api_is_asked_first() {
    let golden = Golden::read("cosign3-bundle");
    let folder = golden.folder.clone();
    let digest = golden.digest;
    let fake = Fake::new(move |asked, _| {
        let name = asked.line.rsplit(['/', ':']).next().unwrap();
        let file = |path: String| Reply::new(200, std::fs::read(folder.join(path)).unwrap());
        if asked.line.contains("/referrers/") {
            file(format!("manifests/sha256-{name}.json"))
                .header("Content-Type", "application/vnd.oci.image.index.v1+json")
        } else if asked.line.contains("/manifests/sha256:") {
            file(format!("manifests/by-sha256-{name}.json"))
        } else if asked.line.contains("/blobs/") {
            file(format!("blobs/sha256-{name}"))
        } else {
            Reply::new(500, "")
        }
    })
    .await;
    ask(&fake, &digest, &golden.keys).await.unwrap();
    refused(ask(&fake, &digest, &other_keys()).await, "PullError", "besides, the referrer");
    assert_eq!(fake.lines()[0], format!("GET /v2/plugins/rate/referrers/{digest}"));
}

#[tokio::test]
async fn what_cannot_be_looked_up_is_not_unsigned() {
    let digest = Digest::of(b"an artifact");
    for (path, status) in [("/referrers/", 500), ("/manifests/", 503), ("/referrers/", 403)] {
        let fake = Fake::new(move |asked, _| match asked.line.contains(path) {
            true => Reply::new(status, ""),
            false => Reply::missing(),
        })
        .await;
        refused(ask(&fake, &digest, &other_keys()).await, "PullError", "cannot be looked up");
    }
}

#[tokio::test]
async fn rubbish_is_refused_and_bounded() {
    let digest = Digest::of(b"an artifact");
    let index = |entries: Vec<Value>| json!({"manifests": entries}).to_string();
    let entry = json!({"mediaType": "m", "digest": Digest::of(b"x").to_string(), "size": 1});
    let large = |digest: &str| json!({"mediaType": bundle::MEDIA_TYPE, "digest": digest, "size": 9_000_000});
    for (list, layers, wanted) in [
        ("rubbish".to_owned(), String::new(), "cannot be understood"),
        (index(vec![entry.clone()]), String::new(), "came as sha256:"),
        (index(vec![entry; 40]), String::new(), "of 40 referrers only 32"),
        (index(vec![]), "rubbish".to_owned(), "cannot be understood"),
        (index(vec![]), json!({"layers": []}).to_string(), "there is no signature in it"),
        (
            index(vec![]),
            json!({"layers": [large(&digest.to_string())]}).to_string(),
            "has 9000000 bytes",
        ),
    ] {
        let fake = Fake::new(move |asked, _| {
            if asked.line.contains("/referrers/") {
                // A page that stands for everything.
                Reply::new(200, "<html>").header("Content-Type", "text/html")
            } else if asked.line.ends_with(".sig") {
                Reply::new(if layers.is_empty() { 404 } else { 200 }, layers.clone())
            } else if asked.line.contains("/manifests/sha256-") {
                Reply::new(200, list.clone())
            } else {
                Reply::new(200, "{}")
            }
        })
        .await;
        let verdict = ask(&fake, &digest, &other_keys()).await;
        let Err(SignatureError::Invalid { refused, .. }) = &verdict else { panic!("{verdict:?}") };
        assert!(refused.iter().any(|text| text.contains(wanted)), "{wanted}: {refused:?}");
        assert!(fake.lines().len() <= 36);
    }
}
