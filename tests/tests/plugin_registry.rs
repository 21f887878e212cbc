//! Components in a real registry, as their authors put them there: pushed, signed, inspected, pulled, and
//! served from there.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use leadsman_tests::registry::{MANIFEST, Setup, USER, digest};
use leadsman_tests::{
    Authority, CheckReport, Config, Leadsman, Mapping, Registry, Reply, SigningKey, Upstream,
    paths, version, version_with_fixtures,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const REPOSITORY: &str = "team/versioned";
const TITLE: &str = "org.opencontainers.image.title";

/// A folder with components, and a registry that they go to.
struct Author {
    folder: TempDir,
    registry: Registry,
    /// How the registry is accessed.
    flags: Vec<String>,
}

impl Author {
    async fn new() -> Self {
        Self::of(Registry::start().await, json!({"auths": {}})).await
    }

    async fn of(registry: Registry, credentials: Value) -> Self {
        let folder = TempDir::new().expect("a folder");
        let author = Self { folder, registry, flags: Vec::new() };
        author.log_in(&credentials);
        let flags = ["--plain-http", "--registry-config", "config.json"];
        Self { flags: flags.map(str::to_owned).to_vec(), ..author }
    }

    fn log_in(&self, credentials: &Value) {
        std::fs::write(self.path("config.json"), credentials.to_string()).expect("a file");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("a file");
    }

    fn reference(&self, version: &str) -> String {
        format!("{}/{REPOSITORY}{version}", self.registry.address())
    }

    async fn plugin(&self, arguments: &[&str]) -> CheckReport {
        let flags = self.flags.iter().map(String::as_str);
        let all: Vec<_> =
            ["plugin"].into_iter().chain(arguments.iter().copied()).chain(flags).collect();
        Leadsman::command(&all, self.folder.path()).await
    }

    async fn push(&self, file: &str, version: &str, more: &[&str]) -> CheckReport {
        let reference = self.reference(version);
        self.plugin(&[&["push", file, reference.as_str()], more].concat()).await
    }

    /// The manifest of a tag.
    async fn manifest(&self, tag: &str) -> Option<(String, Value)> {
        let (kind, text) = self.registry.manifest(REPOSITORY, tag).await?;
        assert_eq!(kind, MANIFEST);
        let manifest = serde_json::from_str(&text).expect("a manifest");
        Some((digest(text.as_bytes()), manifest))
    }

    async fn digest(&self, tag: &str) -> String {
        self.manifest(tag).await.expect("a manifest").0
    }
}

#[track_caller]
fn ok(report: &CheckReport, texts: &[&str]) {
    assert_eq!(report.code, Some(0), "{}", report.output);
    report.assert_contains(texts);
}

#[track_caller]
fn refused(report: &CheckReport, texts: &[&str]) {
    assert_eq!(report.code, Some(1), "{}", report.output);
    report.assert_contains(texts);
}

#[tokio::test]
async fn a_component_is_pushed_as_registry_tools_show_it_and_served_from_there() {
    let author = Author::new().await;
    author.put("one.wasm", version(1));
    let annotation = "org.opencontainers.image.authors=Team A";
    let pushed = author.push("one.wasm", ":1", &["--annotation", annotation]).await;
    let (first, manifest) = author.manifest("1").await.expect("a manifest");
    ok(&pushed, &["new: the tag referred to nothing", &first, "cosign sign"]);
    assert_eq!(manifest["artifactType"], "application/vnd.leadsman.plugin.v1");
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.wasm.config.v0+json");
    assert_eq!(manifest["layers"][0]["mediaType"], "application/wasm");
    assert_eq!(manifest["layers"][0]["digest"], digest(&version(1)).as_str());
    assert_eq!(manifest["annotations"][TITLE], "versioned");
    assert_eq!(manifest["annotations"]["org.opencontainers.image.authors"], "Team A");

    // The same again is the same artifact.
    let again = author.push("one.wasm", ":1", &["--annotation", annotation]).await;
    ok(&again, &["unchanged"]);
    assert_eq!(author.digest("1").await, first);

    let inspected = author.plugin(&["inspect", &author.reference(":1")]).await;
    ok(
        &inspected,
        &[
            &first,
            "application/vnd.leadsman.plugin.v1",
            "org.opencontainers.image.authors=Team A",
            "signed   no",
            "name     versioned",
            "of processor time",
            "fixtures it brings none",
        ],
    );

    let upstream = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
    let mapping = Mapping::custom("load", "pods")
        .query("q", r#"load{namespace="${namespace}"}"#)
        .plugin("versioned", "edition: 0");
    let config = Config::shop(&upstream.url())
        .plugin_from("versioned", &format!("oci: \"{}\"", author.reference(&format!("@{first}"))))
        .set(
            "registries",
            &format!("[{{prefix: \"{}\", plainHttp: true}}]", author.registry.address()),
        )
        .mapping(mapping);
    let leadsman = Leadsman::start(config).await;
    leadsman.wait_value(&paths::pods("shop", "load"), 1000.0).await;
}

#[tokio::test]
async fn a_tag_is_not_moved_unawares() {
    let author = Author::new().await;
    author.put("one.wasm", version(1));
    author.put("two.wasm", version(2));
    ok(&author.push("one.wasm", ":1", &["--expect-digest", "none"]).await, &["new"]);
    let first = author.digest("1").await;
    let taken = author.push("two.wasm", ":1", &["--expect-digest", "none"]).await;
    refused(&taken, &[&first, "and not to nothing as expected; nothing was changed"]);
    assert_eq!(author.digest("1").await, first);

    // Without an expectation the old digest is told, so that it can be put back.
    ok(&author.push("two.wasm", ":1", &[]).await, &["moved: the tag referred to", &first]);
    let second = author.digest("1").await;
    assert_ne!(first, second);

    // Whoever worked on the first one learns of the second.
    author.put("three.wasm", version(3));
    let late = author.push("three.wasm", ":1", &["--expect-digest", &first]).await;
    refused(&late, &[&second, &first, "as expected"]);
    assert_eq!(author.digest("1").await, second);
    ok(&author.push("three.wasm", ":1", &["--expect-digest", &second]).await, &["moved"]);
}

#[tokio::test]
async fn who_may_not_push_is_told_what_to_do() {
    let setup = Setup { requires_auth: true, ..Default::default() };
    let author = Author::of(Registry::start_with(setup).await, json!({"auths": {}})).await;
    author.put("one.wasm", version(1));
    let address = author.registry.address();
    let anonymous = author.push("one.wasm", ":1", &[]).await;
    refused(&anonymous, &["without credentials", &format!("docker login {address}")]);
    author.log_in(&json!({"auths": {&address: {"username": USER, "password": "hunter2"}}}));
    let wrong = author.push("one.wasm", ":1", &[]).await;
    refused(&wrong, &["does not let you push to team/versioned"]);
    assert!(!wrong.output.contains("hunter2"), "{}", wrong.output);
    assert!(author.manifest("1").await.is_none());

    let secret: Value = serde_json::from_str(&author.registry.pull_secret()).expect("JSON");
    author.log_in(&secret);
    ok(&author.push("one.wasm", ":1", &[]).await, &["new"]);
    // Where `docker login` puts it.
    let reference = author.reference(":1");
    let pull = ["plugin", "pull", reference.as_str(), "--plain-http", "--output", "pulled.wasm"];
    let variables = [("DOCKER_CONFIG", author.folder.path())];
    let pulled = Leadsman::command_with(&pull, author.folder.path(), &variables).await;
    ok(&pulled, &["pulled"]);
    assert_eq!(std::fs::read(author.path("pulled.wasm")).expect("a file"), version(1));
}

#[tokio::test]
async fn a_registry_that_is_down_or_speaks_otherwise_is_named() {
    let mut author = Author::new().await;
    author.put("one.wasm", version(1));
    let reference = author.reference(":1");
    let config = ["--registry-config", "config.json"];
    let push = [&["plugin", "push", "one.wasm", reference.as_str()], &config[..]].concat();
    let secure = Leadsman::command(&push, author.folder.path()).await;
    refused(&secure, &["does not speak TLS", "--plain-http"]);
    author.registry.stop().await;
    let address = author.registry.address();
    refused(&author.push("one.wasm", ":1", &[]).await, &[&address, "cannot be reached"]);
    refused(&author.plugin(&["inspect", &reference]).await, &[&address, "cannot be reached"]);
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_trusted_when_it_is_named() {
    let authority = Authority::new("the registry's authority");
    let tls = Some(authority.server_at("registry", Ipv4Addr::LOCALHOST));
    let registry = Registry::start_with(Setup { tls, requires_auth: false }).await;
    let mut author = Author::of(registry, json!({"auths": {}})).await;
    author.flags = ["--registry-config", "config.json"].map(str::to_owned).to_vec();
    author.put("one.wasm", version(1));
    author.put("ca.crt", authority.pem());
    refused(&author.push("one.wasm", ":1", &[]).await, &["is not trusted", "--ca-file"]);
    ok(&author.push("one.wasm", ":1", &["--ca-file", "ca.crt"]).await, &["new"]);
}

#[tokio::test]
async fn a_signature_is_checked_where_a_key_is_named() {
    let author = Author::new().await;
    author.put("one.wasm", version(1));
    ok(&author.push("one.wasm", ":1", &[]).await, &["new"]);
    let first = author.digest("1").await;
    let line = author.plugin(&["sign", &author.reference(":1"), "--key", "team.key"]).await;
    let by_digest = author.reference(&format!("@{first}"));
    ok(
        &line,
        &[
            &format!(
                "cosign sign --key team.key --tlog-upload=false --use-signing-config=false \
                 --allow-http-registry {by_digest}"
            ),
            &format!("leadsman plugin inspect {by_digest} --key team.pub --plain-http"),
        ],
    );

    let (key, other) = (SigningKey::generate(), SigningKey::generate());
    author.put("team.pub", key.public_pem());
    author.put("other.pub", other.public_pem());
    let reference = author.reference(":1");
    let pull = |key: &'static str| ["pull", reference.as_str(), "--key", key];
    refused(&author.plugin(&pull("team.pub")).await, &["is not signed"]);
    assert!(!author.path("versioned.wasm").exists());
    author.registry.sign_bundle(REPOSITORY, &first, &key).await;
    ok(&author.plugin(&["inspect", &reference]).await, &["signed   by somebody"]);
    ok(
        &author.plugin(&["inspect", &reference, "--key", "team.pub"]).await,
        &["signed   yes, by a key in team.pub"],
    );
    refused(&author.plugin(&pull("other.pub")).await, &["none of the keys"]);
    assert!(!author.path("versioned.wasm").exists());
    ok(&author.plugin(&pull("team.pub")).await, &["versioned.wasm"]);
    assert_eq!(std::fs::read(author.path("versioned.wasm")).expect("a file"), version(1));
}

#[tokio::test]
async fn what_the_adapter_would_refuse_is_not_pushed() {
    let author = Author::new().await;
    author.put("text.wasm", "no component");
    let fixture = json!({
        "namespace": "shop",
        "queries": {"q": {"resultType": "vector", "result": [
            {"metric": {"pod": "web-0"}, "value": [1, "1"]}]}},
        "expect": {"measures": [{"object": "web-0", "value": 7}]},
    });
    let fixtures = json!([{"name": "seven", "fixture": fixture}]);
    author.put("failing.wasm", version_with_fixtures(1, &fixtures));
    refused(&author.push("text.wasm", ":1", &[]).await, &["text.wasm is not a plugin"]);
    refused(&author.push("failing.wasm", ":1", &[]).await, &["is not pushed", "\"seven\""]);
    refused(&author.push("missing.wasm", ":1", &[]).await, &["cannot read missing.wasm"]);
    assert!(author.manifest("1").await.is_none());
    let nothing = author.plugin(&["inspect", &author.reference(":1")]).await;
    refused(&nothing, &["does not exist"]);
    let nonsense = author.plugin(&["inspect", "there/is:no:such"]).await;
    refused(&nonsense, &["no file, no plugin that ships with Leadsman, and no reference"]);
}
