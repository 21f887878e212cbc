//! The options of a process.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use leadsman_cluster::Cluster;
use leadsman_config::Flags;
use leadsman_control::ConfigOrigin;
use leadsman_server::registration::Service;

/// The options of a process.
#[derive(Debug, Clone)]
pub struct Options {
    /// The location of the configuration.
    pub config: ConfigOrigin,
    /// Settings of the command line that supplement it.
    pub flags: Flags,
    /// The folder for last good documents and plugins.
    pub cache: Option<PathBuf>,
    /// The cluster.
    pub cluster: ClusterOptions,
    /// The address of the API; `None` for all addresses if requests are authenticated, otherwise the
    /// loopback address.
    pub address: Option<IpAddr>,
    /// The port of the API; 0 for any that is free.
    pub port: u16,
    /// Certificate and key of the server; `None` to generate one.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The address of metrics and the status page.
    pub admin: SocketAddr,
    /// Who may see the page.
    pub admin_auth: AdminAuth,
    /// The address for scalers of KEDA; `None` to serve none.
    pub scaler: Option<ScalerOptions>,
    /// How long to serve after the shutdown was requested.
    pub shutdown_delay: Duration,
    /// How traces are made; `None` for none.
    pub traces: Option<leadsman_trace::TraceSettings>,
    /// Whether Events are written on autoscalers.
    pub autoscaler_events: bool,
}

/// Who may see the page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AdminAuth {
    /// This machine.
    #[default]
    ThisMachine,
    /// Users of the cluster who may `get` the path `/status`.
    Cluster,
}

/// How scalers of KEDA are served.
#[derive(Debug, Clone)]
pub struct ScalerOptions {
    /// The address.
    pub address: SocketAddr,
    /// Certificate and key; `None` for those of the API.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The authority of client certificates besides that of the cluster.
    pub client_authority: Option<PathBuf>,
    /// Whether a trigger may name what is not in the namespace of its ScaledObject.
    pub across_namespaces: bool,
}

/// The cluster of a process, and the Service in front of the process.
#[derive(Debug, Clone)]
pub enum ClusterOptions {
    /// None, even in a pod.
    Never,
    /// The cluster that this process is a pod of, or that of a kubeconfig.
    Connect {
        /// The kubeconfig; `None` for the cluster that this process is a pod of, if it is one.
        kubeconfig: Option<PathBuf>,
        /// The Service in front of it.
        service: Option<ServiceName>,
    },
}

/// The name of a Service, with or without its namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceName {
    namespace: Option<String>,
    name: String,
}

impl ServiceName {
    /// The Service, in this namespace if none is named.
    pub(crate) fn or_in(&self, namespace: &str) -> Service {
        let namespace = self.namespace.clone().unwrap_or_else(|| namespace.to_owned());
        Service { namespace, name: self.name.clone() }
    }
}

impl FromStr for ServiceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        for part in namespace.into_iter().chain([name]) {
            if !leadsman_model::names::is_dns_label(part) {
                return Err(format!("\"{part}\" is no name; expected [NAMESPACE/]NAME"));
            }
        }
        Ok(Self { namespace: namespace.map(str::to_owned), name: name.to_owned() })
    }
}

impl ClusterOptions {
    /// The Service whose certificate and APIServices this process reconciles. Outside of a pod only if
    /// it is named, so that a process that is started for a test does not change the cluster.
    pub(super) fn service(&self, cluster: &Cluster) -> Option<Service> {
        let Self::Connect { kubeconfig, service } = self else { return None };
        let named = match (service, kubeconfig) {
            (Some(service), _) => service.clone(),
            (None, None) => ServiceName { namespace: None, name: "leadsman".to_owned() },
            (None, Some(_)) => return None,
        };
        Some(named.or_in(cluster.namespace()))
    }
}

impl Options {
    /// The addresses to listen on, in order of preference.
    pub(super) fn addresses(&self, authenticated: bool) -> Vec<SocketAddr> {
        let at = |address: IpAddr| SocketAddr::from((address, self.port));
        match (self.address, authenticated) {
            (Some(address), _) => vec![at(address)],
            (None, false) => vec![at(Ipv4Addr::LOCALHOST.into())],
            // Both address families, if both are available.
            (None, true) => {
                vec![at(Ipv6Addr::UNSPECIFIED.into()), at(Ipv4Addr::UNSPECIFIED.into())]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_with_or_without_its_namespace() {
        let named = |text: &str| text.parse::<ServiceName>();
        let of = |namespace: Option<&str>| {
            Ok(ServiceName { namespace: namespace.map(str::to_owned), name: "leadsman".into() })
        };
        assert_eq!(named("leadsman"), of(None));
        assert_eq!(named("metrics/leadsman"), of(Some("metrics")));
        for bad in ["", "/leadsman", "a/b/c", "Leadsman", "metrics/"] {
            assert!(named(bad).is_err(), "{bad}");
        }
    }
}
