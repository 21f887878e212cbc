//! Registration with the cluster: the adapter's own certificate authority, and the APIServices that
//! trust it.
//!
//! The authority is in a Secret that all replicas share. Each replica issues its serving certificate
//! from it, and writes the authority's certificate into the APIServices that point to the adapter's
//! Service. APIServices that point elsewhere belong to another adapter and are never modified.

mod api_services;
mod authority;
mod secret;

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;

use crate::CertificateHandle;
use api_services::ApiServices;
use authority::{Authority, ServingCertificate};
use leadsman_cluster::Cluster;
use secret::AuthoritySecret;

pub use authority::AuthorityError;

/// The versions of the API groups that this adapter serves, as APIServices are named.
pub const API_SERVICES: [&str; 3] = [
    "v1beta1.custom.metrics.k8s.io",
    "v1beta2.custom.metrics.k8s.io",
    "v1beta1.external.metrics.k8s.io",
];

/// Those of resource metrics, which most clusters have metrics-server for. They are ours only if they
/// point to our Service. Autoscalers read the first version.
pub const RESOURCE_API_SERVICES: [&str; 2] = ["v1beta1.metrics.k8s.io", "v1.metrics.k8s.io"];

/// How often everything is reconciled although no change was seen.
const RESYNC_INTERVAL: Duration = Duration::from_secs(600);

/// After a reconciliation that failed.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How long after the APIServices trust a new authority its certificates are served, where the
/// current one is trusted as well: every kube-apiserver has seen the change by then.
const PROPAGATION_DELAY: Duration = Duration::from_secs(60);

/// The Service in front of the adapter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Reconciles the serving certificate and the APIServices, at each change. Never returns.
pub async fn reconcile(cluster: &Cluster, service: &Service, certificate: &CertificateHandle) {
    let mut reconciler = Reconciler {
        secret: AuthoritySecret::of(cluster, service),
        api_services: ApiServices::of(cluster, service),
        service: service.clone(),
        certificate: certificate.clone(),
        serving: None,
        trusted: None,
    };
    let mut changes = futures_util::stream::select(
        reconciler.secret.changes(),
        reconciler.api_services.changes(),
    );
    loop {
        let wait = match reconciler.reconcile().await {
            Ok(wait) => wait,
            Err(reason) => {
                tracing::error!(reason, "the serving certificate cannot be kept right");
                RETRY_INTERVAL
            }
        };
        // A change during the reconciliation starts the next one at once.
        let _ = tokio::time::timeout(wait, changes.next()).await;
    }
}

struct Reconciler {
    secret: AuthoritySecret,
    api_services: ApiServices,
    service: Service,
    certificate: CertificateHandle,
    /// The certificate that is served, once the authority has issued one.
    serving: Option<ServingCertificate>,
    /// The bundle that the APIServices trust, and since when that is known.
    trusted: Option<(String, Instant)>,
}

impl Reconciler {
    /// Reconciles once; returns after which time to do so again at the latest.
    async fn reconcile(&mut self) -> Result<Duration, String> {
        let authority = self.authority().await?;
        self.api_services.trust(&authority.bundle).await?;
        let since = match &self.trusted {
            Some((bundle, since)) if *bundle == authority.bundle => *since,
            _ => {
                let now = Instant::now();
                self.trusted = Some((authority.bundle.clone(), now));
                now
            }
        };
        let Some(serving) = &self.serving else { return self.serve(&authority) };
        if serving.is_from(&authority) && !serving.is_due() {
            return Ok(RESYNC_INTERVAL);
        }
        // A new authority: the current certificate is served until every kube-apiserver trusts it.
        let left = PROPAGATION_DELAY.saturating_sub(since.elapsed());
        if !left.is_zero() && authority.trusts(serving) && !serving.is_due() {
            return Ok(left);
        }
        self.serve(&authority)
    }

    /// The authority of all replicas, created if there is none.
    async fn authority(&self) -> Result<Authority, String> {
        for _ in 0..3 {
            match self.secret.read().await? {
                Some(known) if !known.is_due() => return Ok(known),
                old => {
                    let current = self.serving.as_ref().map(ServingCertificate::authority);
                    let new = Authority::generate(&self.service, old.as_ref(), current)
                        .map_err(|error| error.to_string())?;
                    // If another replica was faster, its authority is the one.
                    if self.secret.write(&new).await? {
                        tracing::info!(secret = self.secret.name(), "made a new authority");
                        return Ok(new);
                    }
                }
            }
        }
        Err(format!("the Secret {} changes faster than it can be read", self.secret.name()))
    }

    fn serve(&mut self, authority: &Authority) -> Result<Duration, String> {
        let (serving, chain, key) =
            authority.issue(&self.service).map_err(|error| error.to_string())?;
        self.certificate.replace(chain, key).map_err(|error| error.to_string())?;
        tracing::info!(service = %self.service, "serving with a certificate of our own authority");
        self.serving = Some(serving);
        Ok(RESYNC_INTERVAL)
    }
}
