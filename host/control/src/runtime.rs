//! What mappings run on: the plugin engine, metrics, tasks, and the objects of each kind.

use std::collections::HashMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use leadsman_cluster::Reflectors;
use leadsman_delegate::Delegation;
use leadsman_evaluation::{EvaluationQuota, Workloads};
use leadsman_model::objects::{self, ListedObject, ObjectList, ObjectStore};
use leadsman_model::resource::Resource;
use leadsman_runtime::telemetry::Metrics;
use leadsman_sandbox::Engine;

/// What mappings run on.
#[derive(Clone)]
pub struct Runtime {
    /// Runs the plugins.
    pub engine: Engine,
    /// Where evaluations count.
    pub metrics: Metrics,
    /// Owns the tasks of evaluations.
    pub tasks: TaskTracker,
    /// Bounds how many evaluations one caller may begin.
    pub quota: EvaluationQuota,
    /// Ends them.
    pub end: CancellationToken,
    /// Which objects there are.
    pub objects: ObjectSource,
    /// How workloads are scaled.
    pub workloads: Workloads,
    /// What delegates share.
    pub delegation: Arc<Delegation>,
}

/// Where objects are known from.
#[derive(Clone)]
pub enum ObjectSource {
    /// From the configuration's list.
    Listed,
    /// From a cluster.
    Watched(Arc<Reflectors>),
}

/// The objects of each kind.
#[derive(Clone)]
pub(super) enum Kinds {
    Listed(Arc<Listed>),
    Watched(Arc<Reflectors>),
}

/// The objects of the configuration's list.
pub(super) struct Listed {
    list: Arc<[ListedObject]>,
    kinds: HashMap<Resource, Arc<ObjectStore>>,
}

#[cfg(test)]
impl Runtime {
    /// One without a cluster.
    pub(super) fn without_cluster(engine: Engine) -> Self {
        Self {
            engine,
            metrics: Metrics::new(),
            tasks: TaskTracker::new(),
            quota: EvaluationQuota::default(),
            end: CancellationToken::new(),
            objects: ObjectSource::Listed,
            workloads: Workloads::default(),
            delegation: Delegation::new(Metrics::new(), None),
        }
    }
}

impl Kinds {
    /// The kinds of a source. `list` is that of the configuration; an unchanged list keeps the
    /// kinds of `before`.
    pub(super) fn new(
        source: &ObjectSource,
        list: &Arc<[ListedObject]>,
        before: Option<&Self>,
    ) -> Self {
        match (source, before) {
            (ObjectSource::Watched(reflectors), _) => Self::Watched(reflectors.clone()),
            (ObjectSource::Listed, Some(Self::Listed(before))) if before.list == *list => {
                Self::Listed(before.clone())
            }
            (ObjectSource::Listed, _) => {
                let kinds = objects::listed(list);
                Self::Listed(Arc::new(Listed { list: list.clone(), kinds }))
            }
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Listed(one), Self::Listed(other)) => Arc::ptr_eq(one, other),
            (Self::Watched(one), Self::Watched(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Sees to it that the addresses of the objects of a kind become known. Listed objects have
    /// theirs in the list.
    pub(super) fn follow_addresses(&self, kind: &Arc<ObjectStore>) {
        match self {
            Self::Watched(reflectors) => reflectors.follow_addresses(kind),
            Self::Listed(_) => {}
        }
    }

    pub(super) fn get(&self, resource: &Resource) -> Arc<ObjectStore> {
        match self {
            Self::Watched(reflectors) => reflectors.store(resource),
            Self::Listed(listed) => listed.kinds.get(resource).cloned().unwrap_or_else(|| {
                let kind = ObjectStore::starting(resource.clone());
                match resource.details() {
                    Some(_) => drop(kind.replace(ObjectList::default())),
                    None => drop(kind.watch_failed(format!(
                        "there is no cluster to ask what {resource} are; say it with `kind` under \
                         the mapping's `serve.custom`"
                    ))),
                }
                Arc::new(kind)
            }),
        }
    }
}
