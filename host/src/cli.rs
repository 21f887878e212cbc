//! The command line.

mod access;
mod adapter;
mod convert;
#[cfg(test)]
mod documented;
mod explain;
mod foreign;
mod observability;
mod plugin;
mod plugin_tools;
mod rules;
mod scaler;
mod takeover;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use leadsman::app::{AdminAuth, ServiceName};
use leadsman_control::ConfigOrigin;
use leadsman_runtime::telemetry::LogFormat;

pub(crate) use adapter::AdapterFlags;
pub(crate) use convert::Convert;
pub(crate) use explain::{Explain, ExplainFlags, ExplainOutput, Try};
pub(crate) use foreign::translate;
pub(crate) use observability::ObservabilityFlags;
pub(crate) use plugin::{
    BuildPlugin, NewPlugin, Plugin, PluginLanguage, PluginTemplate, TestPlugin,
};
pub(crate) use plugin_tools::{
    BenchPlugin, DevPlugin, DiffPlugins, InspectPlugin, PullPlugin, PushPlugin, RunPlugin,
    SignPlugin,
};
pub(crate) use rules::{Output, Rules};
pub(crate) use scaler::ScalerFlags;
pub(crate) use takeover::Takeover;

/// A Kubernetes metrics adapter whose every metric mapping is a sandboxed WebAssembly plugin.
#[derive(Debug, Parser)]
#[command(name = "leadsman", version)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) logs: Logs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// How log lines are written, on standard error.
    #[arg(long, value_enum, default_value = "text", global = true)]
    pub(crate) log_format: LogFormat,
    /// What is logged: error, warn, info, debug, or a filter such as `info,plugin=debug`. `info`
    /// if left out, `warn` for demo, doctor, explain, plugin, try and takeover.
    #[arg(long, global = true)]
    pub(crate) log_level: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the custom and external metrics APIs.
    Serve(Box<Serve>),
    /// Check a configuration: prints every fault and warning with file and line, and exits with 1 if
    /// there is a fault.
    Check(Check),
    /// Play a recording of real users' cases through the adapter: no cluster needed.
    Demo(Demo),
    /// Say what stands between you and a scaled pod: looks at the APIServices, the adapter's pods
    /// and rights, the metrics that are served and the autoscalers that use them. Exits with 1 if
    /// anything does.
    Doctor(Doctor),
    /// Say why a metric has its value, and why an autoscaler wants the replicas that it wants: reads as
    /// its controller does, shows what the adapter did for it, repeats the arithmetic, and names what
    /// holds the result.
    #[command(subcommand)]
    Explain(Explain),
    /// Run a mapping once on its real source, without serving it.
    Try(Try),
    /// Say what rules of prometheus-adapter give: which metrics, for which objects, with which
    /// queries, and why a series is not served. Writes them as mappings, and compares what another
    /// adapter answers. Exits with 1 if anything is wrong or differs.
    Rules(Rules),
    /// Take an API group over from another adapter without a gap: says who serves it and who uses it,
    /// checks that a delegate passes on what is not served here, points the APIServices to this adapter,
    /// and keeps what was there before. --undo gives it back. Exits with 1 if it refuses to.
    Takeover(Takeover),
    /// Convert ScaledObjects of KEDA to a configuration and plain autoscalers, and say what cannot
    /// be kept of each. Exits with 1 if one is not written or cannot be read.
    Convert(Convert),
    /// Print the JSON schema of the configuration.
    Schema(Schema),
    /// Write, build, test and look at plugins.
    #[command(subcommand)]
    Plugin(Plugin),
}

/// The location of the configuration.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Origin {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The configuration in a ConfigMap, under the key `config.yaml`.
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = config_map)]
    pub(crate) config_map: Option<(String, String)>,
}

impl Origin {
    /// The location as the library's type. Exactly one of the two is set: clap checks that.
    pub(crate) fn origin(&self) -> ConfigOrigin {
        let origin = origin(self.config.as_ref(), self.config_map.as_ref());
        origin.unwrap_or_else(|| ConfigOrigin::File(PathBuf::new()))
    }
}

impl Doctor {
    /// The location of the configuration, if there is one.
    pub(crate) fn origin(&self) -> Option<ConfigOrigin> {
        origin(self.config.as_ref(), self.config_map.as_ref())
    }
}

fn origin(file: Option<&PathBuf>, config_map: Option<&(String, String)>) -> Option<ConfigOrigin> {
    match (file, config_map) {
        (_, Some((namespace, name))) => {
            Some(ConfigOrigin::ConfigMap { namespace: namespace.clone(), name: name.clone() })
        }
        (file, None) => file.cloned().map(ConfigOrigin::File),
    }
}

fn config_map(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        _ => Err("expected NAMESPACE/NAME".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) config: Origin,
    #[command(flatten)]
    pub(crate) adapter: AdapterFlags,
    /// The cluster whose teams' ConfigMaps are checked, too.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Exit with 1 for warnings, too.
    #[arg(long)]
    pub(crate) deny_warnings: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    #[command(flatten)]
    pub(crate) config: Origin,
    /// A folder of this process alone, made if it is not there. Compiled plugins are kept in it,
    /// and what was served: a start while registries are unavailable uses that.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// The port of the API; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 6443)]
    pub(crate) secure_port: u16,
    /// The address of the API. If left out: all addresses in a cluster, where every request is
    /// authenticated, and 127.0.0.1 elsewhere.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) bind_address: Option<IpAddr>,
    /// The cluster, for a process that is not a pod of it.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The Service in front of this process. Its APIServices are made to trust the certificate of this
    /// process; not used with a certificate of your own. `leadsman` in the pod's namespace if left out;
    /// outside a pod, none.
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    pub(crate) service: Option<ServiceName>,
    /// PEM file with the server's certificate, and the chain below it. Read again when it changes.
    #[arg(long, value_name = "FILE", requires = "tls_private_key_file")]
    pub(crate) tls_cert_file: Option<PathBuf>,
    /// PEM file with the key of the server's certificate.
    #[arg(long, value_name = "FILE", requires = "tls_cert_file")]
    pub(crate) tls_private_key_file: Option<PathBuf>,
    /// How long to serve on, not ready, after SIGTERM: until the cluster sends requests elsewhere.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = leadsman_document::parse_duration)]
    pub(crate) shutdown_delay_duration: Duration,
    /// Where metrics and the status page are served, without TLS. The page shows values, and so
    /// only to this machine (or pod), whatever the address, unless `--admin-auth` says otherwise.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) admin_address: SocketAddr,
    /// Who may see the page: `local` for this machine (or pod), or `cluster` for users of the cluster
    /// who may `get` the path `/status`, by a bearer token. `cluster` asks this machine for a token,
    /// too.
    #[arg(long, value_enum, value_name = "WHO", default_value = "local")]
    pub(crate) admin_auth: AdminAuthFlag,
    #[command(flatten)]
    pub(crate) observability: ObservabilityFlags,
    #[command(flatten)]
    pub(crate) scaler: ScalerFlags,
    #[command(flatten)]
    pub(crate) adapter: AdapterFlags,
}

/// Who may see the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AdminAuthFlag {
    /// This machine.
    Local,
    /// Users of the cluster.
    Cluster,
}

impl From<AdminAuthFlag> for AdminAuth {
    fn from(flag: AdminAuthFlag) -> Self {
        match flag {
            AdminAuthFlag::Local => Self::ThisMachine,
            AdminAuthFlag::Cluster => Self::Cluster,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The cluster, for a process that is not a pod of it.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The adapter's configuration: its sources are asked, too, from where this runs.
    #[arg(long, value_name = "FILE", conflicts_with = "config_map")]
    config: Option<PathBuf>,
    /// The configuration in a ConfigMap, under the key `config.yaml`.
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = config_map)]
    config_map: Option<(String, String)>,
    #[command(flatten)]
    pub(crate) adapter: AdapterFlags,
    /// Look at the autoscalers of this namespace only.
    #[arg(long)]
    pub(crate) namespace: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Print the table once and end.
    #[arg(long)]
    pub(crate) once: bool,
    /// Ask a controller of NSX ALB for the pool of `kuard-deployment`, in place of the recording.
    /// `cargo xtask demo` starts one that plays a scenario.
    #[arg(long, value_name = "URL", requires = "nsx_alb_secret_dir")]
    pub(crate) nsx_alb_url: Option<String>,
    /// A folder with `username`, `password` and, if its authority is not known, `ca.crt`.
    #[arg(long, value_name = "FOLDER", requires = "nsx_alb_url")]
    pub(crate) nsx_alb_secret_dir: Option<PathBuf>,
    /// The port of the API; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) secure_port: u16,
    /// Where metrics and the status page are served.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) admin_address: SocketAddr,
}

#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Print what the chart's `values.schema.json` has of it.
    #[arg(long, hide = true)]
    pub(crate) chart: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doctor_needs_no_configuration() {
        let of = |line: &str| Cli::try_parse_from(line.split_whitespace());
        let doctor = of("leadsman doctor --kubeconfig f").unwrap();
        let Command::Doctor(doctor) = doctor.command else { panic!("{doctor:?}") };
        assert!(doctor.origin().is_none());
        let doctor = of("leadsman doctor --config-map a/b").unwrap();
        let Command::Doctor(doctor) = doctor.command else { panic!("{doctor:?}") };
        assert!(matches!(doctor.origin(), Some(ConfigOrigin::ConfigMap { .. })));
        assert!(of("leadsman doctor --config-map a/b --config c").is_err());
        assert!(of("leadsman check").is_err());
    }
}
