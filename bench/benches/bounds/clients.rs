//! Attacking clients: many readers, and silent connections.

use std::net::SocketAddr;
use std::sync::Arc;

use super::scene::Scene;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The number of concurrent reads of an attack.
const CONCURRENCY: usize = 16;

/// Reads `count` paths concurrently on one connection, and ignores the responses.
pub(super) async fn read_all(scene: &Scene, count: usize, path: fn(usize) -> String) {
    let connection = Arc::new(scene.connect().await);
    let mut readers = JoinSet::new();
    for first in 0..CONCURRENCY {
        let connection = connection.clone();
        readers.spawn(async move {
            for number in (first..count).step_by(CONCURRENCY) {
                connection.read(&path(number)).await;
            }
        });
    }
    readers.join_all().await;
}

/// Opens `count` connections that send nothing, not even a TLS handshake. They stay open until the
/// returned value is dropped.
pub(super) async fn silent(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        // A refused connection shows that the bound holds.
        connections.extend(TcpStream::connect(address).await.ok());
    }
    connections
}
