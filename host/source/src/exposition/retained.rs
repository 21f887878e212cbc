//! The retained samples of one target, within its memory limit.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::arriving::{share_of_team, share_of_teams};
use super::error::ScrapeError;
use super::history::History;
use super::scrape::{MetricDemands, Page, ScrapedSample};
use leadsman_model::tenant::Tenant;

/// A scrape that succeeded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scraped {
    pub(super) at: Instant,
    pub(super) bytes: usize,
    pub(super) series: usize,
    pub(super) took: Duration,
}

/// The memory that each team is charged with.
pub(super) type Charges = HashMap<Tenant, usize>;

/// The state of one target.
#[derive(Default)]
pub(super) struct Entry {
    /// Closed once the scrape under way has ended.
    pub(super) under_way: Option<watch::Receiver<()>>,
    /// When the newest scrape began, and its number.
    pub(super) begun: Option<(Instant, u64)>,
    /// The result of the newest scrape that has ended, and its number.
    pub(super) ended: Option<(Result<Scraped, ScrapeError>, u64)>,
    /// The series of each metric that the newest good page was searched for.
    pub(super) kept: HashMap<Arc<str>, Series>,
    /// The metrics of teams for which there was no memory.
    pub(super) left_out: HashSet<Arc<str>>,
    /// The limit of all teams at that time.
    pub(super) limit_of_teams: usize,
    pub(super) memory: usize,
    pub(super) of_teams: Charges,
}

/// The memory limit of one target.
pub(super) struct Room<'a> {
    /// The bytes that other targets leave.
    pub(super) left: usize,
    pub(super) limit: usize,
    /// The bytes that other targets retain for teams.
    pub(super) of_teams: &'a Charges,
}

pub(super) type Series = HashMap<Vec<(String, String)>, SeriesHistory>;

#[derive(Default)]
pub(super) struct SeriesHistory {
    pub(super) history: History,
    /// The number of the newest scrape that had it.
    pub(super) scrape: u64,
}

impl Entry {
    /// Retains the samples of a page, within the memory limit.
    pub(super) fn keep(
        &mut self,
        page: Page,
        number: u64,
        room: &Room<'_>,
        now: Instant,
    ) -> Result<Scraped, ScrapeError> {
        let scraped = Scraped { at: now, bytes: page.bytes, series: page.series, took: page.took };
        self.kept.retain(|metric, _| page.wanted.contains_key(metric));
        for metric in page.wanted.keys() {
            self.kept.entry(metric.clone()).or_default();
        }
        for ScrapedSample { metric, labels, value, time } in page.samples {
            let longest = page.wanted.get(&metric).map(|demand| demand.longest).unwrap_or_default();
            let Some(series) = self.kept.get_mut(&metric) else { continue };
            let kept = series.entry(labels).or_default();
            // Of several samples of one series the first counts, or the newest by its own time.
            kept.history.add(time, value, longest);
            kept.scrape = number;
        }
        for series in self.kept.values_mut() {
            // Series that are no longer on the page are dropped.
            series.retain(|_, kept| kept.scrape == number);
        }
        self.left_out = page.left_out;
        self.leave_out(&page.wanted, room);
        self.measure(|metric| page.wanted.get(metric)?.team.as_ref());
        if self.memory > room.left {
            self.kept.clear();
            self.memory = 0;
            self.of_teams.clear();
            return Err(ScrapeError::Memory { limit: room.limit });
        }
        Ok(scraped)
    }

    /// Drops metrics of teams that exceed the limits, the largest first: all teams have half of the memory, and
    /// one team half of that.
    fn leave_out(&mut self, wanted: &MetricDemands, room: &Room<'_>) {
        self.limit_of_teams = share_of_teams(room.limit);
        let mut of_teams: Vec<_> = self
            .kept
            .iter()
            .filter_map(|(metric, series)| {
                let team = wanted.get(metric)?.team.as_ref()?;
                Some((bytes_of(series), team, metric.clone()))
            })
            .collect();
        of_teams.sort_by(|(bytes, _, metric), (others, _, other)| {
            bytes.cmp(others).then_with(|| metric.cmp(other))
        });
        let mut charges = room.of_teams.clone();
        let mut all: usize = charges.values().sum();
        for (bytes, team, metric) in of_teams {
            let charge = charges.entry(team.clone()).or_default();
            let is_too_much =
                *charge + bytes > share_of_team(room.limit) || all + bytes > self.limit_of_teams;
            if is_too_much {
                if let Some(series) = self.kept.get_mut(&metric) {
                    series.clear();
                }
                self.left_out.insert(metric);
            } else {
                *charge += bytes;
                all += bytes;
            }
        }
    }

    /// Sums the retained bytes, in total and for each team.
    pub(super) fn measure<'t>(&mut self, team_of: impl Fn(&str) -> Option<&'t Tenant>) {
        self.memory = 0;
        self.of_teams.clear();
        for (metric, series) in &self.kept {
            let bytes = bytes_of(series);
            self.memory += bytes;
            if let Some(team) = team_of(metric.as_ref()).filter(|_| bytes > 0) {
                *self.of_teams.entry(team.clone()).or_default() += bytes;
            }
        }
    }
}

fn bytes_of(series: &Series) -> usize {
    series.iter().map(|(labels, kept)| ScrapedSample::bytes_of(labels, kept.history.len())).sum()
}
