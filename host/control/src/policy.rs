//! What the operator allows: which plugins, from where, and which teams.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::document::Document;
use super::plugins::{Artifact, Credentials, PluginSource, PluginSpec};
use super::reason::{Cause, Reason};
use super::rule_metrics::plugins_of;
use super::state::Revision;
use leadsman_config::valid::{self, Location};
use leadsman_document::segment;
use leadsman_model::names::Namespace;

/// What shipped plugins may have: they are ours.
const MAX_SHIPPED_BYTES: u64 = 32 << 20;

/// What the operator's configuration says of plugins and teams.
#[derive(Clone, Default)]
pub(super) struct Policy(pub(super) Arc<valid::Config>);

impl Policy {
    /// What is open to a namespace.
    pub(super) fn team(&self, namespace: &Namespace) -> Option<&valid::Team> {
        self.0.teams.iter().find(|team| team.names(namespace))
    }

    /// The plugins that a document names, and the shipped ones that it uses.
    pub(super) fn plugins(
        &self,
        revision: &Revision,
    ) -> BTreeMap<String, Result<PluginSpec, Cause>> {
        let config = &revision.config;
        let mut named = BTreeMap::new();
        for (name, plugin) in &config.plugins {
            let spec = self.plugin(&revision.document, revision.team.as_ref(), name, plugin);
            named.insert(name.clone(), spec);
        }
        let of_rules = config.rules.as_deref().map(plugins_of).unwrap_or_default();
        for shipped in leadsman_shipped_plugins::SHIPPED_PLUGINS {
            let used = of_rules.contains(shipped.name)
                || config.mappings.iter().any(|mapping| mapping.runs(shipped.name));
            if used && !named.contains_key(shipped.name) {
                let source = PluginSource::Shipped(shipped.name);
                let spec = PluginSpec { source, max_bytes: MAX_SHIPPED_BYTES, verify: Vec::new() };
                named.insert(shipped.name.to_owned(), Ok(spec));
            }
        }
        named
    }

    /// Where a plugin of a document comes from, or why it may not.
    fn plugin(
        &self,
        document: &Document,
        team: Option<&valid::Team>,
        name: &str,
        plugin: &valid::Plugin,
    ) -> Result<PluginSpec, Cause> {
        let refuse = |reason, key: &str, message: String| {
            let place = format!("/plugins/{}/{key}", segment(name));
            Cause::new(reason, place, message)
        };
        let mut verify: Vec<_> = self.0.verify.iter().cloned().collect();
        verify.extend(team.and_then(|team| team.verify.clone()));
        let source = match &plugin.location {
            Location::File(path) => PluginSource::File(path.clone()),
            Location::Key(key) => match document.binary(key) {
                Some(bytes) => PluginSource::Bytes(key.clone(), bytes.clone()),
                None => {
                    let message = format!("the ConfigMap has no key \"{key}\" under binaryData");
                    return Err(refuse(Reason::ConfigInvalid, "file", message));
                }
            },
            Location::Oci(oci) => {
                let reference = oci.reference.to_string();
                if let Some(team) = team
                    && !team.registries.iter().any(|prefix| begins_with(&reference, prefix))
                {
                    let message = match team.registries.as_slice() {
                        [] => "plugins of this namespace come from its ConfigMap: no registry is \
                               open to it"
                            .to_owned(),
                        open => format!(
                            "the operator opened {} to this namespace, and nothing else",
                            open.join(", ")
                        ),
                    };
                    return Err(refuse(Reason::NotAllowed, "oci", message));
                }
                let registry = self.registry(&reference);
                if registry.is_some_and(|registry| registry.require_digest)
                    && oci.reference.digest().is_none()
                {
                    let message = "a digest is required here: write REPOSITORY@sha256:…";
                    return Err(refuse(Reason::NotAllowed, "oci", message.to_owned()));
                }
                verify.extend(registry.and_then(|registry| registry.verify.clone()));
                let own = oci.pull_secret.as_ref();
                let own = own.map(|secret| Credentials::of(secret, document.namespace()));
                let own = own
                    .transpose()
                    .map_err(|message| refuse(Reason::ConfigInvalid, "pullSecret", message))?;
                // The operator's credentials are for what the operator opened.
                let shared = registry.and_then(|registry| registry.pull_secret_file.clone());
                PluginSource::Oci(Artifact {
                    reference: oci.reference.clone(),
                    check_every: oci.check_every,
                    ca_file: registry.and_then(|registry| registry.ca_file.clone()),
                    plain_http: registry.is_some_and(|registry| registry.plain_http),
                    pull_secret: own.or(shared.map(Credentials::File)),
                })
            }
        };
        verify.extend(plugin.verify.clone());
        // Each key counts once.
        let mut once: Vec<valid::KeySource> = Vec::new();
        for key in verify {
            if !once.contains(&key) {
                once.push(key);
            }
        }
        Ok(PluginSpec { source, max_bytes: plugin.max_bytes, verify: once })
    }

    /// The entry with the longest prefix.
    fn registry(&self, reference: &str) -> Option<&valid::Registry> {
        let named = self.0.registries.iter().filter(|known| begins_with(reference, &known.prefix));
        named.max_by_key(|known| known.prefix.len())
    }
}

/// Whether a reference begins with a host, or with a host and whole parts of a repository.
fn begins_with(reference: &str, prefix: &str) -> bool {
    let Some(rest) = reference.strip_prefix(prefix) else { return false };
    rest.is_empty()
        || rest.starts_with(['/', '@'])
        || (prefix.contains('/') && rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_end_at_parts_of_a_reference() {
        for (prefix, begins) in [
            ("registry.example", true),
            ("registry.example/team-a", true),
            ("registry.example/team-a/saturation", true),
            ("registry.exa", false),
            ("registry.example/team", false),
            ("registry.example/team-a/saturation/x", false),
        ] {
            let reference = "registry.example/team-a/saturation:1.2";
            assert_eq!(begins_with(reference, prefix), begins, "{prefix}");
        }
        assert!(!begins_with("registry.example:5000/a:1", "registry.example"), "another port");
        assert!(begins_with("registry.example/a@sha256:00", "registry.example/a"));
    }
}
