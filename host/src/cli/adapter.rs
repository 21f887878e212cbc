//! The flags of prometheus-adapter, with the same meaning.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use leadsman_config::Flags;
use leadsman_rules::OnSeveral;
use serde_json::{Map, Value, json};

use super::access::access_in;

/// The folder of a pod's service account.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Flags of prometheus-adapter.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "As in prometheus-adapter")]
pub(crate) struct AdapterFlags {
    /// The URL of Prometheus: the source `prometheus`, which rules use.
    #[arg(long, value_name = "URL")]
    prometheus_url: Option<String>,
    /// Authenticate at Prometheus with the service account of this pod.
    #[arg(long, requires = "prometheus_url")]
    prometheus_auth_incluster: bool,
    /// Authenticate at Prometheus as the current user of a kubeconfig.
    #[arg(
        long,
        value_name = "FILE",
        requires = "prometheus_url",
        conflicts_with = "prometheus_auth_incluster"
    )]
    prometheus_auth_config: Option<PathBuf>,
    /// The authorities that Prometheus' certificate is checked against, in PEM form.
    #[arg(long, value_name = "FILE", requires = "prometheus_url")]
    prometheus_ca_file: Option<PathBuf>,
    /// The client certificate for Prometheus, in PEM form.
    #[arg(long, value_name = "FILE", requires = "prometheus_client_tls_key_file")]
    prometheus_client_tls_cert_file: Option<PathBuf>,
    /// Its key.
    #[arg(long, value_name = "FILE", requires = "prometheus_client_tls_cert_file")]
    prometheus_client_tls_key_file: Option<PathBuf>,
    /// A bearer token for Prometheus. Read again when it changes.
    #[arg(long, value_name = "FILE", requires = "prometheus_url")]
    prometheus_token_file: Option<PathBuf>,
    /// A header for each request to Prometheus. Can be repeated.
    #[arg(long, value_name = "NAME=VALUE", requires = "prometheus_url", value_parser = header)]
    prometheus_header: Vec<(String, String)>,
    /// The HTTP method of queries. Short queries use GET and long ones POST if left out.
    #[arg(long, value_name = "VERB", value_enum, ignore_case = true, requires = "prometheus_url")]
    prometheus_verb: Option<Verb>,
    /// The interval between lists of series for rules. `10m` if left out.
    #[arg(long, value_name = "DURATION", value_parser = leadsman_document::parse_duration)]
    metrics_relist_interval: Option<Duration>,
    /// A series is listed if it had samples within this time. The interval if left out.
    #[arg(long, value_name = "DURATION", value_parser = leadsman_document::parse_duration)]
    metrics_max_age: Option<Duration>,
    /// Send for each read of a rule's metric exactly the query that prometheus-adapter would send.
    /// Otherwise one query for all objects of a namespace is sent where that changes no value.
    #[arg(long)]
    exact_queries: bool,
    /// The value of an object for which several series of a rule have different values: `refuse` (no
    /// value, with the reason), `first`, `sum`, `max`, `min` or `avg`. `refuse` if left out.
    #[arg(long, value_name = "CHOICE", value_parser = on_several)]
    on_several: Option<OnSeveral>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Verb {
    #[value(name = "GET")]
    Get,
    #[value(name = "POST")]
    Post,
}

fn header(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

fn on_several(text: &str) -> Result<OnSeveral, String> {
    serde_json::from_value(text.into())
        .map_err(|_| "expected refuse, first, sum, max, min or avg".to_owned())
}

impl AdapterFlags {
    /// The settings that supplement the configuration.
    pub(crate) fn flags(&self) -> anyhow::Result<Flags> {
        Ok(Flags {
            prometheus: match &self.prometheus_url {
                Some(url) => Some(self.prometheus(url)?),
                None => None,
            },
            relist_interval: self.metrics_relist_interval,
            max_age: self.metrics_max_age,
            exact_queries: self.exact_queries,
            on_several: self.on_several,
        })
    }

    fn prometheus(&self, url: &str) -> anyhow::Result<Value> {
        let mut source = Map::new();
        let mut tls = Map::new();
        source.insert("url".to_owned(), url.into());
        // As in prometheus-adapter, a CA file replaces all other credentials.
        match (&self.prometheus_ca_file, &self.prometheus_auth_config) {
            (Some(file), _) => {
                tls.insert("caFile".to_owned(), absolute(file)?);
            }
            (None, Some(kubeconfig)) => {
                let access = access_in(kubeconfig)?;
                source.extend(access.source);
                tls.extend(access.tls);
            }
            (None, None) if self.prometheus_auth_incluster => {
                let folder = Path::new(SERVICE_ACCOUNT);
                source.insert("bearerTokenFile".to_owned(), absolute(&folder.join("token"))?);
                tls.insert("caFile".to_owned(), absolute(&folder.join("ca.crt"))?);
            }
            (None, None) => {}
        }
        let identity =
            self.prometheus_client_tls_cert_file.iter().zip(&self.prometheus_client_tls_key_file);
        for (cert, key) in identity {
            tls.insert("certFile".to_owned(), absolute(cert)?);
            tls.insert("keyFile".to_owned(), absolute(key)?);
        }
        if let Some(file) = &self.prometheus_token_file {
            source.insert("bearerTokenFile".to_owned(), absolute(file)?);
            source.remove("basicAuth");
        }
        let mut headers: Map<String, Value> = Map::new();
        for (name, value) in &self.prometheus_header {
            let joined = match headers.get(name).and_then(Value::as_str) {
                Some(before) => format!("{before}, {value}"),
                None => value.clone(),
            };
            headers.insert(name.clone(), joined.into());
        }
        source.insert("headers".to_owned(), headers.into());
        let method = match self.prometheus_verb {
            Some(Verb::Get) => "get",
            Some(Verb::Post) => "post",
            None => "auto",
        };
        source.insert("method".to_owned(), method.into());
        if !tls.is_empty() {
            source.insert("tls".to_owned(), tls.into());
        }
        Ok(json!(source))
    }
}

/// Paths in flags are relative to the working directory, and those in a configuration to its file.
fn absolute(path: &Path) -> anyhow::Result<Value> {
    Ok(std::path::absolute(path)?.display().to_string().into())
}
