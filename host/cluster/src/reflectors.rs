//! Reflectors of the objects that mappings are served for: metadata only, one for each kind.

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
use super::{Cluster, autoscalers, discovery, endpoints};
use leadsman_autoscaler::{AutoscalerStore, Followed};
use leadsman_model::endpoints::{EndpointPick, EndpointStore};
use leadsman_model::objects::{Labels, ObjectList, ObjectStore};
use leadsman_model::resource::Resource;
use leadsman_runtime::backoff::Backoff;
use leadsman_runtime::supervise::until_it_ends;
use leadsman_runtime::telemetry::Metrics;

/// How long to wait before a cluster is asked again for a kind that it does not have.
const DISCOVERY_INTERVAL: Duration = Duration::from_secs(10);

/// The delays after a list that was not found although discovery has the kind.
const MIN_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// Why objects are not known whose kind is in discovery alone.
const NOT_FOUND: &str = "kube-apiserver answers their list with 404 (Not Found), although its \
                         discovery has them; does the APIService of their group work?";

/// Runs one reflector for each kind in use, and stops it with its last user.
pub struct Reflectors {
    client: Client,
    stores: Mutex<HashMap<Resource, Weak<ObjectStore>>>,
    endpoints: Mutex<HashMap<EndpointPick, Weak<EndpointStore>>>,
    /// Counts the kinds whose version or name discovery has reported anew.
    discovered: watch::Sender<u64>,
    metrics: Metrics,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl Reflectors {
    /// No reflectors yet. Their tasks belong to `tasks` and end with `end`; `metrics` count their
    /// panics.
    pub fn new(
        cluster: &Cluster,
        metrics: Metrics,
        tasks: TaskTracker,
        end: CancellationToken,
    ) -> Self {
        Self {
            client: cluster.client().clone(),
            stores: Mutex::default(),
            endpoints: Mutex::default(),
            discovered: watch::Sender::new(0),
            metrics,
            tasks,
            end,
        }
    }

    /// The store of a kind. Its reflector runs until the last holder drops the store.
    pub fn store(&self, resource: &Resource) -> Arc<ObjectStore> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        stores.retain(|_, store| store.strong_count() > 0);
        if let Some(store) = stores.get(resource).and_then(Weak::upgrade) {
            return store;
        }
        let store = Arc::new(ObjectStore::starting(resource.clone()));
        stores.insert(resource.clone(), Arc::downgrade(&store));
        let reflector = Reflector {
            client: self.client.clone(),
            resource: resource.clone(),
            store: Arc::downgrade(&store),
            discovered: self.discovered.clone(),
        };
        let failing = reflector.clone();
        self.spawn(
            "objects",
            move || reflector.clone().run(),
            move |reason| {
                if let Some(store) = failing.store.upgrade() {
                    failing.watch_failed(&store, reason);
                }
            },
        );
        store
    }

    /// The endpoints of a pick. Their reflector runs until the last holder drops the store.
    pub fn endpoints(&self, pick: &EndpointPick) -> Arc<EndpointStore> {
        let mut stores = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        stores.retain(|_, store| store.strong_count() > 0);
        if let Some(store) = stores.get(pick).and_then(Weak::upgrade) {
            return store;
        }
        let store = Arc::new(EndpointStore::starting(pick.clone()));
        stores.insert(pick.clone(), Arc::downgrade(&store));
        let (client, pick, followed) = (self.client.clone(), pick.clone(), Arc::downgrade(&store));
        let failing = followed.clone();
        self.spawn(
            "endpoints",
            move || endpoints::follow(client.clone(), pick.clone(), followed.clone()),
            move |reason| {
                if let Some(store) = failing.upgrade() {
                    store.watch_failed(&reason);
                }
            },
        );
        store
    }

    /// The autoscalers of the cluster, as far as the adapter may list them. Their reflector runs until
    /// the last holder drops the store.
    pub fn autoscalers(&self) -> Arc<AutoscalerStore> {
        let store = Arc::new(AutoscalerStore::new(Followed::Starting));
        let (client, followed) = (self.client.clone(), Arc::downgrade(&store));
        let failing = followed.clone();
        self.spawn(
            "autoscalers",
            move || autoscalers::follow(client.clone(), followed.clone()),
            move |reason| {
                if let Some(store) = failing.upgrade() {
                    store.watch_failed(Followed::Interrupted(reason));
                }
            },
        );
        store
    }

    /// Changes each time that discovery has reported a version or a name of a kind anew.
    pub fn discovered(&self) -> watch::Receiver<u64> {
        self.discovered.subscribe()
    }

    /// Follows the addresses of pods for as long as their store is held, if nobody does yet.
    pub fn follow_addresses(&self, pods: &Arc<ObjectStore>) {
        if !pods.follow_addresses() {
            return;
        }
        let (client, followed) = (self.client.clone(), Arc::downgrade(pods));
        let failing = followed.clone();
        self.spawn(
            "addresses",
            move || crate::addresses::follow(client.clone(), followed.clone()),
            move |reason| {
                if let Some(store) = failing.upgrade() {
                    store.addresses_failed(reason);
                }
            },
        );
    }

    /// Starts a task that ends by itself once nobody holds its store. After a panic its store gets
    /// the reason by `failed`, and the task is started again.
    fn spawn<F>(
        &self,
        task: &'static str,
        follow: impl Fn() -> F + Send + Sync + 'static,
        failed: impl Fn(String) + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let (end, metrics) = (self.end.clone(), self.metrics.clone());
        let panicked = move |reason: String| {
            metrics.task_panicked(task);
            failed(format!("the adapter failed while it followed them: {reason}"));
            std::future::ready(())
        };
        self.tasks.spawn(async move {
            tokio::select! {
                () = until_it_ends(task, follow, panicked) => {}
                () = end.cancelled() => {}
            }
        });
    }
}

#[derive(Clone)]
struct Reflector {
    client: Client,
    resource: Resource,
    store: Weak<ObjectStore>,
    discovered: watch::Sender<u64>,
}

/// Why a watch ended.
enum End {
    /// The last holder of the store is gone.
    Unused,
    /// The cluster does not serve the kind under this name and version, and did before.
    Gone,
    /// It did not serve it at all.
    NotFound,
}

impl Reflector {
    async fn run(self) {
        // A kind that every cluster has need not be asked for.
        let mut known = Resource::known(&self.resource.to_string()).is_some();
        let mut backoff = Backoff::new(MIN_BACKOFF, MAX_BACKOFF);
        loop {
            if !known {
                match discovery::details(&self.client, &self.resource).await {
                    Ok(details) => {
                        if self.resource.learn(details) {
                            self.discovered.send_modify(|count| *count += 1);
                        }
                    }
                    Err(reason) => {
                        let Some(store) = self.store.upgrade() else { return };
                        self.watch_failed(&store, reason);
                        drop(store);
                        tokio::time::sleep(DISCOVERY_INTERVAL).await;
                        continue;
                    }
                }
            }
            match self.watch().await {
                End::Unused => return,
                // Its definition has changed: discovery says how it is served now.
                End::Gone => backoff.reset(),
                End::NotFound => {
                    let Some(store) = self.store.upgrade() else { return };
                    self.watch_failed(&store, NOT_FOUND.to_owned());
                    drop(store);
                    tokio::time::sleep(backoff.next_delay()).await;
                }
            }
            known = false;
        }
    }

    async fn watch(&self) -> End {
        let Some(details) = self.resource.details() else { return End::NotFound };
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
        let mut listing = ObjectList::default();
        let mut served = false;
        loop {
            let Some(event) = events.next().await else { return End::NotFound };
            let Some(store) = self.store.upgrade() else { return End::Unused };
            match event {
                Ok(watcher::Event::Init) => listing = ObjectList::default(),
                Ok(watcher::Event::InitApply(object)) => {
                    let (namespace, name, labels) = parts(object);
                    listing.add(&namespace, &name, labels);
                }
                Ok(watcher::Event::InitDone) => {
                    served = true;
                    if store.replace(std::mem::take(&mut listing)) {
                        let (resource, count) = (&self.resource, store.count());
                        tracing::info!(%resource, count, "the objects are known and followed");
                    }
                }
                Ok(watcher::Event::Apply(object)) => {
                    let (namespace, name, labels) = parts(object);
                    store.apply(&namespace, &name, labels);
                    self.watch_resumed(&store);
                }
                Ok(watcher::Event::Delete(object)) => {
                    let (namespace, name, _) = parts(object);
                    store.delete(&namespace, &name);
                    self.watch_resumed(&store);
                }
                Err(error) => {
                    let status = status_of(&error);
                    if status.is_some_and(|status| status.code == 404 || status.is_not_found()) {
                        return if served { End::Gone } else { End::NotFound };
                    }
                    // The version is too old to go on from: the list that follows has everything.
                    if status.is_some_and(|status| status.code == 410) {
                        continue;
                    }
                    let reported = of_watch(&error);
                    let forbidden = is_forbidden(&error);
                    self.watch_failed(
                        &store,
                        if forbidden { self.missing(&reported) } else { reported },
                    );
                }
            }
        }
    }

    /// The right that is missing, as it has to be written.
    fn missing(&self, reported: &str) -> String {
        let (group, plural) = (self.resource.group(), self.resource.plural());
        format!(
            "the role of the adapter may not list and watch them: add {{apiGroups: [\"{group}\"], \
             resources: [\"{plural}\"], verbs: [\"list\", \"watch\"]}} to its ClusterRole ({reported})"
        )
    }

    fn watch_failed(&self, store: &ObjectStore, reason: String) {
        if store.watch_failed(reason.clone()) {
            let resource = &self.resource;
            tracing::warn!(%resource, reason, "the objects cannot be followed");
        }
    }

    fn watch_resumed(&self, store: &ObjectStore) {
        if store.watch_resumed() {
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

#[cfg(test)]
mod tests;
