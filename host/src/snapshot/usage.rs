//! What nodes and pods use, for `metrics.k8s.io`.

use std::sync::Arc;
use std::time::Duration;

use crate::evaluation::Evaluations;
use crate::objects::Kind;

/// What nodes and pods use.
#[derive(Clone)]
pub struct Usage {
    /// The time that the values are an average of.
    pub window: Duration,
    /// Pods, if there is a query for them.
    pub pods: Option<UsageOf>,
    /// Nodes, if there is a query for them.
    pub nodes: Option<UsageOf>,
}

/// What one kind of objects uses.
#[derive(Clone)]
pub struct UsageOf {
    /// The objects.
    pub kind: Arc<Kind>,
    /// Processors, in cores.
    pub cpu: UsagePart,
    /// Memory, in bytes.
    pub memory: UsagePart,
}

/// One of the two.
#[derive(Clone)]
pub struct UsagePart {
    /// Its evaluations, which give items with labels.
    pub evaluations: Arc<Evaluations>,
    /// The label that names the object.
    pub object_label: Arc<str>,
    /// The label that names the container; `None` for nodes.
    pub container_label: Option<Arc<str>>,
}

impl Usage {
    /// All evaluations.
    pub fn evaluations(&self) -> impl Iterator<Item = &Arc<Evaluations>> {
        self.of().flat_map(|of| [&of.cpu.evaluations, &of.memory.evaluations])
    }

    /// The kinds of objects.
    pub fn kinds(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.of().map(|of| &of.kind)
    }

    fn of(&self) -> impl Iterator<Item = &UsageOf> {
        self.pods.iter().chain(&self.nodes)
    }
}
