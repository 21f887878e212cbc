//! The state of targets, for people.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::ScrapeError;
use super::target::Target;
use super::{Exposition, ExpositionError, Gap};

/// The maximum number of targets in a sentence; failing ones come first.
const MAX_SHOWN: usize = 10;

/// The state of all targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpositionReport {
    /// The targets.
    pub targets: Vec<TargetReport>,
    /// Pods or endpoints that are selected and not scraped, with the reason.
    pub left_out: Vec<String>,
    /// Why the list of targets may be out of date.
    pub interrupted: Option<String>,
}

/// The state of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetReport {
    /// Its name and address.
    pub target: String,
    /// The result of its scrape.
    pub outcome: Result<PageReport, String>,
}

/// A page that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageReport {
    /// The time since the scrape.
    pub age: Duration,
    /// Its size.
    pub bytes: usize,
    /// Its samples.
    pub series: usize,
    /// The duration of the scrape.
    pub took: Duration,
}

impl Exposition {
    /// The known state, without a scrape.
    pub(crate) fn state(&self) -> String {
        let cache = self.shared.cache();
        let mut reported = cache.all(Instant::now());
        let memory = cache.memory();
        drop(cache);
        let failing = reported.iter().filter(|(_, ended)| ended.is_err()).count();
        reported.sort_by_key(|(target, ended)| (ended.is_ok(), target.clone()));
        let more = reported.len().saturating_sub(MAX_SHOWN);
        let each: Vec<_> =
            reported.iter().take(MAX_SHOWN).map(|(target, ended)| line(target, ended)).collect();
        let mut state = format!("{} targets scraped, {failing} failing", reported.len());
        if let Some(endpoints) = &self.shared.endpoints {
            match endpoints.endpoints() {
                Ok(all) => state += &format!(", of {} {}", all.len(), endpoints.pick()),
                Err(reason) => state += &format!(", and its targets are not known: {reason}"),
            }
            if let Some(reason) = endpoints.interrupted() {
                state += &format!(", which cannot be followed ({reason})");
            }
        }
        state += &format!("; {memory} bytes of samples kept");
        for line in each {
            state += &format!("; {line}");
        }
        if more > 0 {
            state += &format!("; and {more} more");
        }
        state
    }

    /// Scrapes all targets.
    pub(crate) async fn report(&self) -> Result<ExpositionReport, ExpositionError> {
        let found = self.shared.targets().await?;
        self.shared.cache().sync(&found.list);
        self.scrape(&found.list, "").await;
        let cache = self.shared.cache();
        let now = Instant::now();
        let report = |target: &Arc<Target>| TargetReport {
            target: target.to_string(),
            outcome: match cache.last(&target.key) {
                Some(Ok(scraped)) => Ok(PageReport {
                    age: now.saturating_duration_since(scraped.at),
                    bytes: scraped.bytes,
                    series: scraped.series,
                    took: scraped.took,
                }),
                Some(Err(error)) => Err(error.to_string()),
                None => Err(ScrapeError::Timeout(self.shared.settings.timeout).to_string()),
            },
        };
        let left_out = |gap: &Gap| match gap.object.is_empty() {
            true => gap.reason.clone(),
            false => format!("{}/{}: {}", gap.namespace, gap.object, gap.reason),
        };
        Ok(ExpositionReport {
            targets: found.list.iter().map(report).collect(),
            left_out: found.gaps.iter().map(left_out).collect(),
            interrupted: self.shared.endpoints.as_ref().and_then(|store| store.interrupted()),
        })
    }
}

fn line(target: &str, ended: &Result<PageReport, String>) -> String {
    match ended {
        Ok(PageReport { age, bytes, series, took }) => format!(
            "{target}: {bytes} bytes, {series} series, {:.1}s ago in {took:.1?}",
            age.as_secs_f64()
        ),
        Err(error) => format!("{target} {error}"),
    }
}
