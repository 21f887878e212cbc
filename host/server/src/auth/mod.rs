//! Who asks, and whether they may: as every extension API server of Kubernetes decides it.
//!
//! A request is somebody's by the front proxy's headers, by a client certificate, by a token, or
//! by nothing (anonymous), in this order; kube-apiserver is asked whether they may. Its answers
//! are kept for a short while and shared by equal questions under way.

mod attributes;
mod authorities;
mod credentials;
mod decisions;
mod error;
mod front_proxy;
mod peer;
mod tokens;

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwapOption;
use futures_util::StreamExt as _;
use http::request::Parts;
use tokio::sync::watch;

pub use attributes::{attributes, watches};
pub use authorities::Authorities;
pub use error::{Denied, Forbidden, Unauthenticated};
pub use peer::{AnyClient, Peer};

use credentials::Outcome;
use decisions::Decisions;
use leadsman_cluster::{Cluster, Decision, Identity};
use leadsman_runtime::files;
use tokens::Tokens;

/// Where every cluster says which certificates and headers to trust.
const CONFIG: (&str, &str) = ("kube-system", "extension-apiserver-authentication");

/// Members of this group may do everything.
const MASTERS: &str = "system:masters";

/// Everybody who is somebody is in the first of these groups, and nobody in the second.
const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";

/// Tells one user from another: a number that is the same for the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserId(pub u64);

static USERS: LazyLock<foldhash::fast::RandomState> = LazyLock::new(Default::default);

impl UserId {
    fn of(identity: &Identity) -> Self {
        Self(USERS.hash_one(&identity.user))
    }
}

/// Decides on requests.
pub struct Auth {
    authorities: ArcSwapOption<Authorities>,
    settled: watch::Sender<bool>,
    /// What the cluster said last, for a start while it cannot be asked.
    kept: Option<PathBuf>,
    tokens: Tokens,
    decisions: Decisions,
}

impl Auth {
    /// Trusts nobody before [`Auth::follow`] has seen whom to trust. What it sees is kept in a
    /// file: a start while the cluster cannot be asked trusts whom it trusted before.
    pub fn new(cluster: &Cluster, kept: Option<PathBuf>) -> Self {
        Self {
            kept,
            authorities: ArcSwapOption::empty(),
            settled: watch::Sender::new(false),
            tokens: Tokens::new(cluster.clone()),
            decisions: Decisions::new(cluster.clone()),
        }
    }

    /// Follows whom the cluster says to trust. Never ends by itself.
    pub async fn follow(&self, cluster: &Cluster) {
        let (namespace, name) = CONFIG;
        let mut config = cluster.config_map(namespace, name);
        let mut known = None;
        while let Some(read) = config.next().await {
            let reason = match read {
                Ok(Some(found)) => {
                    let data = found.data.unwrap_or_default();
                    // A watch that begins anew says again what is known.
                    if known.as_ref() != Some(&data) {
                        self.trust(&data);
                        self.keep(&data);
                        known = Some(data);
                    }
                    continue;
                }
                Ok(None) => "there is none".to_owned(),
                Err(error) => format!(
                    "{error}; the adapter's service account needs the role \
                     extension-apiserver-authentication-reader in {namespace}"
                ),
            };
            // Whom to trust was known or is not: either way nothing changes.
            tracing::error!(
                config_map = format!("{namespace}/{name}"),
                reason,
                "whom to trust cannot be read"
            );
            if !*self.settled.borrow()
                && let Some(data) = self.kept()
            {
                tracing::warn!("whom the cluster trusted before this start is trusted for now");
                self.trust(&data);
            }
        }
    }

    fn kept(&self) -> Option<BTreeMap<String, String>> {
        let text = std::fs::read(self.kept.as_ref()?).ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn keep(&self, data: &BTreeMap<String, String>) {
        let Some(path) = &self.kept else { return };
        let text = serde_json::to_vec(data).unwrap_or_default();
        if let Err(error) = files::write_whole(path, &[&text]) {
            let file = path.display();
            tracing::warn!(%file, %error, "whom to trust cannot be kept for the next start");
        }
    }

    fn trust(&self, data: &BTreeMap<String, String>) {
        let before = self.authorities.load();
        let (authorities, faults) = Authorities::read(data, before.as_deref());
        for fault in faults {
            tracing::error!(
                fault,
                "a part of whom to trust cannot be used; the last good one stays"
            );
        }
        self.authorities.store(Some(Arc::new(authorities)));
        if !self.settled.send_replace(true) {
            tracing::info!("whom to trust is known");
        } else {
            tracing::info!("whom to trust has changed");
        }
    }

    /// Waits until it is known whom to trust.
    pub async fn settled(&self) {
        // The sender lives in this value, so the channel cannot close.
        let _ = self.settled.subscribe().wait_for(|&settled| settled).await;
    }

    /// Whether somebody may have what a request asks for. Takes the headers that only a front
    /// proxy may send out of the request, and leaves the [`UserId`] among its extensions.
    pub async fn admit(&self, request: &mut Parts, peer: &Peer) -> Result<(), Denied> {
        let (identity, proxied) = self.authenticate(request, peer).await?;
        request.extensions.insert(UserId::of(&identity));
        if identity.groups.iter().any(|group| group == MASTERS) {
            return Ok(());
        }
        let attributes = attributes(&request.method, &request.uri);
        // kube-apiserver has already let this very request through. Whoever may read everything,
        // as the HPA controller may, need not be asked about for each object again.
        let widened = if proxied { attributes.widened() } else { None };
        let (identity, attributes) = match widened {
            Some(widened) => match self.decisions.of(identity, widened).await {
                (_, _, Ok(Decision::Allowed)) => return Ok(()),
                (_, _, Err(error)) => return Err(Denied::Unknown(error)),
                (identity, _, Ok(Decision::Denied(_))) => (identity, attributes),
            },
            None => (identity, attributes),
        };
        let (identity, attributes, decision) = self.decisions.of(identity, attributes).await;
        match decision.map_err(Denied::Unknown)? {
            Decision::Allowed => Ok(()),
            Decision::Denied(reason) => {
                Err(Denied::Forbidden(Box::new(Forbidden { identity, attributes, reason })))
            }
        }
    }

    /// Who asks, and whether a front proxy says so.
    async fn authenticate(
        &self,
        request: &mut Parts,
        peer: &Peer,
    ) -> Result<(Identity, bool), Denied> {
        let authorities = self.authorities.load_full();
        let by_certificate = match &authorities {
            Some(authorities) => peer.identify(authorities, &mut request.headers),
            None => peer.unverified(),
        };
        let mut refused = match by_certificate {
            Outcome::Identified(identity) => return Ok((authenticated(identity), false)),
            Outcome::Proxied(identity) => return Ok((authenticated(identity), true)),
            Outcome::Absent => None,
            Outcome::Refused(reason) => Some(reason),
        };
        match self.tokens.identify(&request.headers).await {
            Outcome::Identified(identity) | Outcome::Proxied(identity) => {
                return Ok((authenticated(identity), false));
            }
            Outcome::Absent => {}
            Outcome::Refused(reason) => refused = refused.or(Some(reason)),
        }
        match refused {
            Some(reason) => Err(Denied::Unauthenticated(reason)),
            None => Ok((anonymous(), false)),
        }
    }
}

fn authenticated(mut identity: Identity) -> Identity {
    // The aggregator's own requests come without groups, and every cluster grants discovery to
    // this one.
    if !identity.groups.iter().any(|group| group == AUTHENTICATED || group == UNAUTHENTICATED) {
        identity.groups.push(AUTHENTICATED.to_owned());
    }
    identity
}

fn anonymous() -> Identity {
    Identity {
        user: "system:anonymous".to_owned(),
        groups: vec![UNAUTHENTICATED.to_owned()],
        ..Identity::default()
    }
}
