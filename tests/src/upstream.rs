//! A fake Prometheus, which can fail on the wire in ways that a real one cannot.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::BufStream;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::reply::Reply;
use crate::wire::{self, Request, Response, Stream};

type Respond = Arc<dyn Fn(&Request) -> Reply + Send + Sync>;

/// A server with scripted replies that records its requests.
pub struct Upstream {
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    server: JoinSet<()>,
}

struct Shared {
    respond: Mutex<Respond>,
    required: Mutex<Option<(String, String)>>,
    requests: watch::Sender<Vec<Request>>,
    hang_ups: watch::Sender<usize>,
    bytes_read: AtomicU64,
    /// Requests that are being replied to.
    under_way: AtomicUsize,
    /// The most that there have been at once.
    most_at_once: AtomicUsize,
}

/// A request that is being replied to, counted until it is dropped.
struct UnderWay<'a>(&'a Shared);

const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

impl Upstream {
    /// Starts a server with the same reply to all requests.
    pub async fn start(reply: Reply) -> Self {
        Self::new(None, reply).await
    }

    /// The same over TLS.
    pub async fn start_tls(reply: Reply, config: Arc<ServerConfig>) -> Self {
        Self::new(Some(TlsAcceptor::from(config)), reply).await
    }

    /// The same without TLS, at every address of this machine: 127.0.1.1, 127.0.1.2 …, as that many pods.
    pub async fn start_everywhere(reply: Reply) -> Self {
        Self::bound("0.0.0.0:0", None, reply).await
    }

    /// The same over TLS.
    pub async fn start_everywhere_tls(reply: Reply, config: Arc<ServerConfig>) -> Self {
        Self::bound("0.0.0.0:0", Some(TlsAcceptor::from(config)), reply).await
    }

    async fn new(tls: Option<TlsAcceptor>, reply: Reply) -> Self {
        Self::bound("127.0.0.1:0", tls, reply).await
    }

    async fn bound(address: &str, tls: Option<TlsAcceptor>, reply: Reply) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Arc::new(Shared {
            respond: Mutex::new(always(reply)),
            required: Mutex::new(None),
            requests: watch::Sender::new(Vec::new()),
            hang_ups: watch::Sender::new(0),
            bytes_read: AtomicU64::new(0),
            under_way: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        });
        let mut server = JoinSet::new();
        server.spawn(serve(listener, tls.clone(), shared.clone()));
        Self { address, tls, shared, server }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Sets the reply.
    pub fn set_reply(&self, reply: Reply) {
        set(&self.shared.respond, always(reply));
    }

    /// Sets a function from request to reply.
    pub fn reply_with(&self, respond: impl Fn(&Request) -> Reply + Send + Sync + 'static) {
        set(&self.shared.respond, Arc::new(respond));
    }

    /// Requires this header; other requests get 401.
    pub fn require_header(&self, header: &str, value: &str) {
        set(&self.shared.required, Some((header.to_owned(), value.to_owned())));
    }

    /// Closes all connections and refuses new ones.
    pub async fn stop(&mut self) {
        self.server.shutdown().await;
    }

    /// Accepts connections again, at the same address.
    ///
    /// # Panics
    /// If another process has bytes_read the port.
    pub async fn restart(&mut self) {
        self.stop().await;
        let listener = TcpListener::bind(self.address).await.expect("the port is still free");
        self.server.spawn(serve(listener, self.tls.clone(), self.shared.clone()));
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.borrow().clone()
    }

    /// The number of queries so far.
    pub fn queries(&self) -> usize {
        let requests = self.shared.requests.borrow();
        requests.iter().filter(|request| request.path.contains("/api/v1/query")).count()
    }

    /// The last request.
    ///
    /// # Panics
    /// If there was no request.
    pub fn last_request(&self) -> Request {
        self.shared.requests.borrow().last().expect("a request").clone()
    }

    /// Waits until there have been this many requests.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_for_requests(&self, count: usize) {
        let mut requests = self.shared.requests.subscribe();
        let enough = requests.wait_for(|requests| requests.len() >= count);
        let waited = timeout(WAIT_TIMEOUT, enough).await.is_ok();
        assert!(waited, "{} requests instead of {count}", self.requests().len());
    }

    /// Waits until a client has closed a connection before the reply was complete. Returns the
    /// number of bytes of endless bodies that clients have read.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_for_disconnect(&self) -> u64 {
        let mut hang_ups = self.shared.hang_ups.subscribe();
        let waited = timeout(WAIT_TIMEOUT, hang_ups.wait_for(|&count| count > 0)).await.is_ok();
        assert!(waited, "the client did not hang up, and took {} bytes", self.bytes_read());
        self.bytes_read()
    }

    /// The most requests that were being replied to at once.
    pub fn most_at_once(&self) -> usize {
        self.shared.most_at_once.load(Ordering::SeqCst)
    }

    /// The number of bytes of endless bodies that clients have read.
    pub fn bytes_read(&self) -> u64 {
        self.shared.bytes_read.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn reply(&self, request: &Request) -> Reply {
        if let Some((header, value)) = &*lock(&self.required)
            && request.header(header) != Some(value)
        {
            return Reply::Complete(Response::new(401, "text/plain", "Unauthorized\n"));
        }
        let respond = lock(&self.respond).clone();
        respond(request)
    }
}

impl<'a> UnderWay<'a> {
    fn begin(shared: &'a Shared) -> Self {
        let now = shared.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        shared.most_at_once.fetch_max(now, Ordering::SeqCst);
        Self(shared)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::SeqCst);
    }
}

fn always(reply: Reply) -> Respond {
    Arc::new(move |_| reply.clone())
}

fn set<T>(mutex: &Mutex<T>, value: T) {
    *lock(mutex) = value;
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic of another test must not change the reply.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, shared) = (tls.clone(), shared.clone());
        connections.spawn(async move {
            match tls {
                None => serve_connection(stream, &shared).await,
                // Some tests make handshakes fail.
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve_connection(stream, &shared).await;
                    }
                }
            }
        });
        while connections.try_join_next().is_some() {}
    }
}

async fn serve_connection(stream: impl Stream, shared: &Shared) {
    let mut stream = BufStream::new(stream);
    while let Ok(Some(request)) = wire::read(&mut stream).await {
        let _under_way = UnderWay::begin(shared);
        let reply = shared.reply(&request);
        shared.requests.send_modify(|requests| requests.push(request));
        if reply.send(&mut stream, &shared.bytes_read).await.is_err() {
            shared.hang_ups.send_modify(|count| *count += 1);
            return;
        }
    }
}
