//! Workloads: how they are scaled, what they are, and scaling them by their scale subresource.

use std::time::Duration;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
};
use kube::core::discovery::Scope;
use kube::discovery;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::{Cluster, explain};
use leadsman_model::workload::{Scale, Workload, WorkloadName};

/// As whom kube-apiserver notes changes of replicas (`metadata.managedFields`).
const MANAGER: &str = "leadsman-activator";

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);

/// A workload as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaled {
    /// The desired replicas.
    pub replicas: u32,
    /// Its unique id.
    pub uid: Option<String>,
    /// Its version: only that one is changed.
    version: String,
}

/// What a workload is in one version, apart from its replicas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// `metadata.generation`, which grows by one with each change of its spec, replicas included.
    pub generation: i64,
    /// A digest of its spec without replicas.
    pub spec: String,
}

/// An autoscaler of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadAutoscaler {
    /// Its name.
    pub name: String,
    /// The lowest number of replicas that it asks for.
    pub min_replicas: u32,
}

/// Why a workload cannot be looked at or scaled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScaleError {
    /// There is none.
    #[error("there is no such workload")]
    Gone,
    /// It was changed since it was read.
    #[error("it was changed by somebody else at the same time")]
    Conflict,
    /// A right is missing, in the words of kube-apiserver.
    #[error("{0}")]
    Forbidden(String),
    /// Another cause, for people.
    #[error("{0}")]
    Failed(String),
}

impl From<kube::Error> for ScaleError {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if status.is_not_found() => Self::Gone,
            kube::Error::Api(status) if status.is_conflict() => Self::Conflict,
            kube::Error::Api(status) if status.is_forbidden() => Self::Forbidden(explain(&error)),
            _ => Self::Failed(explain(&error)),
        }
    }
}

impl Cluster {
    /// How a workload is scaled: from its status, or for kinds that are not known here from its
    /// scale. The error is for people.
    pub async fn replicas(&self, workload: &Workload) -> Result<Scale, String> {
        let scale = within_time(async {
            let api = self.workloads(workload).await?;
            if workload.name.known_plural().is_none() {
                let scale = api.get_scale(workload.name.name()).await?;
                let replicas = count(scale.spec.and_then(|spec| spec.replicas));
                return Ok(Scale { replicas, ready: None });
            }
            let object = api.get(workload.name.name()).await?;
            let number = |pointer: &str| object.data.pointer(pointer).and_then(Value::as_u64);
            let number = |pointer: &str| u32::try_from(number(pointer)?).ok();
            Ok(Scale {
                // The API server fills in 1.
                replicas: number("/spec/replicas").unwrap_or(1),
                // A count of 0 is left out.
                ready: Some(number("/status/readyReplicas").unwrap_or(0)),
            })
        });
        scale.await.map_err(|error| error.to_string())
    }

    /// The desired replicas, by the scale subresource.
    pub async fn scale(&self, workload: &Workload) -> Result<Scaled, ScaleError> {
        within_time(async {
            let api = self.workloads(workload).await?;
            let scale = api.get_scale(workload.name.name()).await?;
            Ok(Scaled {
                replicas: count(scale.spec.and_then(|spec| spec.replicas)),
                uid: scale.metadata.uid,
                version: scale.metadata.resource_version.unwrap_or_default(),
            })
        })
        .await
    }

    /// Asks for a number of replicas, unless the workload has changed since it was read.
    pub async fn set_replicas(
        &self,
        workload: &Workload,
        read: &Scaled,
        replicas: u32,
    ) -> Result<(), ScaleError> {
        let patch = Patch::Merge(json!({
            "metadata": {"resourceVersion": read.version},
            "spec": {"replicas": replicas},
        }));
        let params =
            PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        within_time(async {
            let api = self.workloads(workload).await?;
            api.patch_scale(workload.name.name(), &params, &patch).await?;
            Ok(())
        })
        .await
    }

    /// What a workload is in the version that was read; a conflict if it has changed since.
    pub async fn revision(
        &self,
        workload: &Workload,
        read: &Scaled,
    ) -> Result<Revision, ScaleError> {
        within_time(async {
            let api = self.workloads(workload).await?;
            let object = api.get(workload.name.name()).await?;
            if object.metadata.resource_version.as_ref() != Some(&read.version) {
                return Err(ScaleError::Conflict);
            }
            let generation = object.metadata.generation.unwrap_or_default();
            Ok(Revision { generation, spec: digest_of_spec(&object.data) })
        })
        .await
    }

    /// The autoscalers of a workload.
    pub async fn autoscalers(
        &self,
        workload: &Workload,
    ) -> Result<Vec<WorkloadAutoscaler>, ScaleError> {
        within_time(async {
            let namespace = workload.namespace.as_str();
            let api: Api<HorizontalPodAutoscaler> =
                Api::namespaced(self.client().clone(), namespace);
            let list = api.list(&ListParams::default()).await?;
            let found = list.items.into_iter().filter_map(|autoscaler| {
                let spec = autoscaler.spec?;
                let target = spec.scale_target_ref;
                // The version does not matter: it is the same object in all of them.
                let version = target.api_version.unwrap_or_default();
                let group = version.split_once('/').map_or("", |(group, _)| group);
                let is_of_it = group == workload.name.group()
                    && target.kind == workload.name.kind()
                    && target.name == workload.name.name();
                is_of_it.then(|| WorkloadAutoscaler {
                    name: autoscaler.metadata.name.unwrap_or_default(),
                    min_replicas: count(spec.min_replicas.or(Some(1))),
                })
            });
            Ok(found.collect())
        })
        .await
    }

    /// The plural of a workload's kind, by which rights name it.
    pub async fn plural(&self, name: &WorkloadName) -> Result<String, ScaleError> {
        within_time(async { Ok(self.resource(name).await?.plural) }).await
    }

    /// The API of a workload's kind, in its namespace.
    async fn workloads(&self, workload: &Workload) -> Result<Api<DynamicObject>, ScaleError> {
        let resource = self.resource(&workload.name).await?;
        let namespace = workload.namespace.as_str();
        Ok(Api::namespaced_with(self.client().clone(), namespace, &resource))
    }

    /// The kind of a workload, which is requested from the cluster where it is not known here.
    async fn resource(&self, name: &WorkloadName) -> Result<ApiResource, ScaleError> {
        let kind = GroupVersionKind::gvk(name.group(), name.version(), name.kind());
        if let Some(plural) = name.known_plural() {
            return Ok(ApiResource::from_gvk_with_plural(&kind, plural));
        }
        let unknown = |why: &str| {
            let (kind, version) = (name.kind(), name.api_version());
            ScaleError::Failed(format!("{kind} of {version} {why}"))
        };
        let found = discovery::pinned_kind(self.client(), &kind).await;
        let (resource, capabilities) = found.map_err(|error| match error {
            kube::Error::Discovery(_) => unknown("is no kind of this cluster"),
            kube::Error::Api(status) if status.is_not_found() => {
                unknown("is no kind of this cluster")
            }
            error => error.into(),
        })?;
        match capabilities.scope {
            Scope::Namespaced => Ok(resource),
            Scope::Cluster => Err(unknown("lives in no namespace")),
        }
    }
}

async fn within_time<T>(
    request: impl Future<Output = Result<T, ScaleError>>,
) -> Result<T, ScaleError> {
    let answer = tokio::time::timeout(REQUEST_TIMEOUT, request).await;
    answer.unwrap_or_else(|_| {
        let message = format!("kube-apiserver has not answered within {REQUEST_TIMEOUT:?}");
        Err(ScaleError::Failed(message))
    })
}

/// A number of replicas, which is 0 if it is left out.
fn count(replicas: Option<i32>) -> u32 {
    replicas.and_then(|replicas| u32::try_from(replicas).ok()).unwrap_or(0)
}

/// A digest of the spec of an object without its replicas.
fn digest_of_spec(object: &Value) -> String {
    let mut spec = object.get("spec").cloned().unwrap_or_default();
    if let Value::Object(spec) = &mut spec {
        spec.remove("replicas");
    }
    let digest = digest(&SHA256, spec.to_string().as_bytes());
    digest.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_spec_without_its_replicas() {
        let of = |replicas: u32, image: &str| {
            digest_of_spec(&json!({
                "spec": {"replicas": replicas, "template": {"image": image}},
                "status": {"replicas": replicas},
            }))
        };
        assert_eq!(of(0, "a"), of(3, "a"));
        assert_ne!(of(0, "a"), of(0, "b"));
        assert_eq!(of(0, "a").len(), 16);
        assert_eq!(digest_of_spec(&json!({})), digest_of_spec(&json!({"spec": null})));
    }

    #[test]
    fn what_is_left_out_is_zero() {
        assert_eq!([Some(3), Some(0), Some(-1), None].map(count), [3, 0, 0, 0]);
    }
}
