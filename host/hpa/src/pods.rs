//! Which pods of the target count in the arithmetic.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A pod that the target's selector selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Its phase.
    pub phase: Phase,
    /// Whether it is being deleted.
    pub deleted: bool,
    /// Its condition `Ready`, if it has one.
    pub ready: Option<ReadyCondition>,
    /// When its kubelet started it, in milliseconds since 1970.
    pub started: Option<i64>,
}

/// The phase of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `Pending`.
    Pending,
    /// `Running`.
    Running,
    /// `Succeeded`.
    Succeeded,
    /// `Failed`.
    Failed,
    /// `Unknown`, or none yet.
    Unknown,
}

/// The condition `Ready` of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadyCondition {
    /// Its status; `None` for `Unknown`.
    pub status: Option<bool>,
    /// When it changed, in milliseconds since 1970.
    pub since: i64,
}

/// The value of one pod, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PodSample {
    /// The value.
    pub value: i64,
    /// Its time, in milliseconds since 1970.
    pub time: i64,
    /// What it is an average over.
    pub window: Duration,
}

/// How long the cpu of starting pods is passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Startup {
    /// The time, in milliseconds since 1970.
    pub now: i64,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`.
    pub cpu_initialization: Duration,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`.
    pub readiness_delay: Duration,
}

impl Startup {
    /// With the controller's defaults.
    pub fn at(now: i64) -> Self {
        Self {
            now,
            cpu_initialization: Duration::from_secs(300),
            readiness_delay: Duration::from_secs(30),
        }
    }

    /// Whether the cpu of a pod is passed over, since it is starting.
    fn passes_over(&self, pod: &Pod, sample: &PodSample) -> bool {
        let (Some(ready), Some(started)) = (pod.ready, pod.started) else { return true };
        let not_ready = ready.status == Some(false);
        if started.saturating_add(millis(self.cpu_initialization)) > self.now {
            not_ready || sample.time < ready.since.saturating_add(millis(sample.window))
        } else {
            not_ready && started.saturating_add(millis(self.readiness_delay)) > ready.since
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The pods of the target, by how they count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PodGroups {
    /// With a value that counts.
    pub counted: BTreeSet<String>,
    /// Pending, or with a cpu that does not count yet: 0 when scaling up, else left out.
    pub unready: BTreeSet<String>,
    /// Without a value: 0 when scaling up, the target when scaling down.
    pub missing: BTreeSet<String>,
    /// Failed or being deleted: left out.
    pub ignored: BTreeSet<String>,
}

impl PodGroups {
    /// Groups pods by these samples; `startup` for cpu alone.
    pub(crate) fn of(
        pods: &[Pod],
        samples: &BTreeMap<String, PodSample>,
        startup: Option<&Startup>,
    ) -> Self {
        let mut groups = Self::default();
        for pod in pods {
            let group = if pod.deleted || pod.phase == Phase::Failed {
                &mut groups.ignored
            } else if pod.phase == Phase::Pending {
                &mut groups.unready
            } else {
                match samples.get(&pod.name) {
                    None => &mut groups.missing,
                    Some(sample) if startup.is_some_and(|s| s.passes_over(pod, sample)) => {
                        &mut groups.unready
                    }
                    Some(_) => &mut groups.counted,
                }
            };
            group.insert(pod.name.clone());
        }
        groups
    }
}

/// How many pods run and are ready.
pub(crate) fn ready(pods: &[Pod]) -> usize {
    let is_ready = |pod: &&Pod| {
        pod.phase == Phase::Running && pod.ready.is_some_and(|ready| ready.status == Some(true))
    };
    pods.iter().filter(is_ready).count()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A running and ready pod.
    pub(crate) fn pod(name: &str) -> Pod {
        Pod {
            name: name.to_owned(),
            phase: Phase::Running,
            deleted: false,
            ready: Some(ReadyCondition { status: Some(true), since: 0 }),
            started: Some(0),
        }
    }

    pub(crate) fn sample(value: i64) -> PodSample {
        PodSample { value, time: 1_000_000, window: Duration::from_secs(60) }
    }

    #[test]
    fn pods_are_grouped_by_phase_and_sample() {
        let pods = [
            pod("counted"),
            Pod { phase: Phase::Pending, ..pod("pending") },
            Pod { phase: Phase::Failed, ..pod("failed") },
            Pod { deleted: true, ..pod("deleted") },
            pod("silent"),
            Pod { phase: Phase::Succeeded, ..pod("done") },
        ];
        let samples: BTreeMap<_, _> = ["counted", "pending", "failed", "deleted", "done"]
            .map(|name| (name.to_owned(), sample(1)))
            .into();
        let groups = PodGroups::of(&pods, &samples, None);
        let names = |group: &BTreeSet<String>| group.iter().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(names(&groups.counted), "counted done");
        assert_eq!(names(&groups.unready), "pending");
        assert_eq!(names(&groups.missing), "silent");
        assert_eq!(names(&groups.ignored), "deleted failed");
        assert_eq!(
            ready(&pods),
            3,
            "being deleted or without a value, they are ready all the same"
        );
    }

    #[test]
    fn cpu_of_starting_pods_is_passed_over() {
        let startup = Startup::at(600_000);
        let with = |started: Option<i64>, ready: Option<(bool, i64)>| Pod {
            started,
            ready: ready.map(|(status, since)| ReadyCondition { status: Some(status), since }),
            ..pod("web")
        };
        for (passed_over, pod, time) in [
            (true, with(None, Some((true, 0))), 600_000),
            (true, with(Some(0), None), 600_000),
            // Within the first five minutes.
            (true, with(Some(400_000), Some((false, 400_000))), 600_000),
            (true, with(Some(400_000), Some((true, 550_000))), 600_000),
            (false, with(Some(400_000), Some((true, 540_000))), 600_000),
            // Later: one that was never ready.
            (true, with(Some(100_000), Some((false, 100_000))), 600_000),
            (false, with(Some(100_000), Some((false, 200_000))), 600_000),
            (false, with(Some(100_000), Some((true, 590_000))), 600_000),
        ] {
            let sample = PodSample { time, ..sample(1) };
            assert_eq!(startup.passes_over(&pod, &sample), passed_over, "{pod:?}");
        }
    }
}
