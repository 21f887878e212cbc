//! Who attacks: readers in numbers, and connections that say nothing.

use std::net::SocketAddr;
use std::sync::Arc;

use super::scene::Scene;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How many reads of an attack are under way at once.
const AT_ONCE: usize = 16;

/// Reads all these paths, so many at once, on one connection. What is answered does not matter.
pub(super) async fn read_all(scene: &Scene, count: usize, path: fn(usize) -> String) {
    let connection = Arc::new(scene.connect().await);
    let mut readers = JoinSet::new();
    for first in 0..AT_ONCE {
        let connection = connection.clone();
        readers.spawn(async move {
            for number in (first..count).step_by(AT_ONCE) {
                connection.read(&path(number)).await;
            }
        });
    }
    readers.join_all().await;
}

/// Opens so many connections that send nothing, not even a handshake, and holds those that are
/// accepted until the returned value is dropped.
pub(super) async fn silent(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut connections = Vec::with_capacity(count);
    for _ in 0..count {
        // One that is refused is a bound that holds.
        connections.extend(TcpStream::connect(address).await.ok());
    }
    connections
}
