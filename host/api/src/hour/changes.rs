//! The changes of an autoscaler within the last hour: of its proposals, replicas, targets and the states of
//! its metrics, each with the values at that time.

use std::collections::{HashMap, VecDeque};

use super::series::SeriesId;
use super::trends::LOOKBACK_MS;

/// The maximum number of recorded metrics of an autoscaler.
pub(super) const MAX_METRICS: usize = 16;

/// The most autoscalers, and the most changes of one: twelve an hour are many, and one at each sync of its
/// controller is the most that there can be.
const MAX_AUTOSCALERS: usize = 2000;
const MAX_CHANGES: usize = 240;

/// The most moments of metrics of all autoscalers: about 60 bytes each.
const MAX_CELLS: usize = 100_000;

/// After so long without a record, in milliseconds, the time in between counts as unknown.
const MAX_GAP: i64 = 60 * 1000;

/// The state at one time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moment {
    /// The present replicas.
    pub(super) replicas: Option<i32>,
    /// The proposed replicas.
    pub(super) wants: Option<i32>,
    /// The recorded metrics, in the order of the autoscaler.
    pub(super) metrics: Vec<MetricMoment>,
}

/// One metric at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct MetricMoment {
    pub(super) value: Option<f64>,
    pub(super) target: Option<f64>,
    pub(super) proposes: Option<i32>,
    pub(super) state: MetricState,
}

/// The result of a read of a metric.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum MetricState {
    /// With the newest value.
    Current,
    /// With an old value, or one that stands for what is not known.
    Old,
    /// With an error.
    Failing,
    /// It is not known.
    #[default]
    Unknown,
}

/// The last hour of all autoscalers, by namespace and name.
#[derive(Debug, Default)]
pub(super) struct Changes {
    all: HashMap<String, History>,
    cells: usize,
}

/// The last hour of one autoscaler.
#[derive(Debug)]
pub(super) struct History {
    /// The series of its metrics.
    pub(super) series: Vec<SeriesId>,
    /// The beginning of the record.
    pub(super) begun: i64,
    /// Since when all changes are kept.
    pub(super) from: i64,
    /// The time of the newest record.
    pub(super) noted: i64,
    changes: VecDeque<(i64, Moment)>,
    cells: usize,
}

impl Moment {
    /// The state is not known.
    fn unknown(metrics: usize) -> Self {
        Self { replicas: None, wants: None, metrics: vec![MetricMoment::default(); metrics] }
    }

    /// Whether only values differ.
    fn is_like(&self, other: &Self) -> bool {
        let without_value = |of: &MetricMoment| (of.target, of.proposes, of.state);
        (self.replicas, self.wants) == (other.replicas, other.wants)
            && self.metrics.iter().map(without_value).eq(other.metrics.iter().map(without_value))
    }

    fn cells(&self) -> usize {
        1 + self.metrics.len()
    }
}

impl Changes {
    /// What is known of an autoscaler.
    pub(super) fn of(&self, name: &str) -> Option<&History> {
        self.all.get(name)
    }

    /// Records the present state. Returns whether a new history begins: the autoscaler was not known, or its
    /// metrics read other series now.
    pub(super) fn add(&mut self, name: &str, series: &[SeriesId], at: i64, now: Moment) -> bool {
        if !self.all.contains_key(name) && self.all.len() >= MAX_AUTOSCALERS {
            self.all.retain(|_, history| at - history.noted <= LOOKBACK_MS);
            self.cells = self.all.values().map(|history| history.cells).sum();
            self.forget_gone(at);
            if self.all.len() >= MAX_AUTOSCALERS {
                return false;
            }
        }
        let is_known = self.all.contains_key(name);
        let history = self.all.entry(name.to_owned()).or_insert_with(|| History::new(series, at));
        let before = history.cells;
        // Clocks may be set back, by little while they are corrected.
        let begins = !is_known || history.series != series || history.noted - at > MAX_GAP;
        if begins {
            *history = History::new(series, at);
        }
        history.add(at.max(history.noted), now);
        self.cells = self.cells - before + history.cells;
        if self.cells > MAX_CELLS {
            self.make_room();
        }
        begins
    }

    /// If there are too many, drops the one whose newest record is the oldest, unless that is recent: existing
    /// autoscalers are recorded all the time.
    fn forget_gone(&mut self, at: i64) {
        if self.all.len() < MAX_AUTOSCALERS {
            return;
        }
        let oldest = self.all.iter().min_by_key(|(_, history)| history.noted);
        let gone = oldest.filter(|(_, history)| at - history.noted > MAX_GAP);
        let gone = gone.map(|(name, _)| name.clone());
        if let Some(history) = gone.and_then(|name| self.all.remove(&name)) {
            self.cells -= history.cells;
        }
    }

    /// Drops the oldest changes of autoscalers with more than their share, so that none takes the memory of others.
    fn make_room(&mut self) {
        let share = MAX_CELLS / 2 / self.all.len().max(1);
        self.all.values_mut().for_each(|history| history.keep(share));
        self.cells = self.all.values().map(|history| history.cells).sum();
    }
}

impl History {
    fn new(series: &[SeriesId], at: i64) -> Self {
        let (series, changes) = (series.to_vec(), VecDeque::new());
        Self { series, begun: at, from: at, noted: at, changes, cells: 0 }
    }

    /// The changes, the oldest first. The first one may be from before the hour: it is the state at the
    /// beginning of the hour.
    pub(super) fn changes(&self) -> impl Iterator<Item = &(i64, Moment)> {
        self.changes.iter()
    }

    fn add(&mut self, at: i64, now: Moment) {
        if at - self.noted > MAX_GAP {
            self.push(self.noted, Moment::unknown(now.metrics.len()));
        }
        self.noted = at;
        if self.changes.back().is_none_or(|(_, last)| !last.is_like(&now)) {
            self.push(at, now);
        }
        while self.changes.get(1).is_some_and(|(second, _)| at - second >= LOOKBACK_MS) {
            self.pop();
        }
        while self.changes.len() > MAX_CHANGES {
            self.forget();
        }
    }

    fn push(&mut self, at: i64, moment: Moment) {
        self.cells += moment.cells();
        self.changes.push_back((at, moment));
    }

    fn pop(&mut self) {
        if let Some((_, moment)) = self.changes.pop_front() {
            self.cells -= moment.cells();
        }
    }

    /// Drops the oldest change, although it is not an hour old.
    fn forget(&mut self) {
        self.pop();
        self.from = self.changes.front().map_or(self.noted, |(at, _)| *at);
    }

    /// Drops the oldest changes until so many cells are left, but never the newest one.
    fn keep(&mut self, cells: usize) {
        while self.cells > cells && self.changes.len() > 1 {
            self.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1000;

    fn series(of: u8) -> Vec<SeriesId> {
        vec![SeriesId::for_test(of)]
    }

    fn moment(value: f64, proposes: i32, replicas: i32) -> Moment {
        let state = MetricState::Current;
        let metric = MetricMoment {
            value: Some(value),
            target: Some(10.0),
            proposes: Some(proposes),
            state,
        };
        Moment { replicas: Some(replicas), wants: Some(proposes), metrics: vec![metric] }
    }

    /// Times in seconds, replicas that were proposed, and those that there were.
    fn reported(changes: &Changes, name: &str) -> Vec<(i64, Option<i32>, Option<i32>)> {
        let all = changes.of(name).unwrap().changes();
        all.map(|(at, moment)| (at / SECOND, moment.metrics[0].proposes, moment.replicas)).collect()
    }

    #[test]
    fn what_changes_is_kept_with_the_value_that_it_had_then() {
        let mut changes = Changes::default();
        let mut add = |at, moment| changes.add("shop/web", &series(1), at * SECOND, moment);
        assert!(add(0, moment(20.0, 2, 2)), "it begins");
        assert!(!add(15, moment(21.0, 2, 2)), "values alone are no change");
        add(30, moment(45.0, 5, 2));
        add(45, moment(45.0, 5, 5));
        add(60, moment(46.0, 5, 5));
        let known = reported(&changes, "shop/web");
        assert_eq!(known, [(0, Some(2), Some(2)), (30, Some(5), Some(2)), (45, Some(5), Some(5))]);
        let history = changes.of("shop/web").unwrap();
        assert_eq!((history.begun, history.noted), (0, 60 * SECOND));
        let values: Vec<_> = history.changes().map(|(_, of)| of.metrics[0].value).collect();
        assert_eq!(values, [Some(20.0), Some(45.0), Some(45.0)]);
    }

    #[test]
    fn a_time_without_notes_is_a_gap() {
        let mut changes = Changes::default();
        for at in [0, 15, 300, 315] {
            changes.add("shop/web", &series(1), at * SECOND, moment(20.0, 2, 2));
        }
        let known = reported(&changes, "shop/web");
        assert_eq!(known, [(0, Some(2), Some(2)), (15, None, None), (300, Some(2), Some(2))]);
    }

    #[test]
    fn other_series_begin_anew_and_a_clock_that_is_corrected_does_not() {
        let mut changes = Changes::default();
        let mut add = |of, at, proposes| {
            changes.add("shop/web", &series(of), at * SECOND, moment(1.0, proposes, 1))
        };
        add(1, 100, 1);
        assert!(!add(1, 98, 2));
        assert!(add(2, 101, 3));
        assert!(add(2, 10, 4), "it is set back by more than a minute");
        assert_eq!(reported(&changes, "shop/web"), [(10, Some(4), Some(1))]);
        assert_eq!(changes.cells, 2);
    }

    #[test]
    fn an_hour_is_kept_with_what_there_was_when_it_began() {
        let mut changes = Changes::default();
        for at in (0..=7200).step_by(15) {
            let now = moment(1.0, at / 1800, 1);
            changes.add("shop/web", &series(1), i64::from(at) * SECOND, now);
        }
        let known = reported(&changes, "shop/web");
        assert_eq!(known.iter().map(|(at, ..)| *at).collect::<Vec<_>>(), [3600, 5400, 7200]);
        assert_eq!(changes.of("shop/web").unwrap().from, 0, "nothing was left out");
    }

    #[test]
    fn changes_are_bounded_and_it_is_known_from_when_on_all_are_kept() {
        let mut changes = Changes::default();
        for at in 0..1000 {
            changes.add("shop/web", &series(1), i64::from(at) * SECOND, moment(1.0, at, 1));
        }
        let history = changes.of("shop/web").unwrap();
        assert_eq!(history.changes().count(), MAX_CHANGES);
        assert_eq!((history.begun, history.from), (0, 760 * SECOND));
        assert_eq!(changes.cells, 2 * MAX_CHANGES);
    }

    #[test]
    fn who_changes_much_takes_no_room_of_others() {
        let mut changes = Changes::default();
        changes.add("shop/calm", &series(1), 0, moment(1.0, 1, 1));
        changes.add("shop/calm", &series(1), SECOND, moment(1.0, 2, 1));
        for number in 0..300 {
            let name = format!("shop/wild-{number}");
            for at in 0..240 {
                changes.add(&name, &series(2), i64::from(at) * SECOND, moment(1.0, at, 1));
            }
        }
        assert!(changes.cells <= MAX_CELLS, "{}", changes.cells);
        let counted: usize = changes.all.values().map(|history| history.cells).sum();
        assert_eq!(changes.cells, counted);
        assert_eq!(reported(&changes, "shop/calm").len(), 2);
        assert!(reported(&changes, "shop/wild-0").len() < MAX_CHANGES);
    }

    #[test]
    fn the_number_of_autoscalers_is_bounded_and_those_that_are_gone_make_room() {
        let mut changes = Changes::default();
        for number in 0..=MAX_AUTOSCALERS {
            changes.add(&number.to_string(), &series(1), 0, moment(1.0, 1, 1));
        }
        assert_eq!(changes.all.len(), MAX_AUTOSCALERS);
        // One that is not noted any more leaves its place, before its hour is over.
        changes.add("soon", &series(1), MAX_GAP, moment(1.0, 1, 1));
        assert!(changes.of("soon").is_none());
        for number in 1..MAX_AUTOSCALERS {
            changes.add(&number.to_string(), &series(1), MAX_GAP, moment(1.0, 1, 1));
        }
        for name in ["soon", "late"] {
            changes.add(name, &series(1), MAX_GAP + 1, moment(1.0, 1, 1));
        }
        assert!(changes.of("soon").is_some() && changes.of("0").is_none());
        assert!(changes.of("late").is_none() && changes.of("1").is_some());
        assert_eq!((changes.all.len(), changes.cells), (MAX_AUTOSCALERS, 2 * MAX_AUTOSCALERS));
        changes.add("new", &series(1), LOOKBACK_MS + MAX_GAP + 2, moment(1.0, 1, 1));
        assert_eq!((changes.all.len(), changes.cells), (1, 2));
    }
}
