//! The two ways to a forecast, each with its error on the past: what it would have said of samples
//! that came later.

/// What comes of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Forecast {
    pub(crate) value: f64,
    /// The mean distance between forecasts of the past and what came.
    pub(crate) error: f64,
    /// The mean size of what came.
    pub(crate) size: f64,
}

/// The distances between forecasts and what came.
#[derive(Debug, Default)]
struct Errors {
    distance: f64,
    size: f64,
    count: f64,
}

impl Errors {
    fn add(&mut self, expected: f64, came: f64) {
        self.distance += (expected - came).abs();
        self.size += came.abs();
        self.count += 1.0;
    }

    /// A forecast with these errors; nothing without any, as nothing is known of it then.
    fn of(&self, value: f64) -> Option<Forecast> {
        (self.count > 0.0 && value.is_finite()).then(|| Forecast {
            value,
            error: self.distance / self.count,
            size: self.size / self.count,
        })
    }
}

/// The mean of the same time in all earlier seasons. `ahead` is at most a season, so that each
/// forecast uses nothing that was not known when it would have been made.
pub(crate) fn seasonal(values: &[Option<f64>], season: usize, ahead: usize) -> Option<Forecast> {
    let mut errors = Errors::default();
    for (at, came) in values.iter().enumerate().skip(season) {
        if let (Some(came), Some(expected)) = (came, same_time(values, season, at)) {
            errors.add(expected, *came);
        }
    }
    errors.of(same_time(values, season, values.len() - 1 + ahead)?)
}

/// The mean of the samples at the same time in earlier seasons.
fn same_time(values: &[Option<f64>], season: usize, at: usize) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    let mut earlier = at.checked_sub(season);
    while let Some(place) = earlier {
        if let Some(value) = values.get(place).copied().flatten() {
            sum += value;
            count += 1.0;
        }
        earlier = place.checked_sub(season);
    }
    (count > 0.0).then(|| sum / count)
}

/// How quickly each part of a model follows new samples: 0 is never, 1 at once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Smoothing {
    pub(crate) level: f64,
    pub(crate) trend: f64,
    pub(crate) season: f64,
}

/// Additive Holt-Winters: a level, a trend and what each time of a season adds, each smoothed.
///
/// It begins with the first season alone, so that no forecast knows what came after it.
pub(crate) fn holt_winters(
    values: &[Option<f64>],
    season: usize,
    ahead: usize,
    smoothing: Smoothing,
) -> Option<Forecast> {
    let first = values.get(..season)?;
    let (mut level, mut seasonal) = beginning(first)?;
    let mut trend = 0.0;
    let steps = u32::try_from(ahead).map(f64::from).ok()?;
    let mut errors = Errors::default();
    // What was expected of each place, so far ahead.
    let mut expected: Vec<Option<f64>> = vec![None; values.len() + ahead];
    for at in season..values.len() {
        let part = at % season;
        match values[at] {
            Some(came) => {
                if let Some(expected) = expected[at] {
                    errors.add(expected, came);
                }
                let before = level;
                let seen = came - seasonal[part];
                level = mix(smoothing.level, seen, before + trend);
                trend = mix(smoothing.trend, level - before, trend);
                seasonal[part] = mix(smoothing.season, came - level, seasonal[part]);
            }
            // A sample that is missing is taken for what it was expected to be.
            None => level += trend,
        }
        let then = at + ahead;
        expected[then] = Some(level + steps * trend + seasonal[then % season]);
    }
    errors.of(expected.last().copied().flatten()?)
}

fn mix(share: f64, new: f64, old: f64) -> f64 {
    share * new + (1.0 - share) * old
}

/// The level of the first season, and what each of its times adds. A sample that is missing is
/// taken for the one before it, or the one after it.
fn beginning(first: &[Option<f64>]) -> Option<(f64, Vec<f64>)> {
    let mut before = first.iter().flatten().next().copied()?;
    let filled: Vec<f64> = first
        .iter()
        .map(|value| {
            before = value.unwrap_or(before);
            before
        })
        .collect();
    let count = u32::try_from(filled.len()).map(f64::from).ok()?;
    let level = filled.iter().sum::<f64>() / count;
    Some((level, filled.iter().map(|value| value - level).collect()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEFAULT: Smoothing = Smoothing { level: 0.3, trend: 0.02, season: 0.3 };

    /// A day of 24 hours with a peak at noon, for so many hours.
    fn days(hours: usize, of: impl Fn(usize, f64) -> f64) -> Vec<Option<f64>> {
        let hour = |at: usize| {
            let hour = u32::try_from(at % 24).map_or(0.0, f64::from);
            of(at, 100.0 - 5.0 * (hour - 12.0).abs())
        };
        (0..hours).map(|at| Some(hour(at))).collect()
    }

    #[test]
    fn what_repeats_is_foretold_without_error() {
        // The last sample is at 00:00, so three hours ahead is 03:00.
        let values = days(49, |_, value| value);
        for forecast in [seasonal(&values, 24, 3), holt_winters(&values, 24, 3, DEFAULT)] {
            let forecast = forecast.unwrap();
            assert!((forecast.value - 55.0).abs() < 1e-6, "{forecast:?}");
            assert!(forecast.error < 1e-6, "{forecast:?}");
        }
    }

    #[test]
    fn a_mean_of_earlier_days_has_its_error() {
        // The second day is 10 higher: 03:00 was 55 and 65, and each hour was 10 off.
        let values = days(49, |at, value| if at < 24 { value } else { value + 10.0 });
        let forecast = seasonal(&values, 24, 3).unwrap();
        assert_eq!(forecast.value, 60.0);
        // 00:00 of the third day is 50 against the mean of 40 and 50.
        assert!((forecast.error - (24.0 * 10.0 + 5.0) / 25.0).abs() < 1e-9, "{forecast:?}");
    }

    #[test]
    fn holt_winters_follows_a_level_that_moves() {
        let values = days(97, |at, value| if at < 72 { value } else { value * 2.0 });
        let follows = holt_winters(&values, 24, 1, DEFAULT).unwrap();
        let stays = seasonal(&values, 24, 1).unwrap();
        // 01:00 is 45, or 90 now.
        assert!(follows.value > stays.value, "{follows:?} {stays:?}");
        assert!(stays.value < 60.0 && follows.error > 1.0, "{follows:?} {stays:?}");
    }

    #[test]
    fn gaps_are_not_zeros() {
        let mut values = days(73, |_, value| value);
        (30..40).chain([3, 51]).for_each(|at| values[at] = None);
        assert_eq!(seasonal(&values, 24, 3).map(|forecast| forecast.value), Some(55.0));
        let smooth = holt_winters(&values, 24, 3, DEFAULT).unwrap();
        assert!((smooth.value - 55.0).abs() < 5.0, "{smooth:?}");
        // The time of the forecast has no sample in any season.
        [3, 27, 51].into_iter().for_each(|at| values[at] = None);
        assert_eq!(seasonal(&values, 24, 3), None);
    }

    #[test]
    fn without_a_past_to_compare_there_is_no_forecast() {
        let values = days(24, |_, value| value);
        assert_eq!(seasonal(&values, 24, 3), None);
        assert_eq!(holt_winters(&values, 24, 3, DEFAULT), None);
        assert_eq!(holt_winters(&values[..5], 24, 3, DEFAULT), None);
        assert_eq!(seasonal(&[None; 60], 24, 3), None);
        assert_eq!(holt_winters(&[None; 60], 24, 3, DEFAULT), None);
    }

    proptest! {
        /// Whatever the past was: a finite value with an error that is not negative, or nothing.
        #[test]
        fn any_past_gives_a_number_or_nothing(
            values in prop::collection::vec(prop::option::of(-1e12f64..1e12), 1..200),
            season in 2usize..40, ahead in 1usize..40,
            level in 0.0f64..=1.0, trend in 0.0f64..=1.0, of_season in 0.0f64..=1.0,
        ) {
            let ahead = ahead.min(season);
            let smoothing = Smoothing { level, trend, season: of_season };
            let all = [
                seasonal(&values, season, ahead),
                holt_winters(&values, season, ahead, smoothing),
            ];
            for forecast in all.into_iter().flatten() {
                prop_assert!(forecast.value.is_finite(), "{forecast:?}");
                prop_assert!(forecast.error >= 0.0 && forecast.size >= 0.0, "{forecast:?}");
            }
        }
    }
}
