//! `leadsman explain`

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use leadsman::explain::{Assumption, ExplainOptions, MetricRead, Reads, WhatIf};

use super::config_map as namespace_and_name;

#[derive(Debug, Subcommand)]
pub(crate) enum Explain {
    /// Explain a HorizontalPodAutoscaler.
    Hpa(ExplainHpa),
    /// Explain the value of a metric: what was asked of which source, the rows that came back, what the
    /// plugin made of them, and which policies were applied.
    Metric(ExplainMetric),
    /// Explain a metric in a namespace, in each way in which it is served.
    Mapping(ExplainMapping),
}

/// The flags that all kinds of explanations have.
#[derive(Debug, Args)]
pub(crate) struct ExplainFlags {
    /// The cluster, for a process that is not a pod of it.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Read metrics with this configuration, in this process, in place of the cluster's adapter. Uses no
    /// cluster unless one is named.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How the explanation is printed.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: ExplainOutput,
    /// Explain again and again, so often.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "5s", value_parser = leadsman_document::parse_duration)]
    pub(crate) watch: Option<Duration>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainHpa {
    /// The autoscaler.
    #[arg(value_name = "NAMESPACE/NAME", value_parser = namespace_and_name, required_unless_present = "file")]
    name: Option<(String, String)>,
    /// An autoscaler that is not in the cluster yet: what would it do?
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    file: Option<PathBuf>,
    /// Assume this target, of the metric of this name if there are several.
    #[arg(long, value_name = "[METRIC=]QUANTITY")]
    target: Vec<Assumption>,
    /// Assume this value, of the metric of this name if there are several; for a metric of pods, that
    /// of each pod.
    #[arg(long, value_name = "[METRIC=]QUANTITY")]
    value: Vec<Assumption>,
    /// Assume this number of replicas.
    #[arg(long, value_name = "REPLICAS", value_parser = clap::value_parser!(i32).range(0..))]
    at_replicas: Option<i32>,
    #[command(flatten)]
    pub(crate) flags: ExplainFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainMetric {
    /// The path that an autoscaler reads, such as
    /// `/apis/custom.metrics.k8s.io/v1beta2/namespaces/shop/pods/*/http_requests`.
    #[arg(value_name = "PATH", required_unless_present = "metric")]
    path: Option<String>,
    /// The metric, in place of a path.
    #[arg(long, conflicts_with = "path")]
    metric: Option<String>,
    /// The namespace that is read; without one, the root.
    #[arg(long, requires = "metric")]
    namespace: Option<String>,
    /// The kind of the objects, such as `pods` or `ingresses.networking.k8s.io`; without one it is an
    /// external metric.
    #[arg(long, requires = "metric")]
    kind: Option<String>,
    /// The object; without one, all that the selector picks.
    #[arg(long, requires = "kind")]
    object: Option<String>,
    /// Picks objects by their labels.
    #[arg(long, value_name = "SELECTOR", requires = "kind", conflicts_with = "object")]
    selector: Option<String>,
    /// Picks series, or the items of an external metric.
    #[arg(long, value_name = "SELECTOR", requires = "metric")]
    metric_selector: Option<String>,
    /// Write the newest recorded run as a fixture, which `leadsman plugin run` and the SDK's tests take.
    #[arg(long, value_name = "FILE", conflicts_with = "watch")]
    pub(crate) record: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) flags: ExplainFlags,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainMapping {
    /// The namespace to read in, and the metric.
    #[arg(value_name = "NAMESPACE/NAME", value_parser = namespace_and_name)]
    name: (String, String),
    #[command(flatten)]
    pub(crate) flags: ExplainFlags,
}

/// Run a mapping once on its real source, without serving it: shows its queries, their rows, what the
/// plugin logs, and the values.
#[derive(Debug, Args)]
pub(crate) struct Try {
    /// The mapping: one entry of `mappings`, in YAML.
    #[arg(long, value_name = "FILE")]
    pub(crate) mapping: PathBuf,
    /// The configuration whose sources and plugins it uses.
    #[arg(long, value_name = "FILE")]
    pub(crate) against: PathBuf,
    /// The namespace to read in.
    #[arg(long, default_value = "default")]
    pub(crate) namespace: String,
    /// The cluster, for the objects that the values are for.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: ExplainOutput,
    /// Write the run as a fixture, which `leadsman plugin run` and the SDK's tests take.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainOutput {
    /// For people.
    Text,
    /// One object.
    Json,
}

impl ExplainHpa {
    /// As the library has it.
    pub(crate) fn options(&self) -> ExplainOptions {
        let (namespace, name) = self.name.clone().unwrap_or_default();
        ExplainOptions {
            kubeconfig: self.flags.kubeconfig.clone(),
            namespace,
            name,
            file: self.file.clone(),
            config: self.flags.config.clone(),
            what_if: WhatIf {
                targets: self.target.clone(),
                values: self.value.clone(),
                replicas: self.at_replicas,
            },
        }
    }
}

impl ExplainMetric {
    /// Which read is explained.
    pub(crate) fn reads(&self) -> Reads {
        if let Some(path) = &self.path {
            return Reads::Path(path.clone());
        }
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Reads::Metric(MetricRead {
            metric: text(&self.metric),
            namespace: text(&self.namespace),
            resource: self.kind.clone(),
            object: self.object.clone(),
            selector: text(&self.selector),
            metric_selector: text(&self.metric_selector),
        })
    }
}

impl ExplainMapping {
    /// Which reads are explained.
    pub(crate) fn reads(&self) -> Reads {
        let (namespace, metric) = self.name.clone();
        Reads::Mapping { namespace, metric }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Cli, Command};
    use super::*;

    fn metric(line: &str) -> Result<ExplainMetric, clap::Error> {
        let line = format!("leadsman explain metric {line}");
        let cli = Cli::try_parse_from(line.split_whitespace())?;
        let Command::Explain(Explain::Metric(metric)) = cli.command else { panic!() };
        Ok(metric)
    }

    #[test]
    fn a_metric_is_named_by_its_path_or_by_its_parts() {
        let path = metric("/apis/x --output json").unwrap();
        assert!(matches!(path.reads(), Reads::Path(path) if path == "/apis/x"));
        assert_eq!(path.flags.output, ExplainOutput::Json);
        let parts = metric("--metric m --namespace shop --kind pods --selector app=web").unwrap();
        let Reads::Metric(read) = parts.reads() else { panic!() };
        assert_eq!((read.metric.as_str(), read.resource.as_deref()), ("m", Some("pods")));
        assert_eq!((read.namespace.as_str(), read.selector.as_str()), ("shop", "app=web"));
        for wrong in ["", "/x --metric m", "--namespace shop", "--metric m --object o"] {
            assert!(metric(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn watching_is_every_five_seconds_unless_said() {
        assert_eq!(metric("/x").unwrap().flags.watch, None);
        assert_eq!(metric("/x --watch").unwrap().flags.watch, Some(Duration::from_secs(5)));
        assert_eq!(metric("/x --watch=1m").unwrap().flags.watch, Some(Duration::from_secs(60)));
        assert!(metric("/x --watch --record f").is_err(), "a fixture is of one run");
    }
}
