//! A real OCI registry (CNCF Distribution 2.8, from a Debian package) with plugins, and signatures
//! in the formats of cosign.
//!
//! The registry has no referrers API, so bundles are found by the fallback tag.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certificates::Identity;
use crate::process::{Process, Server, free_port, program};
use crate::signing::{BUNDLE, SigningKey};
use crate::waiting::eventually;

/// A running registry.
pub struct Registry {
    server: Server,
    folder: TempDir,
    port: u16,
    setup: Setup,
    http: reqwest::Client,
}

/// The transport and authentication of a registry.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Its TLS certificate; `None` for plain HTTP.
    pub tls: Option<Identity>,
    /// Whether it requires [`USER`] and [`PASSWORD`].
    pub requires_auth: bool,
}

/// The user of a closed registry.
pub const USER: &str = "puller";
/// The user's password.
pub const PASSWORD: &str = "a password of the tests";
/// The bcrypt hash of [`PASSWORD`]. The registry supports no hashes that this crate could compute.
const PASSWORD_BCRYPT: &str = "$2b$05$LeadsmanTestsSaltSaltOfVvRBZBFP9ajLCszFZ1lZ82Z3/BQv9i";

/// The media type of a manifest.
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of an index.
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The timeout of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The timeout of waiting for a state.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

impl Registry {
    /// Starts an open registry over plain HTTP.
    ///
    /// # Panics
    /// If the registry is not installed or does not start.
    pub async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    /// Starts a registry and waits until it is ready.
    ///
    /// # Panics
    /// If the registry is not installed or does not start.
    pub async fn start_with(setup: Setup) -> Self {
        crate::crypto();
        let folder = TempDir::new().expect("a temporary folder");
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_danger_accept_invalid_certs(true)
            .timeout(REQUEST_TIMEOUT)
            .build()
            .expect("a client");
        let mut registry =
            Self { server: Server::new("registry"), folder, port: free_port(), setup, http };
        registry.configure();
        registry.run().await;
        registry
    }

    /// Its host and port, the first part of references.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A pull secret with the user's credentials.
    pub fn pull_secret(&self) -> String {
        let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
        json!({"auths": {self.address(): {"auth": auth}}}).to_string()
    }

    /// Stops the registry, so that its port refuses connections.
    pub async fn stop(&mut self) {
        self.server.end(Signal::TERM).await;
    }

    /// Starts the registry again, on the same port and with its data.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.run().await;
    }

    /// Makes the registry hang: it accepts connections and never responds.
    ///
    /// # Panics
    /// If it is stopped.
    pub async fn pause(&self) {
        self.server.pause().await;
    }

    /// Ends a [`Self::pause`].
    ///
    /// # Panics
    /// If it is stopped.
    pub fn resume(&self) {
        self.server.resume();
    }

    /// Pushes a component as a plugin and returns the digest of its manifest.
    ///
    /// # Panics
    /// If the registry refuses it.
    pub async fn push(&self, repository: &str, tag: &str, component: &[u8]) -> String {
        let manifest = self.plugin(repository, component).await;
        self.put_manifest(repository, tag, MANIFEST, &manifest).await
    }

    /// Pushes the blobs of a component and returns its manifest, in the format of WebAssembly
    /// tools.
    ///
    /// # Panics
    /// If the registry refuses a blob.
    pub async fn plugin(&self, repository: &str, component: &[u8]) -> Value {
        let layer = self.put_blob(repository, "application/wasm", component).await;
        let config = json!({
            "created": "2025-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip2",
            "layerDigests": [layer["digest"]],
        });
        let config = config.to_string();
        let kind = "application/vnd.wasm.config.v0+json";
        let config = self.put_blob(repository, kind, config.as_bytes()).await;
        json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]})
    }

    /// Points a tag to another tag's manifest, or to a digest.
    ///
    /// # Panics
    /// If it does not exist.
    pub async fn retag(&self, repository: &str, from: &str, to: &str) {
        let (kind, manifest) = self.manifest(repository, from).await.expect("a manifest");
        self.put_raw_manifest(repository, to, &kind, manifest).await;
    }

    /// Pushes any manifest and returns its digest. The version is a tag, or empty to push by digest
    /// only.
    ///
    /// # Panics
    /// If the registry refuses it.
    pub async fn put_manifest(
        &self,
        repository: &str,
        version: &str,
        media_type: &str,
        manifest: &Value,
    ) -> String {
        self.put_raw_manifest(repository, version, media_type, manifest.to_string()).await
    }

    /// Pushes a blob and returns its descriptor.
    ///
    /// # Panics
    /// If the registry refuses it.
    pub async fn put_blob(&self, repository: &str, media_type: &str, content: &[u8]) -> Value {
        let uploads = format!("{}/blobs/uploads/", self.repository(repository));
        let started = self.send(self.http.request(Method::POST, uploads)).await;
        assert_eq!(started.status(), StatusCode::ACCEPTED, "an upload to {repository}");
        let location = started.headers()[header::LOCATION].to_str().expect("a location");
        let location = started.url().join(location).expect("a location");
        let digest = digest(content);
        let upload = self.http.put(location).query(&[("digest", &digest)]);
        let upload = upload.header(header::CONTENT_TYPE, "application/octet-stream");
        let done = self.send(upload.body(content.to_vec())).await;
        assert_eq!(done.status(), StatusCode::CREATED, "a blob of {repository}");
        json!({"mediaType": media_type, "digest": digest, "size": content.len()})
    }

    /// Removes a manifest by its digest.
    ///
    /// # Panics
    /// If it does not exist.
    pub async fn delete(&self, repository: &str, digest: &str) {
        let address = format!("{}/manifests/{digest}", self.repository(repository));
        let done = self.send(self.http.delete(address)).await;
        assert_eq!(done.status(), StatusCode::ACCEPTED, "{repository}@{digest}");
    }

    /// Replaces the stored content of a blob, so that it does not match its digest.
    ///
    /// # Panics
    /// If there is no such blob.
    pub fn corrupt(&self, digest: &str, content: &[u8]) {
        let hex = digest.trim_start_matches("sha256:");
        let blobs = self.folder.path().join("data/docker/registry/v2/blobs/sha256");
        let data = blobs.join(&hex[..2]).join(hex).join("data");
        assert!(data.is_file(), "{}", data.display());
        std::fs::write(data, content).expect("a blob");
    }

    /// Signs an artifact in the format of cosign 2: adds a payload under the tag `sha256-….sig`.
    ///
    /// # Panics
    /// If the registry refuses it.
    pub async fn sign_tag_scheme(&self, repository: &str, digest: &str, key: &SigningKey) {
        let name = format!("{}/{repository}", self.address());
        let payload = json!({
            "critical": {
                "identity": {"docker-reference": name},
                "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature",
            },
            "optional": null,
        });
        let payload = payload.to_string();
        let mut layer = self.put_blob(repository, SIMPLE, payload.as_bytes()).await;
        let signature = STANDARD.encode(key.sign(payload.as_bytes()));
        layer["annotations"] = json!({"dev.cosignproject.cosign/signature": signature});
        let tag = format!("{}.sig", digest.replace(':', "-"));
        let mut manifest = match self.manifest(repository, &tag).await {
            Some((_, text)) => serde_json::from_str(&text).expect("a manifest"),
            None => {
                let kind = "application/vnd.oci.image.config.v1+json";
                let config = self.put_blob(repository, kind, b"{}").await;
                json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": []})
            }
        };
        manifest["layers"].as_array_mut().expect("layers").push(layer);
        self.put_manifest(repository, &tag, MANIFEST, &manifest).await;
    }

    /// Signs an artifact in the format of cosign 3: attaches a bundle to the manifest.
    ///
    /// # Panics
    /// If the registry refuses it.
    pub async fn sign_bundle(&self, repository: &str, digest: &str, key: &SigningKey) {
        let bundle = key.bundle(digest, "https://sigstore.dev/cosign/sign/v1");
        self.attach_bundle(repository, digest, &bundle).await;
    }

    /// Attaches a bundle, valid or not, to a manifest.
    ///
    /// # Panics
    /// If the registry refuses it.
    pub async fn attach_bundle(&self, repository: &str, digest: &str, bundle: &Value) {
        let bundle = bundle.to_string();
        let layer = self.put_blob(repository, BUNDLE, bundle.as_bytes()).await;
        let kind = "application/vnd.oci.image.config.v1+json";
        let config = self.put_blob(repository, kind, b"{}").await;
        let (_, subject) = self.manifest(repository, digest).await.expect("the signed manifest");
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": BUNDLE,
            "config": config,
            "layers": [layer],
            "subject": {"mediaType": MANIFEST, "digest": digest, "size": subject.len()},
        });
        let size = manifest.to_string().len();
        let referrer = self.put_manifest(repository, "", MANIFEST, &manifest).await;
        let tag = digest.replace(':', "-");
        let mut index = match self.manifest(repository, &tag).await {
            Some((_, text)) => serde_json::from_str(&text).expect("an index"),
            None => json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": []}),
        };
        index["manifests"].as_array_mut().expect("manifests").push(json!({
            "mediaType": MANIFEST, "digest": referrer, "size": size, "artifactType": BUNDLE,
        }));
        self.put_manifest(repository, &tag, INDEX, &index).await;
    }

    /// A manifest's media type and text, if there is one.
    ///
    /// # Panics
    /// If the request fails.
    pub async fn manifest(&self, repository: &str, version: &str) -> Option<(String, String)> {
        let address = format!("{}/manifests/{version}", self.repository(repository));
        let request = self.http.get(address).header(header::ACCEPT, format!("{MANIFEST}, {INDEX}"));
        let answer = self.send(request).await;
        if answer.status() == StatusCode::NOT_FOUND {
            return None;
        }
        assert_eq!(answer.status(), StatusCode::OK, "{repository}:{version}");
        let kind = answer.headers()[header::CONTENT_TYPE].to_str().expect("a type").to_owned();
        Some((kind, answer.text().await.expect("a manifest")))
    }

    async fn put_raw_manifest(
        &self,
        repository: &str,
        version: &str,
        media_type: &str,
        manifest: String,
    ) -> String {
        let digest = digest(manifest.as_bytes());
        let version = if version.is_empty() { &digest } else { version };
        let address = format!("{}/manifests/{version}", self.repository(repository));
        let request = self.http.put(address).header(header::CONTENT_TYPE, media_type);
        let answer = self.send(request.body(manifest)).await;
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        assert_eq!(status, StatusCode::CREATED, "{repository}:{version}: {text}");
        digest
    }

    async fn send(&self, request: RequestBuilder) -> reqwest::Response {
        request.basic_auth(USER, Some(PASSWORD)).send().await.expect("the registry's answer")
    }

    fn repository(&self, repository: &str) -> String {
        format!("{}/v2/{repository}", self.url())
    }

    fn url(&self) -> String {
        let scheme = if self.setup.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address())
    }

    fn configure(&self) {
        let path = |name: &str| self.folder.path().join(name);
        let mut config = json!({
            "version": "0.1",
            "log": {"level": "warn", "accesslog": {"disabled": true}},
            "storage": {
                "filesystem": {"rootdirectory": path("data")},
                "delete": {"enabled": true},
            },
            "http": {"addr": self.address()},
        });
        if let Some(identity) = &self.setup.tls {
            let (certificate, key) = (path("registry.crt"), path("registry.key"));
            identity.write(&certificate, &key);
            config["http"]["tls"] = json!({"certificate": certificate, "key": key});
        }
        if self.setup.requires_auth {
            let users = format!("{USER}:{PASSWORD_BCRYPT}\n");
            std::fs::write(path("htpasswd"), users).expect("a file of users");
            config["auth"]["htpasswd"] = json!({"realm": "tests", "path": path("htpasswd")});
        }
        // JSON is valid YAML.
        std::fs::write(path("config.yml"), config.to_string()).expect("a config file");
    }

    async fn run(&mut self) {
        let config = self.folder.path().join("config.yml").display().to_string();
        let arguments = ["serve".to_owned(), config];
        let program = program("docker-registry", "docker-registry");
        let mut process = Process::start(&program, &arguments).expect("the registry can be run");
        let root = format!("{}/v2/", self.url());
        eventually("a ready registry", WAIT_TIMEOUT, async || {
            assert!(!process.has_ended(), "docker-registry ended:\n{}", process.log());
            let request = self.http.get(&root).basic_auth(USER, Some(PASSWORD));
            match request.send().await {
                Ok(answer) if answer.status().is_success() => Ok(()),
                Ok(answer) => Err(answer.status().to_string()),
                Err(error) => Err(format!("{error:?}\n{}", process.log())),
            }
        })
        .await;
        self.server.set_process(process);
    }
}

/// The digest of content.
pub fn digest(content: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, content);
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}
