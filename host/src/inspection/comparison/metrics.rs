//! Metrics by their names in discovery, in which both adapters write them alike.

use leadsman_model::serve::Serve;
use leadsman_provider::snapshot::MeasuredKind;

/// A metric that an adapter lists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Metric {
    /// In which API, and for which objects.
    pub(super) of: Listed,
    /// The metric; empty for what nodes and pods use.
    pub(super) name: String,
}

/// In which API, and for which objects.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Listed {
    /// Of objects of a kind, as `jobs.batch`.
    Custom {
        /// The kind.
        resource: String,
    },
    /// Items.
    External,
    /// What objects use.
    Usage {
        /// `nodes` or `pods`.
        resource: String,
    },
}

impl Metric {
    /// As ours is served.
    pub(super) fn served(serve: &Serve, name: &str) -> Self {
        let of = match serve {
            Serve::Custom(resource) => Listed::Custom { resource: resource.to_string() },
            Serve::External => Listed::External,
            Serve::ResourceMetrics(resource) => return Self::usage(resource.plural()),
        };
        Self { of, name: name.to_owned() }
    }

    /// What objects use.
    pub(super) fn usage(resource: &str) -> Self {
        Self { of: Listed::Usage { resource: resource.to_owned() }, name: String::new() }
    }

    /// As `custom.metrics.k8s.io` lists it: `pods/http_requests`.
    pub(super) fn custom(listed: &str) -> Option<Self> {
        let (resource, name) = listed.split_once('/')?;
        let of = Listed::Custom { resource: resource.to_owned() };
        Some(Self { of, name: name.to_owned() })
    }

    /// As `external.metrics.k8s.io` lists it.
    pub(super) fn external(listed: &str) -> Self {
        Self { of: Listed::External, name: listed.to_owned() }
    }

    /// How it is called in a report.
    pub(super) fn title(&self) -> String {
        match &self.of {
            Listed::Custom { resource } => format!("{resource}/{}", self.name),
            Listed::External => format!("external/{}", self.name),
            Listed::Usage { resource } => format!("cpu and memory of {resource}"),
        }
    }
}

/// Whose usage is asked for.
pub(super) fn usage_resource(resource: &str) -> Option<MeasuredKind> {
    [MeasuredKind::Nodes, MeasuredKind::Pods].into_iter().find(|of| of.plural() == resource)
}
