//! Configurations in ConfigMaps, the operator's and those of teams: watched, reported, isolated.

mod answers;
mod boundaries;
mod budgets;
mod check;
mod conflicts;
mod expensive;
mod load;
mod operator;
mod outages;
mod registries;
mod rights;
mod teams;

use std::time::Duration;

use leadsman_tests::cluster::{
    Adapter, ConfigMap, ControlPlane, EventRecord, Readers, Rule, Workload,
};
use leadsman_tests::{
    Answer, Browser, Config, HOSTILE, HttpClient, Leadsman, Mapping, Reply, Upstream, eventually,
    paths,
};
use serde_json::{Value, json};

const TIMEOUT: Duration = Duration::from_secs(30);

/// An installation that watches the ConfigMap `settings` of its namespace, and those of teams.
struct Site<'a> {
    plane: &'a ControlPlane,
    adapter: Adapter<'a>,
    operator: ConfigMap,
    upstream: Upstream,
}

impl Site<'static> {
    /// An installation in a new namespace of the shared cluster, with the rights that the chart
    /// grants.
    async fn new(namespace: &str) -> Self {
        Self::within(ControlPlane::shared().await, namespace).await
    }
}

impl<'a> Site<'a> {
    /// The same in its own cluster.
    async fn within(plane: &'a ControlPlane, namespace: &str) -> Self {
        let site = Self::without_teams(plane, namespace).await;
        site.adapter.account().allow_team_config_maps(&plane.admin()).await;
        site
    }

    /// The same, without the right to watch those of teams.
    async fn without_teams(plane: &'a ControlPlane, namespace: &str) -> Self {
        let admin = plane.admin();
        let adapter = Adapter::new(plane, namespace, &["pods"]).await;
        adapter.account().allow_config_map(&admin, namespace, "settings").await;
        let operator = ConfigMap::of_operator(&admin, namespace, "settings");
        let upstream = Upstream::start(Reply::pods(&[])).await;
        upstream.reply_with(|request| {
            let digits = request.promql().trim_start_matches('n').chars();
            let value: String = digits.take_while(char::is_ascii_digit).collect();
            Reply::pods(&[("web-0", &value)])
        });
        Self { plane, adapter, operator, upstream }
    }

    /// The operator's configuration without a metric, and with the source `prometheus`.
    fn config(&self) -> Config {
        Config::new().prometheus("prometheus", &self.upstream.url())
    }

    /// A team's ConfigMap `metrics` in a namespace, which is created with a pod `web-0`.
    async fn team(&self, namespace: &str) -> ConfigMap {
        let admin = self.plane.admin();
        Workload::deployment(&admin, namespace, "web", 1).await;
        ConfigMap::of_team(&admin, namespace, "metrics")
    }

    /// A replica that is ready.
    async fn start(&self) -> Leadsman {
        Leadsman::expect_ready(self.launch(&[]).await).await
    }

    /// A replica that need not be ready yet.
    async fn launch(&self, arguments: &[&str]) -> Result<Leadsman, leadsman_tests::Exited> {
        self.adapter.launch_config_map(&self.operator.owner(), arguments).await
    }

    /// Reads a metric as a user with all rights, directly at a replica's port.
    async fn read(&self, leadsman: &Leadsman, path: &str) -> Answer {
        leadsman.get_as(&root(self.plane), path).await
    }

    /// Waits until a metric has this value.
    async fn serves(&self, leadsman: &Leadsman, path: &str, value: &str) {
        eventually(&format!("{value} at {path}"), TIMEOUT, async || {
            let answer = self.read(leadsman, path).await;
            if answer.is_success() && answer.items().len() == 1 && answer.value() == value {
                return Ok(());
            }
            Err(format!("{answer:#?}\n{:#}", leadsman.status().await["rejected"]))
        })
        .await;
    }

    /// Waits until the metric does not exist for the namespace.
    async fn serves_not(&self, leadsman: &Leadsman, path: &str) {
        eventually(&format!("nothing at {path}"), TIMEOUT, async || {
            let answer = self.read(leadsman, path).await;
            if answer.status == 404 { Ok(()) } else { Err(format!("{answer:#?}")) }
        })
        .await;
    }
}

/// A metric of pods with this value.
fn pods(metric: &str, value: u32) -> Mapping {
    Mapping::pods(metric).query("q", &format!(r#"n{value}{{namespace="${{namespace}}"}}"#))
}

/// An external metric with this value.
fn external(metric: &str, value: u32) -> Mapping {
    Mapping::external(metric).query("q", &format!("n{value}"))
}

/// A faulty mapping: there is no such plugin.
fn faulty(metric: &str) -> Mapping {
    external(metric, 1).plugin("externl", "")
}

/// A user with all rights.
fn root(plane: &ControlPlane) -> HttpClient {
    HttpClient::with_certificate(plane.authorities().admin())
}

/// What the status page lists as rejected of an owner: `operator` or `namespace/name`.
async fn rejected(leadsman: &Leadsman, owner: &str) -> Vec<Value> {
    let status = leadsman.status().await;
    let all = status["rejected"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|one| one["owner"] == owner).collect()
}

/// Waits until something of an owner is rejected with this reason and all of these texts, on the
/// status page and in the metrics.
async fn wait_rejected(leadsman: &Leadsman, owner: &str, reason: &str, texts: &[&str]) -> Value {
    let what = format!("{reason} of {owner} with {texts:?}");
    let found = eventually(&what, TIMEOUT, async || {
        let all = rejected(leadsman, owner).await;
        let says = |one: &&Value| {
            let message = one["message"].as_str().unwrap_or_default();
            one["reason"] == reason && texts.iter().all(|text| message.contains(text))
        };
        all.iter().find(says).cloned().ok_or_else(|| format!("{all:#?}"))
    })
    .await;
    let labels = [("owner", owner), ("reason", reason)];
    let counted = leadsman.metric("leadsman_configuration_rejected", &labels).await;
    assert!(counted >= Some(1.0), "{counted:?}");
    found
}

/// Waits until nothing of an owner is rejected, on the status page and in the metrics.
async fn wait_accepted(leadsman: &Leadsman, owner: &str) {
    eventually(&format!("nothing rejected of {owner}"), TIMEOUT, async || {
        let all = rejected(leadsman, owner).await;
        if all.is_empty() { Ok(()) } else { Err(format!("{all:#?}")) }
    })
    .await;
    let counted = leadsman.metric("leadsman_configuration_rejected", &[("owner", owner)]).await;
    assert_eq!(counted.unwrap_or_default(), 0.0);
}

/// The warnings on a ConfigMap, without those of other tests' adapters.
async fn warnings(config_map: &ConfigMap) -> Vec<EventRecord> {
    let mut events = config_map.events().await;
    events.retain(|told| told.warning && told.reason != "NotAllowed");
    events
}
