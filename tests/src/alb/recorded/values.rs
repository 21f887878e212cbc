//! Values of metrics over time.

use std::ops::Range;
use std::time::Duration;

use crate::alb::Pool;

/// The values of all pools over time.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// After which time all begin anew.
    pub(super) repeat: Option<Duration>,
    /// Those of metrics whose values change.
    pub(super) changing: Vec<OverTime>,
}

/// The values of a metric of some pools.
#[derive(Debug)]
pub(super) struct OverTime {
    /// Which of all pools.
    pub(super) pools: Range<usize>,
    pub(super) metric: String,
    /// From when on which value counts, in order; the first from the beginning.
    pub(super) points: Vec<(Duration, f64)>,
}

impl Values {
    /// Sets what counts at a time since the start.
    pub(super) fn apply(&self, time: Duration, pools: &mut [Pool]) {
        let time = self.within(time);
        for OverTime { pools: range, metric, points } in &self.changing {
            let begun = points.iter().take_while(|(from, _)| *from <= time);
            let (Some((_, value)), Some(pools)) = (begun.last(), pools.get_mut(range.clone()))
            else {
                continue;
            };
            pools.iter_mut().for_each(|pool| pool.set(metric, *value));
        }
    }

    fn within(&self, time: Duration) -> Duration {
        match self.repeat {
            Some(repeat) if !repeat.is_zero() => {
                let rest = time.as_nanos() % repeat.as_nanos();
                Duration::from_nanos(u64::try_from(rest).unwrap_or_default())
            }
            _ => time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "l4_server.avg_open_conns";

    #[test]
    fn a_value_counts_until_the_next_and_all_begin_anew() {
        let seconds = Duration::from_secs;
        let points = vec![(seconds(0), 0.0), (seconds(10), 742.5), (seconds(20), 1013.4)];
        let changing = vec![OverTime { pools: 1..2, metric: ID.to_owned(), points }];
        let mut values = Values { repeat: Some(seconds(30)), changing };
        let mut pools = vec![Pool::new("pool-1", "a").with(ID, 7.0), Pool::new("pool-2", "b")];
        let mut at = |values: &Values, time| {
            values.apply(seconds(time), &mut pools);
            assert_eq!(pools[0].value(ID), Some(7.0));
            pools[1].value(ID)
        };
        for (time, value) in
            [(0, 0.0), (9, 0.0), (10, 742.5), (29, 1013.4), (30, 0.0), (45, 742.5), (89, 1013.4)]
        {
            assert_eq!(at(&values, time), Some(value), "{time}");
        }
        values.repeat = None;
        assert_eq!(at(&values, 3600), Some(1013.4));
    }
}
