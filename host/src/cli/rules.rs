//! The arguments of `leadsman rules`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use leadsman::inspection::OtherEndpoint;

use super::{AdapterFlags, Origin};

#[derive(Debug, Args)]
pub(crate) struct Rules {
    #[command(flatten)]
    pub(crate) config: Origin,
    #[command(flatten)]
    pub(crate) adapter: AdapterFlags,
    /// The cluster, for rules of custom resources and for --compare; for a process that is not a
    /// pod of it.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// What is printed: a text for people, mappings that serve the same, or all of it as JSON.
    #[arg(long, value_enum, default_value = "text", conflicts_with = "compare")]
    pub(crate) output: Output,
    /// Print every metric and every series, not some of each rule.
    #[arg(long)]
    pub(crate) all: bool,
    /// Exit with 1 for warnings, too.
    #[arg(long, conflicts_with = "compare")]
    pub(crate) deny_warnings: bool,
    #[command(flatten)]
    pub(crate) other: Comparison,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Comparing")]
pub(crate) struct Comparison {
    /// Read all metrics from another adapter, too, and print what differs: the address of one,
    /// such as `https://localhost:6443`, or `cluster` for the one that serves the cluster now.
    #[arg(long, value_name = "URL", value_parser = endpoint)]
    pub(crate) compare: Option<OtherEndpoint>,
    /// A bearer token for that address.
    #[arg(long, value_name = "FILE", requires = "compare")]
    pub(crate) compare_token_file: Option<PathBuf>,
    /// The authorities that its certificate is checked against, in PEM form. The system's if left
    /// out.
    #[arg(long, value_name = "FILE", requires = "compare", conflicts_with = "compare_insecure")]
    pub(crate) compare_ca_file: Option<PathBuf>,
    /// Trust any certificate of that address.
    #[arg(long, requires = "compare")]
    pub(crate) compare_insecure: bool,
    /// Read the objects of this namespace only.
    #[arg(long, requires = "compare")]
    pub(crate) namespace: Option<String>,
    /// How far apart two values may be, in percent of the larger one.
    #[arg(long, value_name = "PERCENT", default_value_t = 1.0, requires = "compare", value_parser = percent)]
    pub(crate) tolerance: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Mappings,
    Json,
}

fn endpoint(text: &str) -> Result<OtherEndpoint, String> {
    match text {
        "cluster" => Ok(OtherEndpoint::Cluster),
        url if url.starts_with("https://") || url.starts_with("http://") => {
            Ok(OtherEndpoint::Url(url.to_owned()))
        }
        _ => Err("expected an address that begins with https://, or `cluster`".to_owned()),
    }
}

fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text.trim_end_matches('%').parse().map_err(|_| "expected a number")?;
    if (0.0..=100.0).contains(&number) { Ok(number) } else { Err("expected 0 to 100".to_owned()) }
}
