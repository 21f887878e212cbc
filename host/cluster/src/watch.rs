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
const DISCOVERY_INTERVAL: Duration = Duration::from_secs(10);

/// After a list that was not found although discovery has the kind; doubled each time.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// Why objects are not known whose kind is in discovery alone.
const NOT_FOUND: &str = "kube-apiserver answers their list with 404 (Not Found), although its \
                         discovery has them; does the APIService of their group work?";

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
    /// The cluster does not serve the kind under this name and version, and did before.
    Gone,
    /// It did not serve it at all.
    NotFound,
}

impl Follower {
    async fn run(self) {
        // A kind that every cluster has need not be asked for.
        let mut known = Resource::known(&self.resource.to_string()).is_some();
        let mut backoff = FIRST_BACKOFF;
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
                        tokio::time::sleep(DISCOVERY_INTERVAL).await;
                        continue;
                    }
                }
            }
            match self.watch().await {
                End::Unused => return,
                // Its definition has changed: discovery says how it is served now.
                End::Gone => backoff = FIRST_BACKOFF,
                End::NotFound => {
                    let Some(kind) = self.kind.upgrade() else { return };
                    self.interrupted(&kind, NOT_FOUND.to_owned());
                    drop(kind);
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(MAX_BACKOFF);
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
        let mut listing = Listing::default();
        let mut served = false;
        loop {
            let Some(event) = events.next().await else { return End::NotFound };
            let Some(kind) = self.kind.upgrade() else { return End::Unused };
            match event {
                Ok(watcher::Event::Init) => listing = Listing::default(),
                Ok(watcher::Event::InitApply(object)) => {
                    let (namespace, name, labels) = parts(object);
                    listing.add(&namespace, &name, labels);
                }
                Ok(watcher::Event::InitDone) => {
                    served = true;
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
                    if status.is_some_and(|status| status.code == 404 || status.is_not_found()) {
                        return if served { End::Gone } else { End::NotFound };
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::Router;
    use axum::routing::get;
    use http::StatusCode;
    use http::header::CONTENT_TYPE;
    use kube::Config;
    use serde_json::{Value, json};
    use tokio::task::JoinSet;

    use super::*;
    use leadsman_model::objects::KindState;

    /// A kube-apiserver whose discovery has widgets, and that does not find a list of them.
    async fn cluster(
        server: &mut JoinSet<std::io::Result<()>>,
        lists: watch::Sender<Vec<Instant>>,
    ) -> Cluster {
        leadsman_runtime::tls::install_provider();
        let answer = |body: Value| {
            get(async move || ([(CONTENT_TYPE, "application/json")], body.to_string()))
        };
        let version = json!({"groupVersion": "example.com/v1", "version": "v1"});
        let group = json!({
            "name": "example.com", "versions": [version], "preferredVersion": version,
        });
        let widgets = json!({
            "name": "widgets", "singularName": "widget", "kind": "Widget", "namespaced": true,
            "verbs": ["list", "watch"],
        });
        let list = async move || {
            lists.send_modify(|lists| lists.push(Instant::now()));
            (StatusCode::NOT_FOUND, "404 page not found")
        };
        let router = Router::new()
            .route("/apis", answer(json!({"kind": "APIGroupList", "groups": [group]})))
            .route(
                "/apis/example.com/v1",
                answer(json!({
                    "kind": "APIResourceList", "groupVersion": "example.com/v1",
                    "resources": [widgets],
                })),
            )
            .route("/apis/example.com/v1/widgets", get(list));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        server.spawn(async { axum::serve(listener, router).await });
        let mut config = Config::new(url.parse().unwrap());
        config.default_retry = false;
        Cluster::of(Client::try_from(config).unwrap())
    }

    #[tokio::test]
    async fn a_list_that_is_not_found_is_asked_for_again_with_backoff_and_told() {
        let lists = watch::Sender::new(Vec::new());
        let mut asked = lists.subscribe();
        let mut server = JoinSet::new();
        let cluster = cluster(&mut server, lists).await;
        let watches = Watches::new(&cluster, TaskTracker::new(), CancellationToken::new());
        let kind = watches.kind(&Resource::custom("widgets.example.com", None).unwrap());
        kind.settled().await;
        let KindState::Unknown(reason) = &*kind.state() else { panic!("{:?}", kind.state()) };
        assert!(reason.contains("404"), "{reason}");
        let asked = asked.wait_for(|asked| asked.len() >= 3).await.unwrap().clone();
        assert!(asked[1] - asked[0] >= FIRST_BACKOFF, "{asked:?}");
        assert!(asked[2] - asked[1] >= FIRST_BACKOFF * 2, "{asked:?}");
    }
}
