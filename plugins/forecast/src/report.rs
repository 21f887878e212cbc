//! From outcomes to values, and what is to be said of them in the log.

use leadsman_plugin_sdk::{Target, log};

use crate::model::Forecast;
use crate::outcome::Outcome;
use crate::{Below, Config, Insufficient};

/// The values so far, in words.
#[derive(Debug)]
pub(crate) struct Report<'c> {
    config: &'c Config,
    known: usize,
    /// The sum of the errors, as shares of the values.
    errors: f64,
    /// The largest of them, and of what.
    worst: Option<(f64, String)>,
    /// The first forecast in words, for the only one there is.
    first: String,
    unknown: usize,
    /// Why there is no forecast for the first of those without.
    reason: String,
    gone: usize,
}

impl<'c> Report<'c> {
    pub(crate) fn new(config: &'c Config) -> Self {
        Self {
            config,
            known: 0,
            errors: 0.0,
            worst: None,
            first: String::new(),
            unknown: 0,
            reason: String::new(),
            gone: 0,
        }
    }

    /// The value that an outcome gives, if it gives one.
    pub(crate) fn value(&mut self, target: &Target<'_>, outcome: Outcome) -> Option<f64> {
        match outcome {
            Outcome::Gone => {
                self.gone += 1;
                None
            }
            Outcome::TooShort { have, current } => {
                let season = &self.config.season;
                let reason = format!("has {} of history, and 2 × {season} are needed", span(have));
                self.unknown(target, &reason, current)
            }
            Outcome::Gaps { current } => {
                self.unknown(target, "lacks too many samples in its history", current)
            }
            Outcome::Known { forecast, current, negative } => {
                self.known(target, forecast, current, negative)
            }
        }
    }

    fn known(
        &mut self,
        target: &Target<'_>,
        forecast: Forecast,
        current: f64,
        negative: bool,
    ) -> Option<f64> {
        let Forecast { value, error, size } = forecast;
        let share = if error == 0.0 { 0.0 } else { error / size };
        if let Some(most) = self.config.max_error.filter(|most| share > *most) {
            let reason = format!(
                "had a mean error of {} on the past, and `maxError` is {}",
                percent(share),
                percent(most)
            );
            return self.unknown(target, &reason, current);
        }
        self.known += 1;
        self.errors += share;
        if self.worst.as_ref().is_none_or(|(worst, _)| share > *worst) {
            self.worst = Some((share, target.called()));
        }
        if self.known == 1 {
            self.first = format!(
                "{}: {value:.6} against {current:.6} now; on the past the mean error was \
                 {error:.6}, {} of the values",
                target.called(),
                percent(share)
            );
        }
        let value = value + self.config.margin * error;
        // What was never below 0 will not be.
        let value = if negative { value } else { value.max(0.0) };
        Some(match self.config.below {
            Below::Current => value.max(current),
            Below::Forecast => value,
        })
    }

    fn unknown(&mut self, target: &Target<'_>, reason: &str, current: f64) -> Option<f64> {
        if self.unknown == 0 {
            self.reason = format!("{} {reason}", target.called());
        }
        self.unknown += 1;
        match self.config.insufficient {
            Insufficient::Absent => None,
            Insufficient::Current => Some(current),
        }
    }

    /// Says it all in at most three lines.
    pub(crate) fn write(&self) {
        let ahead = &self.config.ahead;
        match (self.known, &self.worst) {
            (1, _) => log::info(&format!("forecast {ahead} ahead for {}", self.first)),
            (known, Some((worst, of))) => {
                let mean = percent(self.errors / count(known));
                log::info(&format!(
                    "forecast {ahead} ahead for {known} series: on the past the mean error was \
                     {mean} of the values; the largest was {}, of {of}",
                    percent(*worst)
                ));
            }
            _ => {}
        }
        if self.unknown > 0 {
            let stands = match self.config.insufficient {
                Insufficient::Absent => "they have no value",
                Insufficient::Current => "their present value stands",
            };
            log::warn(&format!(
                "no forecast for {} series, {stands}: {}",
                self.unknown, self.reason
            ));
        }
        if self.gone > 0 {
            log::debug(&format!("{} series have no samples any more", self.gone));
        }
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[allow(clippy::cast_precision_loss)] // a number of series
fn count(series: usize) -> f64 {
    series as f64
}

/// A time in milliseconds, in its two largest units.
pub(crate) fn span(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    let units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
    let mut rest = seconds;
    let parts = units.into_iter().filter_map(|(unit, length)| {
        let number = rest / length;
        rest %= length;
        (number > 0).then(|| format!("{number}{unit}"))
    });
    let text: String = parts.take(2).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans() {
        for (seconds, text) in [(0, "0s"), (90, "1m30s"), (86_400, "1d"), (90_061, "1d1h")] {
            assert_eq!(span(seconds * 1000), text);
        }
    }
}
