//! The state of a controller, for people.

use std::collections::BTreeMap;
use std::time::Duration;

use super::costs::CallCost;
use super::error::AlbError;
use super::objects::Objects;
use super::query::Entity;
use super::request::{CallKind, Filter, Target};
use super::series_cache::Key;
use super::settings::Login;
use super::{NsxAlb, default_max_age};
use leadsman_runtime::clock;

/// The state of a controller, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerReport {
    /// The node that answered.
    pub address: String,
    /// The other nodes, and why those that do not answer do not.
    pub other_nodes: Vec<(String, Option<AlbError>)>,
    /// The version that requests name.
    pub version: Option<String>,
    /// The number of pools of the tenant.
    pub pools: usize,
    /// The number of pools that AKO created, by the name of the cluster.
    pub of_clusters: BTreeMap<String, usize>,
    /// The number of pools that AKO created before it had markers.
    pub of_older_ako: usize,
    /// The age of the newest sample of any pool.
    pub newest: Option<Duration>,
    /// Whether samples have times: in the Prometheus format they have none, and the newest is as old
    /// as the answer.
    pub has_times: bool,
    /// The time between two samples.
    pub step: Duration,
    /// The default maximum age of samples.
    pub max_sample_age: Duration,
    /// The cost of a login, or of requesting the version with basic authentication.
    pub login: CallCost,
    /// The cost of a list of all pools.
    pub listing: CallCost,
    /// The cost of one metric of all pools.
    pub metrics: CallCost,
}

/// A metric that every pool has.
pub(super) const METRIC: &str = "l4_server.avg_open_conns";

impl NsxAlb {
    /// The known state, without requests.
    pub(crate) fn state(&self) -> String {
        let objects: Vec<_> = self.lists().values().filter_map(|list| list.good.clone()).collect();
        let count: usize = objects.iter().map(|list| list.len()).sum();
        let marked = |list: &Objects| list.all().filter(|object| !object.labels.is_empty()).count();
        let of_ako: usize = objects.iter().map(|list| marked(list)).sum();
        let newest = self.cache().newest_time().map(|time| {
            let age = clock::now().saturating_sub(time) / 1000;
            match self.samples_have_times() {
                true => format!(", newest sample {age}s old"),
                false => format!(", newest answer {age}s old"),
            }
        });
        let real_time = match self.real_time().counts() {
            (0, 0) => String::new(),
            (current, 0) => format!(", real time metrics of {current}"),
            (current, ended) => {
                format!(", real time metrics of {current}, and ended for {ended}")
            }
        };
        let (session, newest) = (self.controller.state(), newest.unwrap_or_default());
        let costs = self.controller.costs().each();
        let costs = costs.map(|costs| format!("; a call costs on average: {costs}"));
        let costs = costs.unwrap_or_default();
        format!(
            "{session}; {count} objects listed, {of_ako} with markers of AKO{newest}{real_time}{costs}"
        )
    }

    /// Requests everything that queries need, for all pools, and logs out.
    pub(crate) async fn report(&self) -> Result<ControllerReport, AlbError> {
        let report = self.ask_all().await;
        self.controller.log_out().await;
        report
    }

    async fn ask_all(&self) -> Result<ControllerReport, AlbError> {
        let objects = self.list(&(Entity::Pool, Filter::All)).await?;
        let (mut of_clusters, mut of_older_ako) = (BTreeMap::new(), 0);
        for object in objects.all() {
            match object.labels.iter().find(|(label, _)| *label == "cluster") {
                Some((_, cluster)) => *of_clusters.entry(cluster.clone()).or_default() += 1,
                None => of_older_ako += usize::from(!object.labels.is_empty()),
            }
        }
        let key = Key {
            entity: Entity::Pool,
            target: Target::All,
            servers: false,
            step: self.settings.step,
            metric: METRIC.into(),
        };
        let rows = self.metrics(&[key]).await?;
        let now = clock::now();
        let newest = rows.iter().map(|row| row.time).max();
        let cost = |kind| self.controller.costs().of(kind);
        let age = |time: i64| u64::try_from(now.saturating_sub(time)).unwrap_or_default();
        Ok(ControllerReport {
            address: self.controller.address().to_owned(),
            other_nodes: self.controller.others().await,
            version: self.controller.version(),
            pools: objects.len(),
            of_clusters,
            of_older_ako,
            newest: newest.map(|time| Duration::from_millis(age(time))),
            has_times: self.samples_have_times(),
            step: self.settings.step.length(),
            max_sample_age: default_max_age(self.settings.step),
            login: cost(match self.settings.login {
                Login::Session => CallKind::Login,
                Login::Basic => CallKind::Version,
            }),
            listing: cost(CallKind::Objects),
            metrics: cost(match self.samples_have_times() {
                true => CallKind::Metrics,
                false => CallKind::MetricsText,
            }),
        })
    }
}
