//! The activator's task: while this replica is elected, it evaluates each workload at that workload's
//! interval.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::change::Change;
use crate::decision::WorkloadState;
use crate::election::{Election, Term, may_act};
use crate::group::{Group, groups};
use crate::report::{EventWriter, Report};
use leadsman_cluster::{Cluster, Events};
use leadsman_model::workload::Workload;
use leadsman_provider::snapshot::Snapshot;
use leadsman_runtime::telemetry::Metrics;

/// How many workloads are reconciled at once.
const MAX_CONCURRENT: usize = 8;

/// How often the configuration and the election are checked.
const TICK: Duration = Duration::from_secs(1);

/// Scales workloads to zero and from zero, by the mappings of the newest snapshot.
pub struct Activator {
    cluster: Cluster,
    snapshot: Box<dyn Fn() -> Arc<Snapshot> + Send + Sync>,
    election: Election,
    report: Report,
    writer: EventWriter,
}

/// A workload that is reconciled at an interval.
#[derive(Default)]
struct Watched {
    state: WorkloadState,
    /// When the next reconciliation is due; `None` while one is under way.
    next: Option<Instant>,
    /// Whether the reconciliation under way uses values of an older snapshot.
    outdated: bool,
}

impl Watched {
    /// The metrics have changed: how long the new ones have been low is not known.
    fn forget(&mut self) {
        (self.state, self.outdated) = (WorkloadState::default(), self.next.is_none());
    }

    /// A reconciliation has ended with this state.
    fn reconciled(&mut self, state: WorkloadState, next: Instant) {
        let state = if self.outdated { WorkloadState::default() } else { state };
        *self = Self { state, next: Some(next), outdated: false };
    }
}

impl Activator {
    /// For a cluster. `snapshot` gives the newest snapshot.
    pub fn new(
        cluster: &Cluster,
        metrics: Metrics,
        snapshot: impl Fn() -> Arc<Snapshot> + Send + Sync + 'static,
    ) -> Self {
        let (report, writer) = Report::new(Events::of(cluster));
        let election = Election::new(cluster, metrics);
        let snapshot = Box::new(snapshot);
        Self { cluster: cluster.clone(), snapshot, election, report, writer }
    }

    /// Runs until `stop`, and then releases the Lease, so that another replica takes over at once.
    /// Sends no requests to the cluster while no mapping has an activation.
    pub async fn run(self, stop: CancellationToken) {
        let (wanted, wants) = watch::channel(false);
        let (term, terms) = watch::channel(None);
        tokio::select! {
            () = self.act(&wanted, terms) => {}
            () = self.election.run(wants, term.clone()) => {}
            () = self.writer.run() => {}
            () = stop.cancelled() => {}
        }
        self.election.resign(&term).await;
    }

    /// Reconciles all workloads, each at its interval. Does not end.
    async fn act(&self, wanted: &watch::Sender<bool>, mut term: watch::Receiver<Term>) {
        let terms = term.clone();
        let change = Change {
            cluster: &self.cluster,
            election: &self.election,
            report: &self.report,
            term: &terms,
        };
        let change = &change;
        let mut generation = None;
        let mut all: BTreeMap<Workload, Arc<Group>> = BTreeMap::new();
        let mut watched: BTreeMap<Workload, Watched> = BTreeMap::new();
        let mut looks = FuturesUnordered::new();
        loop {
            let snapshot = (self.snapshot)();
            if generation != Some(snapshot.generation) {
                generation = Some(snapshot.generation);
                let before = std::mem::replace(&mut all, groups(&snapshot));
                watched.retain(|workload, _| all.contains_key(workload));
                for (workload, of) in &mut watched {
                    let groups = before.get(workload).zip(all.get(workload));
                    if groups.is_none_or(|(before, now)| !now.reads_like(before)) {
                        of.forget();
                    }
                }
                wanted.send_if_modified(|wanted| {
                    std::mem::replace(wanted, !all.is_empty()) == all.is_empty()
                });
            }
            drop(snapshot);
            let now = Instant::now();
            if may_act(*term.borrow_and_update(), now) {
                for (workload, group) in due(&all, &mut watched, MAX_CONCURRENT - looks.len(), now)
                {
                    let state = watched.get(&workload).map(|of| of.state).unwrap_or_default();
                    looks.push(async move {
                        let state = change.reconcile(&group, state).await;
                        (workload, group.settings.every, state)
                    });
                }
            } else {
                // The next leader begins anew: the observations made here are old by then.
                looks.clear();
                watched.clear();
                let why_not = self.election.why_not();
                all.values().for_each(|group| group.report(&why_not));
            }
            let wake = wake(&watched, looks.len(), now);
            tokio::select! {
                Some((workload, every, state)) = looks.next(), if !looks.is_empty() => {
                    if let Some(of) = watched.get_mut(&workload) {
                        of.reconciled(state, now + every);
                    }
                }
                _ = term.changed() => {}
                () = sleep_until(wake.into()) => {}
            }
        }
    }
}

/// The workloads that are due, at most so many, marked as under way.
fn due(
    all: &BTreeMap<Workload, Arc<Group>>,
    watched: &mut BTreeMap<Workload, Watched>,
    most: usize,
    now: Instant,
) -> Vec<(Workload, Arc<Group>)> {
    for workload in all.keys() {
        let new = || Watched { next: Some(now), ..Watched::default() };
        watched.entry(workload.clone()).or_insert_with(new);
    }
    let mut due: Vec<_> = watched
        .iter_mut()
        .filter_map(|(workload, of)| Some((of.next.filter(|next| *next <= now)?, workload, of)))
        .collect();
    // Those that have waited longest come first.
    due.sort_by_key(|(next, ..)| *next);
    due.truncate(most);
    due.into_iter()
        .filter_map(|(_, workload, of)| {
            let group = all.get(workload)?.clone();
            of.next = None;
            Some((workload.clone(), group))
        })
        .collect()
}

/// When the next workload is due. While the maximum is under way, one of these has to end first.
fn wake(watched: &BTreeMap<Workload, Watched>, looks: usize, now: Instant) -> Instant {
    let tick = now + TICK;
    if looks >= MAX_CONCURRENT {
        return tick;
    }
    watched.values().filter_map(|of| of.next).min().map_or(tick, |next| next.min(tick))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Intent, Level, Settings};

    const SETTINGS: Settings = Settings {
        cooldown: Duration::from_secs(60),
        min_replicas: 1,
        every: Duration::from_secs(60),
        take_over: false,
    };

    #[test]
    fn other_values_begin_the_cooldown_anew() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let (low, _) = WorkloadState::default().after(&SETTINGS, &Level::Low, start);
        let asks = |watched: &Watched| watched.state.after(&SETTINGS, &Level::Low, at(60)).1;

        let mut watched = Watched { state: low, next: Some(at(60)), outdated: false };
        assert_eq!(asks(&watched), Intent::Stop);
        watched.forget();
        assert!(matches!(asks(&watched), Intent::Hold(_)), "{:?}", watched.state);
        assert!(!watched.outdated);

        // One that is being looked at meanwhile ends with what it has seen of the values before.
        let mut watched = Watched { state: low, next: None, outdated: false };
        watched.forget();
        watched.reconciled(low, at(60));
        assert!(matches!(asks(&watched), Intent::Hold(_)), "{:?}", watched.state);
        watched.reconciled(low, at(60));
        assert_eq!(asks(&watched), Intent::Stop);
    }
}
