//! The last known values of objects that an evaluation gives no value for, kept for as long as the policy
//! allows.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::state::Evaluated;
use leadsman_model::values::{Item, MetricValues, Value};

/// The last values of objects and items that are absent now.
#[derive(Debug, Clone, Default)]
pub struct LastKnown {
    /// By namespace and name; the namespace of objects that live in none is empty.
    objects: HashMap<Box<str>, HashMap<Box<str>, LastKnownValue>>,
    items: Vec<(Item, Instant)>,
}

/// A value of an earlier evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastKnownValue {
    /// The value.
    pub value: Value,
    /// When that evaluation began.
    pub at: Instant,
}

impl LastKnown {
    /// What `before` and those before it gave and `values` lack, not older than `oldest` at `now`, and
    /// at most so many: the newest.
    pub(super) fn after(
        before: &Evaluated,
        values: &MetricValues,
        oldest: Duration,
        now: Instant,
        most: usize,
    ) -> Self {
        let young = |at: Instant| now.saturating_duration_since(at) <= oldest;
        match (values, &before.values.served) {
            (MetricValues::Objects(values), MetricValues::Objects(served)) => {
                let newest = served
                    .iter()
                    .map(|(namespace, name, value)| (namespace, name, value, before.at));
                let older = before
                    .last_known
                    .objects()
                    .map(|(namespace, name, known)| (namespace, name, known.value, known.at));
                // What is refused now is not absent, and may be absent later.
                let absent = |namespace: &str, name: &str| {
                    !matches!(values.get(namespace, name), Some(Ok(_)))
                };
                let mut known: Vec<_> = newest
                    .chain(older)
                    .filter(|(namespace, name, _, at)| young(*at) && absent(namespace, name))
                    .collect();
                known.sort_by_key(|&(_, _, _, at)| Reverse(at));
                known.truncate(most);
                let mut objects: HashMap<Box<str>, HashMap<Box<str>, LastKnownValue>> =
                    HashMap::new();
                for (namespace, name, value, at) in known {
                    let names = objects.entry(namespace.into()).or_default();
                    // The first is the newest.
                    names.entry(name.into()).or_insert(LastKnownValue { value, at });
                }
                Self { objects, items: Vec::new() }
            }
            (MetricValues::Items(values), MetricValues::Items(served)) => {
                let there: HashSet<_> = values.iter().map(|item| &item.labels).collect();
                let newest = served.iter().map(|item| (item, before.at));
                let older = before.last_known.items.iter().map(|(item, at)| (item, *at));
                let mut known: Vec<_> = newest
                    .chain(older)
                    .filter(|(item, at)| young(*at) && !there.contains(&item.labels))
                    .collect();
                known.sort_by_key(|&(_, at)| Reverse(at));
                known.truncate(most);
                let items = known.into_iter().map(|(item, at)| (item.clone(), at)).collect();
                Self { objects: HashMap::new(), items }
            }
            // A mapping that is served otherwise has another evaluation.
            _ => Self::default(),
        }
    }

    fn objects(&self) -> impl Iterator<Item = (&str, &str, &LastKnownValue)> {
        self.objects.iter().flat_map(|(namespace, names)| {
            names.iter().map(move |(name, known)| (&**namespace, &**name, known))
        })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.items.is_empty()
    }

    /// The last value of an object.
    pub fn object(&self, namespace: &str, name: &str) -> Option<LastKnownValue> {
        self.objects.get(namespace)?.get(name).copied()
    }

    /// The items that these pick of the newest evaluation that had any of them: items of several
    /// moments are no sum.
    pub fn items(&self, picks: impl Fn(&Item) -> bool) -> Option<(Vec<&Item>, Instant)> {
        let picked: Vec<_> = self.items.iter().filter(|(item, _)| picks(item)).collect();
        let newest = picked.iter().map(|(_, at)| *at).max()?;
        let of_newest = picked.into_iter().filter(|(_, at)| *at == newest);
        Some((of_newest.map(|(item, _)| item).collect(), newest))
    }

    /// The approximate size in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let objects: usize = self
            .objects()
            .map(|(_, name, _)| name.len() + size_of::<Box<str>>() + size_of::<LastKnownValue>())
            .sum();
        objects + self.items.iter().map(|(item, _)| item.bytes()).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use leadsman_model::quantity::{NotServable, Quantity};
    use leadsman_model::values::{ObjectValues, Values};

    const MAX_VALUES: usize = 1000;

    fn value(number: i64) -> Value {
        Value { quantity: Quantity::from_milli(number * 1000), time: number, window: None }
    }

    fn evaluated(at: Instant, served: MetricValues, last_known: LastKnown) -> Evaluated {
        let values = Values { served, refused: vec![], refused_count: 0, not_numbers: 0 };
        Evaluated {
            id: 1,
            evaluation: 1,
            values: Arc::new(values),
            basis: crate::Basis::default(),
            last_known: Arc::new(last_known),
            at,
            time: 0,
            querying: Duration::ZERO,
            running: Duration::ZERO,
        }
    }

    fn objects(values: &[(&str, i64)]) -> MetricValues {
        let mut objects = ObjectValues::default();
        for (name, number) in values {
            objects.insert("shop", name, Ok(value(*number)));
        }
        MetricValues::Objects(objects)
    }

    fn items(values: &[(&str, i64)]) -> MetricValues {
        let item = |&(queue, number): &(&str, i64)| Item {
            labels: vec![("queue".into(), queue.into())],
            value: value(number),
        };
        MetricValues::Items(values.iter().map(item).collect())
    }

    #[test]
    fn what_an_evaluation_lacks_keeps_its_last_value_for_the_stated_time() {
        let (start, oldest) = (Instant::now(), Duration::from_secs(60));
        let at = |seconds| start + Duration::from_secs(seconds);
        let after = |before: &Evaluated, values: &MetricValues, seconds| {
            LastKnown::after(before, values, oldest, at(seconds), MAX_VALUES)
        };
        let first = evaluated(start, objects(&[("a", 1), ("b", 2)]), LastKnown::default());
        let lacks_b = objects(&[("a", 3)]);
        let known = after(&first, &lacks_b, 30);
        assert_eq!(known.object("shop", "b"), Some(LastKnownValue { value: value(2), at: start }));
        assert_eq!(known.object("shop", "a"), None, "it has a value");
        assert_eq!(known.object("bank", "b"), None);
        // It stays known over further evaluations, with the time of its own.
        let second = evaluated(at(30), lacks_b, known);
        let nothing = objects(&[]);
        let known = after(&second, &nothing, 60);
        assert_eq!(known.object("shop", "b").map(|known| known.at), Some(start));
        assert_eq!(known.object("shop", "a"), Some(LastKnownValue { value: value(3), at: at(30) }));
        let known = after(&second, &nothing, 61);
        assert_eq!(known.object("shop", "b"), None, "it is too old");
        assert!(known.object("shop", "a").is_some());
        // What comes back is not absent any more.
        let back = objects(&[("a", 4), ("b", 5)]);
        assert!(after(&second, &back, 60).is_empty());
    }

    #[test]
    fn what_is_refused_now_may_be_absent_later() {
        let (start, oldest) = (Instant::now(), Duration::from_secs(60));
        let first = evaluated(start, objects(&[("a", 1)]), LastKnown::default());
        let mut refused = ObjectValues::default();
        refused.insert("shop", "a", Err(NotServable::NotANumber));
        let refused = MetricValues::Objects(refused);
        let known = LastKnown::after(&first, &refused, oldest, start, MAX_VALUES);
        let second = evaluated(start, refused, known);
        let known = LastKnown::after(&second, &objects(&[]), oldest, start, MAX_VALUES);
        assert_eq!(known.object("shop", "a").map(|known| known.value), Some(value(1)));
    }

    #[test]
    fn items_are_those_of_one_moment() {
        let (start, oldest) = (Instant::now(), Duration::from_secs(60));
        let later = start + Duration::from_secs(10);
        let first = evaluated(start, items(&[("low", 1), ("high", 2)]), LastKnown::default());
        let one = items(&[("high", 3)]);
        let known = LastKnown::after(&first, &one, oldest, later, MAX_VALUES);
        let picked = |known: &LastKnown, queue: &str| {
            let is = |item: &Item| queue.is_empty() || &*item.labels[0].1 == queue;
            known.items(is).map(|(items, at)| (items.into_iter().cloned().collect::<Vec<_>>(), at))
        };
        assert_eq!(picked(&known, "high"), None);
        assert_eq!(picked(&known, "low").map(|(items, at)| (items.len(), at)), Some((1, start)));
        let second = evaluated(later, one, known);
        let known = LastKnown::after(&second, &items(&[]), oldest, later, MAX_VALUES);
        let (all, at) = picked(&known, "").expect("the last ones");
        assert_eq!((all.len(), at), (1, later), "low is from before, and no part of the sum");
        assert_eq!(all[0].value, value(3));
        assert_eq!(picked(&known, "low").map(|(_, at)| at), Some(start));
        assert!(known.bytes() > 0);
    }

    #[test]
    fn no_more_is_kept_than_one_run_may_give() {
        let (start, oldest) = (Instant::now(), Duration::from_secs(60));
        let later = start + Duration::from_secs(1);
        let first = evaluated(start, objects(&[("old", 1)]), LastKnown::default());
        let new = objects(&[("a", 1), ("b", 2)]);
        let known = LastKnown::after(&first, &new, oldest, later, 2);
        let second = evaluated(later, new, known);
        let known = LastKnown::after(&second, &objects(&[]), oldest, later, 2);
        let is_known = |name: &str| known.object("shop", name).is_some();
        assert_eq!(["a", "b", "old"].map(is_known), [true, true, false]);
    }
}
