//! The arguments of `leadsman convert`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use leadsman::conversion::{ConvertOptions, Form};
use leadsman_convert::{ConversionSettings, ToZero};

use super::config_map;

#[derive(Debug, Args)]
pub(crate) struct Convert {
    #[command(flatten)]
    pub(crate) inputs: Inputs,
    /// The only namespace of the cluster that is read, and the namespace of objects in files that
    /// name none: there it is `default` if left out.
    #[arg(long)]
    pub(crate) namespace: Option<String>,
    /// A folder for what is written: the configuration, the autoscalers, what is to be mounted, and
    /// the report. The standard output, as documents for `kubectl apply`, if left out.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) output: Option<PathBuf>,
    /// Whether the configuration is a file or a ConfigMap, or the sources are one and the mappings
    /// are a ConfigMap in each namespace, which serves them in no other. If left out, a file in a
    /// folder, and a ConfigMap on the standard output.
    #[arg(long, value_enum)]
    form: Option<WrittenForm>,
    /// The namespace and name of that ConfigMap.
    #[arg(long, value_name = "NAMESPACE/NAME", default_value = "leadsman-system/leadsman-converted", value_parser = config_map)]
    config_map: (String, String),
    /// Exit with 1 for differences, too.
    #[arg(long)]
    pub(crate) strict: bool,
    /// What takes a workload to zero and back: Leadsman's activator, or the autoscaler, for which
    /// the cluster needs the feature HPAScaleToZero.
    #[arg(long, value_enum, default_value = "activator")]
    to_zero: WrittenToZero,
    /// The folder in which Leadsman's pod has the values of Secrets.
    #[arg(long, value_name = "FOLDER", default_value = "/etc/leadsman/secrets", value_parser = absolute)]
    secrets_dir: String,
    /// The namespace of KEDA, which has the Secrets of ClusterTriggerAuthentications.
    #[arg(long, value_name = "NAMESPACE", default_value = "keda")]
    keda_namespace: String,
    /// The name of the header that a TriggerAuthentication has in a Secret, for the authMode
    /// custom: `shop/auth=X-Api-Key`, or `auth=X-Api-Key` of a ClusterTriggerAuthentication. May be
    /// repeated.
    #[arg(long, value_name = "[NAMESPACE/]NAME=HEADER", value_parser = header)]
    auth_header: Vec<(String, String)>,
}

/// What is read.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Inputs {
    /// Files with ScaledObjects and what they refer to, and folders of such files; `-` for the
    /// standard input.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Read the cluster that this is a pod of.
    #[arg(long)]
    cluster: bool,
    /// Read this cluster.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WrittenForm {
    ConfigMap,
    File,
    Teams,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum WrittenToZero {
    Activator,
    Hpa,
}

impl Convert {
    /// What is converted, and how.
    pub(crate) fn options(&self) -> ConvertOptions {
        let Inputs { paths, cluster, kubeconfig } = &self.inputs;
        ConvertOptions {
            paths: paths.clone(),
            cluster: *cluster || kubeconfig.is_some(),
            kubeconfig: kubeconfig.clone(),
            namespace: self.namespace.clone(),
            settings: ConversionSettings {
                secrets_dir: self.secrets_dir.clone(),
                keda_namespace: self.keda_namespace.clone(),
                to_zero: match self.to_zero {
                    WrittenToZero::Activator => ToZero::Activator,
                    WrittenToZero::Hpa => ToZero::Autoscaler,
                },
                header_names: self.auth_header.iter().cloned().collect(),
            },
        }
    }

    /// How the configuration is written.
    pub(crate) fn form(&self) -> Form {
        let usual = match self.output {
            Some(_) => WrittenForm::File,
            None => WrittenForm::ConfigMap,
        };
        match self.form.unwrap_or(usual) {
            WrittenForm::File => Form::File,
            WrittenForm::ConfigMap => {
                let (namespace, name) = self.config_map.clone();
                Form::ConfigMap(namespace, name)
            }
            WrittenForm::Teams => {
                let (namespace, name) = self.config_map.clone();
                Form::Teams(namespace, name)
            }
        }
    }
}

/// A ConfigMap lies in no folder.
fn absolute(text: &str) -> Result<String, String> {
    if text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err("expected a path from / on".to_owned())
    }
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((of, name)) if !of.is_empty() && !name.is_empty() => {
            Ok((of.to_owned(), name.to_owned()))
        }
        _ => Err("expected [NAMESPACE/]NAME=HEADER".to_owned()),
    }
}
