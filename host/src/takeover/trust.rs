//! How kube-apiserver reaches this adapter, and the certificate authority by which it verifies it.

use k8s_openapi::api::core::v1::{Secret, Service as KubeService};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::Api as KubeApi;
use kube::api::ListParams;

use super::{TakeoverError, TakeoverOptions};
use leadsman_cluster::{Cluster, explain};
use leadsman_runtime::files;
use leadsman_server::registration::{API_SERVICES, RESOURCE_API_SERVICES, Service};

/// What kube-apiserver is to trust.
pub(super) struct Bundle {
    /// Certificates, as PEM.
    pub(super) pem: Vec<u8>,
    /// Where they are from, for people.
    pub(super) origin: String,
}

/// The port of the adapter's Service, once something is ready behind it.
pub(super) async fn port(
    options: &TakeoverOptions,
    cluster: &Cluster,
    own: &Service,
) -> Result<u16, TakeoverError> {
    let api: KubeApi<KubeService> = KubeApi::namespaced(cluster.client().clone(), &own.namespace);
    let found = api.get_opt(&own.name).await;
    let found = found.map_err(|error| read(&format!("the Service {own}"), &error))?;
    let Some(spec) = found.and_then(|found| found.spec) else {
        return Err(TakeoverError::Refused(format!(
            "there is no Service {own}: install this adapter first, or name its Service with \
             --service"
        )));
    };
    // One that is only a name has no endpoints of its own.
    if spec.type_.as_deref() != Some("ExternalName") && !is_ready(cluster, own).await? {
        return Err(TakeoverError::Refused(format!(
            "no pod behind the Service {own} is ready: nobody would answer"
        )));
    }
    let ports = spec.ports.unwrap_or_default();
    let named = ports.iter().find(|port| port.name.as_deref() == Some("https"));
    let own_port = named.or(ports.first()).map_or(443, |port| port.port);
    Ok(options.port.or_else(|| u16::try_from(own_port).ok()).unwrap_or(443))
}

async fn is_ready(cluster: &Cluster, own: &Service) -> Result<bool, TakeoverError> {
    let api: KubeApi<EndpointSlice> = KubeApi::namespaced(cluster.client().clone(), &own.namespace);
    let of_it = ListParams::default().labels(&format!("kubernetes.io/service-name={}", own.name));
    let slices = api.list(&of_it).await;
    let slices = slices.map_err(|error| read(&format!("the endpoints of {own}"), &error))?;
    Ok(slices.items.iter().flat_map(|slice| &slice.endpoints).any(|endpoint| {
        let conditions = endpoint.conditions.as_ref();
        conditions.and_then(|conditions| conditions.ready).unwrap_or(true)
    }))
}

/// The authority of the adapter's certificate: the one that is named, that of an APIService which is
/// the adapter's already, or the one that it has made itself.
pub(super) async fn bundle(
    options: &TakeoverOptions,
    cluster: &Cluster,
    own: &Service,
) -> Result<Bundle, TakeoverError> {
    if let Some(file) = &options.ca_file {
        let origin = file.display().to_string();
        let pem = files::read_regular(file, files::MAX_CREDENTIALS);
        let pem = pem.map_err(|error| TakeoverError::read(&origin, error.to_string()))?;
        return Ok(Bundle { pem, origin });
    }
    let api: KubeApi<APIService> = KubeApi::all(cluster.client().clone());
    for name in API_SERVICES.into_iter().chain(RESOURCE_API_SERVICES) {
        let found = api.get_opt(name).await;
        let found = found.map_err(|error| read(&format!("the APIService {name}"), &error))?;
        let Some(spec) = found.and_then(|found| found.spec) else { continue };
        let is_own = spec.service.as_ref().is_some_and(|service| {
            service.namespace.as_ref() == Some(&own.namespace)
                && service.name.as_ref() == Some(&own.name)
        });
        if let (true, Some(bundle)) = (is_own, spec.ca_bundle) {
            return Ok(Bundle { pem: bundle.0, origin: format!("that of {name}") });
        }
    }
    let secret = format!("{}-ca", own.name);
    let api: KubeApi<Secret> = KubeApi::namespaced(cluster.client().clone(), &own.namespace);
    let found = api.get_opt(&secret).await;
    let what = format!("the Secret {}/{secret}", own.namespace);
    let found = found.map_err(|error| read(&what, &error))?;
    let data = found.and_then(|found| found.data).unwrap_or_default();
    match data.get("ca.crt") {
        Some(pem) => Ok(Bundle { pem: pem.0.clone(), origin: what }),
        None => Err(TakeoverError::Refused(format!(
            "which authority signed this adapter's certificate is not known: there is no {what} with \
             ca.crt, and no APIService is the adapter's yet; name it with --ca-file"
        ))),
    }
}

fn read(what: &str, error: &kube::Error) -> TakeoverError {
    TakeoverError::read(what, explain(error))
}
