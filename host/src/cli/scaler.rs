//! Flags of the address for scalers of KEDA.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use leadsman::app::ScalerOptions;

#[derive(Debug, Args)]
pub(crate) struct ScalerFlags {
    /// Serve scalers of KEDA on this address: the external scaler (gRPC), and JSON for the trigger
    /// `metrics-api`. With TLS; every call is authenticated by a client certificate or a bearer token, and
    /// gets what its client may read through the API. Not served if left out.
    #[arg(long, value_name = "ADDRESS")]
    scaler_address: Option<SocketAddr>,
    /// PEM file with the certificate for scalers, and the chain below it. Read again when it changes. That of
    /// the API if left out.
    #[arg(
        long,
        value_name = "FILE",
        requires = "scaler_tls_private_key_file",
        requires = "scaler_address"
    )]
    scaler_tls_cert_file: Option<PathBuf>,
    /// PEM file with the key of that certificate.
    #[arg(long, value_name = "FILE", requires = "scaler_tls_cert_file")]
    scaler_tls_private_key_file: Option<PathBuf>,
    /// PEM file with an authority of client certificates, beside that of the cluster. A certificate's common
    /// name is the user and its organizations are the groups, whose rights decide; names that begin with
    /// `system:` are refused. Read again when it changes.
    #[arg(long, value_name = "FILE", requires = "scaler_address")]
    scaler_client_ca_file: Option<PathBuf>,
    /// Let triggers name other namespaces than that of their ScaledObject, and objects that live in none. Only
    /// if whoever may write a ScaledObject may read all that KEDA may.
    #[arg(long, requires = "scaler_address")]
    scaler_across_namespaces: bool,
}

impl ScalerFlags {
    /// The options; `None` if scalers are not served.
    pub(crate) fn options(self) -> Option<ScalerOptions> {
        Some(ScalerOptions {
            address: self.scaler_address?,
            tls: self.scaler_tls_cert_file.zip(self.scaler_tls_private_key_file),
            client_authority: self.scaler_client_ca_file,
            across_namespaces: self.scaler_across_namespaces,
        })
    }
}
