//! Plugins, registries and teams as they are written.

use schemars::JsonSchema;
use serde::Deserialize;

/// Where a plugin comes from: `file` or `oci`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Plugin {
    /// A file with a component, relative to this one. In a ConfigMap: a key of its `binaryData`.
    pub file: Option<String>,
    /// An artifact in a registry: `HOST[:PORT]/REPOSITORY:TAG`, or with `@sha256:…` instead of a tag
    /// for a fixed version.
    pub oci: Option<String>,
    /// The interval between resolutions of the tag. `1m` if left out.
    pub check_every: Option<String>,
    /// The Secret of type `kubernetes.io/dockerconfigjson` with the credentials for the registry, in
    /// the namespace of the ConfigMap. The adapter needs the permission to get it.
    pub pull_secret: Option<String>,
    /// The same as a file, for the operator's configuration.
    pub pull_secret_file: Option<String>,
    /// The plugin must be signed with one of these keys.
    pub verify: Option<Verify>,
    /// The largest component, in bytes. 8 MiB if left out; what carries an interpreter needs more.
    #[schemars(range(min = 1024, max = 33_554_432))]
    pub max_bytes: Option<u64>,
}

/// The keys that must have signed a plugin: `publicKeyFile` or `publicKey`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Verify {
    /// PEM file with one public key or several, as `cosign generate-key-pair` writes it.
    pub public_key_file: Option<String>,
    /// The same keys inline.
    pub public_key: Option<String>,
}

/// How a registry, or a part of one, is accessed, and what its plugins must meet.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Registry {
    /// What references begin with: `HOST[:PORT]`, or with the first parts of the repository.
    pub prefix: String,
    /// PEM file with the certificates of authorities to trust besides the system's.
    pub ca_file: Option<String>,
    /// Use HTTP without TLS. Anyone in between can change what is pulled by tag.
    #[serde(default)]
    pub plain_http: bool,
    /// A file with credentials, in the format of `~/.docker/config.json`. Read for each access.
    pub pull_secret_file: Option<String>,
    /// Plugins from here must be signed with one of these keys.
    pub verify: Option<Verify>,
    /// Whether references must name a digest.
    #[serde(default)]
    pub require_digest: bool,
}

/// What a set of namespaces may configure.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Team {
    /// The namespaces. A `*` at the end stands for any rest.
    pub namespaces: Vec<String>,
    /// The sources that they may query. Whoever may query a source can read all of it.
    #[serde(default)]
    pub sources: Vec<String>,
    /// The allowed prefixes of references of their plugins, as under `registries`. Without any, only
    /// plugins in the ConfigMap itself are allowed.
    #[serde(default)]
    pub registries: Vec<String>,
    /// Their plugins must be signed with one of these keys.
    pub verify: Option<Verify>,
    /// What all ConfigMaps of one namespace may use together.
    pub limits: Option<TeamLimits>,
}

/// What all ConfigMaps of one namespace may use together.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct TeamLimits {
    /// How many plugins of their own. 10 if left out.
    pub plugins: Option<u32>,
    /// How many mappings. 50 if left out.
    pub mappings: Option<u32>,
    /// How many evaluations a minute. 600 if left out.
    #[schemars(range(min = 1))]
    pub evaluations_per_minute: Option<u32>,
    /// How much time plugins may run in a minute. `6s` if left out.
    pub plugin_time_per_minute: Option<String>,
    /// How much memory plugins may have at once, in bytes: as many run at the same time as fit
    /// with the memory of their limits. 64 MiB if left out.
    #[schemars(range(min = 1_048_576))]
    pub memory_bytes: Option<u64>,
}
