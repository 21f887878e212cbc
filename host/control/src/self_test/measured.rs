//! Runs a plugin on a fixture and measures time and memory, whatever the fixture expects.

use std::time::{Duration, Instant};

use super::Fixture;
use leadsman_model::values::{MetricValues, OnNan, Values, object_name};
use leadsman_sandbox::{Context, Expected, Limits, Planning, Plugin, Run, RunError};

/// What a plugin made of a fixture.
#[derive(Debug, Clone, PartialEq)]
pub struct FixtureRun {
    /// Objects or items with their values, sorted; or why there are none.
    pub result: Result<Vec<(String, String)>, String>,
    /// Whether the plugin trapped, reached a limit, or returned what cannot be used: its own fault,
    /// whatever it is given.
    pub misbehaved: bool,
    /// How long the run took, with instantiation, input and output. Zero if it was not run.
    pub took: Duration,
    /// The most linear memory that it used, in bytes. Zero if it was not run.
    pub memory: usize,
    /// What it logged: level and text.
    pub log: Vec<(&'static str, String)>,
}

impl FixtureRun {
    fn refused(reason: String) -> Self {
        let (took, memory, log) = (Duration::ZERO, 0, Vec::new());
        Self { result: Err(reason), misbehaved: false, took, memory, log }
    }
}

/// Runs a plugin on a fixture, in JSON, so often. An error says why the text is no fixture.
pub async fn runs(
    plugin: &Plugin,
    fixture: Vec<u8>,
    limits: Limits,
    times: usize,
) -> Result<Vec<FixtureRun>, String> {
    let (plugin, turn) = (plugin.clone(), plugin.loading().await);
    let run = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let fixture: Fixture = serde_json::from_slice(&fixture)
            .map_err(|error| format!("it is no fixture: {error}"))?;
        fixture.runs(&plugin, &limits, times)
    });
    run.await.unwrap_or_else(|error| {
        tracing::error!(%error, "running a fixture panicked");
        Err("the adapter failed while it ran the fixture".to_owned())
    })
}

impl Fixture {
    fn runs(
        &self,
        plugin: &Plugin,
        limits: &Limits,
        times: usize,
    ) -> Result<Vec<FixtureRun>, String> {
        let (config, serve, scope) = (self.config(), self.serve()?, self.scope()?);
        let context = Context { serve: &serve, queries: self.own_queries() };
        match plugin.configure("fixture", &config, &context) {
            Ok(Planning::Accepted { .. }) => {}
            Ok(Planning::Refused(faults)) => {
                let faults: Vec<_> = faults
                    .into_iter()
                    .map(|fault| format!("{} {}", fault.path, fault.message))
                    .collect();
                let reason = format!("its configuration is refused: {}", faults.join("; "));
                return Ok(vec![FixtureRun::refused(reason)]);
            }
            Err(error) => {
                let reason = format!("it cannot check its configuration: {error}");
                let refused = FixtureRun::refused(reason);
                return Ok(vec![FixtureRun { misbehaved: true, ..refused }]);
            }
        }
        let run = Run {
            name: "fixture",
            config: &config,
            limits,
            expected: Expected {
                serve: &serve,
                scope: &scope,
                activation: None,
                on_nan: OnNan::Refuse,
            },
        };
        let input = self.input(scope.clone())?;
        let mut runs = Vec::with_capacity(times);
        for _ in 0..times {
            let input = input.clone();
            let begun = Instant::now();
            let (result, trace) = plugin.evaluate_traced(&run, input);
            let took = begun.elapsed();
            let lines = trace.log.into_iter();
            runs.push(FixtureRun {
                misbehaved: result.as_ref().is_err_and(RunError::is_misbehaviour),
                result: result.map(|values| listed(&values)).map_err(|error| error.to_string()),
                took,
                memory: trace.memory,
                log: lines.map(|line| (line.level.as_str(), line.message)).collect(),
            });
        }
        Ok(runs)
    }
}

/// The values by the names of their objects or items, sorted, and those that are refused.
fn listed(values: &Values) -> Vec<(String, String)> {
    let is_items = matches!(values.served, MetricValues::Items(_));
    let name = |name: String| if is_items { format!("{{{name}}}") } else { name };
    let named = values.served.named().into_iter();
    let mut list: Vec<_> = named.map(|(of, value)| (name(of), value.to_string())).collect();
    let refused = values.refused.iter().map(|refusal| {
        (object_name(&refusal.namespace, &refusal.object), format!("refused: {}", refusal.reason))
    });
    list.extend(refused);
    list.sort();
    list
}
