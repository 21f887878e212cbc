//! Watches of the objects that mappings are served for: metadata only, one for each kind.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use kube::core::{DynamicObject, PartialObjectMeta};
use kube::discovery::ApiResource;
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::reason::{is_forbidden, of_watch, status_of};
use super::{Cluster, discovery};
use leadsman_model::objects::{Kind, Labels, Listing};
use leadsman_model::resource::Resource;

/// How long to wait before a cluster is asked again for a kind that it does not have.
const ASK_AGAIN: Duration = Duration::from_secs(10);

/// Starts a watch for each kind that something uses, and ends it with its last user.
pub struct Watches {
    client: Client,
    kinds: Mutex<HashMap<Resource, Weak<Kind>>>,
    /// Counts the kinds that the cluster told something new of.
    learned: watch::Sender<u64>,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl Watches {
    /// No watches yet. Their tasks belong to `tasks` and end with `end`.
    pub fn new(cluster: &Cluster, tasks: TaskTracker, end: CancellationToken) -> Self {
        Self {
            client: cluster.client().clone(),
            kinds: Mutex::default(),
            learned: watch::Sender::new(0),
            tasks,
            end,
        }
    }

    /// The objects of a kind, watched from now on for as long as somebody holds them.
    pub fn kind(&self, resource: &Resource) -> Arc<Kind> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        kinds.retain(|_, kind| kind.strong_count() > 0);
        if let Some(kind) = kinds.get(resource).and_then(Weak::upgrade) {
            return kind;
        }
        let kind = Arc::new(Kind::starting(resource.clone()));
        kinds.insert(resource.clone(), Arc::downgrade(&kind));
        let follower = Follower {
            client: self.client.clone(),
            resource: resource.clone(),
            kind: Arc::downgrade(&kind),
            learned: self.learned.clone(),
        };
        let end = self.end.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = follower.run() => {}
                () = end.cancelled() => {}
            }
        });
        kind
    }

    /// Changes each time that the cluster told something new of a kind.
    pub fn learned(&self) -> watch::Receiver<u64> {
        self.learned.subscribe()
    }
}

struct Follower {
    client: Client,
    resource: Resource,
    kind: Weak<Kind>,
    learned: watch::Sender<u64>,
}

/// Why a watch ended.
enum End {
    /// Nobody uses the kind any more.
    Unused,
    /// The cluster does not serve the kind under this name and version.
    Gone,
}

impl Follower {
    async fn run(self) {
        // A kind that every cluster has need not be asked for.
        let mut known = Resource::known(&self.resource.to_string()).is_some();
        loop {
            if !known {
                match discovery::details(&self.client, &self.resource).await {
                    Ok(details) => {
                        if self.resource.learn(details) {
                            self.learned.send_modify(|count| *count += 1);
                        }
                    }
                    Err(reason) => {
                        let Some(kind) = self.kind.upgrade() else { return };
                        self.interrupted(&kind, reason);
                        drop(kind);
                        tokio::time::sleep(ASK_AGAIN).await;
                        continue;
                    }
                }
            }
            match self.watch().await {
                End::Unused => return,
                End::Gone => known = false,
            }
        }
    }

    async fn watch(&self) -> End {
        let Some(details) = self.resource.details() else { return End::Gone };
        let group = self.resource.group();
        let resource = ApiResource {
            group: group.to_owned(),
            version: details.version.clone(),
            api_version: match group {
                "" => details.version.clone(),
                group => format!("{group}/{}", details.version),
            },
            kind: details.kind.clone(),
            plural: self.resource.plural().to_owned(),
        };
        let api: Api<PartialObjectMeta<DynamicObject>> =
            Api::all_with(self.client.clone(), &resource);
        let mut events = watcher(api, watcher::Config::default()).default_backoff().boxed();
        let mut listing = Listing::default();
        loop {
            let Some(event) = events.next().await else { return End::Gone };
            let Some(kind) = self.kind.upgrade() else { return End::Unused };
            match event {
                Ok(watcher::Event::Init) => listing = Listing::default(),
                Ok(watcher::Event::InitApply(object)) => {
                    let (namespace, name, labels) = parts(object);
                    listing.add(&namespace, &name, labels);
                }
                Ok(watcher::Event::InitDone) => {
                    if kind.replace(std::mem::take(&mut listing)) {
                        let (resource, count) = (&self.resource, kind.count());
                        tracing::info!(%resource, count, "the objects are known and followed");
                    }
                }
                Ok(watcher::Event::Apply(object)) => {
                    let (namespace, name, labels) = parts(object);
                    kind.apply(&namespace, &name, labels);
                    self.resumed(&kind);
                }
                Ok(watcher::Event::Delete(object)) => {
                    let (namespace, name, _) = parts(object);
                    kind.delete(&namespace, &name);
                    self.resumed(&kind);
                }
                Err(error) => {
                    let status = status_of(&error);
                    if status.is_some_and(|status| status.is_not_found()) {
                        return End::Gone;
                    }
                    // The version is too old to go on from: the list that follows tells all.
                    if status.is_some_and(|status| status.code == 410) {
                        continue;
                    }
                    let told = of_watch(&error);
                    let forbidden = is_forbidden(&error);
                    self.interrupted(&kind, if forbidden { self.missing(&told) } else { told });
                }
            }
        }
    }

    /// The right that is missing, as it has to be written.
    fn missing(&self, told: &str) -> String {
        let (group, plural) = (self.resource.group(), self.resource.plural());
        format!(
            "the role of the adapter may not list and watch them: add {{apiGroups: [\"{group}\"], \
             resources: [\"{plural}\"], verbs: [\"list\", \"watch\"]}} to its ClusterRole ({told})"
        )
    }

    fn interrupted(&self, kind: &Kind, reason: String) {
        if kind.interrupted(reason.clone()) {
            let resource = &self.resource;
            tracing::warn!(%resource, reason, "the objects cannot be followed");
        }
    }

    fn resumed(&self, kind: &Kind) {
        if kind.resumed() {
            tracing::info!(resource = %self.resource, "the objects are followed again");
        }
    }
}

/// What is kept of an object.
fn parts(object: PartialObjectMeta<DynamicObject>) -> (String, String, Labels) {
    let name = object.name_any();
    let metadata = object.metadata;
    let labels = metadata.labels.unwrap_or_default().into_iter().collect();
    (metadata.namespace.unwrap_or_default(), name, labels)
}
