//! Attacking clients: many readers, and connections that are silent, flooded or not read.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use leadsman_bench::load::{Connection, Reader, stream};
use leadsman_tests::{Flood, read_pipelined};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::configs;
use super::scene::Scene;

/// The number of concurrent reads of an attack.
const CONCURRENCY: usize = 16;

/// Reads `count` paths concurrently on one connection, and ignores the responses.
pub(super) async fn read_all(scene: &Scene, count: usize, path: fn(usize) -> String) {
    read_each(scene, count, path).await;
}

/// The same. Returns whether each read succeeded, and the response time.
pub(super) async fn read_each(
    scene: &Scene,
    count: usize,
    path: fn(usize) -> String,
) -> Vec<(bool, Duration)> {
    let connection = Arc::new(scene.connect().await);
    let mut readers = JoinSet::new();
    for first in 0..CONCURRENCY {
        let connection = connection.clone();
        readers.spawn(async move {
            let mut reads = Vec::new();
            for number in (first..count).step_by(CONCURRENCY) {
                reads.push(connection.read(&path(number)).await);
            }
            reads
        });
    }
    readers.join_all().await.concat()
}

/// For how long connections are held.
const HELD: Duration = Duration::from_secs(3);

/// Opens connections that send nothing, not even a TLS handshake, and holds them.
pub(super) async fn silent_connections(address: SocketAddr, count: usize) {
    let silent = silent(address, count).await;
    sleep(HELD).await;
    drop(silent);
}

async fn silent(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        // A refused connection shows that the bound holds.
        connections.extend(TcpStream::connect(address).await.ok());
    }
    connections
}

/// Holds the admin port, while it is scraped.
pub(super) async fn hold_the_admin_port(scene: &Scene) {
    let silent = silent(scene.leadsman.admin_address(), 300).await;
    let (end, mut slowest) = (Instant::now() + HELD, Duration::ZERO);
    while Instant::now() < end {
        let begun = Instant::now();
        scene.leadsman.metrics().await;
        slowest = slowest.max(begun.elapsed());
        sleep(Duration::from_millis(100)).await;
    }
    println!("{:<34}the slowest scrape took {slowest:.1?}", "");
    assert!(slowest < Duration::from_secs(1), "a scrape took {slowest:?}");
    drop(silent);
}

/// Floods of each kind, on eight connections each, half of which take no answers.
pub(super) async fn frames(scene: &Scene) {
    let path = configs::selector(0);
    let mut taken = Vec::new();
    for flood in Flood::ALL {
        let mut flooding = JoinSet::new();
        for number in 0..8 {
            let connection = stream(scene.leadsman.api(), true).await;
            let path = path.clone();
            flooding.spawn(
                async move { flood.send(connection, &path, 100_000, number % 2 == 0).await },
            );
        }
        let frames: u32 = flooding.join_all().await.iter().sum();
        taken.push(format!("{flood:?} {frames}"));
    }
    println!("{:<34}frames: {}", "", taken.join(", "));
}

/// Asks for long lists on many connections, and reads none.
pub(super) async fn take_nothing(scene: &Scene) {
    let mut held = Vec::new();
    for number in 0..200 {
        let mut connection = stream(scene.leadsman.api(), false).await;
        let requests: String = (0..20)
            .map(|request| {
                let path = configs::unknown_parameter(20 * number + request);
                format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")
            })
            .collect();
        // One that was closed for the next one shows that the bound holds.
        if connection.write_all(requests.as_bytes()).await.is_ok() {
            held.push(connection);
        }
    }
    sleep(HELD).await;
    drop(held);
}

/// Reads with tokens that there are not, as users that may not read, and as nobody, each of another
/// namespace: no decision is known.
pub(super) async fn undecided(scene: &Scene) {
    const READS: usize = 2000;
    let anonymous = Connection::open(scene.leadsman.api()).await;
    let proxy = Reader { identity: Some(scene.front_proxy()), ..Reader::default() };
    let proxy = Connection::open_as(scene.leadsman.api(), proxy).await;
    let (anonymous, proxy) = (Arc::new(anonymous), Arc::new(proxy));
    let path =
        |number: usize| format!("/apis/external.metrics.k8s.io/v1beta1/namespaces/n{number}/x");
    let mut readers = JoinSet::new();
    for first in 0..CONCURRENCY {
        let (anonymous, proxy) = (anonymous.clone(), proxy.clone());
        readers.spawn(async move {
            let mut served = 0;
            for number in (first..READS).step_by(CONCURRENCY) {
                let (path, token) = (path(number), format!("Bearer made-up-{number}"));
                let user = format!("user-{number}");
                for (ok, _) in [
                    anonymous.read_with(&path, &[("authorization", token.as_str())]).await,
                    anonymous.read(&path).await,
                    proxy.read_with(&path, &[("x-remote-user", user.as_str())]).await,
                ] {
                    served += usize::from(ok);
                }
            }
            served
        });
    }
    let served: usize = readers.join_all().await.iter().sum();
    assert_eq!(served, 0, "reads of those who may not");
}

/// 1,200,000 reads on connections that stay open.
pub(super) async fn a_great_many(scene: &Scene) {
    const CONNECTIONS: usize = 8;
    let mut reading = JoinSet::new();
    for number in 0..CONNECTIONS {
        let connection = stream(scene.leadsman.api(), false).await;
        let path = configs::selector(number);
        reading.spawn(async move {
            read_pipelined(connection, &path, 1_200_000 / CONNECTIONS).await;
        });
    }
    reading.join_all().await;
}

/// Selectors, query strings and loops, with as many readers each.
pub(super) async fn at_once(scene: &Scene) {
    tokio::join!(
        read_all(scene, 200, configs::long_selector),
        read_all(scene, 1024, configs::unknown_parameter),
        read_all(scene, 5000, configs::selector),
        read_all(scene, 160, configs::looping),
    );
}
