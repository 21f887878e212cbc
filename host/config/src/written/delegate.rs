//! Delegates as they are written: other metrics adapters.

use schemars::JsonSchema;
use serde::Deserialize;

/// Another metrics adapter, which gets requests for metrics that are not served here.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Delegate {
    /// Its name in messages, metrics and on the status page.
    pub name: String,
    /// Its Service, or `url`.
    pub service: Option<DelegateService>,
    /// Its address, in place of `service`. It begins with https://, unless it is on this machine.
    pub url: Option<String>,
    /// PEM file with the certificates of the authorities to trust instead of the system's. Read again
    /// when it changes.
    pub ca_file: Option<String>,
    /// Trust any certificate. Anyone in between can read the requests and forge the answers.
    #[serde(default, rename = "insecureSkipTLSVerify")]
    pub insecure_skip_tls_verify: bool,
    /// How it learns who asks.
    pub auth: DelegateAuth,
    /// The APIs that it is for, at least one.
    pub apis: Vec<DelegateApi>,
    /// Only metrics with such a name; `*` stands for any text. `nodes` and `pods` for resource
    /// metrics. All if left out.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// Only requests for such namespaces; `*` stands for any text. All if left out.
    #[serde(default)]
    pub namespaces: Vec<String>,
    /// Only requests whose selector of series requires something of this label, as those of KEDA's
    /// autoscalers do of `scaledobject.keda.sh/name`.
    pub selector_label: Option<String>,
    /// How long a request may take, with its answer. `5s` if left out.
    pub timeout: Option<String>,
    /// The largest answer that is read, in bytes. 8 MiB if left out.
    #[schemars(range(min = 1024, max = 134_217_728))]
    pub max_body_bytes: Option<u64>,
    /// How many requests may be under way at once. 16 if left out.
    #[schemars(range(min = 1, max = 1000))]
    pub max_concurrent: Option<u32>,
    /// How often its metrics are listed for discovery. `30s` if left out.
    pub list_every: Option<String>,
    /// What a read gets while the delegate fails. `fail` if left out.
    pub on_error: Option<DelegateOnError>,
}

/// The Service of a delegate. Its certificate must be for `NAME.NAMESPACE.svc`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DelegateService {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The port. 443 if left out.
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
}

/// The APIs that delegates serve.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DelegateApi {
    /// `custom.metrics.k8s.io`
    Custom,
    /// `external.metrics.k8s.io`
    External,
    /// `metrics.k8s.io`
    Resource,
}

/// How a delegate learns who asks.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DelegateAuth {
    /// By `X-Remote-User` and the other headers of a front proxy, with a client certificate that the
    /// delegate trusts for it: signed by its requestheader authority, with an allowed name.
    FrontProxy(FrontProxy),
    /// By the headers for impersonation, for which the adapter's service account needs the right in the
    /// cluster. kube-apiserver takes them, and each adapter that is built on its library.
    Impersonate(OwnToken),
    /// Not at all: each request is one of the adapter's own service account, after the user was
    /// authorized here.
    ServiceAccount(OwnToken),
}

/// The client certificate of a front proxy. The files are read again when they change.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FrontProxy {
    /// PEM file with the certificate.
    pub cert_file: String,
    /// PEM file with its key.
    pub key_file: String,
}

/// The token of the adapter itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OwnToken {
    /// The file with the token, read anew for each request. That of the pod's service account if left
    /// out.
    pub token_file: Option<String>,
}

/// What a read gets while a delegate fails.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum DelegateOnError {
    /// An error that names the delegate.
    Fail,
    /// The last good answer for a stated time.
    #[serde(untagged)]
    LastGood(DelegateLastGood),
}

/// The last good answers of a delegate.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DelegateLastGood {
    /// The last good answer for at most this long, with a warning that names its age.
    pub last_good: String,
}
