//! A load like that of the aggregator: concurrent requests on one HTTP/2 connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// The results of a load.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// The number of successful reads.
    pub reads: usize,
    /// The number of failed reads.
    pub failed: usize,
    /// The duration of the load.
    pub time: Duration,
    /// The median.
    pub p50: Duration,
    /// The 99th percentile.
    pub p99: Duration,
    /// The maximum.
    pub max: Duration,
}

impl Measured {
    /// Reads per second.
    #[allow(clippy::cast_precision_loss)]
    pub fn rate(&self) -> f64 {
        self.reads as f64 / self.time.as_secs_f64()
    }
}

/// An HTTP/2 connection.
pub struct Connection {
    sender: SendRequest<Empty<Bytes>>,
    authority: String,
    headers: Vec<(&'static str, String)>,
}

/// The identity of a client: a certificate with its key, in PEM, and headers.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// Certificate and key.
    pub identity: Option<(String, String)>,
    /// Headers of each request.
    pub headers: Vec<(&'static str, String)>,
}

impl Connection {
    /// Connects over TLS with HTTP/2, without verification of the server.
    ///
    /// # Panics
    /// If the connection fails.
    pub async fn open(address: SocketAddr) -> Self {
        Self::open_as(address, Reader::default()).await
    }

    /// The same with an identity.
    ///
    /// # Panics
    /// If the connection fails, or the certificate is invalid.
    pub async fn open_as(address: SocketAddr, reader: Reader) -> Self {
        let stream = connect(address, tls(reader.identity.as_ref(), H2)).await;
        let (sender, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
        #[allow(clippy::disallowed_methods, reason = "ends with the measurement")]
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Self { sender, authority: address.to_string(), headers: reader.headers }
    }

    /// Reads a path. Returns whether it succeeded, and the response time.
    ///
    /// # Panics
    /// If the connection is closed.
    pub async fn read(&self, path: &str) -> (bool, Duration) {
        self.read_with(path, &[]).await
    }

    /// The same with more headers.
    ///
    /// # Panics
    /// If the connection is closed.
    pub async fn read_with(&self, path: &str, headers: &[(&str, &str)]) -> (bool, Duration) {
        let mut request = hyper::Request::get(format!("https://{}{path}", self.authority))
            .header("accept", "application/json");
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::new()).expect("a request");
        let begun = Instant::now();
        let answer = self.sender.clone().send_request(request).await.expect("an answer");
        let ok = answer.status().is_success();
        answer.into_body().collect().await.expect("a body");
        (ok, begun.elapsed())
    }

    /// Reads the paths round robin for a time, `concurrency` at once.
    ///
    /// # Panics
    /// If the connection is closed.
    pub async fn load(self, paths: &[String], concurrency: usize, time: Duration) -> Measured {
        let next = AtomicUsize::new(0);
        let begun = Instant::now();
        let worker = || async {
            let mut times = Vec::new();
            let mut failed = 0;
            while begun.elapsed() < time {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let (ok, took) = self.read(&paths[at % paths.len()]).await;
                times.push(took);
                failed += usize::from(!ok);
            }
            (times, failed)
        };
        let done = join_all((0..concurrency).map(|_| worker())).await;
        let time = begun.elapsed();
        let failed = done.iter().map(|(_, failed)| failed).sum();
        let mut times: Vec<_> = done.into_iter().flat_map(|(times, _)| times).collect();
        times.sort_unstable();
        let at = |share: usize| times[(times.len() - 1) * share / 100];
        Measured {
            reads: times.len() - failed,
            failed,
            time,
            p50: at(50),
            p99: at(99),
            max: at(100),
        }
    }
}

/// What is agreed for HTTP/2.
const H2: &[&[u8]] = &[b"h2"];

/// A connection over TLS, without verification of the server, for what no client of a library sends. With
/// `http2` that is agreed, otherwise nothing is, which means HTTP/1.1.
///
/// # Panics
/// If the connection fails.
pub async fn stream(address: SocketAddr, http2: bool) -> TlsStream<TcpStream> {
    connect(address, tls(None, if http2 { H2 } else { &[] })).await
}

async fn connect(address: SocketAddr, tls: ClientConfig) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.expect("a server");
    stream.set_nodelay(true).expect("a socket");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(tls)).connect(name, stream).await.expect("TLS")
}

fn tls(identity: Option<&(String, String)>, protocols: &[&[u8]]) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(NoVerification(provider)));
    let mut config = match identity {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = CertificateDer::pem_slice_iter(certificate.as_bytes());
            let chain = chain.collect::<Result<_, _>>().expect("a certificate");
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
            config.with_client_auth_cert(chain, key).expect("a key of the certificate")
        }
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config
}

#[derive(Debug)]
struct NoVerification(Arc<CryptoProvider>);

impl ServerCertVerifier for NoVerification {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
