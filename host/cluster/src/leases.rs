//! A Lease in the adapter's own namespace: elects one of several replicas, and stores what the next holder
//! needs.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ObjectMeta, PostParams};

use super::{Cluster, explain};

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);

/// The longest time that a Lease is respected for without being renewed, whatever stands in it.
const MAX_LEASE_DURATION: Duration = Duration::from_secs(60);

/// A Lease as it was read.
#[derive(Debug, Clone)]
pub struct HeldLease(Lease);

impl HeldLease {
    /// Who holds it; empty if nobody does.
    pub fn holder(&self) -> &str {
        let spec = self.0.spec.as_ref();
        spec.and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default()
    }

    /// Its version, which changes with each renewal.
    pub fn version(&self) -> &str {
        self.0.metadata.resource_version.as_deref().unwrap_or_default()
    }

    /// What is noted on it under this key.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.0.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }

    /// The same with this note, which is written with the next renewal.
    #[must_use]
    pub fn with_note(&self, key: &str, note: String) -> Self {
        let mut lease = self.0.clone();
        lease.metadata.annotations.get_or_insert_default().insert(key.to_owned(), note);
        Self(lease)
    }

    /// How long it lasts without being renewed.
    pub fn duration(&self) -> Duration {
        let seconds = self.0.spec.as_ref().and_then(|spec| spec.lease_duration_seconds);
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok()).unwrap_or(0);
        Duration::from_secs(seconds).min(MAX_LEASE_DURATION)
    }
}

impl Cluster {
    /// A Lease in the namespace of this adapter; `None` if it does not exist. The error is for
    /// people.
    pub async fn lease(&self, name: &str) -> Result<Option<HeldLease>, String> {
        let found = within_time(self.leases().get_opt(name)).await?;
        found.map(|lease| lease.map(HeldLease)).map_err(|error| failed("read", name, &error))
    }

    /// Takes a Lease or renews it, if it is as it was read. `None` if somebody else was first. The
    /// error is for people.
    pub async fn hold_lease(
        &self,
        name: &str,
        read: Option<&HeldLease>,
        holder: &str,
        duration: Duration,
    ) -> Result<Option<HeldLease>, String> {
        let now = Some(MicroTime(Timestamp::now()));
        let before = read.and_then(|read| read.0.spec.clone()).unwrap_or_default();
        let renewed = before.holder_identity.as_deref() == Some(holder);
        let transitions = before.lease_transitions.unwrap_or(0);
        let spec = LeaseSpec {
            holder_identity: Some(holder.to_owned()),
            lease_duration_seconds: Some(i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)),
            acquire_time: if renewed { before.acquire_time } else { now.clone() },
            renew_time: now,
            lease_transitions: Some(if renewed || read.is_none() {
                transitions
            } else {
                transitions.saturating_add(1)
            }),
            ..LeaseSpec::default()
        };
        self.write_lease(name, read, spec).await
    }

    /// Gives up a Lease, so that another replica need not wait until it has expired. The error is
    /// for people.
    pub async fn release_lease(&self, name: &str, held: &HeldLease) -> Result<(), String> {
        let before = held.0.spec.clone().unwrap_or_default();
        let spec = LeaseSpec {
            holder_identity: Some(String::new()),
            lease_duration_seconds: Some(1),
            renew_time: Some(MicroTime(Timestamp::now())),
            ..before
        };
        // If it has changed, it is not ours any more.
        self.write_lease(name, Some(held), spec).await.map(drop)
    }

    async fn write_lease(
        &self,
        name: &str,
        read: Option<&HeldLease>,
        spec: LeaseSpec,
    ) -> Result<Option<HeldLease>, String> {
        let (api, params) = (self.leases(), PostParams::default());
        let written = match read {
            // With its version: the first writer wins.
            Some(HeldLease(old)) => {
                let new = Lease { metadata: old.metadata.clone(), spec: Some(spec) };
                within_time(api.replace(name, &params, &new)).await?
            }
            None => {
                let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
                let new = Lease { metadata, spec: Some(spec) };
                within_time(api.create(&params, &new)).await?
            }
        };
        match written {
            Ok(lease) => Ok(Some(HeldLease(lease))),
            Err(kube::Error::Api(status)) if status.code == 409 || status.is_not_found() => {
                Ok(None)
            }
            Err(error) => Err(failed("write", name, &error)),
        }
    }

    fn leases(&self) -> Api<Lease> {
        Api::namespaced(self.client().clone(), self.namespace())
    }
}

async fn within_time<T>(request: impl Future<Output = T>) -> Result<T, String> {
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, request).await;
    answer.map_err(|_| format!("kube-apiserver has not answered within {REQUEST_TIMEOUT:?}"))
}

fn failed(what: &str, name: &str, error: &kube::Error) -> String {
    format!("cannot {what} the Lease {name}: {}", explain(error))
}
