//! Being known to the cluster: an authority of our own, whose certificate the APIServices hold.
//!
//! The authority lives in a Secret that all replicas share. Each replica makes its own serving
//! certificate from it, and sees to it that the APIServices that point to our Service trust it.
//! APIServices that point elsewhere belong to another adapter and are never touched.

mod api_services;
mod authority;
mod secret;

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;

use crate::Held;
use api_services::ApiServices;
use authority::{Authority, Serving};
use leadsman_cluster::Cluster;
use secret::AuthoritySecret;

pub use authority::AuthorityError;

/// The versions of the API groups that this adapter serves, as APIServices are named.
pub const API_SERVICES: [&str; 3] = [
    "v1beta1.custom.metrics.k8s.io",
    "v1beta2.custom.metrics.k8s.io",
    "v1beta1.external.metrics.k8s.io",
];

/// The one that most clusters have metrics-server for: what nodes and pods use. It is ours only if
/// somebody made it so.
pub const USAGE_API_SERVICE: &str = "v1beta1.metrics.k8s.io";

/// How often everything is looked at although nothing was seen to change.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// How long to wait after something failed.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// How long after the APIServices were seen to trust a new authority its certificates are served,
/// where the present one is trusted as well: every kube-apiserver has heard of it by then.
const HEARD: Duration = Duration::from_secs(60);

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

/// Keeps certificate and APIServices right. Never ends by itself.
pub async fn keep(cluster: &Cluster, service: &Service, held: &Held) {
    let mut keeper = Keeper {
        secret: AuthoritySecret::of(cluster, service),
        api_services: ApiServices::of(cluster, service),
        service: service.clone(),
        held: held.clone(),
        serving: None,
        trusted: None,
    };
    let mut changes =
        futures_util::stream::select(keeper.secret.changes(), keeper.api_services.changes());
    loop {
        let wait = match keeper.look().await {
            Ok(wait) => wait,
            Err(reason) => {
                tracing::error!(reason, "the serving certificate cannot be kept right");
                TRY_AGAIN
            }
        };
        // What changes while we look is seen right after.
        let _ = tokio::time::timeout(wait, changes.next()).await;
    }
}

struct Keeper {
    secret: AuthoritySecret,
    api_services: ApiServices,
    service: Service,
    held: Held,
    serving: Option<Serving>,
    /// What the APIServices trust, and since when that is known.
    trusted: Option<(String, Instant)>,
}

impl Keeper {
    /// Puts everything right that is not, and says when to look again at the latest.
    async fn look(&mut self) -> Result<Duration, String> {
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
            return Ok(LOOK_AGAIN);
        }
        // A new authority: the present certificate goes on while the news gets around.
        let left = HEARD.saturating_sub(since.elapsed());
        if !left.is_zero() && authority.trusts(serving) && !serving.is_due() {
            return Ok(left);
        }
        self.serve(&authority)
    }

    /// The authority of all replicas, made if there is none.
    async fn authority(&self) -> Result<Authority, String> {
        for _ in 0..3 {
            match self.secret.read().await? {
                Some(known) if !known.is_due() => return Ok(known),
                old => {
                    let present = self.serving.as_ref().map(Serving::authority);
                    let new = Authority::make(&self.service, old.as_ref(), present)
                        .map_err(|error| error.to_string())?;
                    // Another replica may have been faster: then its one holds.
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
        self.held.replace(chain, key).map_err(|error| error.to_string())?;
        tracing::info!(service = %self.service, "serving with a certificate of our own authority");
        self.serving = Some(serving);
        Ok(LOOK_AGAIN)
    }
}
