//! What can be scraped in a cluster: pods and the endpoints of Services, as they are known now.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::watch;

use crate::names::Namespace;
use crate::selector::Selector;

/// Which pods, or the endpoints of which Service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EndpointPick {
    /// The only namespace; `None` for all.
    pub namespace: Option<Namespace>,
    /// What is picked in it.
    pub kind: EndpointKind,
}

/// What is picked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum EndpointKind {
    /// Pods with these labels.
    Pods(Selector),
    /// The ready endpoints of the Service of this name.
    Service(String),
}

/// As a message calls it: `pods with app=web in namespace shop`.
impl fmt::Display for EndpointPick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            EndpointKind::Pods(selector) if selector.is_empty() => f.write_str("pods")?,
            EndpointKind::Pods(selector) => write!(f, "pods with {selector}")?,
            EndpointKind::Service(name) => write!(f, "endpoints of the Service {name}")?,
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => f.write_str(" in all namespaces"),
        }
    }
}

/// A running pod, or what else stands behind a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The namespace.
    pub namespace: String,
    /// The pod's name; empty for an endpoint that is no pod.
    pub pod: String,
    /// The node that it runs on; empty if it is not known.
    pub node: String,
    /// The address.
    pub ip: IpAddr,
    /// The pod's labels; none for the endpoints of a Service.
    pub labels: BTreeMap<String, String>,
    /// The ports that have names.
    pub ports: Vec<(String, u16)>,
    /// When the pod was started, in milliseconds since the epoch; `None` if that is not known.
    pub started: Option<i64>,
    /// Whether it is ready.
    pub ready: bool,
}

/// What is known of a pick.
#[derive(Debug, Clone)]
enum EndpointsState {
    Starting,
    Known {
        endpoints: Arc<[Arc<Endpoint>]>,
        /// Why changes are not seen any more.
        interrupted: Option<Arc<str>>,
    },
    Unknown(Arc<str>),
}

/// The endpoints of a pick. Whoever follows them writes, sources read.
#[derive(Debug)]
pub struct EndpointStore {
    pick: EndpointPick,
    state: watch::Sender<EndpointsState>,
}

impl EndpointStore {
    /// Nothing is known yet.
    pub fn starting(pick: EndpointPick) -> Self {
        Self { pick, state: watch::Sender::new(EndpointsState::Starting) }
    }

    /// Nothing ever will be, for this reason.
    pub fn unknown(pick: EndpointPick, reason: &str) -> Self {
        Self { pick, state: watch::Sender::new(EndpointsState::Unknown(reason.into())) }
    }

    /// What is picked.
    pub fn pick(&self) -> &EndpointPick {
        &self.pick
    }

    /// The endpoints, or why they are not known.
    pub fn endpoints(&self) -> Result<Arc<[Arc<Endpoint>]>, String> {
        match &*self.state.borrow() {
            EndpointsState::Starting => Err("they are being listed for the first time".to_owned()),
            EndpointsState::Known { endpoints, .. } => Ok(endpoints.clone()),
            EndpointsState::Unknown(reason) => Err(reason.to_string()),
        }
    }

    /// Why the endpoints may be out of date.
    pub fn interrupted(&self) -> Option<String> {
        match &*self.state.borrow() {
            EndpointsState::Known { interrupted: Some(reason), .. } => Some(reason.to_string()),
            _ => None,
        }
    }

    /// Waits until the first attempt to list them has ended, successfully or not.
    pub async fn first_list(&self) {
        let is_over = |state: &EndpointsState| !matches!(state, EndpointsState::Starting);
        // The sender lives in this store, so the channel cannot close.
        let _ = self.state.subscribe().wait_for(is_over).await;
    }

    /// These are the endpoints now.
    pub fn replace(&self, endpoints: Vec<Arc<Endpoint>>) {
        self.state
            .send_replace(EndpointsState::Known { endpoints: endpoints.into(), interrupted: None });
    }

    /// They cannot be followed. What is known stays. Returns whether that is new.
    pub fn watch_failed(&self, reason: &str) -> bool {
        self.state.send_if_modified(|state| match state {
            EndpointsState::Known { interrupted, .. } if interrupted.as_deref() == Some(reason) => {
                false
            }
            EndpointsState::Known { interrupted, .. } => {
                *interrupted = Some(reason.into());
                true
            }
            EndpointsState::Unknown(known) if **known == *reason => false,
            EndpointsState::Starting | EndpointsState::Unknown(_) => {
                *state = EndpointsState::Unknown(reason.into());
                true
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(selector: &str) -> EndpointPick {
        let kind = EndpointKind::Pods(selector.parse().unwrap());
        EndpointPick { namespace: "shop".parse().ok(), kind }
    }

    #[tokio::test]
    async fn what_is_known_stays_while_it_cannot_be_followed() {
        let store = EndpointStore::starting(pick("app=web"));
        assert!(store.endpoints().unwrap_err().contains("first time"));
        assert!(store.watch_failed("forbidden") && !store.watch_failed("forbidden"));
        store.first_list().await;
        assert_eq!(store.endpoints().unwrap_err(), "forbidden");
        let endpoint = Arc::new(Endpoint {
            namespace: "shop".to_owned(),
            pod: "web-0".to_owned(),
            node: String::new(),
            ip: [10, 0, 0, 1].into(),
            labels: BTreeMap::new(),
            ports: vec![("metrics".to_owned(), 9100)],
            started: Some(0),
            ready: true,
        });
        store.replace(vec![endpoint.clone()]);
        assert!(store.watch_failed("gone"));
        assert_eq!(*store.endpoints().unwrap(), [endpoint]);
        assert_eq!(store.interrupted().as_deref(), Some("gone"));
        store.replace(Vec::new());
        assert_eq!(store.interrupted(), None);
    }

    #[test]
    fn picks_are_told_in_words() {
        assert_eq!(pick("app=web").to_string(), "pods with app=web in namespace shop");
        let kind = EndpointKind::Service("web".to_owned());
        let service = EndpointPick { namespace: None, kind };
        assert_eq!(service.to_string(), "endpoints of the Service web in all namespaces");
    }
}
