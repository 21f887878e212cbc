//! From a history to a forecast, or to the reason why there is none.

use leadsman_plugin_sdk::Sample;

use crate::history::{Grid, History};
use crate::model::{self, Forecast};
use crate::report::span;
use crate::{Config, Method};

/// How much of the last two seasons must be there.
const LEAST_PRESENT: f64 = 0.8;

/// How old the newest sample may be beyond two steps, in milliseconds: as long as Prometheus takes a
/// sample for current.
const STALE_AFTER: i64 = 5 * 60_000;

/// What came of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    /// Its newest sample is old: whatever it was of is gone.
    Gone,
    /// There are not two seasons of history, but so many milliseconds.
    TooShort { have: i64, current: f64 },
    /// Too many samples are missing.
    Gaps { current: f64 },
    /// A forecast. `negative` is whether the past has values below 0.
    Known { forecast: Forecast, current: f64, negative: bool },
}

impl Outcome {
    /// What comes of one sample alone.
    pub(crate) fn of_one_sample(sample: Sample, now: i64) -> Self {
        if now.saturating_sub(sample.time) > STALE_AFTER {
            return Self::Gone;
        }
        Self::TooShort { have: 0, current: sample.value }
    }
}

/// What is asked of each history.
#[derive(Debug)]
pub(crate) struct Question<'c> {
    config: &'c Config,
    step: i64,
    /// In steps.
    season: usize,
    ahead: usize,
}

impl<'c> Question<'c> {
    /// A question about samples of this grid; times are in milliseconds. The error is a step that
    /// does not fit.
    pub(crate) fn new(
        config: &'c Config,
        grid: &Grid,
        ahead: i64,
        season: i64,
    ) -> Result<Self, String> {
        let step = grid.step;
        if season % step != 0 || season / step < 2 {
            return Err(format!(
                "samples are {} apart, which does not divide a season of {}; set the `step` of \
                 its `range` to a part of it",
                span(step),
                span(season)
            ));
        }
        let steps = |time: i64| usize::try_from((time + step - 1) / step).unwrap_or(usize::MAX);
        Ok(Self { config, step, season: steps(season), ahead: steps(ahead) })
    }

    pub(crate) fn answer(&self, history: &History, now: i64) -> Outcome {
        let History { values, current, time } = history;
        if now.saturating_sub(*time) > 2 * self.step + STALE_AFTER {
            return Outcome::Gone;
        }
        let current = *current;
        // The first sample of a range may be a step late.
        let steps = values.len().saturating_sub(1);
        if steps + 1 < 2 * self.season {
            let steps = i64::try_from(steps).unwrap_or(0);
            return Outcome::TooShort { have: steps * self.step, current };
        }
        let recent = values.get(values.len().saturating_sub(2 * self.season)..).unwrap_or(values);
        let present = recent.iter().filter(|value| value.is_some()).count();
        if share(present, recent.len()) < LEAST_PRESENT {
            return Outcome::Gaps { current };
        }
        let forecast = match self.config.method {
            Method::Seasonal => model::seasonal(values, self.season, self.ahead),
            Method::HoltWinters => {
                let of = self.config.smoothing;
                let smoothing =
                    model::Smoothing { level: of.level, trend: of.trend, season: of.season };
                model::holt_winters(values, self.season, self.ahead, smoothing)
            }
        };
        match forecast {
            None => Outcome::Gaps { current },
            Some(forecast) => {
                let negative = values.iter().flatten().any(|value| *value < 0.0);
                Outcome::Known { forecast, current, negative }
            }
        }
    }
}

#[allow(clippy::cast_precision_loss)] // numbers of samples
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}
