//! `leadsman explain`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use leadsman::explain::{Assumption, ExplainOptions, WhatIf};

use super::config_map as namespace_and_name;

#[derive(Debug, Subcommand)]
pub(crate) enum Explain {
    /// Explain a HorizontalPodAutoscaler.
    Hpa(ExplainHpa),
}

#[derive(Debug, Args)]
pub(crate) struct ExplainHpa {
    /// The autoscaler.
    #[arg(value_name = "NAMESPACE/NAME", value_parser = namespace_and_name, required_unless_present = "file")]
    name: Option<(String, String)>,
    /// An autoscaler that is not in the cluster yet: what would it do?
    #[arg(long, value_name = "FILE", conflicts_with = "name")]
    file: Option<PathBuf>,
    /// The cluster, for a process that is not a pod of it.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
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
    /// How the explanation is printed.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) output: ExplainOutput,
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
            kubeconfig: self.kubeconfig.clone(),
            namespace,
            name,
            file: self.file.clone(),
            what_if: WhatIf {
                targets: self.target.clone(),
                values: self.value.clone(),
                replicas: self.at_replicas,
            },
        }
    }
}
