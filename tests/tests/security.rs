//! Injection, leaks of credentials, and TLS.

use std::path::Path;
use std::time::{Duration, Instant};

use leadsman_tests::{
    Authority, Config, Leadsman, Mapping, Reply, Upstream, eventually, paths, replace,
};
use tempfile::TempDir;

const METRIC: &str = "load";

fn good() -> Reply {
    Reply::pods(&[("web-0", "1")])
}

fn mapping() -> Mapping {
    let promql = r#"load{namespace="${namespace}",${selector}}"#;
    // Without a last good value, each read shows whether the source accepted the credentials.
    Mapping::pods(METRIC).query("q", promql).set("maxAge", "100ms")
}

/// Serves a source with these settings.
async fn with_settings(upstream: &Upstream, settings: &str) -> Leadsman {
    let config = Config::new()
        .source("prometheus", &format!("url: {}, {settings}", upstream.url()))
        .mapping(mapping())
        .pods("shop", &["web-0"]);
    Leadsman::start(config).await
}

async fn works(leadsman: &Leadsman) {
    eventually("a value", Duration::from_secs(20), async || {
        let answer = leadsman.get(&paths::pods("shop", METRIC)).await;
        if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
}

async fn fails(leadsman: &Leadsman, texts: &[&str]) -> String {
    let failure = eventually("a failure", Duration::from_secs(20), async || {
        let answer = leadsman.get(&paths::pods("shop", METRIC)).await;
        if answer.status == 200 { Err(format!("{answer:#?}")) } else { Ok(answer.failure()) }
    })
    .await;
    assert!(failure.code >= 500, "{failure:?}");
    failure.assert_contains(&[METRIC, "\"q\"|query q|q:"]).assert_contains(texts);
    failure.message
}

fn file(folder: &TempDir, name: &str, text: &str) -> String {
    let path = folder.path().join(name);
    replace(&path, text);
    path.display().to_string()
}

#[tokio::test]
async fn without_authentication_only_loopback_is_served() {
    let config = Config::shop("http://127.0.0.1:9").mapping(mapping());
    for address in ["0.0.0.0", "::", "192.0.2.1"] {
        let begin = Instant::now();
        let launched = Leadsman::launch(&config, &["--bind-address", address]).await;
        let Err(exited) = launched else { panic!("it serves on {address}") };
        assert!(!exited.status.success());
        assert!(begin.elapsed() < Duration::from_secs(10));
        exited.assert_contains(&[address, "loopback|authenticat"]);
    }
    Leadsman::start_with(&config, &["--bind-address", "127.0.0.1"]).await;
}

#[tokio::test]
async fn nothing_from_a_request_becomes_promql() {
    let upstream = Upstream::start(good()).await;
    let leadsman = with_settings(&upstream, "timeout: 1s").await;
    let inject = "%22%7D%20or%20vector(666)%20%23";
    for path in [
        paths::pods(&format!("shop{inject}"), METRIC),
        paths::pods("shop%22", METRIC),
        paths::pods("shop%0A", METRIC),
        paths::pods("SHOP", METRIC),
        paths::pods("shop%2F..%2Fbank", METRIC),
        paths::pods("$%7Bnamespace%7D", METRIC),
        paths::object("shop", &format!("pods/web-0{inject}"), METRIC),
        paths::object("shop", &format!("pods{inject}/web-0"), METRIC),
        paths::pods("shop", &format!("{METRIC}{inject}")),
        format!("{}?metricLabelSelector=version%3Da{inject}", paths::pods("shop", METRIC)),
        format!("{}?metricLabelSelector=version{inject}%3Da", paths::pods("shop", METRIC)),
        format!("{}?labelSelector=app%3Da{inject}", paths::pods("shop", METRIC)),
        paths::external(&format!("shop{inject}"), METRIC),
    ] {
        let answer = leadsman.get(&path).await;
        assert!([400, 404].contains(&answer.failure().code), "{answer:#?}");
    }
    for request in upstream.requests() {
        let harmless = [r#"load{namespace="shop"}"#, r#"load{namespace="shop",}"#];
        assert!(harmless.contains(&request.promql()), "{request:?}");
    }
}

#[tokio::test]
async fn a_selector_becomes_matchers() {
    let upstream = Upstream::start(good()).await;
    let leadsman = with_settings(&upstream, "timeout: 1s").await;
    let selector = "version%3D4,zone+in+(a.b,c),tier%21%3Dx";
    let path = format!("{}?metricLabelSelector={selector}", paths::pods("shop", METRIC));
    leadsman.get(&path).await.ok();
    let query = upstream.last_request().promql().to_owned();
    for matcher in [r#"namespace="shop""#, r#"version="4""#, r#"tier!="x""#, "zone=~\""] {
        assert!(query.contains(matcher), "{matcher} in {query}");
    }
    // A dot matches only a dot here.
    assert!(query.contains(r"a\\.b") || query.contains("a[.]b"), "{query}");
}

#[tokio::test]
async fn a_bearer_token_is_reloaded_and_never_leaked() {
    let folder = TempDir::new().expect("a folder");
    let token = file(&folder, "token", "first-secret\n");
    let upstream = Upstream::start(good()).await;
    upstream.require_header("authorization", "Bearer first-secret");
    let leadsman = with_settings(&upstream, &format!("bearerTokenFile: {token}")).await;
    works(&leadsman).await;
    upstream.require_header("authorization", "Bearer second-secret");
    let message = fails(&leadsman, &["401"]).await;
    file(&folder, "token", "second-secret\n");
    works(&leadsman).await;
    for text in [message, leadsman.log(), format!("{:?}", leadsman.metrics().await)] {
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn a_header_from_a_file_is_reloaded_and_never_leaked() {
    let folder = TempDir::new().expect("a folder");
    let tenant = file(&folder, "tenant", "first-secret\n");
    let upstream = Upstream::start(good()).await;
    upstream.require_header("x-scope-orgid", "first-secret");
    let leadsman =
        with_settings(&upstream, &format!("headerFiles: {{X-Scope-OrgID: {tenant}}}")).await;
    works(&leadsman).await;
    upstream.require_header("x-scope-orgid", "second-secret");
    let message = fails(&leadsman, &["401"]).await;
    file(&folder, "tenant", "second-secret\n");
    works(&leadsman).await;
    std::fs::remove_file(&tenant).expect("the file");
    let missing = fails(&leadsman, &["was not asked: cannot read"]).await;
    for text in [message, missing, leadsman.log(), format!("{:?}", leadsman.metrics().await)] {
        assert!(!text.contains("secret"), "{text}");
    }
}

#[tokio::test]
async fn a_credential_that_is_no_file_is_told_and_holds_nothing_up() {
    let folder = TempDir::new().expect("a folder");
    let token = file(&folder, "token", "soundings");
    let upstream = Upstream::start(good()).await;
    let leadsman = with_settings(&upstream, &format!("bearerTokenFile: {token}")).await;
    works(&leadsman).await;
    std::fs::remove_file(&token).expect("the token");
    let made = std::process::Command::new("mkfifo").arg(&token).status();
    assert!(made.expect("mkfifo can be run").success());
    fails(&leadsman, &["was not asked: cannot read"]).await;
    let asked = upstream.queries();
    fails(&leadsman, &["was not asked: cannot read"]).await;
    assert_eq!(leadsman.get("/livez").await.status, 200);
    assert_eq!(upstream.queries(), asked);
    leadsman.terminate();
    assert_eq!(leadsman.exit().await.code(), Some(0));
}

#[tokio::test]
async fn a_password_is_reloaded_and_never_leaked() {
    let folder = TempDir::new().expect("a folder");
    let password = file(&folder, "password", "soundings");
    let upstream = Upstream::start(good()).await;
    upstream.require_header("authorization", "Basic bGVhZHNtYW46c291bmRpbmdz");
    let settings = format!("basicAuth: {{username: leadsman, passwordFile: {password}}}");
    let leadsman = with_settings(&upstream, &settings).await;
    works(&leadsman).await;
    // leadsman:fathoms
    upstream.require_header("authorization", "Basic bGVhZHNtYW46ZmF0aG9tcw==");
    let message = fails(&leadsman, &["401"]).await;
    file(&folder, "password", "fathoms");
    works(&leadsman).await;
    for text in [message, leadsman.log()] {
        assert!(!text.contains("soundings") && !text.contains("bGVhZHNtYW46"), "{text}");
    }
}

/// As a Secret has both, whose name nobody writes down.
#[tokio::test]
async fn a_username_can_be_in_a_file_too() {
    let folder = TempDir::new().expect("a folder");
    let (username, password) =
        (file(&folder, "username", "leadsman\n"), file(&folder, "password", "soundings"));
    let upstream = Upstream::start(good()).await;
    upstream.require_header("authorization", "Basic bGVhZHNtYW46c291bmRpbmdz");
    let settings = format!("basicAuth: {{usernameFile: {username}, passwordFile: {password}}}");
    let leadsman = with_settings(&upstream, &settings).await;
    works(&leadsman).await;
    for (basic, message) in [
        ("{passwordFile: p}", "username"),
        (
            "{username: a, usernameFile: b, passwordFile: p}",
            "only one of username and usernameFile",
        ),
    ] {
        let source =
            format!("sources: {{a: {{prometheus: {{url: 'http://a', basicAuth: {basic}}}}}}}");
        let head = "apiVersion: leadsman.dev/v1alpha1\nkind: Config";
        let check = Leadsman::check(format!("{head}\n{source}\n")).await;
        assert_eq!(check.code, Some(1), "{}", check.output);
        check.assert_contains(&[message]);
    }
}

#[tokio::test]
async fn headers_are_sent() {
    let upstream = Upstream::start(good()).await;
    upstream.require_header("x-scope-orgid", "shop|bank");
    let leadsman = with_settings(&upstream, "headers: {X-Scope-OrgID: 'shop|bank'}").await;
    works(&leadsman).await;
}

#[tokio::test]
async fn a_server_is_trusted_only_by_its_authority() {
    let folder = TempDir::new().expect("a folder");
    let (right, wrong) = (Authority::new("right"), Authority::new("wrong"));
    let server = right.server("prometheus").server_config(None);
    let upstream = Upstream::start_tls(good(), server).await;

    let ca = file(&folder, "ca.crt", &wrong.pem());
    let leadsman = with_settings(&upstream, &format!("tls: {{caFile: {ca}}}")).await;
    fails(&leadsman, &["certificate|UnknownIssuer|unknown issuer"]).await;
    assert_eq!(upstream.queries(), 0);
    file(&folder, "ca.crt", &right.pem());
    works(&leadsman).await;

    let system = with_settings(&upstream, "timeout: 1s").await;
    fails(&system, &["certificate|UnknownIssuer|unknown issuer"]).await;
    let careless = with_settings(&upstream, "tls: {insecureSkipVerify: true}").await;
    works(&careless).await;
}

#[tokio::test]
async fn a_client_certificate_is_presented_and_reloaded() {
    let folder = TempDir::new().expect("a folder");
    let (known, unknown) = (Authority::new("known"), Authority::new("unknown"));
    let server = known.server("prometheus").server_config(Some(&known));
    let upstream = Upstream::start_tls(good(), server).await;
    let ca = file(&folder, "ca.crt", &known.pem());
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));

    let bare = with_settings(&upstream, &format!("tls: {{caFile: {ca}}}")).await;
    fails(&bare, &[]).await;
    assert_eq!(upstream.queries(), 0);

    unknown.client("leadsman").write(&certificate, &key);
    let settings = format!(
        "tls: {{caFile: {ca}, certFile: {}, keyFile: {}}}",
        certificate.display(),
        key.display()
    );
    let leadsman = with_settings(&upstream, &settings).await;
    fails(&leadsman, &[]).await;
    assert_eq!(upstream.queries(), 0);
    known.client("leadsman").write(&certificate, &key);
    works(&leadsman).await;
}

/// The arguments for a serving certificate.
fn tls<'a>(certificate: &'a Path, key: &'a Path) -> [&'a str; 4] {
    let text = |path: &'a Path| path.to_str().expect("a path in UTF-8");
    ["--tls-cert-file", text(certificate), "--tls-private-key-file", text(key)]
}

#[tokio::test]
async fn the_serving_certificate_is_the_one_in_its_file() {
    let folder = TempDir::new().expect("a folder");
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    old.server("leadsman").write(&certificate, &key);
    let upstream = Upstream::start(good()).await;
    let config = Config::shop(&upstream.url()).mapping(mapping());
    let leadsman = Leadsman::start_with(&config, &tls(&certificate, &key)).await;
    let path = paths::pods("shop", METRIC);
    let answer = leadsman.get_trusting(&path, &old.pem()).await;
    answer.expect("an answer to who trusts it").ok();
    assert!(leadsman.get_trusting(&path, &new.pem()).await.is_err());

    // An unusable certificate is not used, and the last good one stays in use.
    replace(&certificate, "no certificate");
    assert_eq!(leadsman.get_trusting("/livez", &old.pem()).await.expect("an answer").status, 200);
    new.server("leadsman").write(&certificate, &key);
    eventually("the new certificate", Duration::from_secs(75), async || {
        leadsman.get_trusting("/livez", &new.pem()).await
    })
    .await;
    assert!(leadsman.get_trusting(&path, &old.pem()).await.is_err());
    leadsman.get(&path).await.ok();
}

#[tokio::test]
async fn an_unusable_serving_certificate_is_reported() {
    let folder = TempDir::new().expect("a folder");
    let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
    let authority = Authority::new("authority");
    authority.server("one").write(&certificate, &key);
    replace(&key, &authority.server("other").key);
    let config = Config::shop("http://127.0.0.1:9").mapping(mapping());
    let refused = async || {
        let launched = Leadsman::launch(&config, &tls(&certificate, &key)).await;
        let Err(exited) = launched else { panic!("it serves") };
        assert!(!exited.status.success());
        exited.assert_contains(&["tls.key|tls.crt"]);
    };
    refused().await;
    std::fs::remove_file(&key).expect("the key is there");
    refused().await;
}

#[tokio::test]
async fn requests_in_flight_complete_before_the_end() {
    let upstream = Upstream::start(good().after(Duration::from_millis(600))).await;
    let steady = Mapping::pods(METRIC).query("q", r#"load{namespace="${namespace}"}"#);
    let leadsman = Leadsman::start(Config::shop(&upstream.url()).mapping(steady)).await;
    let path = paths::pods("shop", METRIC);
    let reading = leadsman.get(&path);
    let terminating = async {
        upstream.wait_for_requests(1).await;
        leadsman.terminate();
    };
    let (answer, ()) = tokio::join!(reading, terminating);
    assert_eq!(answer.value(), "1");
    let begin = Instant::now();
    assert_eq!(leadsman.exit().await.code(), Some(0));
    assert!(begin.elapsed() < Duration::from_secs(15), "{:?}", begin.elapsed());
}
