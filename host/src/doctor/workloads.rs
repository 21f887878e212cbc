//! Checks the permissions for workloads: for those that mappings scale to zero and from zero, and for those
//! whose replicas a policy states.

use std::collections::BTreeSet;

use super::rights::{joined, lacking, permission, service_account};
use super::{Account, Finding, Verdict};
use leadsman_activator::LEASE;
use leadsman_cluster::{Attributes, Cluster, Identity};
use leadsman_config::valid;
use leadsman_evaluation::StandIn;
use leadsman_model::workload::{Workload, WorkloadName};

/// The most workloads that are looked at: each takes a few reviews.
const MAX_WORKLOADS: usize = 50;

const ADAPTER: &str = "the adapter";

/// Reviews what the mappings of a configuration need. Nothing if they need nothing.
pub(super) async fn check(
    cluster: &Cluster,
    account: &Account,
    config: &valid::Config,
) -> Vec<Finding> {
    let namespace = &account.service.namespace;
    let adapter = service_account(namespace, &account.name);
    let mut findings = Vec::new();
    let activated = activated(config);
    if !activated.is_empty() {
        findings.extend(activation(cluster, &adapter, namespace, &activated).await);
    }
    findings.extend(stated_replicas(cluster, &adapter, &counted(config)).await);
    findings
}

/// The workloads that mappings take to zero and from zero.
fn activated(config: &valid::Config) -> BTreeSet<&Workload> {
    let activations = config.mappings.iter().filter_map(|mapping| mapping.activation.as_ref());
    activations.map(|activation| &activation.workload).collect()
}

/// The workloads whose replicas stated numbers depend on, in whatever namespace is read.
fn counted(config: &valid::Config) -> BTreeSet<&WorkloadName> {
    let policies = config.mappings.iter().map(|mapping| &mapping.policy);
    let stand_ins = policies.flat_map(|policy| [&policy.otherwise, &policy.default]).flatten();
    let workloads = stand_ins.filter_map(|stand_in| match stand_in {
        StandIn::Replicas(stated) if stated.depends_on_workload() => stated.workload.as_ref(),
        _ => None,
    });
    workloads.collect()
}

/// The rights of the activator: to its Lease, to the workloads and to their autoscalers.
async fn activation(
    cluster: &Cluster,
    adapter: &Identity,
    own_namespace: &str,
    workloads: &BTreeSet<&Workload>,
) -> Vec<Finding> {
    let lease = |verb: &str, name: &str| {
        permission(verb, "coordination.k8s.io", "leases", own_namespace, name)
    };
    let mut needs = vec![lease("create", ""), lease("get", LEASE), lease("update", LEASE)];
    let (mut events, mut findings) = (Vec::new(), Vec::new());
    for workload in workloads.iter().take(MAX_WORKLOADS) {
        match cluster.plural(&workload.name).await {
            Ok(plural) => needs.extend(of_workload(workload, &plural)),
            Err(error) => {
                findings.push(Finding::unsure(format!("the rights to {workload}: {error}")));
            }
        }
        let namespace = workload.namespace.as_str();
        let list = permission("list", "autoscaling", "horizontalpodautoscalers", namespace, "");
        if !needs.contains(&list) {
            needs.push(list);
            let write = |verb| permission(verb, "events.k8s.io", "events", namespace, "");
            events.extend(["create", "patch"].map(write));
        }
    }
    if let Some(left @ 1..) = workloads.len().checked_sub(MAX_WORKLOADS) {
        findings.push(Finding::unsure(format!("the rights to {left} more are not looked at")));
    }
    let needed = lacking(cluster, ADAPTER, adapter, &needs).await;
    findings.extend(given_by("workloads.activate", needed));
    // Without these it scales all the same, and nothing is reported.
    let wanted = lacking(cluster, ADAPTER, adapter, &events).await;
    findings.extend(unsure(given_by("workloads.activate", wanted)));
    if findings.is_empty() {
        let names: Vec<_> = workloads.iter().map(ToString::to_string).collect();
        let what = format!(
            "{ADAPTER} ({}) may take to zero and from zero: {}",
            adapter.user,
            joined(&names)
        );
        findings.push(Finding::good(what));
    }
    findings
}

/// What it takes to see a workload's replicas, whose they are, and to set them.
fn of_workload(workload: &Workload, plural: &str) -> Vec<Attributes> {
    let (group, scale) = (workload.name.group(), format!("{plural}/scale"));
    let (namespace, name) = (workload.namespace.as_str(), workload.name.name());
    vec![
        permission("get", group, &scale, namespace, name),
        permission("patch", group, &scale, namespace, name),
        permission("get", group, plural, namespace, name),
    ]
}

/// The right to see how workloads of these names are scaled in every namespace, as it is not known which
/// ones are read. Where it is given in some alone, that may be enough.
async fn stated_replicas(
    cluster: &Cluster,
    adapter: &Identity,
    workloads: &BTreeSet<&WorkloadName>,
) -> Vec<Finding> {
    let (mut needs, mut findings) = (Vec::new(), Vec::new());
    for workload in workloads.iter().take(MAX_WORKLOADS) {
        // Kinds whose status does not say how many pods are ready are seen by their scale.
        let resource = match (workload.known_plural(), cluster.plural(workload).await) {
            (Some(plural), _) => plural.to_owned(),
            (None, Ok(plural)) => format!("{plural}/scale"),
            (None, Err(error)) => {
                findings.push(Finding::unsure(format!("the rights to {workload}: {error}")));
                continue;
            }
        };
        let need = permission("get", workload.group(), &resource, "", "");
        if !needs.contains(&need) {
            needs.push(need);
        }
    }
    let wanted = lacking(cluster, ADAPTER, adapter, &needs).await;
    findings.extend(unsure(given_by("workloads.read", wanted)));
    findings
}

/// The findings as some that need be no fault.
fn unsure(findings: impl Iterator<Item = Finding>) -> impl Iterator<Item = Finding> {
    findings.map(|finding| Finding { verdict: Verdict::Unsure, ..finding })
}

/// The findings with the value of the chart that gives the right: to kinds of the group apps alone.
fn given_by(value: &str, findings: Vec<Finding>) -> impl Iterator<Item = Finding> {
    findings.into_iter().map(move |finding| {
        let advice = finding.advice.map(|advice| {
            format!(
                "{advice}: `{value}` of the chart does, but for kinds outside of the group apps"
            )
        });
        Finding { advice, ..finding }
    })
}
