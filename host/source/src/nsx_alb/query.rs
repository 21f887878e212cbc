//! A query for metrics of a controller.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::settings::Step;
use leadsman_model::names::Namespace;

/// A metric of one object of the controller, or of all that AKO made for a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NsxAlbQuery {
    /// The kind of object.
    pub entity: Entity,
    /// The metric's id, e.g. `l4_server.avg_open_conns`.
    pub metric: String,
    /// Which objects.
    pub pick: Pick,
    /// Only objects of this tenant.
    pub tenant: Option<String>,
    /// Only objects that AKO made for this namespace.
    pub namespace: AkoNamespace,
    /// Whether each server of a pool has a series of its own.
    pub servers: bool,
    /// The time between two samples; `None` for that of the source.
    pub step: Option<Step>,
    /// Whether the mapping adds up what it gives. It has an error where the controller says that this must
    /// not be done.
    pub summed: bool,
}

/// A kind of object of the controller that has metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Entity {
    /// The servers behind a virtual service.
    Pool,
    /// What clients connect to.
    VirtualService,
    /// What the traffic goes through.
    ServiceEngine,
}

/// Which objects a query is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pick {
    /// The one of this name.
    Name(String),
    /// The one of this uuid.
    Uuid(String),
    /// All that AKO made for the cluster of this name.
    Ako(String),
}

/// The namespaces of objects, among all that AKO made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AkoNamespace {
    /// All; or the evaluation's own if it is for one.
    Any,
    /// That of the evaluation, so that each namespace has an evaluation of its own.
    OfScope,
    /// This one.
    Fixed(Namespace),
}

impl Entity {
    /// How the controller's API calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::VirtualService => "virtualservice",
            Self::ServiceEngine => "serviceengine",
        }
    }

    /// How the collection of metrics calls it.
    pub(super) fn metric_entity(self) -> &'static str {
        match self {
            Self::Pool => "POOL_METRICS_ENTITY",
            Self::VirtualService => "VSERVER_METRICS_ENTITY",
            Self::ServiceEngine => "SE_METRICS_ENTITY",
        }
    }

    /// Whether one request may name several metrics of a family.
    pub(super) fn takes_many_metrics(self) -> bool {
        self != Self::ServiceEngine
    }
}

impl NsxAlbQuery {
    /// Whether each namespace has an evaluation of its own. What it picks from is brought by the
    /// same calls for all.
    pub fn uses_namespace(&self) -> bool {
        self.namespace == AkoNamespace::OfScope
    }

    /// Itself with the keys of a configuration.
    pub(crate) fn written(&self) -> Value {
        let mut keys = json!({"entity": self.entity.name(), "metric": self.metric});
        match &self.pick {
            Pick::Name(name) => keys["name"] = name.as_str().into(),
            Pick::Uuid(uuid) => keys["uuid"] = uuid.as_str().into(),
            Pick::Ako(cluster) => keys["ako"] = cluster.as_str().into(),
        }
        if let Some(tenant) = &self.tenant {
            keys["tenant"] = tenant.as_str().into();
        }
        match &self.namespace {
            AkoNamespace::Any => {}
            AkoNamespace::OfScope => keys["namespace"] = "${namespace}".into(),
            AkoNamespace::Fixed(namespace) => keys["namespace"] = namespace.as_str().into(),
        }
        if self.servers {
            keys["servers"] = true.into();
        }
        if let Some(step) = self.step {
            keys["step"] = format!("{}s", step.seconds()).into();
        }
        keys
    }

    /// The namespace whose objects alone are meant, for an evaluation of a scope.
    pub(super) fn only<'a>(&'a self, scope: Option<&'a Namespace>) -> Option<&'a Namespace> {
        match (&self.namespace, &self.pick) {
            (AkoNamespace::Fixed(namespace), _) => Some(namespace),
            // A plugin takes all that an evaluation for one namespace gets for its own.
            (_, Pick::Ako(_)) => scope,
            _ => None,
        }
    }
}

/// Whether a text can be the id of a metric: a family and a name.
pub fn is_metric_id(text: &str) -> bool {
    let word = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    text.split_once('.').is_some_and(|(family, name)| word(family) && word(name))
}

/// Like it is written.
impl fmt::Display for NsxAlbQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of the {}", self.metric, self.entity.name())?;
        match &self.pick {
            Pick::Name(name) => write!(f, " \"{name}\""),
            Pick::Uuid(uuid) => write!(f, " {uuid}"),
            Pick::Ako(cluster) => write!(f, "s that AKO made for the cluster {cluster}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_a_family_and_a_name() {
        assert!(is_metric_id("l4_server.avg_open_conns"));
        for text in ["avg_open_conns", "l4_server.", ".x", "l4.a.b", "l4 server.a", "l4.a,l7.b", ""]
        {
            assert!(!is_metric_id(text), "{text}");
        }
    }

    #[test]
    fn an_evaluation_for_a_namespace_sees_what_ako_made_for_it_alone() {
        let namespace: Namespace = "shop".parse().unwrap();
        let query = |pick, namespace| NsxAlbQuery {
            entity: Entity::Pool,
            metric: "l4_server.avg_open_conns".to_owned(),
            pick,
            tenant: None,
            namespace,
            servers: false,
            step: None,
            summed: false,
        };
        let ako = query(Pick::Ako("k8s".into()), AkoNamespace::Any);
        assert_eq!(ako.only(Some(&namespace)), Some(&namespace));
        assert_eq!(ako.only(None), None);
        assert!(!ako.uses_namespace());
        let of_scope = query(Pick::Ako("k8s".into()), AkoNamespace::OfScope);
        assert!(of_scope.uses_namespace());
        let fixed = query(Pick::Ako("k8s".into()), AkoNamespace::Fixed(namespace.clone()));
        assert_eq!(fixed.only(None), Some(&namespace));
        let named = query(Pick::Name("web".into()), AkoNamespace::Any);
        assert_eq!(named.only(Some(&namespace)), None);
    }
}
