//! Authentication and authorization, delegated to kube-apiserver as in every extension API server of
//! Kubernetes.
//!
//! A request is authenticated by the front proxy's headers, a client certificate, or a bearer token,
//! in this order, and is anonymous otherwise. It is authorized by a SubjectAccessReview. Decisions
//! are cached for a short while, and equal reviews in flight are coalesced.

mod attributes;
mod authorities;
mod clients;
mod credentials;
mod decisions;
mod error;
mod front_proxy;
mod peer;
mod tokens;
mod unproven;

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use arc_swap::ArcSwapOption;
use futures_util::StreamExt as _;
use http::HeaderMap;
use http::request::Parts;
use tokio::sync::watch;

pub use attributes::{attributes, watches};
pub use authorities::Authorities;
pub use clients::{Client, ClientAuthorityError, Clients};
pub use error::{Denied, Forbidden, Unauthenticated};
pub use leadsman_cluster::{ANONYMOUS, Identity};
pub use peer::{AnyClient, Peer};

use credentials::Outcome;
use decisions::Decisions;
use leadsman_cluster::{Attributes, Cluster, ReviewDecision};
use leadsman_runtime::files;
use tokens::Tokens;
use unproven::Unproven;

/// The ConfigMap with the trusted authorities and headers, in every cluster.
const CONFIG: (&str, &str) = ("kube-system", "extension-apiserver-authentication");

/// Members of this group are authorized without a review.
const MASTERS: &str = "system:masters";

/// The group of all authenticated users.
const AUTHENTICATED: &str = "system:authenticated";

/// The group of requests that are not authenticated.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";

/// Tells one user from another: a number that is the same for the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserId(pub u64);

/// The user of a request.
#[derive(Debug, Clone)]
pub struct User {
    /// Tells it from others.
    pub id: UserId,
    /// Its name.
    pub name: Arc<str>,
}

static USERS: LazyLock<foldhash::fast::RandomState> = LazyLock::new(Default::default);

impl UserId {
    fn of(identity: &Identity) -> Self {
        Self(USERS.hash_one(&identity.user))
    }
}

/// Authenticates and authorizes requests.
pub struct Auth {
    authorities: ArcSwapOption<Authorities>,
    synced: watch::Sender<bool>,
    /// The file with the last trusted authorities, for a start while kube-apiserver is unavailable.
    cache: Option<PathBuf>,
    tokens: Tokens,
    decisions: Decisions,
    unproven: Unproven,
}

impl Auth {
    /// Trusts no authority until [`Auth::follow`] has read them. They are cached in a file, for a
    /// start while kube-apiserver is unavailable.
    pub fn new(cluster: &Cluster, cache: Option<PathBuf>) -> Self {
        Self {
            cache,
            authorities: ArcSwapOption::empty(),
            synced: watch::Sender::new(false),
            tokens: Tokens::new(cluster.clone()),
            decisions: Decisions::new(cluster.clone()),
            unproven: Unproven::default(),
        }
    }

    /// Follows the trusted authorities of the cluster. Never returns.
    pub async fn follow(&self, cluster: &Cluster) {
        let (namespace, name) = CONFIG;
        let mut config = cluster.config_map(namespace, name);
        let mut known = None;
        while let Some(read) = config.next().await {
            let reason = match read {
                Ok(Some(found)) => {
                    let data = found.data.unwrap_or_default();
                    // A watch that is restarted delivers the ConfigMap again.
                    if known.as_ref() != Some(&data) {
                        self.trust(&data);
                        self.write_cache(&data);
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
            // The authorities that were read before stay trusted.
            tracing::error!(
                config_map = format!("{namespace}/{name}"),
                reason,
                "the trusted authorities cannot be read"
            );
            if !*self.synced.borrow()
                && let Some(data) = self.read_cache()
            {
                tracing::warn!("the trusted authorities of the last start are used for now");
                self.trust(&data);
            }
        }
    }

    fn read_cache(&self) -> Option<BTreeMap<String, String>> {
        let text = leadsman_runtime::files::read_regular(
            self.cache.as_ref()?,
            leadsman_runtime::files::MAX_CREDENTIALS,
        )
        .ok()?;
        serde_json::from_slice(&text).ok()
    }

    fn write_cache(&self, data: &BTreeMap<String, String>) {
        let Some(path) = &self.cache else { return };
        let text = serde_json::to_vec(data).unwrap_or_default();
        if let Err(error) = files::write_whole(path, &[&text]) {
            let file = path.display();
            tracing::warn!(%file, %error, "the trusted authorities cannot be cached for the next start");
        }
    }

    fn trust(&self, data: &BTreeMap<String, String>) {
        let before = self.authorities.load();
        let (authorities, faults) = Authorities::read(data, before.as_deref());
        for fault in faults {
            tracing::error!(
                fault,
                "a part of the trusted authorities cannot be used; the last good one stays"
            );
        }
        self.authorities.store(Some(Arc::new(authorities)));
        if !self.synced.send_replace(true) {
            tracing::info!("the trusted authorities are known");
        } else {
            tracing::info!("the trusted authorities have changed");
        }
    }

    /// Waits until the trusted authorities are known.
    pub async fn has_synced(&self) {
        // The sender lives in this value, so the channel cannot close.
        let _ = self.synced.subscribe().wait_for(|&synced| synced).await;
    }

    /// Authenticates and authorizes a request. Takes the headers that only a front proxy may send
    /// out of it, and leaves the [`User`] and the [`Identity`] among its extensions.
    pub async fn admit(&self, request: &mut Parts, peer: &Peer) -> Result<(), Denied> {
        let by_certificate = match &self.authorities.load_full() {
            Some(authorities) => peer.identify(authorities, &mut request.headers),
            None => peer.unverified(),
        };
        let _counted = self.unproven.admit(&by_certificate, peer)?;
        let (identity, proxied) = self.authenticate(by_certificate, request).await?;
        let name = identity.user.as_str().into();
        request.extensions.insert(User { id: UserId::of(&identity), name });
        let anonymous = identity.user == ANONYMOUS;
        let asked = attributes(&request.method, &request.uri);
        let identity = self.authorize(identity, asked, proxied).await?;
        request.extensions.insert(Arc::new(identity));
        if !anonymous {
            peer.set_authorized();
        }
        Ok(())
    }

    /// Authenticates a request by its bearer token, and authorizes it to `get` a path: whatever else
    /// it asks for. Nobody is anonymous here.
    pub async fn admit_token(
        &self,
        headers: &HeaderMap,
        path: &str,
        peer: &Peer,
    ) -> Result<(), Denied> {
        let _counted = self.unproven.admit(&Outcome::Absent, peer)?;
        let identity = match self.tokens.identify(headers).await {
            Outcome::Identified(identity) | Outcome::Proxied(identity) => authenticated(identity),
            Outcome::Absent => return Err(Denied::Unauthenticated(Unauthenticated::NoToken)),
            Outcome::Refused(reason) => return Err(Denied::Unauthenticated(reason)),
        };
        let is_anonymous = identity.user == ANONYMOUS;
        if is_anonymous || identity.groups.iter().any(|group| group == UNAUTHENTICATED) {
            return Err(Denied::Unauthenticated(Unauthenticated::NoToken));
        }
        let attributes = Attributes::Path { verb: "get".to_owned(), path: path.to_owned() };
        self.authorize(identity, attributes, false).await?;
        peer.set_authorized();
        Ok(())
    }

    /// Authorizes a user whose request was admitted to `get` an autoscaler, too.
    pub async fn admit_autoscaler(
        &self,
        identity: &Identity,
        namespace: &str,
        name: &str,
    ) -> Result<(), Denied> {
        let attributes = Attributes::Resource {
            verb: "get".to_owned(),
            group: "autoscaling".to_owned(),
            version: "v2".to_owned(),
            namespace: namespace.to_owned(),
            resource: "horizontalpodautoscalers".to_owned(),
            subresource: String::new(),
            name: name.to_owned(),
        };
        self.authorize(identity.clone(), attributes, false).await.map(drop)
    }

    /// Gives the identity back.
    async fn authorize(
        &self,
        identity: Identity,
        attributes: Attributes,
        proxied: bool,
    ) -> Result<Identity, Denied> {
        if identity.groups.iter().any(|group| group == MASTERS) {
            return Ok(identity);
        }
        // kube-apiserver has authorized this very request already. One review for all resources of
        // the group spares a user that may read all of them, as the HPA controller may, one per object.
        let widened = if proxied { attributes.widened() } else { None };
        let (identity, attributes) = match widened {
            Some(widened) => match self.decisions.of(identity, widened).await {
                (identity, _, Ok(ReviewDecision::Allowed)) => return Ok(identity),
                (_, _, Err(error)) => return Err(Denied::Unknown(error)),
                (identity, _, Ok(ReviewDecision::Denied(_))) => (identity, attributes),
            },
            None => (identity, attributes),
        };
        let (identity, attributes, decision) = self.decisions.of(identity, attributes).await;
        match decision.map_err(Denied::Unknown)? {
            ReviewDecision::Allowed => Ok(identity),
            ReviewDecision::Denied(reason) => {
                Err(Denied::Forbidden(Box::new(Forbidden { identity, attributes, reason })))
            }
        }
    }

    /// The identity of a request, and whether a front proxy asserts it.
    async fn authenticate(
        &self,
        by_certificate: Outcome,
        request: &Parts,
    ) -> Result<(Identity, bool), Denied> {
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
    // The aggregator's own requests have no groups, and every cluster grants discovery to this one.
    if !identity.groups.iter().any(|group| group == AUTHENTICATED || group == UNAUTHENTICATED) {
        identity.groups.push(AUTHENTICATED.to_owned());
    }
    identity
}

fn anonymous() -> Identity {
    Identity {
        user: ANONYMOUS.to_owned(),
        groups: vec![UNAUTHENTICATED.to_owned()],
        ..Identity::default()
    }
}
