//! Rate limits for Events on autoscalers: a mapping that fails now and then may write only a few, and an
//! outage of a source affects all autoscalers at once.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use leadsman_cluster::AutoscalerReference;

/// The time that the limits are for.
const WINDOW: Duration = Duration::from_secs(600);

/// How many Events an autoscaler gets within the window.
const MAX_OF_ONE: u32 = 6;

/// How many all get together within the window, and of them those of one namespace: a team with many
/// autoscalers leaves others theirs.
const MAX_OF_ALL: u32 = 600;
const MAX_OF_NAMESPACE: u32 = MAX_OF_ALL / 2;

/// The Events of the window under way.
#[derive(Debug, Default)]
pub(super) struct Limits {
    begun: Option<Instant>,
    all: u32,
    /// By namespace and name. At most as many as Events of the window.
    of_one: HashMap<(String, String), u32>,
    of_namespace: HashMap<String, u32>,
}

impl Limits {
    /// Whether an autoscaler may get an Event now. Counts it if so.
    pub(super) fn admit(&mut self, about: &AutoscalerReference, now: Instant) -> bool {
        if self.begun.is_none_or(|begun| now.saturating_duration_since(begun) >= WINDOW) {
            *self = Self { begun: Some(now), ..Self::default() };
        }
        let of_namespace = self.of_namespace.get(&about.namespace).copied().unwrap_or_default();
        if self.all >= MAX_OF_ALL || of_namespace >= MAX_OF_NAMESPACE {
            return false;
        }
        let reported =
            self.of_one.entry((about.namespace.clone(), about.name.clone())).or_default();
        if *reported >= MAX_OF_ONE {
            return false;
        }
        self.of_namespace.insert(about.namespace.clone(), of_namespace + 1);
        *reported += 1;
        self.all += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(namespace: &str, number: u32) -> AutoscalerReference {
        let name = format!("web-{number}");
        AutoscalerReference { namespace: namespace.to_owned(), name, uid: None }
    }

    #[test]
    fn one_autoscaler_a_namespace_and_all_together_are_told_a_few_things() {
        let (mut limits, now) = (Limits::default(), Instant::now());
        let reported = (0..20).filter(|_| limits.admit(&about("shop", 0), now)).count();
        assert_eq!(reported, 6);
        let mut told = |namespace: &str| {
            (1..1000).filter(|&number| limits.admit(&about(namespace, number), now)).count()
        };
        assert_eq!((told("shop"), told("bank"), told("mill")), (294, 300, 0));
        assert!(limits.of_one.len() <= 600, "{}", limits.of_one.len());
        assert!(!limits.admit(&about("mill", 0), now + WINDOW - Duration::from_secs(1)));
        assert!(limits.admit(&about("shop", 0), now + WINDOW));
        assert_eq!((limits.of_one.len(), limits.of_namespace.len()), (1, 1));
    }
}
