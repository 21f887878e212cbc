//! The APIServices of the groups that this adapter serves.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};
use k8s_openapi::ByteString;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube::runtime::{WatchStreamExt as _, watcher};
use serde_json::json;

use super::{API_SERVICES, RESOURCE_API_SERVICES, Service};
use leadsman_cluster::{Cluster, explain, is_forbidden};

/// How often it is checked whether a forbidden one may be read now.
const PERMISSION_INTERVAL: Duration = Duration::from_secs(15);

/// The APIServices, and the last reported state of each.
pub(super) struct ApiServices {
    api: Api<APIService>,
    service: Service,
    reported: HashMap<&'static str, String>,
}

/// Whose an APIService is, and whether it trusts our authority.
enum Ownership {
    /// It points to our Service, and trusts our authority or verifies no certificate.
    Trusting,
    /// It points to our Service, and does not trust our authority.
    Untrusting,
    /// It points elsewhere.
    Foreign(String),
    /// There is none.
    Missing,
}

impl ApiServices {
    pub(super) fn of(cluster: &Cluster, service: &Service) -> Self {
        Self {
            api: Api::all(cluster.client().clone()),
            service: service.clone(),
            reported: HashMap::new(),
        }
    }

    /// A stream of their changes.
    pub(super) fn changes(&self) -> impl Stream<Item = ()> + Send + Unpin + use<> {
        stream::select_all(managed().map(|name| {
            let api = self.api.clone();
            let pauses = stream::iter([Duration::ZERO]).chain(stream::repeat(PERMISSION_INTERVAL));
            let watches = pauses.then(move |pause| {
                let api = api.clone();
                async move {
                    tokio::time::sleep(pause).await;
                    permitted(&api, name).await;
                    stream::once(async {}).chain(watch(api, name))
                }
            });
            watches.flatten().boxed()
        }))
    }

    /// Writes this bundle into those that are ours.
    pub(super) async fn trust(&mut self, bundle: &str) -> Result<(), String> {
        for name in managed() {
            let found = match self.api.get_opt(name).await {
                Ok(found) => found,
                // It is not registered for this adapter.
                Err(error) if forbidden(&error) && RESOURCE_API_SERVICES.contains(&name) => {
                    continue;
                }
                Err(error) if forbidden(&error) => {
                    let reason = explain(&error);
                    self.report(name, format!("it is not kept, for want of the right: {reason}"));
                    continue;
                }
                Err(error) => {
                    return Err(format!("cannot read the APIService {name}: {}", explain(&error)));
                }
            };
            match ownership(found.as_ref(), &self.service, bundle) {
                Ownership::Trusting => {
                    self.report(name, "it points to us and trusts us".to_owned())
                }
                Ownership::Missing => {
                    self.report(name, "there is none, so nobody asks us".to_owned())
                }
                Ownership::Foreign(owner) => self.report(
                    name,
                    format!(
                        "it belongs to {owner} and is left alone; that one is asked and not we"
                    ),
                ),
                Ownership::Untrusting => {
                    let version = found.and_then(|found| found.metadata.resource_version);
                    if self.patch(name, version, bundle).await? {
                        self.report(name, "it points to us and was told to trust us".to_owned());
                    }
                }
            }
        }
        Ok(())
    }

    /// False if it changed at the same time: the next reconciliation handles it.
    async fn patch(
        &self,
        name: &str,
        version: Option<String>,
        bundle: &str,
    ) -> Result<bool, String> {
        let patch = json!({
            // Only the version that was read: it could have been taken over meanwhile.
            "metadata": {"resourceVersion": version},
            "spec": {"caBundle": ByteString(bundle.as_bytes().to_vec())},
        });
        let parameters =
            PatchParams { field_manager: Some("leadsman".into()), ..PatchParams::default() };
        match self.api.patch(name, &parameters, &Patch::Merge(&patch)).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(format!("cannot write the APIService {name}: {}", explain(&error))),
        }
    }

    /// Logs the state of an APIService when it has changed.
    fn report(&mut self, name: &'static str, state: String) {
        if self.reported.get(name) != Some(&state) {
            tracing::info!(api_service = name, state, "an APIService");
            self.reported.insert(name, state);
        }
    }
}

/// Waits until an APIService may be read. A forbidden one is not ours, until an upgrade that registers
/// another group gives the running process the right.
async fn permitted(api: &Api<APIService>, name: &str) {
    while api.get_opt(name).await.is_err_and(|error| forbidden(&error)) {
        tokio::time::sleep(PERMISSION_INTERVAL).await;
    }
}

/// Changes of an APIService for as long as it may be watched.
fn watch(api: Api<APIService>, name: &str) -> impl Stream<Item = ()> + Send + use<> {
    let events = watcher::watch_object(api, name).default_backoff();
    events
        .take_while(|event| {
            let seen = !event.as_ref().is_err_and(is_forbidden);
            async move { seen }
        })
        .filter_map(async |event| event.ok().map(drop))
}

fn forbidden(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_forbidden())
}

/// Those that may point to our Service.
fn managed() -> impl Iterator<Item = &'static str> {
    API_SERVICES.into_iter().chain(RESOURCE_API_SERVICES)
}

fn ownership(found: Option<&APIService>, own: &Service, bundle: &str) -> Ownership {
    let Some(spec) = found.and_then(|found| found.spec.as_ref()) else { return Ownership::Missing };
    let Some(service) = &spec.service else {
        return Ownership::Foreign("kube-apiserver itself".to_owned());
    };
    let named = Service {
        namespace: service.namespace.clone().unwrap_or_default(),
        name: service.name.clone().unwrap_or_default(),
    };
    if named != *own {
        return Ownership::Foreign(format!("the Service {named}"));
    }
    let trusted = spec.ca_bundle.as_ref().is_some_and(|known| known.0 == bundle.as_bytes());
    if trusted || spec.insecure_skip_tls_verify == Some(true) {
        Ownership::Trusting
    } else {
        Ownership::Untrusting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ownership_of(spec: serde_json::Value) -> &'static str {
        let service: APIService = serde_json::from_value(json!({"spec": spec})).unwrap();
        let own = Service { namespace: "metrics".into(), name: "leadsman".into() };
        match ownership(Some(&service), &own, "bundle") {
            Ownership::Trusting => "right",
            Ownership::Untrusting => "distrustful",
            Ownership::Foreign(_) => "another's",
            Ownership::Missing => "missing",
        }
    }

    #[test]
    fn only_what_points_to_us_is_ours() {
        let spec = |namespace: &str, name: &str| {
            json!({"groupPriorityMinimum": 100, "versionPriority": 100,
                   "service": {"namespace": namespace, "name": name}})
        };
        assert_eq!(ownership_of(spec("metrics", "leadsman")), "distrustful");
        assert_eq!(ownership_of(spec("keda", "keda-metrics-apiserver")), "another's");
        assert_eq!(ownership_of(spec("other", "leadsman")), "another's");
        let mut insecure = spec("metrics", "leadsman");
        insecure["insecureSkipTLSVerify"] = true.into();
        assert_eq!(ownership_of(insecure), "right");
        let mut trusting = spec("metrics", "leadsman");
        trusting["caBundle"] = serde_json::to_value(ByteString(b"bundle".to_vec())).unwrap();
        assert_eq!(ownership_of(trusting), "right");
        assert_eq!(
            ownership_of(json!({"groupPriorityMinimum": 1, "versionPriority": 1})),
            "another's"
        );
    }
}
