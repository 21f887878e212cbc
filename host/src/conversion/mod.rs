//! ScaledObjects of files, of the standard input or of a cluster, and what they are converted to.
//!
//! A cluster is read with the rights of the user who asks. Secrets are not among what is read.

mod cluster;
mod files;
mod output;

use std::path::PathBuf;

use leadsman_cluster::{Cluster, ConnectError};
use leadsman_convert::{Conversion, ConversionSettings, Manifests};

pub use output::{Form, WriteError, to_folder, to_text};

/// What is converted, and how.
#[derive(Debug, Clone, Default)]
pub struct ConvertOptions {
    /// Files and folders; `-` is the standard input.
    pub paths: Vec<PathBuf>,
    /// Whether a cluster is read.
    pub cluster: bool,
    /// The cluster; `None` for the one that this process is a pod of.
    pub kubeconfig: Option<PathBuf>,
    /// The only namespace of the cluster that is read, and that of objects in files that name none.
    pub namespace: Option<String>,
    /// How objects are converted.
    pub settings: ConversionSettings,
}

/// Why nothing was converted.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// There is no way to the cluster.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// There is no cluster.
    #[error("there is no cluster to read: this is no pod; name one with --kubeconfig")]
    NoCluster,
    /// ScaledObjects cannot be read.
    #[error("cannot read {what}: {reason}")]
    Read {
        /// What.
        what: String,
        /// Why.
        reason: String,
    },
}

/// Reads everything and converts it. What cannot be read of several things is a fault of the conversion.
pub async fn convert(options: &ConvertOptions) -> Result<Conversion, ConvertError> {
    let namespace = options.namespace.as_deref();
    let mut manifests = Manifests::new(namespace.unwrap_or("default"));
    files::read(&options.paths, &mut manifests);
    if options.cluster {
        let cluster = Cluster::connect(options.kubeconfig.as_deref()).await?;
        let cluster = cluster.ok_or(ConvertError::NoCluster)?;
        cluster::read(&cluster, namespace, &mut manifests).await?;
    }
    if manifests.is_empty() && manifests.faults.is_empty() {
        manifests.fault("there is no ScaledObject in what was read".to_owned());
    }
    Ok(leadsman_convert::convert(&manifests, &options.settings))
}
