//! The metrics that queries request, and the samples of each target. No I/O, no clock.
//!
//! Queries share scrapes: a target is scraped again only if its last scrape began long enough ago, or did
//! not keep the requested metric. Only requested metrics of a page are kept, and they are dropped when no
//! query has requested them for a while.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::error::ScrapeError;
use super::history::Unfilled;
use super::query::ExpositionQuery;
use super::report::PageReport;
use super::retained::{Charges, Entry, Room, Scraped};
use super::scrape::{MetricDemand, MetricDemands, Page};
use super::target::{Target, TargetKey};
use leadsman_model::tenant::Tenant;

/// A metric that was not requested for so long, beyond two of its windows, is dropped.
const UNUSED_RETENTION: Duration = Duration::from_secs(120);

/// The requested metrics, and the samples that are kept of each target.
#[derive(Default)]
pub(super) struct ScrapeCache {
    demands: HashMap<Arc<str>, DemandEntry>,
    entries: HashMap<TargetKey, Entry>,
    /// The memory of all samples that are kept.
    memory: usize,
    /// The bytes of each team.
    of_teams: Charges,
    /// The number of the newest scrape.
    scrapes: u64,
}

struct DemandEntry {
    at: Instant,
    demand: MetricDemand,
}

/// Whether a target is scraped for a query.
pub(super) enum ScrapeDecision {
    /// No: the known samples are recent enough.
    Known,
    /// No: a scrape is under way. It has ended when this closes.
    UnderWay(watch::Receiver<()>),
    /// Yes, by the scrape of this number. It has ended when both are dropped.
    Begin(u64, watch::Sender<()>),
}

/// A series: its labels, the time and the value.
type FoundSeries<'a> = (&'a [(String, String)], i64, f64);

/// What a query gets from a target.
pub(super) enum TargetResult<'a> {
    /// Series.
    Series(Vec<FoundSeries<'a>>),
    /// None, since no window is filled.
    Unfilled(Unfilled),
    /// None on a page that was parsed. Whether it has the metric at all.
    Nothing { has_metric: bool },
    /// The last scrape failed.
    Failed(ScrapeError),
    /// The first one has not ended.
    NotYet,
}

impl ScrapeCache {
    /// Requests a metric. Returns whether it is the only one.
    pub(super) fn request(
        &mut self,
        query: &ExpositionQuery,
        tenant: &Tenant,
        now: Instant,
    ) -> bool {
        let is_first = self.demands.is_empty();
        let team = matches!(tenant, Tenant::Team { .. }).then(|| tenant.clone());
        match self.demands.get_mut(query.metric.as_str()) {
            Some(entry) => {
                entry.at = now;
                entry.demand.longest = entry.demand.longest.max(query.over);
                if team.is_none() {
                    entry.demand.team = None;
                }
            }
            None => {
                let entry =
                    DemandEntry { at: now, demand: MetricDemand { longest: query.over, team } };
                self.demands.insert(query.metric.as_str().into(), entry);
            }
        }
        is_first
    }

    /// The metrics that pages are searched for.
    pub(super) fn requested(&self) -> MetricDemands {
        let demands = self.demands.iter();
        Arc::new(demands.map(|(metric, entry)| (metric.clone(), entry.demand.clone())).collect())
    }

    /// Drops metrics that nobody requests. Returns whether none is left.
    pub(super) fn drop_unused(&mut self, now: Instant) -> bool {
        self.demands.retain(|_, entry| {
            now.saturating_duration_since(entry.at) < UNUSED_RETENTION + 2 * entry.demand.longest
        });
        let demands = &self.demands;
        for entry in self.entries.values_mut() {
            entry.kept.retain(|metric, _| demands.contains_key(metric));
            entry.measure(|metric| demands.get(metric)?.demand.team.as_ref());
        }
        if demands.is_empty() {
            self.entries.clear();
        }
        self.tally();
        self.demands.is_empty()
    }

    /// Sets the targets. The samples of others are dropped.
    pub(super) fn sync(&mut self, targets: &[Arc<Target>]) {
        if self.entries.len() <= targets.len()
            && targets.iter().all(|target| self.entries.contains_key(&target.key))
        {
            return;
        }
        let mut before = std::mem::take(&mut self.entries);
        for target in targets {
            let entry = before.remove(&target.key).unwrap_or_default();
            self.entries.insert(target.key.clone(), entry);
        }
        self.tally();
    }

    /// Sums the retained bytes of all targets.
    fn tally(&mut self) {
        self.memory = self.entries.values().map(|entry| entry.memory).sum();
        self.of_teams.clear();
        for (team, bytes) in self.entries.values().flat_map(|entry| &entry.of_teams) {
            *self.of_teams.entry(team.clone()).or_default() += bytes;
        }
    }

    /// Whether a target has to be scraped for a metric. `every` is how often it is at most; `None` for
    /// one that was waited for already, and may not have been searched for the metric.
    pub(super) fn decide(
        &mut self,
        key: &TargetKey,
        metric: &str,
        every: Option<Duration>,
        now: Instant,
    ) -> ScrapeDecision {
        let Some(entry) = self.entries.get_mut(key) else { return ScrapeDecision::Known };
        if let Some(under_way) = &entry.under_way {
            if under_way.has_changed().is_ok() {
                return ScrapeDecision::UnderWay(under_way.clone());
            }
            entry.under_way = None;
        }
        let is_fresh = every.is_none_or(|every| {
            let age = entry.begun.map(|(begun, _)| now.saturating_duration_since(begun));
            // Evaluations are not on the second, either.
            age.is_some_and(|age| age < every.mul_f64(0.9))
        });
        let lacks_metrics = matches!(entry.ended, Some((Ok(_), _)))
            && self.demands.contains_key(metric)
            && !entry.kept.contains_key(metric);
        if is_fresh && !lacks_metrics {
            return ScrapeDecision::Known;
        }
        self.scrapes += 1;
        let (ends, ended) = watch::channel(());
        entry.under_way = Some(ended);
        entry.begun = Some((now, self.scrapes));
        ScrapeDecision::Begin(self.scrapes, ends)
    }

    /// Whether the last scrape of a target failed, so that nobody waits for the next one.
    pub(super) fn is_failing(&self, key: &TargetKey) -> bool {
        let ended = self.entries.get(key).and_then(|entry| entry.ended.as_ref());
        matches!(ended, Some((Err(_), _)))
    }

    /// A scrape has ended. Returns whether the target fails now, if that has changed.
    pub(super) fn ended(
        &mut self,
        key: &TargetKey,
        number: u64,
        page: Result<Page, ScrapeError>,
        limit: usize,
        now: Instant,
    ) -> Option<Result<(), ScrapeError>> {
        // It may be gone in the meantime.
        let entry = self.entries.get_mut(key)?;
        let before = entry.memory;
        let others = self.memory.saturating_sub(before);
        for (team, bytes) in &entry.of_teams {
            if let Some(all) = self.of_teams.get_mut(team) {
                *all = all.saturating_sub(*bytes);
            }
        }
        let room = Room { left: limit.saturating_sub(others), limit, of_teams: &self.of_teams };
        let outcome = page.and_then(|page| entry.keep(page, number, &room, now));
        self.memory = others + entry.memory;
        for (team, bytes) in &entry.of_teams {
            *self.of_teams.entry(team.clone()).or_default() += bytes;
        }
        self.of_teams.retain(|_, bytes| *bytes > 0);
        let failed_before = match &entry.ended {
            Some((ended, _)) => ended.is_err(),
            None => false,
        };
        let reported = match &outcome {
            Err(error) if !failed_before => Some(Err(error.clone())),
            Ok(_) if failed_before => Some(Ok(())),
            _ => None,
        };
        entry.ended = Some((outcome, number));
        reported
    }

    /// What a query gets from a target.
    pub(super) fn find(&self, key: &TargetKey, query: &ExpositionQuery) -> TargetResult<'_> {
        let Some(entry) = self.entries.get(key) else { return TargetResult::NotYet };
        let is_over = entry.under_way.as_ref().is_none_or(|ended| ended.has_changed().is_err());
        let newest = entry.begun.map(|(_, number)| number);
        let number = match &entry.ended {
            // A scrape that came to no end has failed.
            Some((_, number)) if is_over && newest != Some(*number) => {
                return TargetResult::Failed(ScrapeError::Internal);
            }
            None if is_over && newest.is_some() => {
                return TargetResult::Failed(ScrapeError::Internal);
            }
            None => return TargetResult::NotYet,
            Some((Err(error), _)) => return TargetResult::Failed(error.clone()),
            Some((Ok(_), number)) => *number,
        };
        if entry.left_out.contains(query.metric.as_str()) {
            return TargetResult::Failed(ScrapeError::TeamMemory { limit: entry.limit_of_teams });
        }
        let Some(series) = entry.kept.get(query.metric.as_str()) else {
            return TargetResult::NotYet;
        };
        let mut found = Vec::new();
        let mut unfilled = None;
        for (labels, kept) in series.iter().filter(|(_, kept)| kept.scrape == number) {
            let value_of = |name: &str| {
                let at = labels.binary_search_by(|(known, _)| known.as_str().cmp(name));
                at.ok().and_then(|at| labels.get(at)).map_or("", |(_, value)| value.as_str())
            };
            if !query.matchers.iter().all(|matcher| matcher.matches(value_of(matcher.name()))) {
                continue;
            }
            match kept.history.value(query.function, query.over) {
                Ok((time, value)) => found.push((labels.as_slice(), time, value)),
                Err(reason) => unfilled = Some(reason),
            }
        }
        // Equal pages give equal answers.
        found.sort_by_key(|(labels, ..)| *labels);
        match unfilled {
            _ if !found.is_empty() => TargetResult::Series(found),
            Some(unfilled) => TargetResult::Unfilled(unfilled),
            None => TargetResult::Nothing { has_metric: !series.is_empty() },
        }
    }

    /// How the last scrape of a target ended.
    pub(super) fn last(&self, key: &TargetKey) -> Option<&Result<Scraped, ScrapeError>> {
        self.entries.get(key)?.ended.as_ref().map(|(ended, _)| ended)
    }

    /// All targets with how their last scrape ended, for people.
    pub(super) fn all(&self, now: Instant) -> Vec<(String, Result<PageReport, String>)> {
        let ended = |(key, entry): (&TargetKey, &Entry)| {
            let (ended, _) = entry.ended.as_ref()?;
            let reported = match ended {
                Ok(Scraped { at, bytes, series, took }) => Ok(PageReport {
                    age: now.saturating_duration_since(*at),
                    bytes: *bytes,
                    series: *series,
                    took: *took,
                }),
                Err(error) => Err(error.to_string()),
            };
            Some((key.to_string(), reported))
        };
        self.entries.iter().filter_map(ended).collect()
    }

    /// The memory of all samples that are kept.
    pub(super) fn memory(&self) -> usize {
        self.memory
    }
}
