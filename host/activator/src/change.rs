//! One evaluation of a workload: reads its scale and its metrics, decides, and scales it.

use std::time::Instant;

use tokio::sync::watch;

use crate::decision::{Action, Intent, LeaveReason, ObservedScale, WorkloadState, decide};
use crate::election::{Election, Term, may_act};
use crate::group::Group;
use crate::marks::Mark;
use crate::report::Report;
use leadsman_cluster::{Cluster, ScaleError, Scaled};
use leadsman_runtime::clock;

/// How often a change is retried at once when somebody else has changed the workload at the same time.
/// After that, the next reconciliation tries again.
const MAX_CONFLICTS: u32 = 3;

/// What the reconciliation of a workload needs.
pub(crate) struct Change<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) election: &'a Election,
    pub(crate) report: &'a Report,
    pub(crate) term: &'a watch::Receiver<Term>,
}

impl Change<'_> {
    /// Reads the values of a workload and scales it if they say so. Returns its new state.
    pub(crate) async fn reconcile(&self, group: &Group, state: WorkloadState) -> WorkloadState {
        let level = group.level().await;
        let (state, intent) = state.after(&group.settings, &level, Instant::now());
        let start = match intent {
            Intent::Hold(hold) => {
                let reported = hold.to_string();
                group.report(&reported);
                return state;
            }
            Intent::Start => true,
            Intent::Stop => false,
        };
        let mut conflicts = 0;
        loop {
            match self.change(group, start).await {
                Ok(Some(runs)) => return state.seen(runs, Instant::now()),
                Ok(None) => return state,
                Err(ScaleError::Conflict) if conflicts < MAX_CONFLICTS => {
                    conflicts += 1;
                    self.report.conflict(group);
                }
                Err(error) => {
                    let reported = format!("it cannot be scaled: {error}");
                    let before = group.reported();
                    self.report.failed(group, &before, &reported);
                    group.report(&reported);
                    return state;
                }
            }
        }
    }

    /// Reads the present state of the workload, and scales it if necessary. Returns whether it has
    /// replicas then, where no more is to be done.
    async fn change(&self, group: &Group, start: bool) -> Result<Option<bool>, ScaleError> {
        let scaled = self.cluster.scale(&group.workload).await?;
        let found = self.found(group, &scaled, start).await?;
        match decide(start, &group.settings, &found) {
            Action::Scale(to) => self.scale(group, scaled, to).await,
            Action::Leave(leave) => {
                if scaled.replicas > 0 {
                    // A zero that follows is another.
                    self.unmark(&scaled).await;
                }
                let (before, reported) = (group.reported(), leave.to_string());
                self.report.left(group, &before, &reported);
                group.report(&reported);
                Ok(match leave {
                    LeaveReason::Runs => Some(true),
                    LeaveReason::AtZero => Some(false),
                    LeaveReason::Autoscaler(_) => None,
                    LeaveReason::SetByOthers | LeaveReason::AutoscalerToZero(_) => {
                        if before != reported {
                            self.report.left_to_others(group, scaled.uid, &reported);
                        }
                        None
                    }
                })
            }
        }
    }

    async fn scale(
        &self,
        group: &Group,
        scaled: Scaled,
        to: u32,
    ) -> Result<Option<bool>, ScaleError> {
        let workload = &group.workload;
        if to == 0 {
            // Before, as what is at zero without a mark stays there.
            let revision = self.cluster.revision(workload, &scaled).await?;
            let mark = Mark::before_zero(&revision, clock::now());
            let uid = scaled.uid.as_deref().unwrap_or_default();
            self.election.mark(uid, Some(mark)).await.map_err(ScaleError::Failed)?;
        }
        // The Lease may have been lost while the workload was read.
        if !may_act(*self.term.borrow(), Instant::now()) {
            return Ok(None);
        }
        let set = self.cluster.set_replicas(workload, &scaled, to).await;
        // Where no answer came, the zero may have been set.
        let refused = |error: &ScaleError| !matches!(error, ScaleError::Failed(_));
        if to > 0 || set.as_ref().is_err_and(refused) {
            self.unmark(&scaled).await;
        }
        set?;
        self.report.scaled(group, scaled.uid, to);
        group.report(if to == 0 { "taken to zero" } else { "taken from zero" });
        Ok(Some(to > 0))
    }

    /// Removes the mark of a workload. One that stays is of a generation that does not come again.
    async fn unmark(&self, scaled: &Scaled) {
        let uid = scaled.uid.as_deref().unwrap_or_default();
        if let Err(error) = self.election.mark(uid, None).await {
            tracing::debug!(error, "a mark is not removed");
        }
    }

    /// The part of a workload's state that decisions depend on.
    async fn found(
        &self,
        group: &Group,
        scaled: &Scaled,
        start: bool,
    ) -> Result<ObservedScale, ScaleError> {
        let replicas = scaled.replicas;
        let mut found = ObservedScale { replicas, set_here: false, lowest: None };
        // It is in the desired state already.
        if start == (replicas > 0) {
            return Ok(found);
        }
        let autoscalers = self.cluster.autoscalers(&group.workload).await?;
        let lowest = autoscalers.into_iter().min_by_key(|autoscaler| autoscaler.min_replicas);
        found.lowest = lowest.map(|autoscaler| (autoscaler.min_replicas, autoscaler.name));
        if start && !group.settings.take_over {
            let uid = scaled.uid.as_deref().unwrap_or_default();
            let mark = self.election.marked(uid).await.map_err(ScaleError::Failed)?;
            if let Some(mark) = mark {
                found.set_here = mark.is_of(&self.cluster.revision(&group.workload, scaled).await?);
            }
        }
        Ok(found)
    }
}
