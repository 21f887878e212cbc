//! Checks whether kube-apiserver sends requests to the adapter, and trusts it.

use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::Api;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use time::OffsetDateTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Finding;
use crate::takeover::TAKEN_OVER;
use leadsman_cluster::Cluster;
use leadsman_server::registration::{API_SERVICES, RESOURCE_API_SERVICES, Service};

/// The registration of the adapter.
pub(super) struct Registration {
    /// The Service of the first APIService.
    pub(super) service: Option<Service>,
    /// Whether that Service serves resource metrics as well.
    pub(super) resource_metrics: bool,
    /// The findings.
    pub(super) findings: Vec<Finding>,
}

/// Checks the APIServices.
pub(super) async fn check(cluster: &Cluster) -> Registration {
    let api: Api<APIService> = Api::all(cluster.client().clone());
    let mut findings = Vec::new();
    let mut first = None;
    for name in API_SERVICES {
        match api.get_opt(name).await {
            Err(error) => findings.push(Finding::unseen(&format!("the APIService {name}"), &error)),
            Ok(None) => findings.push(Finding::bad(
                format!("there is no APIService {name}: nobody is asked for its metrics"),
                "create it (the chart's apiService values, the kustomize components), unless you \
                 do not need this API",
            )),
            Ok(Some(found)) => {
                let service = service(&found);
                findings.extend(check_api_service(name, &found, service.as_ref()));
                if let (Some(first), Some(service)) = (&first, &service)
                    && first != service
                {
                    findings.push(Finding::unsure(format!(
                        "{name} belongs to another adapter than the ones before, {service} and not \
                         {first}"
                    )));
                }
                first = first.or(service);
            }
        }
    }
    let resource_metrics = check_resource_metrics(&api, first.as_ref(), &mut findings).await;
    Registration { service: first, resource_metrics, findings }
}

/// Checks the API of resource metrics, which has another server in most clusters. Autoscaling by CPU and
/// memory depends on it in any case. Returns whether it is the adapter.
async fn check_resource_metrics(
    api: &Api<APIService>,
    adapter: Option<&Service>,
    findings: &mut Vec<Finding>,
) -> bool {
    let [name, newer] = RESOURCE_API_SERVICES;
    match api.get_opt(name).await {
        Err(error) => findings.push(Finding::unseen(&format!("the APIService {name}"), &error)),
        Ok(None) => findings.push(Finding::unsure(format!(
            "there is no APIService {name}: kubectl top and autoscaling by cpu and memory need one"
        ))),
        Ok(Some(found)) => {
            let service = service(&found);
            if service.is_some() && service.as_ref() == adapter {
                findings.extend(check_api_service(name, &found, adapter));
                findings.extend(newer_version(api, newer, adapter).await);
                return true;
            }
            // Of another server, only the availability is reported.
            findings.extend(check_api_service(name, &found, service.as_ref()).into_iter().next());
        }
    }
    false
}

/// The newer version of the same API, which only few clients read. Two versions of one group with two
/// servers would give two answers for the same pod.
async fn newer_version(
    api: &Api<APIService>,
    name: &str,
    adapter: Option<&Service>,
) -> Vec<Finding> {
    match api.get_opt(name).await {
        Err(error) => vec![Finding::unseen(&format!("the APIService {name}"), &error)],
        Ok(None) => Vec::new(),
        Ok(Some(found)) => {
            let service = service(&found);
            let mut findings = check_api_service(name, &found, service.as_ref());
            if let (Some(service), Some(adapter)) = (&service, adapter)
                && service != adapter
            {
                findings.push(Finding::unsure(format!(
                    "{name} belongs to another adapter than the older version, {service} and not \
                     {adapter}: clients of either get other values"
                )));
            }
            findings
        }
    }
}

fn service(found: &APIService) -> Option<Service> {
    let service = found.spec.as_ref()?.service.as_ref()?;
    Some(Service { namespace: service.namespace.clone()?, name: service.name.clone()? })
}

fn check_api_service(name: &str, found: &APIService, service: Option<&Service>) -> Vec<Finding> {
    let Some(service) = service else {
        let what = format!("the APIService {name} points to no Service");
        return vec![Finding::bad(what, "let it point to the Service of the adapter")];
    };
    let conditions = found.status.as_ref().and_then(|status| status.conditions.as_ref());
    let available =
        conditions.into_iter().flatten().find(|condition| condition.type_ == "Available");
    let owner = format!("{name} is served by the Service {service}");
    let mut findings = vec![match available {
        Some(condition) if condition.status == "True" => {
            Finding::good(format!("{owner} and available"))
        }
        Some(condition) => {
            let message = condition.message.as_deref().unwrap_or_default();
            let reason = condition.reason.as_deref().unwrap_or_default();
            Finding::bad(
                format!("{owner} and not available: {reason}: {message}"),
                advice(reason, message),
            )
        }
        None => Finding::unsure(format!("{owner}; whether it is available is not known yet")),
    }];
    findings.extend(trust(name, found));
    findings.extend(taken_over(name, found));
    findings
}

/// What was taken over from another adapter can be given back.
fn taken_over(name: &str, found: &APIService) -> Option<Finding> {
    let annotations = found.metadata.annotations.as_ref()?;
    annotations.contains_key(TAKEN_OVER).then(|| {
        Finding::good(format!(
            "{name} was taken over from another adapter; `leadsman takeover --undo` gives it back"
        ))
    })
}

/// What to do about an APIService that is not available.
fn advice(reason: &str, message: &str) -> &'static str {
    let certificate = ["x509", "certificate", "tls:"].iter().any(|word| message.contains(word));
    match reason {
        _ if certificate => {
            "the certificate is not trusted: caBundle must hold the authority that signed it, and \
             its names must hold NAME.NAMESPACE.svc"
        }
        "ServiceNotFound" => "the adapter is not installed there, or its Service has another name",
        "EndpointsNotFound" | "MissingEndpoints" => {
            "no pod of the adapter is ready: see its log, and its /readyz"
        }
        "ServicePortError" | "ServiceAccessError" => {
            "the port of APIService and Service must agree"
        }
        _ => {
            "kube-apiserver must reach the pods: a firewall rule or hostNetwork on managed control \
             planes, the NetworkPolicy, the pods' log"
        }
    }
}

fn trust(name: &str, found: &APIService) -> Option<Finding> {
    let spec = found.spec.as_ref()?;
    if spec.insecure_skip_tls_verify == Some(true) {
        return Some(Finding::unsure(format!(
            "{name} does not check the adapter's certificate (insecureSkipTLSVerify)"
        )));
    }
    let bundle = spec.ca_bundle.as_ref().map(|bundle| bundle.0.as_slice()).unwrap_or_default();
    let mut ends = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(bundle).flatten() {
        if let Ok((_, parsed)) = X509Certificate::from_der(&certificate) {
            ends.push(parsed.validity().not_after.to_datetime());
        }
    }
    let Some(last) = ends.into_iter().max() else {
        return Some(Finding::bad(
            format!("{name} trusts no authority: its caBundle is empty"),
            "with certificates of its own the adapter fills it: see its log for what keeps it \
             from that; with other certificates fill it yourself",
        ));
    };
    let days = (last - OffsetDateTime::now_utc()).whole_days();
    match days {
        ..0 => Some(Finding::bad(
            format!("the authority that {name} trusts has expired"),
            "renew the certificates",
        )),
        0..30 => Some(Finding::unsure(format!(
            "the authority that {name} trusts expires in {days} days"
        ))),
        _ => None,
    }
}
