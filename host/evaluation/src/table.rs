//! The evaluations of one mapping, and how a read gets its values.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::cell::{Cell, Evaluated, State};
use super::drive::drive;
use super::error::{EvaluationError, ReadFailure};
use super::mapping::Mapping;
use super::policy::{Judgement, Retry, judge, judge_late};
use super::quota::EvaluationQuota;
use leadsman_model::asked::Asked;
use leadsman_model::names::Scope;
use leadsman_runtime::telemetry::Counted;

/// The most evaluations of one mapping: namespaces and selectors come with requests.
const MOST: usize = 5000;

/// Who reads.
#[derive(Debug, Clone, Copy)]
pub struct Reader {
    /// Whom evaluations are counted for that this read begins: a caller in a namespace.
    pub account: u64,
    /// Tells one repeated request from another.
    pub request: u64,
}

/// What a read gets.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The values.
    pub evaluated: Arc<Evaluated>,
    /// For values that are served because newer ones could not be had: their age, and why.
    pub stale: Option<(Duration, String)>,
}

impl Reading {
    fn current(evaluated: Arc<Evaluated>) -> Self {
        Self { evaluated, stale: None }
    }

    /// Values that newer ones could not be had for; `why` says the reason.
    fn old(evaluated: Arc<Evaluated>, why: String) -> Self {
        let stale = Some((evaluated.at.elapsed(), why));
        Self { evaluated, stale }
    }
}

/// Evaluations by what is asked and by namespace (empty for the cluster).
type Cells = HashMap<Asked, HashMap<Box<str>, Arc<Cell>, RandomState>, RandomState>;

/// The evaluations of one mapping.
pub struct Evaluations {
    mapping: Arc<Mapping>,
    cells: RwLock<Cells>,
    quota: EvaluationQuota,
    tasks: TaskTracker,
    end: CancellationToken,
    // When the snapshot that these evaluations belong to is gone, their drivers end.
    _end_on_drop: DropGuard,
}

impl Evaluations {
    /// No evaluations yet. Their drivers belong to `tasks` and end with `end` at the latest.
    pub fn new(
        mapping: Arc<Mapping>,
        quota: EvaluationQuota,
        tasks: TaskTracker,
        end: &CancellationToken,
    ) -> Self {
        let end = end.child_token();
        let guard = end.clone().drop_guard();
        Self { mapping, cells: RwLock::default(), quota, tasks, end, _end_on_drop: guard }
    }

    /// The mapping.
    pub fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    /// Reads.
    pub async fn read(
        self: &Arc<Self>,
        scope: &Scope,
        asked: &Asked,
        reader: Reader,
    ) -> Result<Reading, ReadFailure> {
        let begun = Instant::now();
        let cell = self.cell(scope, asked, reader, begun)?;
        let policy = &self.mapping.policy;
        let until = begun + policy.deadline;
        let mut state = cell.state();
        match judge(&state, policy, begun) {
            Judgement::Serve(evaluated) => return Ok(Reading::current(evaluated)),
            Judgement::ServeOld(evaluated, error, retry) => {
                if retry == Retry::Now {
                    cell.want(begun);
                }
                return Ok(Reading::old(evaluated, error.to_string()));
            }
            Judgement::Fail(failure) => return Err(failure),
            Judgement::Wait => {}
        }
        // The first attempt of a new cell is under way already.
        if state.attempts > 0 {
            cell.want(begun);
        }
        let known = state.attempts;
        tokio::select! {
            () = cell.attempt_after(known) => {}
            () = tokio::time::sleep_until(until.into()) => {}
            () = self.end.cancelled() => return Err(ReadFailure::ShuttingDown),
        }
        // An attempt may end at the very moment of the deadline: then it has the say.
        state = cell.state();
        if state.attempts == known {
            return self.late(&cell);
        }
        // What was waited for is the newest there is, however long it took.
        match (&state.failed, &state.good) {
            (None, Some(evaluated)) => Ok(Reading::current(evaluated.clone())),
            _ => match judge(&state, policy, Instant::now()) {
                Judgement::ServeOld(evaluated, error, _) => {
                    Ok(Reading::old(evaluated, error.to_string()))
                }
                Judgement::Fail(failure) => Err(failure),
                Judgement::Serve(_) | Judgement::Wait => self.late(&cell),
            },
        }
    }

    fn late(&self, cell: &Cell) -> Result<Reading, ReadFailure> {
        let now = Instant::now();
        let policy = &self.mapping.policy;
        let pending = self.pending(cell, now);
        match judge_late(&cell.state(), policy, now) {
            Some(evaluated) => Ok(Reading::old(evaluated, pending)),
            None => Err(ReadFailure::Deadline { deadline: policy.deadline, pending }),
        }
    }

    /// What an attempt under way waits for.
    fn pending(&self, cell: &Cell, now: Instant) -> String {
        let of_plugin = self.mapping.queries.is_empty() || cell.is_answered();
        let queries: Vec<_> = self
            .mapping
            .queries
            .iter()
            .map(|query| {
                format!("query \"{}\" to the source \"{}\"", query.name, query.source_name)
            })
            .collect();
        match cell.waiting(now) {
            Some(waiting) => format!(
                "{} has been under way for {:.1}s",
                // From here on it waits for its turn, or runs.
                if of_plugin { "the plugin".to_owned() } else { queries.join(", ") },
                waiting.as_secs_f64()
            ),
            None => "no evaluation is under way".to_owned(),
        }
    }

    /// The cell of a scope, made if it is not there, with the read noted. It is noted while the
    /// cells are locked, so a cell that is read cannot be forgotten at the same time.
    fn cell(
        self: &Arc<Self>,
        scope: &Scope,
        asked: &Asked,
        reader: Reader,
        now: Instant,
    ) -> Result<Arc<Cell>, ReadFailure> {
        {
            let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(cell) = cells.get(asked).and_then(|cells| cells.get(name(scope))) {
                cell.read(reader.request, now);
                return Ok(cell.clone());
            }
        }
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        if cells.values().map(HashMap::len).sum::<usize>() >= MOST {
            return Err(ReadFailure::TooMany { limit: MOST });
        }
        let scopes = cells.entry(asked.clone()).or_default();
        if let Some(cell) = scopes.get(name(scope)) {
            cell.read(reader.request, now);
            return Ok(cell.clone());
        }
        let counted = match self.quota.admit(reader.account, *asked != Asked::default()) {
            Ok(counted) => counted,
            Err(failure) => {
                // An entry that was made for it is not left behind.
                if scopes.is_empty() {
                    cells.remove(asked);
                }
                return Err(failure);
            }
        };
        let cell = Arc::new(Cell::new(
            scope.clone(),
            asked.clone(),
            counted,
            self.mapping.policy.refresh_at_most_every,
        ));
        cell.read(reader.request, now);
        scopes.insert(name(scope).into(), cell.clone());
        self.begin(&cell);
        Ok(cell)
    }

    /// Starts the driver of a new cell.
    fn begin(self: &Arc<Self>, cell: &Arc<Cell>) {
        let in_use = self.mapping.metrics.evaluation_began();
        let guard =
            ForgetOnDrop { evaluations: Arc::downgrade(self), cell: cell.clone(), _in_use: in_use };
        self.tasks.spawn(driver(guard, self.mapping.clone(), self.end.clone()));
    }

    /// Begins the evaluations that are in use of a mapping that this one takes the place of, and
    /// waits until each was tried once, but not for longer than `most`: so the first reads after
    /// the change need not wait.
    pub async fn succeed(self: &Arc<Self>, old: &Self, most: Duration) {
        let now = Instant::now();
        let before: Vec<_> = {
            let cells = old.cells.read().unwrap_or_else(PoisonError::into_inner);
            cells.values().flat_map(HashMap::values).cloned().collect()
        };
        let fastest = self.mapping.policy.refresh_at_most_every;
        let begun: Vec<_> = {
            let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
            let in_use = |cell: &&Arc<Cell>| cell.unread_for(now) < cell.interval() * 2;
            let expected = |cell: &&Arc<Cell>| match &cell.scope {
                Scope::Namespace(namespace) => self.mapping.scope(namespace) == cell.scope,
                Scope::Cluster => !self.mapping.per_namespace(),
            };
            before
                .iter()
                .filter(in_use)
                .filter(expected)
                .map(|cell| {
                    let cell = Arc::new(cell.successor(fastest));
                    let scopes = cells.entry(cell.asked.clone()).or_default();
                    scopes.insert(name(&cell.scope).into(), cell.clone());
                    self.begin(&cell);
                    cell
                })
                .collect()
        };
        let all = async {
            for cell in &begun {
                cell.attempt_after(0).await;
            }
        };
        // Those that take longer are waited for by their readers, as always.
        let _ = tokio::time::timeout(most, all).await;
    }

    /// Drops a cell unless it was read in the meantime.
    fn forget(&self, cell: &Arc<Cell>, unread: Duration) -> bool {
        let mut cells = self.cells.write().unwrap_or_else(PoisonError::into_inner);
        if cell.unread_for(Instant::now()) < unread {
            return false;
        }
        if let Some(scopes) = cells.get_mut(&cell.asked) {
            if scopes.get(name(&cell.scope)).is_some_and(|known| Arc::ptr_eq(known, cell)) {
                scopes.remove(name(&cell.scope));
            }
            if scopes.is_empty() {
                cells.remove(&cell.asked);
            }
        }
        true
    }

    /// The last good values of an evaluation in use. Does not count as a read.
    pub fn peek(&self, scope: &Scope, asked: &Asked) -> Option<Arc<Evaluated>> {
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        cells.get(asked)?.get(name(scope))?.state().good.clone()
    }

    /// All evaluations in use: scope, what is asked, state and cadence.
    pub fn list(&self) -> Vec<(Scope, Asked, Arc<State>, Duration)> {
        let cells = self.cells.read().unwrap_or_else(PoisonError::into_inner);
        let mut list: Vec<_> = cells
            .values()
            .flat_map(HashMap::values)
            .map(|cell| (cell.scope.clone(), cell.asked.clone(), cell.state(), cell.interval()))
            .collect();
        list.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        list
    }
}

fn name(scope: &Scope) -> &str {
    scope.namespace().map_or("", |namespace| namespace.as_str())
}

/// The task behind a cell. It does not keep the evaluations alive.
async fn driver(guard: ForgetOnDrop, mapping: Arc<Mapping>, end: CancellationToken) {
    let forget = || match guard.evaluations.upgrade() {
        Some(evaluations) => evaluations.forget(&guard.cell, Duration::from_secs(1)),
        None => true,
    };
    tokio::select! {
        () = drive(&guard.cell, &mapping, forget) => {}
        () = end.cancelled() => {}
    }
}

/// However a driver ends, even by a panic, its cell goes with it, and the next read begins anew.
struct ForgetOnDrop {
    evaluations: Weak<Evaluations>,
    cell: Arc<Cell>,
    _in_use: Counted,
}

impl Drop for ForgetOnDrop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // Readers that wait are told rather than left to their deadline.
            self.cell.publish(Err(EvaluationError::Internal));
        }
        if let Some(evaluations) = self.evaluations.upgrade() {
            evaluations.forget(&self.cell, Duration::ZERO);
        }
    }
}
