//! A proxy in front of a Prometheus that records the queries that it passes on, and can refuse some.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Client;
use tokio::io::BufStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::wire::{self, Request, Response};

/// The proxy. It ends when it is dropped.
pub struct Recorder {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

struct Shared {
    target: String,
    http: Client,
    queries: Mutex<Vec<String>>,
    parents: Mutex<Vec<String>>,
    refused: Mutex<Vec<String>>,
}

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

impl Recorder {
    /// One in front of this URL.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn before(target: &str) -> Self {
        crate::crypto();
        let http = Client::builder().no_proxy().timeout(REQUEST_TIMEOUT).build().expect("a client");
        let target = target.trim_end_matches('/').to_owned();
        let (queries, parents, refused) = (Mutex::default(), Mutex::default(), Mutex::default());
        let shared = Arc::new(Shared { target, http, queries, parents, refused });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let mut server = JoinSet::new();
        server.spawn(serve(listener, shared.clone()));
        Self { address, shared, _server: server }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many queries there were so far.
    pub fn count(&self) -> usize {
        self.shared.queries().len()
    }

    /// The headers `traceparent` of the queries so far, of those that had one.
    pub fn parents(&self) -> Vec<String> {
        self.shared.parents.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on, a query with this text in it is answered as one that a Prometheus cannot execute.
    pub fn refuse(&self, text: &str) {
        let mut refused = self.shared.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.push(text.to_owned());
    }

    /// The queries after the first `count` ones.
    pub fn after(&self, count: usize) -> Vec<String> {
        self.shared.queries().iter().skip(count).cloned().collect()
    }
}

impl Shared {
    fn queries(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.queries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuses(&self, query: &str) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.iter().any(|text| query.contains(text.as_str()))
    }

    async fn pass(&self, request: &Request) -> Response {
        if let Some(query) = request.parameter("query") {
            self.queries().push(query.to_owned());
            if let Some(parent) = request.header("traceparent") {
                let mut parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
                parents.push(parent.to_owned());
            }
            if self.refuses(query) {
                let body =
                    r#"{"status":"error","errorType":"execution","error":"refused by a test"}"#;
                return Response::new(422, "application/json", body);
            }
        }
        let url = format!("{}{}", self.target, request.path);
        let sent = match request.method.as_str() {
            "POST" => self.http.post(url).form(&request.form),
            _ => self.http.get(url).query(&request.form),
        };
        let refused = |error: reqwest::Error| Response::new(502, "text/plain", error.to_string());
        let answer = match sent.send().await {
            Ok(answer) => answer,
            Err(error) => return refused(error),
        };
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type").and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or("application/json").to_owned();
        match answer.text().await {
            Ok(body) => Response::new(status, &kind, body),
            Err(error) => refused(error),
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, shared.clone()));
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let mut stream = BufStream::new(stream);
    while let Ok(Some(request)) = wire::read(&mut stream).await {
        if shared.pass(&request).await.send(&mut stream).await.is_err() {
            return;
        }
    }
}
