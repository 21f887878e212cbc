//! A kube-apiserver for tests, whose answers are those of a router.

use axum::Router;
use kube::{Client, Config};
use tokio::task::JoinSet;

use super::Cluster;

/// Serves a router for as long as `server` exists, and connects to it.
pub(super) async fn serve(server: &mut JoinSet<std::io::Result<()>>, router: Router) -> Cluster {
    leadsman_runtime::tls::install_provider();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    server.spawn(async { axum::serve(listener, router).await });
    let mut config = Config::new(url.parse().unwrap());
    config.default_retry = false;
    Cluster::of(Client::try_from(config).unwrap())
}

/// A cluster whose router runs in the task that asks, so that its panics are those of that task.
pub(super) fn in_its_task(router: Router) -> Cluster {
    Cluster::of(Client::new(router, "default"))
}
