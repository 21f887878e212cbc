//! What a cluster says of a custom resource.

use kube::core::discovery::Scope;
use kube::error::DiscoveryError;
use kube::{Client, discovery};

use super::reason::explain;
use crate::model::resource::{Details, Resource};

/// Asks what kind of objects these are. An error says why that is not known.
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
    Ok(Details {
        version: known.version,
        singular: known.kind.to_lowercase(),
        kind: known.kind,
        namespaced: capabilities.scope == Scope::Namespaced,
    })
}
