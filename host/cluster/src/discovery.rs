//! Discovery of the kinds of objects.

use kube::Client;
use kube::core::discovery::Scope;
use kube::discovery::{self, ApiCapabilities, ApiResource, Discovery, verbs};
use kube::error::DiscoveryError;

use super::reason::explain;
use leadsman_model::resource::{Details, Resource};

/// Groups whose resources are metrics, not objects.
const METRICS_GROUPS: [&str; 3] =
    ["custom.metrics.k8s.io", "external.metrics.k8s.io", "metrics.k8s.io"];

/// All kinds of objects that can be listed. The error is for people.
pub(super) async fn all(client: &Client) -> Result<Vec<Resource>, String> {
    let discovery = Discovery::new(client.clone()).exclude(&METRICS_GROUPS);
    let discovery = discovery.run_aggregated().await.map_err(|error| explain(&error))?;
    let mut all = Vec::new();
    for group in discovery.groups_alphabetical() {
        let listed = group
            .recommended_resources()
            .into_iter()
            .filter(|(_, capabilities)| capabilities.supports_operation(verbs::LIST));
        for (known, capabilities) in listed {
            let name = match known.group.as_str() {
                "" => known.plural.clone(),
                group => format!("{}.{group}", known.plural),
            };
            // Built-in kinds are read in the version that is compiled in.
            let resource = Resource::known(&name)
                .or_else(|| Resource::custom(&name, Some(details_of(known, &capabilities))));
            all.extend(resource);
        }
    }
    Ok(all)
}

/// Version, kind and scope of a resource. The error is for people.
pub(super) async fn details(client: &Client, resource: &Resource) -> Result<Details, String> {
    let missing = |what: &str| {
        format!(
            "the cluster has no {what}; is the CustomResourceDefinition of {resource} installed?"
        )
    };
    let group = match discovery::group(client, resource.group()).await {
        Ok(group) => group,
        Err(kube::Error::Discovery(DiscoveryError::MissingApiGroup(group))) => {
            return Err(missing(&format!("API group {group}")));
        }
        Err(error) => return Err(explain(&error)),
    };
    // The version that the cluster recommends comes first.
    let found = group
        .recommended_resources()
        .into_iter()
        .chain(group.resources_by_stability())
        .find(|(known, _)| known.plural == resource.plural());
    let Some((known, capabilities)) = found else {
        return Err(missing(&format!("{resource}")));
    };
    Ok(details_of(known, &capabilities))
}

fn details_of(known: ApiResource, capabilities: &ApiCapabilities) -> Details {
    Details {
        version: known.version,
        singular: known.kind.to_lowercase(),
        kind: known.kind,
        namespaced: capabilities.scope == Scope::Namespaced,
    }
}
