//! Running a plugin: the permits that a run needs, and what it costs its team.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::OwnedSemaphorePermit;

use super::basis::Disputes;
use super::budget::Reservation;
use super::chain::{self, Link};
use super::error::EvaluationError;
use super::mapping::Mapping;
use super::stage::{Stage, WaitingFor};
use leadsman_model::data::Input;
use leadsman_model::names::Scope;
use leadsman_model::permits::FairPermit;
use leadsman_model::tenant::Tenant;
use leadsman_model::values::Values;
use leadsman_sandbox::{Expected, LogLine, Run, RunError, Trace};
use leadsman_trace::{self as trace, SpanKind};

/// How a run is called that gave values.
const OK: &str = "ok";

/// Which of the two plugins of a mapping is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PluginRole {
    Serving,
    Candidate,
}

impl PluginRole {
    /// The name of its role, as a label of metrics.
    fn role(self) -> &'static str {
        match self {
            Self::Serving => "serving",
            Self::Candidate => "candidate",
        }
    }
}

/// What a run holds while it is under way.
struct Permits {
    reservation: Option<Reservation>,
    _memory: Option<OwnedSemaphorePermit>,
    _own: Option<OwnedSemaphorePermit>,
    _slot: FairPermit,
}

impl Permits {
    /// Waits for all that a run needs; `stage` is called with what it waits for.
    async fn acquire(
        mapping: &Mapping,
        scope: &Scope,
        stage: &impl Fn(Stage),
    ) -> Result<Self, EvaluationError> {
        let (mut reservation, mut memory) = (None, None);
        if let Some(budget) = &mapping.budget {
            stage(Stage::Waiting(WaitingFor::PluginTime));
            // Each plugin of a chain may use its time.
            let plugins = u32::try_from(mapping.then.len()).map_or(u32::MAX, |then| then + 1);
            let expected = mapping.runs.expected(mapping.limits.time.saturating_mul(plugins));
            reservation = Some(budget.reserve(expected).await?);
            stage(Stage::Waiting(WaitingFor::Memory));
            memory = budget.memory(mapping.limits.memory).await;
        }
        // Never closed, so there are always permits to wait for. The mapping's own comes first: who
        // waits for it takes no slot from others.
        stage(Stage::Waiting(WaitingFor::OwnRuns));
        let own = mapping.runs.concurrency.clone().acquire_owned().await.ok();
        stage(Stage::Waiting(WaitingFor::Slot));
        let slot = mapping.plugin.slots().acquire(&Tenant::new(&mapping.owner, scope)).await;
        if let Some(reservation) = &reservation {
            reservation.confirm(Instant::now())?;
        }
        stage(Stage::Running);
        Ok(Self { reservation, _memory: memory, _own: own, _slot: slot })
    }
}

/// The result of a run of a plugin.
pub(super) struct PluginRun {
    pub(super) values: Values,
    /// What it left out because its series do not agree.
    pub(super) disputes: Disputes,
    /// How long it took.
    pub(super) took: Duration,
}

/// What a run was given, gave and logged, however it ended.
pub(super) struct Traced {
    pub(super) trace: Trace,
    /// How long it took.
    pub(super) took: Duration,
}

/// A run that has its permits. However it ends, by a panic too, its time is what the metric and the
/// team's budget get: the two agree.
struct Timed {
    mapping: Arc<Mapping>,
    which: PluginRole,
    begun: Instant,
    /// How it ended: `ok`, or the reason of its failure.
    outcome: &'static str,
    permits: Permits,
}

impl Timed {
    fn begin(mapping: Arc<Mapping>, which: PluginRole, permits: Permits) -> Self {
        let outcome = EvaluationError::Internal.reason();
        Self { mapping, which, begun: Instant::now(), outcome, permits }
    }

    /// It ended with this result. Gives it back, with the time that it took so far.
    fn ended<T>(
        mut self,
        result: Result<T, EvaluationError>,
    ) -> (Result<T, EvaluationError>, Duration) {
        self.outcome = match &result {
            Ok(_) => OK,
            Err(error) => error.reason(),
        };
        let took = self.begun.elapsed();
        (result, took)
    }
}

impl Drop for Timed {
    fn drop(&mut self) {
        let took = self.begun.elapsed();
        let runs = &self.mapping.runs;
        runs.took(took);
        let of_plugin = match self.which {
            PluginRole::Serving => &runs.serving,
            PluginRole::Candidate => &runs.candidate,
        };
        of_plugin.add(took, self.outcome != OK);
        self.mapping.metrics.plugin_ran(self.which.role(), self.outcome, took);
        if let Some(reservation) = self.permits.reservation.take() {
            reservation.settle(took);
        }
    }
}

/// Runs a plugin where it may block, and says how long it ran and what it did. The permits belong to
/// the run: they stay taken until the plugin has ended, even if nobody waits for it any more.
pub(super) async fn run(
    mapping: &Arc<Mapping>,
    which: PluginRole,
    input: Input,
    scope: &Scope,
    stage: impl Fn(Stage),
) -> (Result<PluginRun, EvaluationError>, Option<Traced>) {
    let mut span = trace::child("plugin", SpanKind::Internal);
    if span.is_sampled() {
        match (which, &mapping.candidate) {
            (PluginRole::Candidate, Some(candidate)) => {
                span.set("leadsman.plugin", candidate.plugin_name.as_str());
            }
            _ => span.set("leadsman.plugin", mapping.plugin_names().as_str()),
        }
        span.set("leadsman.role", which.role());
    }
    let permits = match Permits::acquire(mapping, scope, &stage).await {
        Ok(permits) => permits,
        Err(error) => {
            span.fail(error.reason());
            return (Err(error), None);
        }
    };
    span.note("the run begins");
    let (running, scope) = (mapping.clone(), scope.clone());
    let task = tokio::task::spawn_blocking(move || {
        let mut span = span;
        if which == PluginRole::Serving {
            let series = input.answers.iter().map(|answer| answer.data.series()).sum();
            running.metrics.plugin_received(series);
        }
        let timed = Timed::begin(running.clone(), which, permits);
        let (result, trace) = match evaluate(&running, which, input, &scope) {
            Ok((result, trace)) => (result, Some(trace)),
            Err(error) => (Err(error), None),
        };
        let (result, took) = timed.ended(result);
        if let Err(error) = &result {
            span.fail(error.reason());
        }
        let ran = result.map(|(values, disputes)| PluginRun { values, disputes, took });
        (ran, trace.map(|trace| Traced { trace, took }))
    });
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "running a plugin panicked");
        let source = RunError::Host("the adapter failed while it ran the plugin".to_owned());
        let plugin = mapping.called(&mapping.plugin_names());
        (Err(EvaluationError::Plugin { plugin, source }), None)
    })
}

/// What became of a run that came so far that the plugin was called, and what it did.
type Called = (Result<(Values, Disputes), EvaluationError>, Trace);

fn evaluate(
    mapping: &Mapping,
    which: PluginRole,
    mut input: Input,
    scope: &Scope,
) -> Result<Called, EvaluationError> {
    let title = mapping.title();
    let (plugin, plugin_name, config, objects, name) = match (which, &mapping.candidate) {
        (PluginRole::Candidate, Some(of)) => {
            let name = format!("{title} (candidate)");
            (&of.plugin, &of.plugin_name, &of.config, &of.object_columns, name)
        }
        _ => {
            let of = mapping;
            (&of.plugin, &of.plugin_name, &of.config, &of.object_columns, title)
        }
    };
    if let (Some(columns), Some(kind)) = (objects, &mapping.kind) {
        let table = kind.table(scope, columns)?;
        input = input.with_objects(&table);
    }
    // A candidate stands alone.
    let then = if which == PluginRole::Serving { mapping.then.as_slice() } else { &[] };
    let run = Run {
        name: &name,
        config,
        limits: &mapping.limits,
        expected: Expected {
            serve: &mapping.serve,
            scope,
            // What the last plugin gives is served.
            activation: mapping.policy.activation.filter(|_| then.is_empty()),
            on_nan: mapping.policy.on_nan,
        },
    };
    let disputes = match (which, &mapping.object_names) {
        (PluginRole::Serving, Some(names)) => Disputes::find(&input, names),
        _ => Disputes::default(),
    };
    let failed = |name: &str, source: RunError| {
        let plugin = mapping.called(name);
        EvaluationError::Plugin { plugin, source }
    };
    let given = (!then.is_empty()).then(|| input.clone());
    let (result, mut trace) = plugin.evaluate_traced(&run, input);
    if given.is_some() {
        name_lines(&mut trace.log, plugin_name);
    }
    let result = match (result.map_err(|source| failed(plugin_name, source)), given) {
        (Ok(first), Some(given)) => {
            follow(mapping, then, scope, first, (&given, &mut trace), failed)
        }
        (result, _) => result,
    };
    let result = result.map(|values| {
        let disputes = disputes.without_served(&values.served, scope);
        (values, disputes)
    });
    Ok((result, trace))
}

/// Lines of a plugin in a chain begin with its name.
fn name_lines(lines: &mut [LogLine], plugin: &str) {
    for line in lines {
        line.message.insert_str(0, &format!("{plugin}: "));
    }
}

/// Runs the plugins after the first, each on the values of the one before. The record has the answers of
/// the first one, which are those of the queries, what the last one gave, and the log lines and the
/// memory of all.
fn follow(
    mapping: &Mapping,
    then: &[Link],
    scope: &Scope,
    first: Values,
    (given, record): (&Input, &mut Trace),
    failed: impl Fn(&str, RunError) -> EvaluationError,
) -> Result<Values, EvaluationError> {
    let mut previous = chain::answer(&first, record, scope);
    let mut values = first;
    for (number, link) in then.iter().enumerate() {
        let mut input = link.input(given, previous);
        if let (Some(columns), Some(kind)) = (&link.object_columns, &mapping.kind) {
            let table = kind.table(scope, columns)?;
            input = input.with_objects(&table);
        }
        let is_last = number + 1 == then.len();
        let name = format!("{} ({})", mapping.title(), link.plugin_name);
        let run = Run {
            name: &name,
            config: &link.config,
            limits: &mapping.limits,
            expected: Expected {
                serve: &mapping.serve,
                scope,
                activation: mapping.policy.activation.filter(|_| is_last),
                on_nan: mapping.policy.on_nan,
            },
        };
        let begun = Instant::now();
        let (result, mut trace) = link.plugin.evaluate_traced(&run, input);
        link.runs.add(begun.elapsed(), result.is_err());
        let ran = result.map_err(|source| failed(&link.plugin_name, source)).map(|next| {
            let answer = chain::answer(&next, &trace, scope);
            (next, answer)
        });
        record.capture.take_measures_of(&trace.capture);
        record.memory = record.memory.max(trace.memory);
        name_lines(&mut trace.log, &link.plugin_name);
        record.log_dropped += trace.log_dropped;
        record.log.extend(trace.log);
        let (mut next, answer) = ran?;
        // What one of them refused, a read lacks.
        next.refused.append(&mut values.refused);
        next.refused_count += values.refused_count;
        next.not_numbers += values.not_numbers;
        (values, previous) = (next, answer);
    }
    Ok(values)
}
