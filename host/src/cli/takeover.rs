//! `leadsman takeover`

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use leadsman::app::ServiceName;
use leadsman::takeover::TakeoverOptions;
use leadsman_delegate::Api;

use super::{config_map, origin};

#[derive(Debug, Args)]
pub(crate) struct Takeover {
    /// The API group that is taken over.
    #[arg(long, value_enum)]
    api: Group,
    /// The Service that it is taken from. Whichever serves it if left out.
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    from: Option<ServiceName>,
    /// The Service of this adapter. `leadsman` in the namespace of the pod, or of the kubeconfig's
    /// context, if left out.
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    service: Option<ServiceName>,
    /// The port of that Service. Its port `https`, or its first, if left out.
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// The adapter's configuration, whose delegates must pass on what is not served here.
    #[arg(long, value_name = "FILE", conflicts_with = "config_map")]
    config: Option<PathBuf>,
    /// The configuration in a ConfigMap, under the key `config.yaml`.
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = config_map)]
    config_map: Option<(String, String)>,
    /// Pass nothing on: what this adapter does not serve itself will be gone.
    #[arg(long)]
    without_delegate: bool,
    /// PEM file with the authority of this adapter's certificate. If left out, the one that an APIService
    /// of its own trusts, or that of its Secret NAME-ca.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Say what was found and what would be done, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Give back what was taken over.
    #[arg(long, conflicts_with_all = ["from", "config", "config_map", "without_delegate", "ca_file"])]
    pub(crate) undo: bool,
    /// The cluster, for a process that is not a pod of it.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Values for objects.
    #[value(name = "custom.metrics.k8s.io")]
    Custom,
    /// Items with labels.
    #[value(name = "external.metrics.k8s.io")]
    External,
    /// cpu and memory of nodes and pods.
    #[value(name = "metrics.k8s.io")]
    Resource,
}

impl Takeover {
    /// As the library has it.
    pub(crate) fn options(&self) -> TakeoverOptions {
        TakeoverOptions {
            kubeconfig: self.kubeconfig.clone(),
            api: match self.api {
                Group::Custom => Api::Custom,
                Group::External => Api::External,
                Group::Resource => Api::Resource,
            },
            from: self.from.clone(),
            service: self.service.clone(),
            port: self.port,
            config: origin(self.config.as_ref(), self.config_map.as_ref()),
            without_delegate: self.without_delegate,
            ca_file: self.ca_file.clone(),
            dry_run: self.dry_run,
        }
    }
}
