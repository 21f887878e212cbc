//! Diagnosis: every step between an autoscaler and a value, checked in the order in which a request
//! passes them.
//!
//! The checks use the permissions of the user. What these do not allow to read is reported as unknown,
//! and never assumed to be in order.

mod adapter;
mod autoscalers;
mod controllers;
mod delegates;
mod newer;
mod registration;
mod rights;
mod sources;
mod targets;
mod workloads;

use std::fmt;
use std::path::PathBuf;

use leadsman_cluster::{Cluster, ConnectError, explain};
use leadsman_config::{Flags, valid};
use leadsman_control::ConfigOrigin;
use leadsman_server::registration::Service;
use newer::{AutoscalerContext, Policies};

/// The options of the diagnosis.
#[derive(Debug, Clone, Default)]
pub struct DoctorOptions {
    /// The cluster; `None` for the one that this process is a pod of.
    pub kubeconfig: Option<PathBuf>,
    /// Settings of the command line that supplement the configuration.
    pub flags: Flags,
    /// The adapter's configuration, whose sources are queried from this process.
    pub config: Option<ConfigOrigin>,
    /// The only namespace whose autoscalers are checked; `None` for all.
    pub namespace: Option<String>,
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// In order.
    Good,
    /// It is not known, or may be a problem.
    Unsure,
    /// It prevents pods from being scaled.
    Bad,
}

/// A finding.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The result.
    pub verdict: Verdict,
    /// What was found.
    pub what: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// The findings of one step.
#[derive(Debug, Clone)]
pub struct Section {
    /// What was checked.
    pub title: &'static str,
    /// The findings.
    pub findings: Vec<Finding>,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The cluster cannot be connected to.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// There is no cluster.
    #[error("there is no cluster to look at: this is no pod; name one with --kubeconfig")]
    NoCluster,
}

impl Finding {
    fn good(what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Good, what: what.into(), advice: None }
    }

    fn unsure(what: impl Into<String>) -> Self {
        Self { verdict: Verdict::Unsure, what: what.into(), advice: None }
    }

    fn bad(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { verdict: Verdict::Bad, what: what.into(), advice: Some(advice.into()) }
    }

    /// Something that could not be read.
    fn unseen(what: &str, error: &kube::Error) -> Self {
        Self::unsure(format!("{what} cannot be seen: {}", explain(error)))
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        for Finding { verdict, what, advice } in &self.findings {
            let word = match verdict {
                Verdict::Good => "ok  ",
                Verdict::Unsure => "?   ",
                Verdict::Bad => "FAIL",
            };
            writeln!(f, "  {word}  {what}")?;
            if let Some(advice) = advice {
                writeln!(f, "        -> {advice}")?;
            }
        }
        Ok(())
    }
}

const SOURCES: &str = "Sources, as seen from here";
const DELEGATES: &str = "Delegates, as seen from here";

/// Looks at everything, in the order in which a request passes.
pub async fn examine(options: &DoctorOptions) -> Result<Vec<Section>, DoctorError> {
    leadsman_runtime::tls::install_provider();
    let Some(cluster) = Cluster::connect(options.kubeconfig.as_deref()).await? else {
        return sources_alone(options).await;
    };
    let mut minor = None;
    let version = match cluster.client().apiserver_version().await {
        Ok(version) => {
            // Managed ones add a plus.
            minor = version.minor.trim_end_matches('+').parse().ok();
            Finding::good(format!("kube-apiserver answers, {}", version.git_version))
        }
        Err(error) => Finding::bad(
            format!("kube-apiserver does not answer: {}", explain(&error)),
            "check the kubeconfig, or the NetworkPolicy of this pod",
        ),
    };
    let is_reachable = version.verdict == Verdict::Good;
    let mut sections = vec![Section { title: "Cluster", findings: vec![version] }];
    let mut add = |title, findings| sections.push(Section { title, findings });
    if is_reachable {
        let registered = registration::check(&cluster).await;
        add("APIServices", registered.findings);
        let account = match &registered.service {
            Some(service) => {
                let (account, findings) = adapter::check(&cluster, service).await;
                add("Adapter", findings);
                account
            }
            None => None,
        };
        let served = rights::served(&cluster, registered.resource_metrics).await;
        add("Served metrics", served.findings());
        add("Rights", rights::check(&cluster, account.as_ref(), &served).await);
        let config = config(options, &cluster).await;
        if let (Some(account), Some(config)) = (&account, &config) {
            let found = workloads::check(&cluster, account, config).await;
            if !found.is_empty() {
                add("Rights to workloads", found);
            }
        }
        let namespace = options.namespace.as_deref();
        let context = AutoscalerContext { minor, policies: config.as_ref().map(Policies::of) };
        let found = autoscalers::check(&cluster, namespace, &served, &context).await;
        add("HorizontalPodAutoscalers", found);
    }
    if let Some(config) = &options.config {
        let found = sources::check(config, &options.flags, Some(&cluster)).await;
        add(SOURCES, found);
        let found = delegates::check(config, &options.flags, Some(&cluster)).await;
        if !found.is_empty() {
            add(DELEGATES, found);
        }
    }
    Ok(sections)
}

/// The configuration that is looked at. That it cannot be read is reported with its sources.
async fn config(options: &DoctorOptions, cluster: &Cluster) -> Option<valid::Config> {
    let config = options.config.as_ref()?;
    let parsed = leadsman_control::read(config, &options.flags, Some(cluster)).await.ok()?;
    Some(parsed.config)
}

/// Looks at the sources of a file where there is no cluster, as before anything is installed.
async fn sources_alone(options: &DoctorOptions) -> Result<Vec<Section>, DoctorError> {
    let Some(config @ ConfigOrigin::File(_)) = &options.config else {
        return Err(DoctorError::NoCluster);
    };
    let none = Finding::unsure(DoctorError::NoCluster.to_string());
    let found = sources::check(config, &options.flags, None).await;
    let mut sections = vec![
        Section { title: "Cluster", findings: vec![none] },
        Section { title: SOURCES, findings: found },
    ];
    let found = delegates::check(config, &options.flags, None).await;
    if !found.is_empty() {
        sections.push(Section { title: DELEGATES, findings: found });
    }
    Ok(sections)
}

/// A service account of the cluster.
#[derive(Debug, Clone)]
struct Account {
    service: Service,
    name: String,
}
