//! Classic histograms: cumulative counts by upper bound.

/// How a percentile came out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Percentile {
    /// The value.
    Of(f64),
    /// It lies beyond the largest finite bound, which this is.
    Beyond(f64),
    /// There were no observations, or fewer than are asked for.
    TooFew,
}

/// Why buckets are no histogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broken {
    /// There is no bucket for everything.
    NoInfinity,
    /// There is no bucket but the one for everything.
    OnlyInfinity,
    /// Bounds come from different numbers of series, so their sums are of different histograms.
    Uneven,
}

impl Broken {
    pub(crate) fn describe(self) -> &'static str {
        match self {
            Self::NoInfinity => "there is no bucket with le=\"+Inf\"",
            Self::OnlyInfinity => "there is no bucket but le=\"+Inf\"",
            Self::Uneven => "its series do not have the same bounds",
        }
    }
}

/// One bound with the sum of the series that have it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bucket {
    bound: f64,
    count: f64,
    series: u32,
}

/// The buckets of one object.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram(Vec<Bucket>);

impl Histogram {
    /// Adds a series' bucket. What several series count up to the same bound is added up.
    pub(crate) fn add(&mut self, bound: f64, count: f64) {
        match self.0.iter_mut().find(|bucket| bucket.bound == bound) {
            Some(bucket) => {
                bucket.count += count;
                bucket.series += 1;
            }
            None => self.0.push(Bucket { bound, count, series: 1 }),
        }
    }

    /// The value below which this share of the observations lies, by a straight line within its
    /// bucket, as Prometheus does it. With a NaN among the buckets it is NaN.
    pub(crate) fn percentile(&mut self, share: f64, least: f64) -> Result<Percentile, Broken> {
        let buckets = &mut self.0;
        buckets.sort_by(|a, b| a.bound.total_cmp(&b.bound));
        let [.., finite, all] = buckets.as_slice() else {
            let infinite = buckets.iter().any(|bucket| bucket.bound == f64::INFINITY);
            return Err(if infinite { Broken::OnlyInfinity } else { Broken::NoInfinity });
        };
        let (largest, everything) = (finite.bound, *all);
        if everything.bound != f64::INFINITY {
            return Err(Broken::NoInfinity);
        }
        if buckets.iter().any(|bucket| bucket.series != everything.series) {
            return Err(Broken::Uneven);
        }
        if buckets.iter().any(|bucket| bucket.count.is_nan()) {
            return Ok(Percentile::Of(f64::NAN));
        }
        // Rates of buckets that were scraped one after the other may fall a little.
        let mut so_far = f64::NEG_INFINITY;
        for bucket in buckets.iter_mut() {
            so_far = so_far.max(bucket.count);
            bucket.count = so_far;
        }
        let total = so_far;
        if total <= 0.0 || total < least {
            return Ok(Percentile::TooFew);
        }
        let rank = share * total;
        let mut below = Bucket { bound: f64::NEG_INFINITY, count: 0.0, series: 0 };
        for bucket in buckets.iter() {
            if bucket.bound == f64::INFINITY {
                break;
            }
            if bucket.count >= rank {
                return Ok(Percentile::Of(within(below, *bucket, rank)));
            }
            below = *bucket;
        }
        Ok(Percentile::Beyond(largest))
    }
}

/// The point of a bucket at which a rank is reached.
fn within(below: Bucket, bucket: Bucket, rank: f64) -> f64 {
    let start = match below.bound {
        // The first bucket begins at 0, unless it has no positive values at all.
        f64::NEG_INFINITY if bucket.bound <= 0.0 => return bucket.bound,
        f64::NEG_INFINITY => 0.0,
        bound => bound,
    };
    let count = bucket.count - below.count;
    if count <= 0.0 {
        return bucket.bound;
    }
    start + (bucket.bound - start) * ((rank - below.count) / count)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(buckets: &[(f64, f64)]) -> Histogram {
        let mut histogram = Histogram::default();
        buckets.iter().for_each(|(bound, count)| histogram.add(*bound, *count));
        histogram
    }

    const INF: f64 = f64::INFINITY;

    /// The values are those of `histogram_quantile` of Prometheus.
    #[test]
    fn percentiles_as_prometheus_has_them() {
        let latency = [(0.1, 50.0), (0.5, 90.0), (1.0, 100.0), (INF, 100.0)];
        for (share, expected) in [(0.5, 0.1), (0.7, 0.3), (0.9, 0.5), (0.95, 0.75), (1.0, 1.0)] {
            let found = of(&latency).percentile(share, 0.0).unwrap();
            let Percentile::Of(found) = found else { panic!("{share}: {found:?}") };
            assert!((found - expected).abs() < 1e-9, "{share}: {found}, expected {expected}");
        }
        // The order in which they come says nothing, and counts that fall are taken for equal.
        let mixed = of(&[(INF, 100.0), (1.0, 99.9), (0.1, 50.0), (0.5, 100.0)]);
        assert_eq!(mixed.clone().percentile(0.5, 0.0), Ok(Percentile::Of(0.1)));
        assert_eq!(of(&[(-1.0, 5.0), (INF, 5.0)]).percentile(0.5, 0.0), Ok(Percentile::Of(-1.0)));
    }

    #[test]
    fn what_lies_beyond_and_what_is_too_few() {
        let slow = [(0.1, 1.0), (0.5, 2.0), (INF, 100.0)];
        assert_eq!(of(&slow).percentile(0.95, 0.0), Ok(Percentile::Beyond(0.5)));
        assert_eq!(of(&slow).percentile(0.95, 101.0), Ok(Percentile::TooFew));
        assert_eq!(of(&[(0.1, 0.0), (INF, 0.0)]).percentile(0.95, 0.0), Ok(Percentile::TooFew));
        let unknown = of(&[(0.1, f64::NAN), (INF, 1.0)]).percentile(0.95, 0.0).unwrap();
        assert!(matches!(unknown, Percentile::Of(value) if value.is_nan()), "{unknown:?}");
    }

    #[test]
    fn what_is_no_histogram() {
        assert_eq!(of(&[]).percentile(0.5, 0.0), Err(Broken::NoInfinity));
        assert_eq!(of(&[(1.0, 1.0)]).percentile(0.5, 0.0), Err(Broken::NoInfinity));
        assert_eq!(of(&[(1.0, 1.0), (2.0, 1.0)]).percentile(0.5, 0.0), Err(Broken::NoInfinity));
        assert_eq!(of(&[(INF, 1.0)]).percentile(0.5, 0.0), Err(Broken::OnlyInfinity));
        let uneven = [(1.0, 1.0), (1.0, 1.0), (INF, 2.0)];
        assert_eq!(of(&uneven).percentile(0.5, 0.0), Err(Broken::Uneven));
        let even = [(1.0, 1.0), (1.0, 1.0), (INF, 2.0), (INF, 2.0)];
        assert_eq!(of(&even).percentile(0.5, 0.0), Ok(Percentile::Of(1.0)));
    }

    proptest! {
        /// A percentile lies within the bounds, and a larger one is not smaller.
        #[test]
        fn percentiles_are_in_order(
            counts in prop::collection::vec(0.0f64..1000.0, 2..12),
            one in 0.001f64..1.0, other in 0.001f64..1.0,
        ) {
            let mut sum = 0.0;
            let last = counts.len() - 1;
            let mut histogram = Histogram::default();
            for (at, count) in counts.iter().enumerate() {
                sum += count;
                let bound = u32::try_from(at).map_or(0.0, f64::from) + 1.0;
                histogram.add(if at == last { INF } else { bound }, sum);
            }
            let largest = u32::try_from(last).map_or(0.0, f64::from);
            let value = |share| match histogram.clone().percentile(share, 0.0).unwrap() {
                Percentile::Of(value) | Percentile::Beyond(value) => value,
                Percentile::TooFew => 0.0,
            };
            let (low, high) = (value(one.min(other)), value(one.max(other)));
            prop_assert!(0.0 <= low && low <= high + 1e-9 && high <= largest + 1e-9, "{low} {high}");
        }
    }
}
