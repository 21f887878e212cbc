//! Resolves kinds of objects by name, with suggestions for misspelled ones.

use super::super::written;
use super::Check;
use leadsman_document::{excerpt, nearest};
use leadsman_model::resource::{Details, Resource};

impl Check<'_> {
    /// The kind of objects that a mapping serves.
    pub(super) fn resource(&mut self, custom: &written::Custom, place: &str) -> Option<Resource> {
        if let Some(resource) = Resource::known(&custom.resource) {
            if self.origin.team().is_some() && !resource.namespaced() {
                let message = format!(
                    "{resource} live in no namespace; a team serves metrics for objects of its own"
                );
                self.fault(format!("{place}/resource"), message);
            }
            return Some(resource);
        }
        let details = custom.kind.as_ref().map(|kind| Details {
            version: custom.version.clone().unwrap_or_else(|| "v1".to_owned()),
            singular: kind.to_lowercase(),
            kind: kind.clone(),
            namespaced: custom.namespaced.unwrap_or(true),
        });
        let resource = Resource::custom(&custom.resource, details);
        let name = excerpt(&custom.resource);
        let hint = did_you_mean(&custom.resource);
        if resource.is_none() {
            let message = format!(
                "\"{name}\" is not a resource of every cluster, and a custom resource is written \
                 plural.group{hint}"
            );
            self.fault(format!("{place}/resource"), message);
        } else if custom.kind.is_none() && !hint.is_empty() {
            let message = format!(
                "\"{name}\" is not a resource of every cluster{hint} If it is a custom resource, \
                 write its `kind`, too"
            );
            self.fault(format!("{place}/resource"), message);
        }
        resource
    }
}

/// `; did you mean "x"?` if the name is similar to that of a kind that every cluster has.
pub(super) fn did_you_mean(name: &str) -> String {
    match similar(name) {
        Some(similar) => format!("; did you mean \"{similar}\"?"),
        None => String::new(),
    }
}

/// Custom resources often have names that are similar to built-in ones. So names are compared within a
/// group only, or within one whose name is similar.
fn similar(name: &str) -> Option<String> {
    let known: Vec<_> = Resource::all_known().flat_map(names).collect();
    let Some((name, group)) = name.split_once('.') else {
        return nearest(name, known.iter().map(|(name, _)| name.as_str())).map(str::to_owned);
    };
    let groups = known.iter().map(|(_, group)| group.as_str()).filter(|group| !group.is_empty());
    let group = groups.clone().find(|known| *known == group).or_else(|| nearest(group, groups))?;
    let within = known.iter().filter(|(_, known)| known == group).map(|(name, _)| name.as_str());
    nearest(name, within).map(|name| format!("{name}.{group}"))
}

/// The plural and singular names, with the group.
fn names(resource: Resource) -> impl Iterator<Item = (String, String)> {
    let singular = resource.details().map(|details| details.singular.clone());
    let group = resource.group().to_owned();
    let names = [resource.plural().to_owned()].into_iter().chain(singular);
    names.map(move |name| (name, group.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_suggested() {
        for (name, similar) in [
            ("podz", "pods"),
            ("deploymnts.apps", "deployments.apps"),
            ("deployments.app", "deployments.apps"),
            ("statefulset.app", "statefulset.apps"),
            ("ingreses", "ingresses"),
        ] {
            assert_eq!(did_you_mean(name), format!("; did you mean \"{similar}\"?"));
        }
        for name in [
            "gadgets",
            "widgets.example.com",
            "controllerrevisions.apps",
            "podtemplates",
            "ipaddresses.networking.k8s.io",
            "servicecidrs.networking.k8s.io",
            "ingresses.networking.internal.knative.dev",
            "jobs.batch.volcano.sh",
            "services.serving.knative.dev",
            "clusters.cluster.x-k8s.io",
        ] {
            assert_eq!(did_you_mean(name), "");
        }
    }
}
