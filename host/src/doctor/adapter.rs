//! Checks whether a pod of the adapter is ready.

use k8s_openapi::api::core::v1::{Pod, Service as KubeService};
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};

use super::{Account, Finding};
use leadsman_cluster::Cluster;
use leadsman_server::registration::Service;

/// Checks the Service and its pods. Returns their service account as well.
pub(super) async fn check(cluster: &Cluster, service: &Service) -> (Option<Account>, Vec<Finding>) {
    let Service { namespace, name } = service;
    let services: Api<KubeService> = Api::namespaced(cluster.client().clone(), namespace);
    let found = match services.get_opt(name).await {
        Err(error) => {
            return (None, vec![Finding::unseen(&format!("the Service {service}"), &error)]);
        }
        Ok(None) => {
            let what = format!("there is no Service {service}");
            let advice = "install the adapter, or let the APIServices point to its Service";
            return (None, vec![Finding::bad(what, advice)]);
        }
        Ok(Some(found)) => found.spec.unwrap_or_default(),
    };
    let Some(selector) = found.selector.filter(|selector| !selector.is_empty()) else {
        let what = format!("the Service {service} selects no pods, so they cannot be looked at");
        return (None, vec![Finding::unsure(what)]);
    };
    let labels: Vec<_> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let pods: Api<Pod> = Api::namespaced(cluster.client().clone(), namespace);
    let pods = match pods.list(&ListParams::default().labels(&labels.join(","))).await {
        Err(error) => {
            let what = format!("the pods of the Service {service}");
            return (None, vec![Finding::unseen(&what, &error)]);
        }
        Ok(pods) => pods.items,
    };
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let mut findings = vec![match ready {
        0 => Finding::bad(
            format!("none of the {} pods behind the Service {service} is ready", pods.len()),
            "see their log (kubectl logs) and their events (kubectl describe)",
        ),
        ready => Finding::good(format!("{ready} of {} pods are ready", pods.len())),
    }];
    for pod in &pods {
        if let Some(why) = last_termination(pod) {
            let what = format!("{} ended before: {why}", pod.name_any());
            findings.push(Finding::unsure(what));
        }
    }
    let account = pods.iter().find_map(|pod| pod.spec.as_ref()?.service_account_name.clone());
    let account = account.map(|name| Account { service: service.clone(), name });
    (account, findings)
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// The reason and exit code of the last terminated container.
fn last_termination(pod: &Pod) -> Option<String> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find_map(|status| {
        let ended = status.last_state.as_ref()?.terminated.as_ref()?;
        let reason = ended.reason.as_deref().unwrap_or("unknown");
        Some(format!("{reason}, exit code {}", ended.exit_code))
    })
}
