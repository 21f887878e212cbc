//! The state of a controller, for people.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::NsxAlb;
use super::board::Key;
use super::error::AlbError;
use super::objects::Objects;
use super::query::Entity;
use super::request::{Filter, Target};
use leadsman_runtime::clock;

/// The state of a controller, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControllerReport {
    /// The node that answered.
    pub address: String,
    /// The version that requests name.
    pub version: Option<String>,
    /// How many pools the tenant has.
    pub pools: usize,
    /// How many of them AKO made, by the name of the cluster.
    pub of_clusters: BTreeMap<String, usize>,
    /// How old the newest sample of any pool is.
    pub newest: Option<Duration>,
    /// Whether samples have times: in the Prometheus format they have none, and the newest is as old
    /// as the answer.
    pub has_times: bool,
    /// How long the list of pools took.
    pub listing: Duration,
    /// How long one metric of all pools took.
    pub metrics: Duration,
}

/// What every pool has.
const METRIC: &str = "l4_server.avg_open_conns";

impl NsxAlb {
    /// What is known without asking.
    pub(crate) fn state(&self) -> String {
        let objects: Vec<_> = self.lists().values().filter_map(|list| list.good.clone()).collect();
        let count: usize = objects.iter().map(|list| list.len()).sum();
        let marked = |list: &Objects| list.all().filter(|object| !object.labels.is_empty()).count();
        let of_ako: usize = objects.iter().map(|list| marked(list)).sum();
        let newest = self.board().newest_time().map(|time| {
            let age = clock::now().saturating_sub(time) / 1000;
            match self.samples_have_times() {
                true => format!(", newest sample {age}s old"),
                false => format!(", newest answer {age}s old"),
            }
        });
        let (session, newest) = (self.controller.state(), newest.unwrap_or_default());
        format!("{session}; {count} objects listed, {of_ako} with markers of AKO{newest}")
    }

    /// Asks for everything that queries need, of all pools, and logs out.
    pub(crate) async fn report(&self) -> Result<ControllerReport, AlbError> {
        let report = self.ask_all().await;
        self.controller.log_out().await;
        report
    }

    async fn ask_all(&self) -> Result<ControllerReport, AlbError> {
        let begun = Instant::now();
        let objects = self.list(&(Entity::Pool, Filter::All)).await?;
        let listing = begun.elapsed();
        let mut of_clusters = BTreeMap::new();
        for object in objects.all() {
            if let Some((_, cluster)) = object.labels.iter().find(|(label, _)| *label == "cluster")
            {
                *of_clusters.entry(cluster.clone()).or_default() += 1;
            }
        }
        let begun = Instant::now();
        let key = Key {
            entity: Entity::Pool,
            target: Target::All,
            servers: false,
            step: self.settings.step,
            metric: METRIC.into(),
        };
        let rows = self.metrics(&[key]).await?;
        let metrics = begun.elapsed();
        let now = clock::now();
        let newest = rows.iter().map(|row| row.time).max();
        let age = |time: i64| u64::try_from(now.saturating_sub(time)).unwrap_or_default();
        Ok(ControllerReport {
            address: self.controller.address().to_owned(),
            version: self.controller.version(),
            pools: objects.len(),
            of_clusters,
            newest: newest.map(|time| Duration::from_millis(age(time))),
            has_times: self.samples_have_times(),
            listing,
            metrics,
        })
    }
}
