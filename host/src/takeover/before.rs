//! The state before a takeover: who serves the API, and what is listed.

use std::collections::BTreeSet;

use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::{Api as KubeApi, ResourceExt as _};
use serde_json::Value;

use super::{ProgressSink, TakeoverError, api_services, change};
use leadsman_cluster::{Cluster, explain};
use leadsman_delegate::Api;
use leadsman_server::registration::Service;

/// What a Helm release writes into what it has made.
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const RELEASE: &str = "meta.helm.sh/release-name";

/// An API as it is registered.
pub(super) struct RegisteredApi {
    pub(super) api: Api,
    /// Its APIServices that there are.
    pub(super) found: Vec<RegisteredService>,
}

/// An APIService.
pub(super) struct RegisteredService {
    pub(super) name: String,
    pub(super) object: APIService,
    /// The Service that it points to.
    pub(super) service: Option<Service>,
    /// What kube-apiserver gets when it asks for the metrics; the error if it gets nothing.
    pub(super) listed: Result<BTreeSet<String>, String>,
}

impl RegisteredApi {
    pub(super) async fn find(
        cluster: &Cluster,
        api: Api,
        own: &Service,
    ) -> Result<Self, TakeoverError> {
        let services: KubeApi<APIService> = KubeApi::all(cluster.client().clone());
        let mut found = Vec::new();
        for name in api_services(api) {
            let object = services.get_opt(&name).await.map_err(|error| {
                TakeoverError::read(format!("the APIService {name}"), explain(&error))
            })?;
            let Some(object) = object else { continue };
            let service = object.spec.as_ref().and_then(|spec| spec.service.as_ref());
            let service = service.and_then(|service| {
                let (namespace, name) = (service.namespace.clone()?, service.name.clone()?);
                Some(Service { namespace, name })
            });
            let listed = listed(cluster, &name).await;
            found.push(RegisteredService { name, object, service, listed });
        }
        if found.is_empty() {
            return Err(TakeoverError::Refused(format!(
                "there is no APIService of {}, so there is nothing to take over: the chart \
                 (apiService.{}) or the kustomize component registers {own}",
                api.group(),
                api.as_str()
            )));
        }
        Ok(Self { api, found })
    }

    /// Those that point elsewhere than to us.
    pub(super) fn foreign(&self, own: &Service) -> impl Iterator<Item = &RegisteredService> {
        self.found.iter().filter(|found| found.service.as_ref() != Some(own))
    }

    /// The Service that serves the API now; `None` if that is us.
    pub(super) fn served_by(&self, own: &Service) -> Result<Option<Service>, TakeoverError> {
        let mut first: Option<&Service> = None;
        for found in self.foreign(own) {
            let Some(service) = &found.service else {
                let message = format!("{} is served by kube-apiserver itself", found.name);
                return Err(TakeoverError::Refused(message));
            };
            if let Some(first) = first
                && first != service
            {
                return Err(TakeoverError::Refused(format!(
                    "the versions of {} are served by two adapters, {first} and {service}; let one \
                     of them serve both first",
                    self.api.group()
                )));
            }
            first = Some(service);
        }
        Ok(first.cloned())
    }

    /// Whether no certificate of the adapter before is verified.
    pub(super) fn is_unverified(&self, own: &Service) -> bool {
        let mut specs = self.foreign(own).filter_map(|found| found.object.spec.as_ref());
        specs.any(|spec| spec.insecure_skip_tls_verify == Some(true))
    }

    /// The port of the adapter before.
    pub(super) fn port(&self, own: &Service) -> i32 {
        let specs = self.foreign(own).filter_map(|found| found.object.spec.as_ref());
        let mut services = specs.filter_map(|spec| spec.service.as_ref());
        services.find_map(|service| service.port).unwrap_or(443)
    }

    pub(super) fn report(&self, own: &Service, out: &mut ProgressSink<'_>) {
        for name in api_services(self.api) {
            let Some(found) = self.found.iter().find(|found| found.name == name) else {
                out(format_args!("{name}: there is none"));
                continue;
            };
            let whose = match &found.service {
                None => "kube-apiserver itself".to_owned(),
                Some(service) if service == own => format!("{service}, which is this adapter"),
                Some(service) => service.to_string(),
            };
            let works = match &found.listed {
                Ok(listed) => format!("it answers and lists {} metrics", listed.len()),
                Err(reason) => format!("it does not answer: {reason}"),
            };
            out(format_args!("{name}: served by {whose}; {works}"));
            if let Some(release) = self.release(found) {
                out(format_args!(
                    "    it is of the Helm release {release}: an upgrade of that puts it back, unless \
                     its values leave the APIService out"
                ));
            }
            if found.object.annotations().contains_key(change::ANNOTATION) {
                out(format_args!("    it was taken over; --undo gives it back"));
            }
        }
    }

    /// The Helm release that made an APIService.
    fn release<'a>(&self, found: &'a RegisteredService) -> Option<&'a str> {
        let managed = found.object.labels().get(MANAGED_BY).map(String::as_str);
        let release = found.object.annotations().get(RELEASE).map(String::as_str);
        release.filter(|_| managed == Some("Helm"))
    }
}

/// The names that kube-apiserver gets for a version of an API.
pub(super) async fn listed(cluster: &Cluster, name: &str) -> Result<BTreeSet<String>, String> {
    let (version, group) = name.split_once('.').unwrap_or_default();
    let answer = cluster.get(&format!("/apis/{group}/{version}")).await?;
    if !answer.status().is_success() {
        let text = String::from_utf8_lossy(answer.body());
        let text = leadsman_model::text::one_line(&text, 200);
        return Err(format!("{}: {text}", answer.status()));
    }
    let list: Value = serde_json::from_slice(answer.body()).map_err(|error| error.to_string())?;
    let resources = list["resources"].as_array();
    let names = resources.into_iter().flatten().filter_map(|resource| resource["name"].as_str());
    Ok(names.map(str::to_owned).collect())
}
