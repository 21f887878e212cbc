//! Marks: which workloads the activator itself has scaled to zero.
//!
//! A mark is written to the Lease before the workload is scaled, so the next holder of the Lease finds it,
//! and a replica that has lost the Lease cannot write it. It holds the generation of the workload at zero.
//! If the generation has changed since, the rest of the workload tells why. Is the rest the same, somebody
//! has set replicas and then zero again: that zero is not the activator's. Is it different, a new version
//! was rolled out: the zero is still the activator's.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use leadsman_cluster::Revision;

/// The maximum number of marks; the oldest are dropped first. They are of workloads at zero, or that were
/// deleted at zero.
const MAX_MARKS: usize = 1000;

/// A zero that was set here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// The generation of the workload with the zero.
    generation: i64,
    /// A digest of its spec without replicas.
    spec: String,
    /// When it was written, in milliseconds since the epoch.
    at: i64,
}

/// Marks by the unique id of the workload.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Marks(BTreeMap<String, Mark>);

impl Mark {
    /// The mark of a workload that is about to be scaled to zero.
    pub(crate) fn before_zero(revision: &Revision, now: i64) -> Self {
        // Scaling is a change of its spec.
        let generation = revision.generation.saturating_add(1);
        Self { generation, spec: revision.spec.clone(), at: now }
    }

    /// Whether this mark is of the present zero of a workload.
    pub(crate) fn is_of(&self, zero: &Revision) -> bool {
        zero.generation == self.generation
            || (zero.generation > self.generation && zero.spec != self.spec)
    }
}

impl Marks {
    /// Parses the annotation. One that cannot be parsed has no marks: zeros then count as set by others.
    pub(crate) fn read(note: Option<&str>) -> Self {
        note.and_then(|note| serde_json::from_str(note).ok()).unwrap_or_default()
    }

    /// The mark of a workload.
    pub(crate) fn get(&self, uid: &str) -> Option<&Mark> {
        self.0.get(uid)
    }

    /// Sets the mark of a workload, or removes it. Returns whether anything has changed.
    pub(crate) fn set(&mut self, uid: &str, mark: Option<Mark>) -> bool {
        let Some(mark) = mark else { return self.0.remove(uid).is_some() };
        let before = self.0.insert(uid.to_owned(), mark.clone());
        while self.0.len() > MAX_MARKS {
            let others = self.0.iter().filter(|(other, _)| *other != uid);
            let oldest = others.min_by_key(|(_, mark)| mark.at).map(|(uid, _)| uid.clone());
            let Some(oldest) = oldest else { break };
            self.0.remove(&oldest);
        }
        before != Some(mark)
    }
}

/// The annotation.
impl fmt::Display for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Maps of texts and numbers can be written.
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn revision(generation: i64, spec: &str) -> Revision {
        Revision { generation, spec: spec.to_owned() }
    }

    #[test]
    fn a_zero_is_ours_until_somebody_changes_the_replicas() {
        let mark = Mark::before_zero(&revision(7, "a"), 0);
        assert!(mark.is_of(&revision(8, "a")));
        // Scaled up and down again, by whom ever.
        assert!(!mark.is_of(&revision(10, "a")));
        // A new version was rolled out while it was at zero.
        assert!(mark.is_of(&revision(9, "b")));
        // The zero was not set after all, and the workload has not changed.
        assert!(!mark.is_of(&revision(7, "a")));
    }

    #[test]
    fn marks_are_kept_in_a_note() {
        let mut marks = Marks::read(None);
        let mark = Mark::before_zero(&revision(1, "a"), 5);
        assert!(marks.set("one", Some(mark.clone())));
        assert!(!marks.set("one", Some(mark.clone())), "nothing changes");
        let read = Marks::read(Some(&marks.to_string()));
        assert_eq!(read.get("one"), Some(&mark));
        assert_eq!(read.get("two"), None);
        assert!(marks.set("one", None) && !marks.set("one", None));
        for broken in ["", "{", "[]", r#"{"one": 1}"#] {
            assert_eq!(Marks::read(Some(broken)).get("one"), None, "{broken}");
        }
    }

    #[test]
    fn the_oldest_marks_go_first() {
        let mut marks = Marks::default();
        let uid = |number: usize| format!("{number:036}");
        for number in 0..=MAX_MARKS {
            let at = 1_800_000_000_000 + i64::try_from(number).unwrap();
            let revision = revision(1_000_000, "0123456789abcdef");
            marks.set(&uid(number), Some(Mark::before_zero(&revision, at)));
        }
        assert_eq!(marks.0.len(), MAX_MARKS);
        assert!(marks.get(&uid(0)).is_none() && marks.get(&uid(1)).is_some());
        let note = marks.to_string();
        // All annotations of an object have 256 KiB.
        assert!(note.len() < 128 << 10, "{}", note.len());
    }
}
