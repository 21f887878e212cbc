//! The harness itself: assumptions of the other tests.

use std::time::{Duration, Instant};

use leadsman_tests::{
    Authority, EXTRA_IMPORT, Exporter, HOSTILE, Prometheus, Reply, Upstream, core_module,
    other_world_component, oversized, table_grower,
};
use reqwest::Client;

fn client() -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build().expect("a client")
}

#[tokio::test]
async fn a_real_prometheus_scrapes_hangs_and_recovers() {
    let exporter = Exporter::start("load{pod=\"web-0\"} 1").await;
    let mut prometheus = Prometheus::scraping(&exporter.url()).await;
    let items = prometheus.wait_for("load == 1").await;
    assert_eq!(items[0]["metric"]["pod"], "web-0");
    exporter.set("load{pod=\"web-0\"} 2");
    prometheus.wait_for("load == 2").await;

    prometheus.pause().await;
    let ready = format!("{}/-/ready", prometheus.url());
    let hanging = client().get(&ready).timeout(Duration::from_millis(500)).send().await;
    assert!(hanging.is_err_and(|error| error.is_timeout()));
    prometheus.resume();
    prometheus.wait_for("load").await;

    prometheus.stop().await;
    assert!(client().get(&ready).send().await.is_err_and(|error| error.is_connect()));
    prometheus.restart().await;
    prometheus.wait_for("load == 2").await;
}

#[tokio::test]
async fn an_upstream_fails_as_scripted() {
    let mut upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
    let ask = async |upstream: &Upstream| {
        let url = format!("{}/api/v1/query", upstream.url());
        client().post(url).form(&[("query", "a + b")]).send().await
    };
    let body = ask(&upstream).await.expect("an answer").text().await.expect("a body");
    assert!(body.contains(r#""pod":"web-0""#), "{body}");
    assert_eq!(upstream.last_request().promql(), "a + b");
    assert_eq!((upstream.queries(), upstream.last_request().method.as_str()), (1, "POST"));

    upstream.set_reply(Reply::pods(&[("web-0", "1")]).truncated_body());
    assert!(ask(&upstream).await.expect("a head").text().await.is_err());
    let begin = Instant::now();
    upstream.set_reply(Reply::pods(&[]).after(Duration::from_millis(300)));
    ask(&upstream).await.expect("an answer");
    assert!(begin.elapsed() >= Duration::from_millis(300));

    upstream.require_header("authorization", "Bearer one");
    assert_eq!(ask(&upstream).await.expect("an answer").status(), 401);
    upstream.stop().await;
    assert!(ask(&upstream).await.is_err_and(|error| error.is_connect()));
    upstream.restart().await;
    assert_eq!(ask(&upstream).await.expect("an answer").status(), 401);
}

#[tokio::test]
async fn an_endless_body_counts_the_bytes_read() {
    let upstream = Upstream::start(Reply::Endless).await;
    let mut response = client().get(upstream.url()).send().await.expect("a head");
    let mut taken = 0;
    while taken < 4 << 20 {
        taken += response.chunk().await.expect("a chunk").expect("more").len() as u64;
    }
    drop(response);
    let told = upstream.wait_for_disconnect().await;
    assert!((taken / 2..taken + (16 << 20)).contains(&told), "{told} of {taken}");
}

#[tokio::test]
async fn an_upstream_requires_a_client_certificate() {
    let authority = Authority::new("clients");
    let server = authority.server("prometheus").server_config(Some(&authority));
    let upstream = Upstream::start_tls(Reply::pods(&[]), server).await;
    let identity = authority.client("leadsman");
    let pem = format!("{}{}", identity.certificate, identity.key);
    let identity = reqwest::Identity::from_pem(pem.as_bytes()).expect("an identity");
    let root = reqwest::Certificate::from_pem(authority.pem().as_bytes()).expect("a root");
    let trusting = Client::builder().no_proxy().tls_certs_only([root]);
    let known = trusting.identity(identity).build().expect("a client");
    assert!(known.get(upstream.url()).send().await.is_ok());
    assert!(client().get(upstream.url()).send().await.is_err());
    assert_eq!(upstream.requests().len(), 1);
}

#[test]
fn guests_are_what_their_names_say() {
    let component = [0x00, b'a', b's', b'm', 0x0d, 0x00, 0x01, 0x00];
    for bytes in [
        std::fs::read(HOSTILE).expect("a guest"),
        std::fs::read(EXTRA_IMPORT).expect("a guest"),
        other_world_component(),
        table_grower(),
        oversized(),
    ] {
        assert!(bytes.starts_with(&component));
    }
    let reaching = std::fs::read(EXTRA_IMPORT).expect("a guest");
    let import = b"acme:storage/keys@1.0.0";
    assert!(reaching.windows(import.len()).any(|window| window == import));
    assert!(core_module().starts_with(&[0x00, b'a', b's', b'm', 0x01]));
    assert!(oversized().len() > 8 << 20);
}
