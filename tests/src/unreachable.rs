//! A server that cannot be connected to.

use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// An address where no connection is ever made: what waits to be accepted there fills its queue.
#[derive(Debug)]
pub struct Unreachable {
    listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Unreachable {
    /// Takes a free port, and fills its queue.
    pub async fn start() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let listener = socket.listen(1).expect("a listener");
        let address = listener.local_addr().expect("a bound address");
        let mut waiting = Vec::new();
        let enough = Duration::from_millis(500);
        while let Ok(connected) = timeout(enough, TcpStream::connect(address)).await {
            waiting.push(connected.expect("a connection"));
        }
        Self { listener, _waiting: waiting }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.listener.local_addr().expect("a bound address"))
    }
}
