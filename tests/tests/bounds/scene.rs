//! An adapter over TLS with a metric, and connections to it as they are on the wire.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use leadsman_tests::{Authority, Config, Leadsman, Mapping, Reply, Upstream, eventually, paths};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tempfile::TempDir;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(super) const METRIC: &str = "load";

/// How long a connection that is of no use may stay: 10 s are stated for each phase.
pub(super) const CLOSED: Duration = Duration::from_secs(20);

/// Where a flood of connections comes from.
const ELSEWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)), 0);

pub(super) struct Scene {
    pub(super) leadsman: Leadsman,
    pub(super) tls: Arc<ClientConfig>,
    _upstream: Upstream,
    _folder: TempDir,
}

impl Scene {
    pub(super) async fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let authority = Authority::new("authority");
        let (certificate, key) = (folder.path().join("tls.crt"), folder.path().join("tls.key"));
        authority.server("leadsman").write(&certificate, &key);
        let upstream = Upstream::start(Reply::pods(&[("web-0", "1")])).await;
        let mapping = Mapping::pods(METRIC).query("q", r#"load{namespace="${namespace}"}"#);
        let config = Config::shop(&upstream.url()).mapping(mapping);
        let text = |path: &Path| path.display().to_string();
        let (certificate, key) = (text(&certificate), text(&key));
        let arguments = ["--tls-cert-file", &certificate, "--tls-private-key-file", &key];
        let leadsman = Leadsman::start_with(config, &arguments).await;
        let tls = authority.client_config();
        Self { leadsman, tls, _upstream: upstream, _folder: folder }
    }

    /// Where the metric of the pods of the namespace is read.
    pub(super) fn path() -> String {
        paths::pods("shop", METRIC)
    }

    /// A connection of which the handshake is done.
    pub(super) async fn connect(&self) -> TlsStream<TcpStream> {
        connect(self.leadsman.api(), self.tls.clone(), &[]).await
    }

    /// The same for HTTP/2.
    pub(super) async fn connect_h2(&self) -> TlsStream<TcpStream> {
        connect(self.leadsman.api(), self.tls.clone(), &[b"h2"]).await
    }

    /// Waits until this many connections were closed for these reasons.
    pub(super) async fn wait_closed(&self, listener: &str, reasons: &[&str], count: f64) {
        let name = "leadsman_connections_closed_total";
        eventually("closed connections", CLOSED, async || {
            let mut closed = 0.0;
            for reason in reasons {
                let labels = [("listener", listener), ("reason", *reason)];
                closed += self.leadsman.metric(name, &labels).await.unwrap_or_default();
            }
            if closed >= count { Ok(()) } else { Err(format!("{closed} for {reasons:?}")) }
        })
        .await;
    }
}

async fn connect(
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    protocols: &[&[u8]],
) -> TlsStream<TcpStream> {
    let mut tls = ClientConfig::clone(&tls);
    tls.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(address).await.expect("a connection");
    handshake(stream, tls).await
}

/// A connection from an address that is not that of the probes, as a kubelet's is not.
pub(super) async fn connect_from_elsewhere(
    address: SocketAddr,
    tls: Arc<ClientConfig>,
) -> TlsStream<TcpStream> {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(ELSEWHERE).expect("a loopback address");
    let stream = socket.connect(address).await.expect("a connection");
    handshake(stream, ClientConfig::clone(&tls)).await
}

async fn handshake(stream: TcpStream, tls: ClientConfig) -> TlsStream<TcpStream> {
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    TlsConnector::from(Arc::new(tls)).connect(name, stream).await.expect("a handshake")
}
