//! Why the process cannot start.

use std::net::SocketAddr;

use leadsman_cluster::ConnectError;
use leadsman_config::ConfigReadError;
use leadsman_document::Faults;

/// Why the process cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigReadError),
    /// The configuration has faults, and there is no last good one.
    #[error("the configuration has faults")]
    Faults(Vec<Faults>),
    /// An address that other machines can reach, without authentication.
    #[error(
        "values would be served on {address}, which other machines can reach, and without a cluster \
         nobody can say who may read; use a loopback address such as 127.0.0.1, or name a cluster \
         with --kubeconfig"
    )]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// Users of a cluster are to see the page, and there is none to ask.
    #[error(
        "--admin-auth=cluster lets users of the cluster see the page, and there is no cluster to ask \
         who they are: name one with --kubeconfig, or leave the flag out"
    )]
    NoClusterForPage,
    /// The cluster cannot be connected to.
    #[error(transparent)]
    Cluster(#[from] ConnectError),
    /// Another cause.
    #[error(transparent)]
    Other(#[from] anyhow::Error),
}
