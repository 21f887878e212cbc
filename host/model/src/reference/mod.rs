//! References to OCI artifacts, as an operator writes them.

mod digest;
mod grammar;

use std::fmt;
use std::str::FromStr;

pub use digest::{Digest, Digester};
use grammar::{is_named_host, is_registry, is_repository_part, is_tag};

/// `registry/repository:tag`, `registry/repository@digest`, or both. With both, only the digest
/// selects the artifact.
///
/// The registry is required: a default registry that differs between machines would give one
/// reference two meanings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Why a text is not a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// The registry is missing, or cannot be distinguished from a part of the repository.
    #[error(
        "{0:?} does not name its registry: write the host in front, as in \
         registry.example/plugins/rate:v1 (a host of one word needs its port)"
    )]
    NoRegistry(String),
    /// The registry is not a host with an optional port.
    #[error("{0:?} is no registry: write a host, or a host and a port")]
    Registry(String),
    /// The repository is invalid.
    #[error(
        "{0:?} is no repository: write words of a-z and 0-9, parted by one of . _ - and by slashes"
    )]
    Repository(String),
    /// The tag is invalid.
    #[error("{0:?} is no tag: write at most 128 of the characters a-z A-Z 0-9 . _ -")]
    Tag(String),
    /// The digest is invalid.
    #[error("{0}")]
    Digest(String),
    /// There is neither a tag nor a digest.
    #[error("{0:?} does not say which version: write a tag or a digest")]
    NoVersion(String),
}

/// Docker Hub, whose API has another host name than its references.
const DOCKER_HUB: &str = "docker.io";
const DOCKER_HUB_API: &str = "registry-1.docker.io";

impl Reference {
    /// The host of the registry, with its port if one is given.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if one is given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if one is given.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The host of the registry's API.
    pub fn host(&self) -> &str {
        if self.registry == DOCKER_HUB { DOCKER_HUB_API } else { &self.registry }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (name, digest) = match text.split_once('@') {
            None => (text, None),
            Some((name, digest)) => (name, Some(digest.parse().map_err(ReferenceError::Digest)?)),
        };
        let Some((registry, rest)) = name.split_once('/').filter(|(host, _)| is_named_host(host))
        else {
            return Err(ReferenceError::NoRegistry(text.to_owned()));
        };
        let (repository, tag) = match rest.split_once(':') {
            None => (rest, None),
            Some((repository, tag)) => (repository, Some(tag)),
        };
        if !is_registry(registry) {
            return Err(ReferenceError::Registry(registry.to_owned()));
        }
        if name.len() > 400 || !repository.split('/').all(is_repository_part) {
            return Err(ReferenceError::Repository(repository.to_owned()));
        }
        if let Some(tag) = tag.filter(|tag| !is_tag(tag)) {
            return Err(ReferenceError::Tag(tag.to_owned()));
        }
        if tag.is_none() && digest.is_none() {
            return Err(ReferenceError::NoVersion(text.to_owned()));
        }
        Ok(Self {
            registry: registry.to_ascii_lowercase(),
            repository: repository.to_owned(),
            tag: tag.map(str::to_owned),
            digest,
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(formatter, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(formatter, "@{digest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn references_are_printed_as_they_are_written() {
        for text in [
            "registry.example/plugins/rate:v1",
            "registry.example:5000/rate:V1.2_3-4",
            "localhost/a/b/c/d:latest",
            "registry:5000/a.b/c__d/e--f:1",
            "127.0.0.1:5000/rate:1",
            "[::1]:5000/rate:1",
            "[::1]/rate:1",
            &format!("registry.example/rate@{DIGEST}"),
            &format!("registry.example/rate:v1@{DIGEST}"),
        ] {
            let reference: Reference = text.parse().unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(reference.to_string(), text);
        }
    }

    #[test]
    fn a_reference_has_registry_repository_tag_and_digest() {
        let text = format!("Registry.example:5000/plugins/rate:v1@{DIGEST}");
        let reference: Reference = text.parse().unwrap();
        assert_eq!(reference.registry(), "registry.example:5000");
        assert_eq!(reference.repository(), "plugins/rate");
        assert_eq!(reference.tag(), Some("v1"));
        assert_eq!(reference.digest(), Some(&Digest::of(b"")));
    }

    #[test]
    fn docker_hub_is_requested_at_the_host_of_its_api() {
        let reference: Reference = "docker.io/someone/rate:v1".parse().unwrap();
        assert_eq!(reference.registry(), "docker.io");
        assert_eq!(reference.host(), "registry-1.docker.io");
    }

    #[test]
    fn invalid_references_are_refused_with_a_reason() {
        for (text, reason) in [
            ("", "does not name its registry"),
            ("rate:v1", "does not name its registry"),
            ("plugins/rate:v1", "does not name its registry"),
            ("registry.example", "does not name its registry"),
            ("/rate:v1", "does not name its registry"),
            ("https://registry.example/rate:v1", "is no registry"),
            ("user@registry.example/rate:v1", "is no digest"),
            ("registry.example:0/rate:v1", "is no registry"),
            ("registry.example:70000/rate:v1", "is no registry"),
            ("registry.example:+80/rate:v1", "is no registry"),
            ("registry..example/rate:v1", "is no registry"),
            ("-a.example/rate:v1", "is no registry"),
            ("[::1/rate:v1", "is no registry"),
            ("[::1]5000/rate:v1", "is no registry"),
            ("registry.example/:v1", "is no repository"),
            ("registry.example/Rate:v1", "is no repository"),
            ("registry.example/a//b:v1", "is no repository"),
            ("registry.example/../b:v1", "is no repository"),
            ("registry.example/a___b:v1", "is no repository"),
            ("registry.example/a?b:v1", "is no repository"),
            ("registry.example/a%2fb:v1", "is no repository"),
            ("registry.example/rate:", "is no tag"),
            ("registry.example/rate:-v", "is no tag"),
            ("registry.example/rate:a/b", "is no tag"),
            ("registry.example/rate", "write a tag or a digest"),
            ("registry.example/rate:v1@sha256:12", "is no digest"),
            ("registry.example/rate@", "is no digest"),
        ] {
            let error = text.parse::<Reference>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
