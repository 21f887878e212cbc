//! The last hour of each autoscaler: the values of its metrics, the replicas that they proposed, and its
//! replicas. It is recorded all the time, for the page and for explanations (`explained`).
//!
//! It is held in the memory of one replica of the adapter, and begins with the start of that replica.

mod changes;
mod explained;
mod metric;
mod series;
mod trends;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use changes::{Changes, MAX_METRICS, MetricMoment, MetricState, Moment};
use leadsman_autoscaler::manifest::{Autoscaler, AutoscalerCondition, MetricSpec};
use leadsman_autoscaler::{
    AutoscalerStore, Followed, KnownMetric, MetricOverview, MetricProblem, Overview,
};
use leadsman_model::quantity::Quantity;
use leadsman_provider::snapshot::Snapshot;
use leadsman_provider::{Newest, NewestState};
use leadsman_runtime::clock;
use metric::AskedMetric;
use series::SeriesId;
pub(crate) use trends::Trends;

/// The parameter of an explanation that names an autoscaler.
pub(crate) const PARAMETER: &str = "autoscaler";

/// The interval of records: that of controllers.
pub(crate) const INTERVAL: Duration = Duration::from_secs(15);

/// The autoscalers that are known, and the last hour of each.
pub struct Hours {
    autoscalers: Arc<AutoscalerStore>,
    noted: Mutex<Observations>,
    /// Serializes observations.
    turn: Arc<Semaphore>,
    /// In milliseconds since the epoch.
    started: i64,
}

/// The record.
#[derive(Default)]
struct Observations {
    /// Of the replicas of each autoscaler, and of the value of each metric.
    trends: Trends,
    changes: Changes,
}

impl Default for Hours {
    /// Without a cluster there are no autoscalers.
    fn default() -> Self {
        Self::new(Arc::new(AutoscalerStore::new(Followed::NoCluster)))
    }
}

impl Hours {
    /// The hours of these autoscalers, from now on.
    pub fn new(autoscalers: Arc<AutoscalerStore>) -> Self {
        let turn = Arc::new(Semaphore::new(1));
        Self { autoscalers, noted: Mutex::default(), turn, started: clock::now() }
    }

    /// The autoscalers.
    pub(crate) fn autoscalers(&self) -> &AutoscalerStore {
        &self.autoscalers
    }

    /// The overviews of autoscalers now, in their order. Records them.
    pub(crate) fn observe(&self, all: &[Arc<Autoscaler>], snapshot: &Snapshot) -> Vec<Overview> {
        let overviews: Vec<_> = all.iter().map(|one| overview(one, snapshot)).collect();
        let series: Vec<_> = all.iter().map(|one| series_of(one)).collect();
        let mut noted = self.lock();
        for (overview, series) in overviews.iter().zip(&series) {
            noted.note(overview, series, clock::now());
        }
        overviews
    }

    /// The trends of an autoscaler: of its replicas, and of the value of each metric.
    pub(crate) fn trends_of(&self, overview: &Overview, now: i64) -> Value {
        let (noted, name) = (self.lock(), name(overview));
        let metrics =
            (0..overview.metrics.len()).map(|at| noted.trends.line(&value_line(&name, at), now));
        json!({
            "at": now,
            "replicas": noted.trends.line(&replicas_line(&name), now),
            "metrics": metrics.collect::<Vec<_>>(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Observations> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observations {
    fn note(&mut self, overview: &Overview, series: &[SeriesId], now: i64) {
        let name = name(overview);
        let moment = moment(overview);
        let more = overview.metrics.iter().skip(MAX_METRICS).map(of_metric);
        let values: Vec<_> =
            { moment.metrics.iter().copied().chain(more) }.map(|metric| metric.value).collect();
        if self.changes.add(&name, series, now, moment) {
            // A line is of one series.
            (0..overview.metrics.len()).for_each(|at| self.trends.remove(&value_line(&name, at)));
        }
        if let Some(replicas) = overview.replicas {
            self.trends.add(&replicas_line(&name), now, f64::from(replicas));
        }
        for (at, value) in values.into_iter().enumerate() {
            // What is not known is a gap in the line, not zero.
            if let Some(value) = value {
                self.trends.add(&value_line(&name, at), now, value);
            }
        }
    }
}

/// The name of an autoscaler among all.
pub(crate) fn name(overview: &Overview) -> String {
    format!("{}/{}", overview.namespace, overview.name)
}

fn replicas_line(name: &str) -> String {
    format!("replicas {name}")
}

fn value_line(name: &str, metric: usize) -> String {
    format!("value {metric} {name}")
}

fn moment(overview: &Overview) -> Moment {
    let mut metrics: Vec<_> = overview.metrics.iter().take(MAX_METRICS).map(of_metric).collect();
    let mut wants = overview.wants;
    // A controller that cannot read the metric leaves the value from before in its status.
    if let [metric] = &mut metrics[..]
        && overview.conditions.iter().any(says_failed)
    {
        *metric = MetricMoment { target: metric.target, ..MetricMoment::default() };
        metric.state = MetricState::Failing;
        wants = None;
    }
    Moment { replicas: overview.replicas, wants, metrics }
}

/// Whether a controller says that it could not read a metric.
fn says_failed(condition: &AutoscalerCondition) -> bool {
    let AutoscalerCondition { kind, status, reason, .. } = condition;
    kind == "ScalingActive" && status == "False" && reason.starts_with("FailedGet")
}

fn of_metric(metric: &MetricOverview) -> MetricMoment {
    let state = match metric {
        MetricOverview { failure: Some(_), .. } => MetricState::Failing,
        MetricOverview { old: Some(_), .. } => MetricState::Old,
        MetricOverview { value: Some(_), .. } => MetricState::Current,
        _ => MetricState::Unknown,
    };
    MetricMoment {
        value: metric.value.as_ref().map(|value| value.number),
        target: metric.target.as_ref().map(|target| target.number),
        proposes: metric.proposes,
        state,
    }
}

fn series_of(autoscaler: &Autoscaler) -> Vec<SeriesId> {
    autoscaler.spec.metrics().iter().take(MAX_METRICS).map(SeriesId::of).collect()
}

fn overview(autoscaler: &Autoscaler, snapshot: &Snapshot) -> Overview {
    let namespace = autoscaler.metadata.namespace.as_deref().unwrap_or_default();
    let specs = autoscaler.spec.metrics();
    let known: Vec<_> = specs.iter().map(|spec| known(spec, namespace, snapshot)).collect();
    Overview::of(autoscaler, &known)
}

/// What this adapter knows of a metric of an autoscaler, without a read of it.
fn known(spec: &MetricSpec, namespace: &str, snapshot: &Snapshot) -> KnownMetric {
    let asked = AskedMetric::of(spec);
    let newest = asked.request(namespace).and_then(|request| snapshot.newest(&request));
    let Some(Newest { mapping, values, state }) = newest else { return KnownMetric::default() };
    let trouble = match state {
        NewestState::Unread | NewestState::Current => None,
        NewestState::Old(why) => Some(MetricProblem::Old(why)),
        NewestState::Failing(why) => Some(MetricProblem::Failing(why)),
    };
    let newest = values.map(|values| values.into_iter().map(Quantity::milli).collect());
    KnownMetric { mapping: Some(mapping), newest, trouble }
}
