//! The floor: a single-threaded server that only serializes a response of ten items. Its cost is
//! that of axum, hyper and rustls, which is a lower bound for the adapter with the same libraries.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// Prints the address and serves until the process is killed.
///
/// # Panics
/// If the server cannot be started.
pub fn serve() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        let acceptor = TlsAcceptor::from(Arc::new(tls()));
        let router = Router::new().route("/{*path}", get(answer));
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("a socket");
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let service = TowerToHyperService::new(router.clone());
            #[allow(clippy::disallowed_methods, reason = "ends with the process")]
            tokio::spawn(async move {
                let server = auto::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
}

async fn answer() -> ([(&'static str, &'static str); 1], String) {
    let item = |at: u32| {
        json!({
            "describedObject": {"kind": "Pod", "namespace": "ns0", "name": format!("app0-{at}"), "apiVersion": "/v1"},
            "metric": {"name": "http_requests_per_second"},
            "timestamp": "2023-09-18T06:23:19Z",
            "value": format!("{}m", 1000 + at),
        })
    };
    let list = json!({
        "kind": "MetricValueList", "apiVersion": "custom.metrics.k8s.io/v1beta2", "metadata": {},
        "items": (0..10).map(item).collect::<Vec<_>>(),
    });
    ([("content-type", "application/json")], list.to_string())
}

fn tls() -> ServerConfig {
    let made =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a certificate");
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}
