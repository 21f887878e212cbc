//! Scalers of KEDA: another address with values of the same snapshot.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;

use super::options::ScalerOptions;
use super::{App, listen};
use leadsman_api::CurrentSnapshot;
use leadsman_scaler::ScalerState;
use leadsman_server::auth::{Auth, Clients};
use leadsman_server::{Certificate, Protocol};

impl App {
    /// Serves scalers of KEDA until the process ends; returns the address. `tls` is that of the API.
    pub(super) async fn serve_scaler(
        &mut self,
        options: &ScalerOptions,
        auth: Option<Arc<Auth>>,
        served: Arc<CurrentSnapshot>,
        tls: Arc<ServerConfig>,
    ) -> anyhow::Result<SocketAddr> {
        let tls = match &options.tls {
            Some((cert, key)) => {
                Arc::new(Certificate::files(cert.clone(), key.clone())?.server_config()?)
            }
            None => tls,
        };
        let clients = match auth {
            Some(auth) => Some(Clients::new(auth, options.client_authority.clone())?),
            None => None,
        };
        let (listener, address) = listen(&[options.address]).await?;
        let router = leadsman_scaler::router(ScalerState {
            served,
            clients,
            metrics: self.runtime.metrics.clone(),
            tasks: self.runtime.tasks.clone(),
            across_namespaces: options.across_namespaces,
        });
        self.serve(listener, Protocol::Grpc(tls), router);
        Ok(address)
    }
}
