//! Plugins, registries and teams: locations, credentials and signatures.

use std::time::Duration;

use super::super::{valid, written};
use super::Check;
use leadsman_document::segment;
use leadsman_evaluation::TeamLimits;
use leadsman_model::names::is_dns_label;

/// The default maximum size of a component: far more than compiled languages need.
const DEFAULT_MAX_BYTES: u64 = 8 << 20;

/// The minimum interval between resolutions of a tag.
const MIN_CHECK_INTERVAL: Duration = Duration::from_secs(1);

impl Check<'_> {
    pub(super) fn plugins(
        &mut self,
        name: &str,
        written: written::Plugin,
    ) -> Option<valid::Plugin> {
        let place = format!("/plugins/{}", segment(name));
        if leadsman_shipped_plugins::SHIPPED_PLUGINS.iter().any(|known| known.name == name) {
            self.fault(&*place, format!("\"{name}\" ships with Leadsman; choose another name"));
        }
        let verify = self.verify(written.verify.as_ref(), &format!("{place}/verify"));
        let location = match (&written.file, &written.oci) {
            (Some(file), None) => {
                for (key, set) in [
                    ("checkEvery", written.check_every.is_some()),
                    ("pullSecret", written.pull_secret.is_some()),
                    ("pullSecretFile", written.pull_secret_file.is_some()),
                    ("verify", written.verify.is_some()),
                ] {
                    if set {
                        self.fault(format!("{place}/{key}"), "is for plugins from a registry");
                    }
                }
                let location = self.origin.plugin(file);
                self.take(location, &format!("{place}/file"))?
            }
            (None, Some(reference)) => valid::Location::Oci(self.oci(reference, &written, &place)?),
            (None, None) => {
                self.fault(&*place, "say where it comes from: with `file` or with `oci`");
                return None;
            }
            (Some(_), Some(_)) => {
                self.fault(&*place, "only one of `file` and `oci` may stand here");
                return None;
            }
        };
        let max_bytes = written.max_bytes.unwrap_or(DEFAULT_MAX_BYTES);
        Some(valid::Plugin { place, location, max_bytes, verify })
    }

    fn oci(
        &mut self,
        reference: &str,
        written: &written::Plugin,
        place: &str,
    ) -> Option<valid::Oci> {
        let check_every = self.duration(
            written.check_every.as_deref(),
            Duration::from_secs(60),
            &format!("{place}/checkEvery"),
        );
        if check_every < MIN_CHECK_INTERVAL {
            self.fault(format!("{place}/checkEvery"), "must be at least 1s");
        }
        let pull_secret = match (&written.pull_secret, &written.pull_secret_file) {
            (None, None) => None,
            (Some(name), None) if name.split('.').all(is_dns_label) => {
                Some(valid::PullSecret::Secret(name.clone()))
            }
            (Some(name), None) => {
                let message = format!("\"{name}\" is not the name of a Secret");
                self.fault(format!("{place}/pullSecret"), message);
                None
            }
            (None, Some(file)) => {
                Some(valid::PullSecret::File(self.file(file, &format!("{place}/pullSecretFile"))))
            }
            (Some(_), Some(_)) => {
                self.fault(place, "only one of pullSecret and pullSecretFile may stand here");
                None
            }
        };
        let reference = self.take(reference.parse(), &format!("{place}/oci"))?;
        Some(valid::Oci { reference, check_every, pull_secret })
    }

    pub(super) fn verify(
        &mut self,
        written: Option<&written::Verify>,
        place: &str,
    ) -> Option<valid::KeySource> {
        let written = written?;
        match (&written.public_key_file, &written.public_key) {
            (Some(file), None) => {
                Some(valid::KeySource::File(self.file(file, &format!("{place}/publicKeyFile"))))
            }
            (None, Some(pem)) => Some(valid::KeySource::Pem(pem.clone())),
            _ => {
                self.fault(place, "say whose signature it needs: with publicKeyFile or publicKey");
                None
            }
        }
    }

    pub(super) fn registry(
        &mut self,
        written: written::Registry,
        place: &str,
    ) -> Option<valid::Registry> {
        self.prefix(&written.prefix, &format!("{place}/prefix"));
        let ca_file =
            written.ca_file.as_ref().map(|file| self.file(file, &format!("{place}/caFile")));
        if ca_file.is_some() && written.plain_http {
            self.fault(format!("{place}/caFile"), "has no effect without TLS (plainHttp)");
        }
        let pull_secret_file = written
            .pull_secret_file
            .as_ref()
            .map(|file| self.file(file, &format!("{place}/pullSecretFile")));
        let verify = self.verify(written.verify.as_ref(), &format!("{place}/verify"));
        Some(valid::Registry {
            prefix: written.prefix,
            ca_file,
            plain_http: written.plain_http,
            pull_secret_file,
            verify,
            require_digest: written.require_digest,
        })
    }

    fn prefix(&mut self, prefix: &str, place: &str) {
        if prefix.is_empty() || prefix.contains("://") || prefix.ends_with('/') {
            self.fault(
                place,
                "is not what references begin with: HOST[:PORT], or with parts of the repository, \
                 without a scheme and a slash at the end",
            );
        }
    }

    pub(super) fn team(
        &mut self,
        written: written::Team,
        place: &str,
        sources: &[String],
    ) -> Option<valid::Team> {
        if written.namespaces.is_empty() {
            self.fault(format!("{place}/namespaces"), "names no namespace");
        }
        for (at, source) in written.sources.iter().enumerate() {
            self.known(source, sources, &format!("{place}/sources/{at}"));
        }
        for (at, prefix) in written.registries.iter().enumerate() {
            self.prefix(prefix, &format!("{place}/registries/{at}"));
        }
        let verify = self.verify(written.verify.as_ref(), &format!("{place}/verify"));
        let default = TeamLimits::default();
        let limits = written.limits.map_or(default, |limits| TeamLimits {
            plugins: limits.plugins.map_or(default.plugins, |count| count as usize),
            mappings: limits.mappings.map_or(default.mappings, |count| count as usize),
            evaluations_per_minute: limits
                .evaluations_per_minute
                .unwrap_or(default.evaluations_per_minute),
            plugin_time_per_minute: self.duration(
                limits.plugin_time_per_minute.as_deref(),
                default.plugin_time_per_minute,
                &format!("{place}/limits/pluginTimePerMinute"),
            ),
            memory: limits
                .memory_bytes
                .and_then(|bytes| usize::try_from(bytes).ok())
                .unwrap_or(default.memory),
        });
        Some(valid::Team {
            namespaces: written.namespaces,
            sources: written.sources,
            registries: written.registries,
            verify,
            limits,
        })
    }
}
