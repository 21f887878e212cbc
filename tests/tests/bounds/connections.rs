//! Clients without credentials that hold connections: they keep nobody out, and lose them soon.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use leadsman_tests::{HttpClient, Others};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use tokio_rustls::client::TlsStream;

use super::scene::{CLOSED, Scene, connect_from_elsewhere};

/// The preface of HTTP/2, and a first frame of settings, which is empty.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];

/// Makes silent connections to an address, fifty at a time.
async fn flood(
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    count: usize,
) -> Vec<TlsStream<TcpStream>> {
    let mut connecting = JoinSet::new();
    let mut open = Vec::new();
    for _ in 0..count {
        while connecting.len() >= 50 {
            open.extend(connecting.join_next().await.map(|stream| stream.expect("a stream")));
        }
        connecting.spawn(connect_from_elsewhere(address, tls.clone()));
    }
    open.extend(connecting.join_all().await);
    open
}

/// Waits until the other end closes a connection that says nothing any more.
async fn closes(what: &str, mut stream: impl AsyncRead + Unpin) -> Duration {
    let begin = Instant::now();
    let closed = timeout(CLOSED, async {
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    });
    assert!(closed.await.is_ok(), "{what}: open after {CLOSED:?}");
    begin.elapsed()
}

/// Sends a request's head byte by byte until the other end closes the connection.
async fn drips(what: &str, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let (reader, mut writer) = tokio::io::split(stream);
    writer.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx: ").await.expect("a start");
    let mut pace = interval(Duration::from_millis(200));
    let writing = async {
        loop {
            pace.tick().await;
            if writer.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = writing => {}
        _ = closes(what, reader) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_silent_connections_keep_nobody_out() {
    let scene = Scene::new().await;
    let path = Scene::path();
    assert_eq!(scene.leadsman.get(&path).await.value(), "1");
    let others = Others::reading(&scene.leadsman, &path).await;
    let flood = flood(scene.leadsman.api(), scene.tls.clone(), 2200);
    let mut flood = std::pin::pin!(flood);
    // While they come, and once all are there; each time by a new connection, as probes are made.
    let mut silent = None;
    for _ in 0..20 {
        let probe = async {
            let url = format!("https://{}/livez", scene.leadsman.api());
            let answer = timeout(Duration::from_secs(5), HttpClient::anonymous().get(&url)).await;
            let answer = answer.expect("an answer to a probe").expect("an answer to a probe");
            assert_eq!(answer.status, 200, "{answer:#?}");
        };
        match silent {
            Some(_) => probe.await,
            None => tokio::select! {
                open = flood.as_mut() => silent = Some(open),
                () = probe => {}
            },
        }
    }
    let silent = match silent {
        Some(silent) => silent,
        None => flood.await,
    };
    let answer = scene.leadsman.get(&path).await;
    assert_eq!(answer.value(), "1");
    assert!(answer.took < Duration::from_secs(2), "{answer:#?}");
    let open = scene.leadsman.metric("leadsman_connections", &[]).await.unwrap_or_default();
    assert!(open <= 510.0, "{open} connections are open, and 500 are stated for one address");
    scene.wait_closed("api", &["evicted", "first_request"], 1600.0).await;
    others.were_served().await;
    drop(silent);
}

/// Reads on a connection that stays open, as a reader without a certificate. The whole answer.
async fn read_on(stream: &mut TlsStream<TcpStream>, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("an open connection");
    let mut answer = Vec::new();
    loop {
        let read = stream.read_buf(&mut answer).await.expect("an open connection");
        let text = String::from_utf8_lossy(&answer).into_owned();
        assert!(read > 0, "closed after {text:?}");
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|length| length.parse().ok()).expect("a length");
        if body.len() >= length {
            return text;
        }
    }
}

/// Nobody is authorized without a cluster, so what a connection was used for is all that tells one
/// from another.
#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_take_no_place_of_a_reader_at_their_address() {
    let scene = Scene::new().await;
    let path = Scene::path();
    let (address, tls) = (scene.leadsman.api(), scene.tls.clone());
    let mut reader = connect_from_elsewhere(address, tls.clone()).await;
    let flood = flood(address, tls, 700);
    let mut flood = std::pin::pin!(flood);
    // An open connection is closed without a request for 10 s, so it is used while they come.
    let mut pace = interval(Duration::from_millis(100));
    let mut longest = Duration::ZERO;
    let silent = loop {
        let begun = Instant::now();
        let answer = read_on(&mut reader, &path).await;
        longest = longest.max(begun.elapsed());
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("web-0"), "{answer}");
        tokio::select! {
            open = flood.as_mut() => break open,
            _ = pace.tick() => {}
        }
    };
    let answer = read_on(&mut reader, &path).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("web-0"), "{answer}");
    scene.wait_closed("api", &["evicted", "first_request"], 190.0).await;
    assert!(longest < Duration::from_secs(5), "a read took {longest:?}");
    drop(silent);
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed_wherever_it_stops() {
    let scene = Scene::new().await;
    let silent = scene.connect().await;
    let without_handshake = TcpStream::connect(scene.leadsman.api()).await.expect("a connection");
    let mut half_preface = scene.connect_h2().await;
    half_preface.write_all(&PREFACE[..16]).await.expect("half a preface");
    let mut without_streams = scene.connect_h2().await;
    without_streams.write_all(PREFACE).await.expect("a preface");
    without_streams.write_all(SETTINGS).await.expect("settings");
    let mut half_head = scene.connect().await;
    half_head.write_all(b"GET /livez HTTP/1.1\r\n").await.expect("half a head");
    let dripping = scene.connect().await;
    tokio::join!(
        closes("after the handshake", silent),
        closes("before the handshake", without_handshake),
        closes("within the preface", half_preface),
        closes("after the settings", without_streams),
        closes("within the head", half_head),
        drips("a head in drips", dripping),
    );
    scene.wait_closed("api", &["handshake"], 1.0).await;
    scene.wait_closed("api", &["first_request"], 4.0).await;
}

/// A head that never ends is kept in memory, for each of the connections that there may be.
#[tokio::test]
async fn the_head_of_a_request_has_a_length() {
    let scene = Scene::new().await;
    let admin = TcpStream::connect(scene.leadsman.admin_address()).await.expect("a connection");
    tokio::join!(
        refuses_a_long_head("the secure port", scene.connect().await),
        refuses_a_long_head("the admin address", admin),
    );
}

/// Sends a head that does not end, within the time that one may take.
async fn refuses_a_long_head(what: &str, stream: impl AsyncRead + AsyncWrite + Unpin) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let begun = Instant::now();
    let writing = async {
        let head = b"GET /livez HTTP/1.1\r\nhost: localhost\r\nx: ";
        let filling = [b'x'; 4096];
        writer.write_all(head).await.expect("a start");
        // Far more than is stated, and less than hyper's default. The other end may close at any time.
        for _ in 0..64 {
            if writer.write_all(&filling).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    let reading = async {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = reader.read(&mut buffer).await {
            answer.extend_from_slice(&buffer[..read]);
        }
    };
    tokio::select! {
        () = writing => {}
        ended = timeout(CLOSED, reading) => assert!(ended.is_ok(), "{what}: open"),
    }
    let answer = String::from_utf8_lossy(&answer);
    // The connection may be reset before the answer has been read.
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{what}: {answer}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{what}: {:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_to_the_admin_address_are_closed_and_keep_no_scrape_out() {
    let scene = Scene::new().await;
    let address = scene.leadsman.admin_address();
    let others = Others::reading(&scene.leadsman, &Scene::path()).await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(address).await.expect("a connection"));
    }
    scene.wait_closed("admin", &["evicted"], 190.0).await;
    let last = silent.pop().expect("a connection");
    let dripping = TcpStream::connect(address).await.expect("a connection");
    tokio::join!(closes("silent", last), drips("a head in drips", dripping));
    scene.wait_closed("admin", &["first_request"], 2.0).await;
    others.were_served().await;
}
