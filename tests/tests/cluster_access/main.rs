//! Authentication and authorization of requests to Leadsman's port, in a real cluster.

mod anonymous;
mod front_proxy;
mod reviews;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use leadsman_tests::cluster::{Adapter, ControlPlane, Rule, Subject, Workload};
use leadsman_tests::{Answer, Config, HttpClient, Leadsman, Mapping, Reply, Upstream, paths};

const CUSTOM: &str = "custom.metrics.k8s.io";
const EXTERNAL: &str = "external.metrics.k8s.io";
/// A value that occurs nowhere else.
const VALUE: &str = "81549300576";
/// How long a change of rights or authorities may take to be effective. Decisions are cached for 10
/// s.
const COUNTS: Duration = Duration::from_secs(30);

/// Leadsman with the metrics `load` of pods and the external metric `depth`, in its own namespace.
struct Site {
    plane: &'static ControlPlane,
    namespace: &'static str,
    adapter: Adapter<'static>,
    leadsman: Arc<Leadsman>,
    _upstream: Upstream,
}

impl Site {
    /// With this many pods, `web-0` and so on.
    async fn new(namespace: &'static str, pods: usize) -> Self {
        let plane = ControlPlane::shared().await;
        Workload::deployment(&plane.admin(), namespace, "web", pods).await;
        let names: Vec<_> = (0..pods).map(|number| format!("web-{number}")).collect();
        let values: Vec<_> = names.iter().map(|name| (name.as_str(), VALUE)).collect();
        let upstream = Upstream::start(Reply::pods(&values)).await;
        let config = Config::new()
            .prometheus("prometheus", &upstream.url())
            .mapping(Mapping::pods("load").query("q", r#"load{namespace="${namespace}"}"#))
            .mapping(Mapping::external("depth").query("q", "depth"));
        let adapter = Adapter::new(plane, namespace, &["pods"]).await;
        let leadsman = Arc::new(adapter.start(config).await);
        Self { plane, namespace, adapter, leadsman, _upstream: upstream }
    }

    /// The path of the metric of all pods, as the HPA controller reads it.
    fn load(&self) -> String {
        paths::pods(self.namespace, "load")
    }

    /// Allows a subject to read `load` in the namespace.
    async fn allow(&self, subject: &Subject) {
        let rules = [Rule::new(&["get"], CUSTOM, &["pods/load"])];
        self.plane.admin().allow(subject, Some(self.namespace), &rules).await;
    }

    /// Withdraws all rights in the namespace.
    async fn take_all_away(&self) {
        let group = "/apis/rbac.authorization.k8s.io/v1";
        let bindings = format!("{group}/namespaces/{}/rolebindings", self.namespace);
        self.plane.admin().delete(&bindings).await;
    }

    async fn read(&self, caller: &HttpClient, path: &str) -> Answer {
        self.leadsman.get_as(caller, path).await
    }

    /// The status code that a caller gets for `load`.
    async fn status(&self, caller: &HttpClient) -> u16 {
        self.read(caller, &self.load()).await.status
    }

    /// Whether a caller gets this status for `load` by now.
    async fn becomes(&self, caller: &HttpClient, status: u16) -> Result<(), String> {
        let answer = self.read(caller, &self.load()).await;
        if answer.status == status { Ok(()) } else { Err(format!("{answer:#?}")) }
    }

    /// A token of the adapter's service account.
    async fn token(&self) -> String {
        self.adapter.account().token(&self.plane.admin()).await
    }

    /// The reviews of a user, and how often each was requested.
    fn questions(&self, user: &str) -> BTreeMap<String, usize> {
        let reviews = self.plane.reviews(&self.adapter.user());
        let about = reviews.iter().filter(|review| review.spec["user"] == user);
        about.fold(BTreeMap::new(), |mut questions, review| {
            *questions.entry(review.spec.to_string()).or_default() += 1;
            questions
        })
    }
}

/// The aggregator, forwarding a request of this user.
fn proxied(plane: &ControlPlane, user: &str) -> HttpClient {
    HttpClient::with_certificate(plane.authorities().aggregator()).header("x-remote-user", user)
}
