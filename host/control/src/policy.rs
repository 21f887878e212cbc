//! What the operator's configuration says of plugins and teams.

use std::sync::Arc;

use super::document::Document;
use super::job::Refused;
use super::plugins::{Artifact, Credentials, Place, Wanted};
use leadsman_config::valid::{self, Location};
use leadsman_document::{Fault, segment};
use leadsman_model::names::Namespace;

/// What the operator's configuration says of plugins and teams.
#[derive(Clone, Default)]
pub(super) struct Policy(pub(super) Arc<valid::Config>);

impl Policy {
    /// What is open to a namespace.
    pub(super) fn team(&self, namespace: &Namespace) -> Option<&valid::Team> {
        self.0.teams.iter().find(|team| team.names(namespace))
    }

    /// How a plugin of a document is to be had, or why it may not be.
    pub(super) fn wanted(
        &self,
        document: &Document,
        team: Option<&valid::Team>,
        name: &str,
        plugin: &valid::Plugin,
    ) -> Result<Wanted, Refused> {
        let refuse = |reason, key: &str, message: String| Refused {
            reason,
            faults: vec![Fault::at(format!("/plugins/{}/{key}", segment(name)), message)],
        };
        let mut verify: Vec<_> = self.0.verify.iter().cloned().collect();
        verify.extend(team.and_then(|team| team.verify.clone()));
        let place = match &plugin.location {
            Location::File(path) => Place::File(path.clone()),
            Location::Key(key) => match document.binary(key) {
                Some(bytes) => Place::Bytes(key.clone(), bytes.clone()),
                None => {
                    let message = format!("the ConfigMap has no key \"{key}\" under binaryData");
                    return Err(refuse("ConfigInvalid", "file", message));
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
                    return Err(refuse("NotAllowed", "oci", message));
                }
                let registry = self.registry(&reference);
                if registry.is_some_and(|registry| registry.require_digest)
                    && oci.reference.digest().is_none()
                {
                    let message = "a digest is required here: write REPOSITORY@sha256:…";
                    return Err(refuse("NotAllowed", "oci", message.to_owned()));
                }
                verify.extend(registry.and_then(|registry| registry.verify.clone()));
                let own = oci.pull_secret.as_ref();
                let own = own.map(|secret| Credentials::of(secret, document.namespace()));
                let own = own
                    .transpose()
                    .map_err(|message| refuse("ConfigInvalid", "pullSecret", message))?;
                // The operator's credentials are for what the operator opened.
                let shared = registry.and_then(|registry| registry.pull_secret_file.clone());
                Place::Oci(Artifact {
                    reference: oci.reference.clone(),
                    check_every: oci.check_every,
                    ca_file: registry.and_then(|registry| registry.ca_file.clone()),
                    plain_http: registry.is_some_and(|registry| registry.plain_http),
                    pull_secret: own.or(shared.map(Credentials::File)),
                })
            }
        };
        verify.extend(plugin.verify.clone());
        // One that is asked for twice is asked for once.
        let mut once: Vec<valid::KeySource> = Vec::new();
        for key in verify {
            if !once.contains(&key) {
                once.push(key);
            }
        }
        Ok(Wanted { place, max_bytes: plugin.max_bytes, verify: once })
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
