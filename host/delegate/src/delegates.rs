//! All delegates of a configuration, in the order in which they are asked.

use std::sync::{Arc, Mutex, PoisonError};

use http::StatusCode;
use http::header::{HeaderMap, HeaderValue};
use tokio::sync::watch;

use super::answer::DelegateAnswer;
use super::delegate::{Delegate, ForwardedRequest};
use super::error::{DelegateError, DelegateFailure, ForwardError};
use super::hops::{Hop, Instance};
use super::matching::RequestedMetric;
use super::settings::{Api, DelegateSettings, ServiceReference};
use leadsman_runtime::telemetry::Metrics;

/// The delegates of a configuration. Requests go to the first one that is for them and lists the
/// metric, or else to those that are for them, until one has it.
pub struct Delegates {
    list: Vec<Arc<Delegate>>,
    hop: Hop,
}

/// What all delegates of a process share.
pub struct Delegation {
    metrics: Metrics,
    instance: Instance,
    /// The Service in front of this process.
    own: Option<ServiceReference>,
    changed: watch::Sender<()>,
    /// The hop that requests of this process add.
    hop: Mutex<HeaderValue>,
}

/// Delegates that are new in a configuration, and those that cannot be prepared, by their place in it.
#[derive(Default)]
pub struct Changes {
    /// New delegates, each to be followed by [`Delegate::follow`].
    pub new: Vec<Arc<Delegate>>,
    /// Why others could not be prepared.
    pub faults: Vec<(usize, DelegateError)>,
}

impl Delegation {
    /// For a process behind this Service.
    pub fn new(metrics: Metrics, own: Option<ServiceReference>) -> Arc<Self> {
        let instance = Instance::random();
        let hop = Mutex::new(Hop::new(instance, &[]).header(None));
        Arc::new(Self { metrics, instance, own, changed: watch::Sender::new(()), hop })
    }

    /// Tells of lists of delegates that have changed.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(super) fn list_changed(&self) {
        self.changed.send_replace(());
    }

    /// The hops of the adapter's own requests.
    pub(super) fn hop(&self) -> HeaderValue {
        self.hop.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Delegates {
    /// None.
    pub fn none(delegation: &Delegation) -> Arc<Self> {
        Arc::new(Self { list: Vec::new(), hop: Hop::new(delegation.instance, &[]) })
    }

    /// The delegates of a configuration. An unchanged delegate keeps its connections, its circuit breaker and
    /// its lists; if none has changed, this value is kept as well. Blocks: certificates are read.
    pub fn replaced(
        before: &Arc<Self>,
        settings: &[DelegateSettings],
        delegation: &Arc<Delegation>,
    ) -> (Arc<Self>, Changes) {
        let mut changes = Changes::default();
        let mut list = Vec::with_capacity(settings.len());
        for (at, settings) in settings.iter().enumerate() {
            let known = before.list.iter().find(|known| known.settings() == settings);
            if let Some(known) = known {
                list.push(known.clone());
                continue;
            }
            let own = settings
                .service
                .as_ref()
                .filter(|service| Some(*service) == delegation.own.as_ref());
            let made = match own {
                Some(own) => Err(DelegateError::OwnService(own.to_string())),
                None => Delegate::new(settings, delegation),
            };
            match made {
                Ok(delegate) => {
                    let delegate = Arc::new(delegate);
                    changes.new.push(delegate.clone());
                    list.push(delegate);
                }
                Err(error) => changes.faults.push((at, error)),
            }
        }
        let same = list.len() == before.list.len()
            && list.iter().zip(&before.list).all(|(one, other)| Arc::ptr_eq(one, other));
        if same {
            return (before.clone(), changes);
        }
        let hop = Hop::new(delegation.instance, settings);
        *delegation.hop.lock().unwrap_or_else(PoisonError::into_inner) = hop.header(None);
        (Arc::new(Self { list, hop }), changes)
    }

    /// All of them, in order.
    pub fn all(&self) -> &[Arc<Delegate>] {
        &self.list
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether there is one for an API.
    pub fn serve(&self, api: Api) -> bool {
        self.list.iter().any(|delegate| delegate.settings().matcher.apis.contains(&api))
    }

    /// Whether a request has come back that was passed on before.
    pub fn is_loop(&self, headers: &HeaderMap) -> bool {
        self.hop.is_loop(headers)
    }

    /// Waits until each was asked for its lists once, with or without success.
    pub async fn first_lists(&self) {
        for delegate in &self.list {
            delegate.first_list().await;
        }
    }

    /// The delegate that a request is passed to first, and whether it lists the metric; `None` if there is
    /// none for it. `specific` is that of [`Delegates::forward`].
    pub fn first_for(
        &self,
        asked: &RequestedMetric<'_>,
        specific: bool,
    ) -> Option<(&Delegate, bool)> {
        let mut matching = self.matching(asked, specific).peekable();
        let first = matching.peek().copied()?;
        let listing = matching.find(|delegate| delegate.lists().has(asked));
        Some(listing.map_or((&**first, false), |delegate| (&**delegate, true)))
    }

    fn matching(
        &self,
        asked: &RequestedMetric<'_>,
        specific: bool,
    ) -> impl Iterator<Item = &Arc<Delegate>> {
        self.list.iter().filter(move |delegate| {
            let matcher = &delegate.settings().matcher;
            matcher.matches(asked) && (!specific || matcher.is_specific())
        })
    }

    /// Passes a request on; `None` if there is no delegate for it. With `specific`, only to delegates of
    /// which the configuration says which metrics they are for.
    pub async fn forward(
        &self,
        asked: &RequestedMetric<'_>,
        passed: &ForwardedRequest<'_>,
        specific: bool,
    ) -> Option<Result<(Arc<Delegate>, DelegateAnswer), DelegateFailure>> {
        let (listing, others): (Vec<_>, Vec<_>) =
            self.matching(asked, specific).partition(|delegate| delegate.lists().has(asked));
        let hop = self.hop.header(Some(passed.headers));
        let (mut not_found, mut failure) = (None, None);
        let listed = listing.len();
        for (number, delegate) in listing.into_iter().chain(others).enumerate() {
            // One that lists the metric knows best that it has no value. Of the others each may be it.
            let knows = number < listed;
            // Nobody stands for one whose metric it is. Others cost only what they have themselves.
            let is_its_own = knows || delegate.settings().matcher.is_specific();
            match delegate.read(asked, passed, &hop).await {
                Ok(answer) if knows || answer.status != StatusCode::NOT_FOUND => {
                    return Some(Ok((delegate.clone(), answer)));
                }
                Ok(answer) => {
                    not_found.get_or_insert((delegate.clone(), answer));
                }
                Err(cause) if is_its_own => return Some(Err(failed(delegate, cause))),
                Err(cause) => {
                    failure.get_or_insert(failed(delegate, cause));
                }
            }
        }
        // The metric may be of the one that failed: that there is none is not known.
        failure.map(Err).or(not_found.map(Ok))
    }
}

fn failed(delegate: &Delegate, cause: ForwardError) -> DelegateFailure {
    DelegateFailure { delegate: delegate.settings().name.clone(), cause }
}
