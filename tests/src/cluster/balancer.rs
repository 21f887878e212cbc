//! A load balancer in place of kubelet and kube-proxy: new connections go to a ready replica.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use crate::caller::HttpClient;
use crate::leadsman::Leadsman;

/// A load balancer in front of replicas.
pub struct Balancer {
    port: u16,
    replicas: Arc<watch::Sender<Vec<Replica>>>,
    tasks: JoinSet<()>,
}

struct Replica {
    address: SocketAddr,
    ready: bool,
}

/// The interval of readiness probes. For this time, a replica that shuts down still gets
/// connections.
const PROBE_INTERVAL: Duration = Duration::from_millis(250);
const READY_TIMEOUT: Duration = Duration::from_secs(20);

impl Balancer {
    /// A balancer without replicas.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let replicas = Arc::new(watch::Sender::new(Vec::new()));
        let mut tasks = JoinSet::new();
        tasks.spawn(balance(listener, replicas.clone()));
        Self { port, replicas, tasks }
    }

    /// Adds a replica and waits until it is ready.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn add(&mut self, leadsman: &Leadsman) {
        let address = leadsman.api();
        self.replicas.send_modify(|replicas| replicas.push(Replica { address, ready: false }));
        self.tasks.spawn(probe(address, self.replicas.clone()));
        let mut replicas = self.replicas.subscribe();
        let is_ready = |replica: &Replica| replica.address == address && replica.ready;
        let ready = replicas.wait_for(|replicas| replicas.iter().any(is_ready));
        assert!(timeout(READY_TIMEOUT, ready).await.is_ok(), "{address} is not ready");
    }

    /// Its port at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// Probes the readiness of a replica repeatedly.
async fn probe(address: SocketAddr, replicas: Arc<watch::Sender<Vec<Replica>>>) {
    let (caller, url) = (HttpClient::anonymous(), format!("https://{address}/readyz"));
    let mut ticks = interval(PROBE_INTERVAL);
    loop {
        ticks.tick().await;
        let ready = caller.get(&url).await.is_ok_and(|answer| answer.status == 200);
        replicas.send_if_modified(|replicas| {
            let known = replicas.iter_mut().find(|replica| replica.address == address);
            known.is_some_and(|replica| std::mem::replace(&mut replica.ready, ready) != ready)
        });
    }
}

/// Forwards each connection to the next ready replica, or closes it if there is none.
async fn balance(listener: TcpListener, replicas: Arc<watch::Sender<Vec<Replica>>>) {
    let mut connections = JoinSet::new();
    let mut next = 0;
    while let Ok((mut client, _)) = listener.accept().await {
        let ready: Vec<_> = {
            let replicas = replicas.borrow();
            replicas.iter().filter(|replica| replica.ready).map(|replica| replica.address).collect()
        };
        next += 1;
        let Some(&address) = ready.get(next % ready.len().max(1)) else { continue };
        connections.spawn(async move {
            if let Ok(mut server) = TcpStream::connect(address).await {
                // An error ends both connections, so both peers notice it.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            }
        });
        while connections.try_join_next().is_some() {}
    }
}
