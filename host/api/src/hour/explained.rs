//! The last hour of an autoscaler in the explanation of a read, restricted to the metrics of that read.

use std::sync::Arc;

use super::changes::{History, MetricState};
use super::trends::LOOKBACK_MS;
use super::{
    AskedMetric, Hours, INTERVAL, MAX_METRICS, Moment, Observations, SeriesId, series_of,
    value_line,
};
use leadsman_autoscaler::Followed;
use leadsman_autoscaler::manifest::{MetricSpec, TargetSpec};
use leadsman_provider::NewestRequest;
use leadsman_provider::explanation::{AutoscalerHour, HourChange, HourValue, MetricHour, rfc3339};
use leadsman_provider::snapshot::Snapshot;

impl Hours {
    /// The last hour of an autoscaler in the namespace of a read.
    pub(crate) async fn explained(
        self: &Arc<Self>,
        name: &str,
        read: &NewestRequest<'_>,
        snapshot: &Arc<Snapshot>,
    ) -> AutoscalerHour {
        let (found, followed) = self.autoscalers.find(read.namespace, name);
        let Some(autoscaler) = found else {
            return AutoscalerHour::unknown(name, why_unknown(followed));
        };
        let specs = autoscaler.spec.metrics();
        let asked = specs.iter().enumerate().take(MAX_METRICS);
        let asked = asked.filter(|(_, spec)| AskedMetric::of(spec).is_read_by(read, snapshot));
        let places: Vec<_> = asked.map(|(place, _)| place).collect();
        if places.is_empty() {
            let why = format!(
                "the read is of none of the first {MAX_METRICS} metrics of the autoscaler as this \
                 adapter knows it"
            );
            return AutoscalerHour::unknown(name, why);
        }
        // Never closed, so there is always a turn to wait for.
        let turn = self.turn.clone().acquire_owned().await.ok();
        let (hours, named, snapshot) = (self.clone(), name.to_owned(), snapshot.clone());
        let known = format!("{}/{name}", read.namespace);
        // Not on a thread that serves reads: an autoscaler may have many pods. What is begun is done to
        // its end, although who asked for it has left: until then nobody else looks.
        let explaining = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            // The present moment belongs to it.
            hours.observe(std::slice::from_ref(&autoscaler), &snapshot);
            let asked = places.into_iter().filter_map(|place| Some((place, specs.get(place)?)));
            let (asked, series) = (asked.collect::<Vec<_>>(), series_of(&autoscaler));
            hours.lock().explained(&named, &known, &asked, &series, hours.started)
        });
        explaining.await.unwrap_or_else(|error| {
            tracing::error!(%error, "explaining the hour of an autoscaler panicked");
            AutoscalerHour::unknown(name, "the adapter failed; its log says more".to_owned())
        })
    }
}

impl Observations {
    fn explained(
        &self,
        name: &str,
        known: &str,
        asked: &[(usize, &MetricSpec)],
        series: &[SeriesId],
        started: i64,
    ) -> AutoscalerHour {
        let history = self.changes.of(known).filter(|history| history.series == series);
        let Some(history) = history else {
            let why =
                "nothing is noted of it: it has just changed, or there are too many autoscalers";
            return AutoscalerHour::unknown(name, why.to_owned());
        };
        let begin = history.noted - LOOKBACK_MS;
        let metrics = asked.iter().map(|(place, spec)| {
            let values = self.trends.points(&value_line(known, *place), history.noted);
            let values = values.map(|(at, value)| HourValue { time: rfc3339(at), value });
            MetricHour {
                place: *place,
                percent: spec.target().is_ok_and(TargetSpec::is_percent),
                values: values.collect(),
                changes: changes(history, *place).collect(),
                changes_since: (history.from > history.begun.max(begin))
                    .then(|| rfc3339(history.from)),
            }
        });
        AutoscalerHour {
            autoscaler: name.to_owned(),
            unknown: None,
            started: Some(rfc3339(started)),
            since: Some(rfc3339(history.begun.max(begin))),
            until: Some(rfc3339(history.noted)),
            every: Some(INTERVAL.as_secs_f64()),
            metrics: metrics.collect(),
        }
    }
}

fn changes(history: &History, place: usize) -> impl Iterator<Item = HourChange> {
    history.changes().filter_map(move |(at, moment)| {
        let Moment { replicas, wants, metrics } = moment;
        let metric = metrics.get(place)?;
        let state = match metric.state {
            MetricState::Current => "current",
            MetricState::Old => "old",
            MetricState::Failing => "failing",
            MetricState::Unknown => "unknown",
        };
        Some(HourChange {
            time: rfc3339(*at),
            value: metric.value,
            target: metric.target,
            proposes: metric.proposes,
            wants: *wants,
            replicas: *replicas,
            state: state.to_owned(),
        })
    })
}

fn why_unknown(followed: Followed) -> String {
    match followed {
        Followed::NoCluster => {
            "this adapter is in no cluster, so it knows no autoscalers".to_owned()
        }
        Followed::Starting => {
            "the adapter has not listed the autoscalers yet; ask again".to_owned()
        }
        Followed::Synced => {
            "the adapter knows no such autoscaler: it is new, or there are more than are kept"
                .to_owned()
        }
        Followed::Forbidden(why) => why,
        Followed::Interrupted(why) => format!("the adapter cannot list autoscalers: {why}"),
    }
}

#[cfg(test)]
mod tests;
