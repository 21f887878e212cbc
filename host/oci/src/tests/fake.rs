//! A registry on the wire that answers whatever a test wants.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::Reference;

/// A server at a free port of the loopback.
pub(crate) struct Fake {
    address: String,
    asked: Arc<Mutex<Vec<ReceivedRequest>>>,
    _server: JoinSet<()>,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedRequest {
    /// The method and the path.
    pub(crate) line: String,
    /// What came as `Authorization`.
    pub(crate) authorization: Option<String>,
    /// The body.
    pub(crate) body: String,
}

/// A reply.
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    ending: Ending,
}

#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Whole,
    /// The length is not stated, and the body is sent again and again.
    Endless,
    /// More is announced than comes.
    Short,
    /// One byte comes after the other, slowly.
    Trickling,
    /// Nothing comes.
    Hanging,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), ending: Ending::Whole }
    }

    pub(crate) fn missing() -> Self {
        Self::new(404, r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#)
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn endless(self) -> Self {
        Self { ending: Ending::Endless, ..self }
    }

    pub(crate) fn short(self) -> Self {
        Self { ending: Ending::Short, ..self }
    }

    pub(crate) fn trickling(self) -> Self {
        Self { ending: Ending::Trickling, ..self }
    }

    pub(crate) fn hanging(self) -> Self {
        Self { ending: Ending::Hanging, ..self }
    }
}

impl Fake {
    pub(crate) async fn new(
        answer: impl Fn(&ReceivedRequest, &str) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (seen, own) = (Arc::clone(&asked), address.clone());
        let answer = Arc::new(answer);
        let mut server = JoinSet::new();
        server.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, own, answer) = (Arc::clone(&seen), own.clone(), Arc::clone(&answer));
                connections.spawn(async move {
                    let mut stream = BufReader::new(stream);
                    let Some(request) = read(&mut stream).await else { return };
                    seen.lock().unwrap().push(request.clone());
                    send(stream.into_inner(), &request, answer(&request, &own)).await;
                });
            }
        });
        Self { address, asked, _server: server }
    }

    /// One that holds what is written down in a folder.
    pub(crate) async fn holding(folder: &Path) -> Self {
        let folder = folder.to_owned();
        Self::new(move |asked, _| {
            let path = asked.line.split_once(' ').map_or("", |(_, path)| path);
            let name = path.rsplit('/').next().unwrap_or_default();
            let file = match name.split_once(':') {
                _ if !path.contains("/manifests/") => format!("blobs/{}", name.replace(':', "-")),
                Some((_, hex)) => format!("manifests/by-sha256-{hex}.json"),
                None => format!("manifests/{name}.json"),
            };
            match std::fs::read(folder.join(file)) {
                Ok(bytes) => Reply::new(200, bytes),
                Err(_) => Reply::missing(),
            }
        })
        .await
    }

    /// A reference to the repository of these tests.
    pub(crate) fn reference(&self, version: &str) -> Reference {
        format!("{}/plugins/rate{version}", self.address).parse().unwrap()
    }

    /// Its host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<ReceivedRequest> {
        self.asked.lock().unwrap().clone()
    }

    /// The first lines of what it was asked so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<ReceivedRequest> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|&length| length > 0)?;
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let header = |name: &str| {
        let mut fields = lines.iter().filter_map(|line| line.split_once(": "));
        fields.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let length = header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let line = lines.first()?.trim_end_matches(" HTTP/1.1").to_owned();
    let body = String::from_utf8(body).unwrap();
    Some(ReceivedRequest { line, authorization: header("authorization"), body })
}

async fn send(mut stream: TcpStream, request: &ReceivedRequest, reply: Reply) {
    if reply.ending == Ending::Hanging {
        return std::future::pending().await;
    }
    let mut head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if reply.ending != Ending::Endless {
        let missing = usize::from(reply.ending == Ending::Short);
        head.push_str(&format!("content-length: {}\r\n", reply.body.len() + missing));
    }
    head.push_str("\r\n");
    // The client may go away at any time.
    let mut sent = stream.write_all(head.as_bytes()).await;
    if request.line.starts_with("HEAD") {
        return;
    }
    match reply.ending {
        Ending::Whole | Ending::Short => drop(stream.write_all(&reply.body).await),
        Ending::Endless => {
            while sent.is_ok() {
                sent = stream.write_all(&reply.body).await;
            }
        }
        Ending::Trickling => {
            for byte in reply.body {
                if stream.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        Ending::Hanging => {}
    }
}
