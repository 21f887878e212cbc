//! Responses of registries, on the wire: the challenge on the first line (none if it is empty),
//! then bodies between lines of `----`. The first is the manifest that is pulled, the second the
//! list of referrers, the third the manifest under cosign's tag; each is also served by its digest.
//! `$3` is replaced by the digest of the fourth; a body can refer only to later ones.
#![no_main]

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use leadsman_oci::{Access, Digest, PublicKey, Reference, Registry, RegistryCredentials, verify};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

/// A public key whose private key does not exist.
const KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEF/0+oiq/z0/aIQYEUxMVPr/eoCxB
2bRnl6gJ5EZ8Sixkj86eCsARXSIggApMhNP6x/byb1KeMBtJP36cBysgFg==
-----END PUBLIC KEY-----
";

/// The media type of a list of referrers; a manifest contains its own.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// More bodies than one artifact can refer to.
const MAX_BODIES: usize = 12;

#[derive(Default)]
struct Answers {
    challenge: String,
    /// Selects the body by the end of the path.
    bodies: HashMap<String, String>,
}

struct Wire {
    runtime: Runtime,
    registry: Registry,
    reference: Reference,
    keys: Vec<PublicKey>,
    answers: Arc<Mutex<Answers>>,
    /// The server. It runs while a request is awaited.
    _server: JoinSet<()>,
}

static WIRE: LazyLock<Wire> = LazyLock::new(|| match wire() {
    Ok(wire) => wire,
    Err(error) => panic!("{error}"),
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (challenge, bodies) = text.split_once('\n').unwrap_or_default();
    if HeaderValue::from_str(challenge).is_err() {
        return;
    }
    let mut bodies: Vec<String> =
        bodies.split("\n----\n").take(MAX_BODIES).map(str::to_owned).collect();
    for at in (0..bodies.len()).rev() {
        for other in (at + 1..bodies.len()).rev() {
            let digest = Digest::of(bodies[other].as_bytes()).to_string();
            bodies[at] = bodies[at].replace(&format!("${other}"), &digest);
        }
    }
    let Some(digest) = bodies.first().map(|body| Digest::of(body.as_bytes())) else { return };
    let mut paths = HashMap::new();
    for body in &bodies {
        paths.insert(Digest::of(body.as_bytes()).to_string(), body.clone());
    }
    for (path, at) in
        [(format!("referrers/{digest}"), 1), (format!("sha256-{}.sig", digest.hex()), 2)]
    {
        paths.extend(bodies.get(at).map(|body| (path, body.clone())));
    }
    let Wire { runtime, registry, reference, keys, answers, .. } = &*WIRE;
    let now = Answers { challenge: challenge.to_owned(), bodies: paths };
    *answers.lock().unwrap_or_else(PoisonError::into_inner) = now;
    runtime.block_on(async {
        if let Ok(plugin) = registry.pull(reference, &digest).await {
            assert!(bodies.iter().any(|body| body.as_bytes() == plugin));
        }
        assert!(verify(registry, reference, &digest, keys).await.is_err(), "a forged signature");
    });
});

fn wire() -> Result<Wire, Box<dyn std::error::Error>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let host = listener.local_addr()?;
    let reference: Reference = format!("{host}/a:1").parse()?;
    // With a static token, no token service is contacted: a challenge may name any host.
    let secret = format!(r#"{{"auths":{{"{host}":{{"registrytoken":"t"}}}}}}"#);
    let credentials = RegistryCredentials::for_registry(&secret, &reference)?;
    let registry = Registry::new(&Access {
        ca_file: None,
        plain_http: true,
        credentials: Some(credentials),
        max_bytes: 1 << 20,
        timeout: Duration::from_secs(4),
    })?;
    let answers = Arc::<Mutex<Answers>>::default();
    let mut server = JoinSet::new();
    server.spawn_on(serve(listener, answers.clone()), runtime.handle());
    let keys = PublicKey::from_pem(KEY)?;
    Ok(Wire { runtime, registry, reference, keys, answers, _server: server })
}

async fn serve(listener: TcpListener, answers: Arc<Mutex<Answers>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let answers = answers.clone();
        connections.spawn(async move {
            // A client that disconnects ends only its connection.
            let _ = connection(stream, &answers).await;
        });
    }
}

async fn connection(mut stream: TcpStream, answers: &Mutex<Answers>) -> std::io::Result<()> {
    let (reader, mut writer) = stream.split();
    let mut lines = BufReader::new(reader).lines();
    while let Some(first) = lines.next_line().await? {
        let mut authorized = false;
        while let Some(header) = lines.next_line().await?.filter(|line| !line.is_empty()) {
            authorized |= header.to_ascii_lowercase().starts_with("authorization:");
        }
        let path = first.split(' ').nth(1).unwrap_or_default();
        writer.write_all(answer(path, authorized, answers).as_bytes()).await?;
    }
    Ok(())
}

fn answer(path: &str, authorized: bool, answers: &Mutex<Answers>) -> String {
    let answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
    if !authorized && !answers.challenge.is_empty() {
        let challenge = &answers.challenge;
        return format!(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n"
        );
    }
    let found = answers.bodies.iter().find(|(end, _)| path.ends_with(end.as_str()));
    let Some((_, body)) = found else {
        return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned();
    };
    let kind = if path.contains("/referrers/") { INDEX } else { "application/octet-stream" };
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
