//! The fixtures that a plugin brings along, run as evaluations are: in the sandbox, under the
//! usual limits, with the usual checks. The SDK runs the same fixtures natively.

mod measured;
mod outcomes;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};
use tracing::subscriber::NoSubscriber;

use leadsman_model::data::Input;
use leadsman_model::names::{Namespace, Scope};
use leadsman_model::object_table::{ObjectColumns, ObjectLabels, ObjectTable, TableRow};
use leadsman_model::quantity::Quantity;
use leadsman_model::resource::Resource;
use leadsman_model::serve::Serve;
use leadsman_model::values::{self, MetricValues, OnNan, Values};
use leadsman_sandbox::{
    Context, Expected, Limits, OwnQuery, PlannedQuery, Planning, Plugin, Run, RunError,
};
use leadsman_source as source;

pub use measured::{FixtureRun, runs};
pub use outcomes::{FixtureOutcome, each};

/// The time limit of all fixtures of a plugin together.
const SELF_TEST_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum size of all fixtures of a plugin together, in bytes: parsed they take many times as
/// much memory.
const MAX_BYTES: usize = 1 << 20;

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
    fixture: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    #[serde(default)]
    serve: Api,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    now: f64,
    #[serde(default)]
    queries: BTreeMap<String, Value>,
    /// What the queries of the mapping ask.
    #[serde(default)]
    asked: BTreeMap<String, Value>,
    /// The queries that the plugin brings, and what they ask.
    brings: Option<BTreeMap<String, Value>>,
    /// The objects that a custom metric is served for.
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    objects: Vec<Object>,
    expect: Expect,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Api {
    #[default]
    Custom,
    External,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Object {
    #[serde(default)]
    namespace: Option<String>,
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    address: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Expect {
    Measures(Vec<Measure>),
    Failure(String),
    Faults(Vec<String>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Measure {
    #[serde(default)]
    object: String,
    #[serde(default)]
    namespace: Option<String>,
    value: f64,
    #[serde(default)]
    time: Option<f64>,
    #[serde(default)]
    window: Option<u32>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// Runs all fixtures of a plugin. Says how many passed, or which one did not give what it expects.
pub async fn run(plugin: &Plugin) -> Result<usize, String> {
    let Some(text) = plugin.fixtures() else { return Ok(0) };
    let bytes = text.len();
    if bytes > MAX_BYTES {
        return Err(format!("its fixtures have {bytes} bytes; the limit is {MAX_BYTES}"));
    }
    let (plugin, turn) = (plugin.clone(), plugin.loading().await);
    // It may use all the time that its limits give it.
    let tested = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let fixtures: Vec<Named> = serde_json::from_slice(plugin.fixtures().unwrap_or_default())
            .map_err(|error| format!("its fixtures cannot be read: {error}"))?;
        // What a plugin logs about the input of a fixture is about nothing that is served.
        tracing::subscriber::with_default(NoSubscriber::new(), || all(&plugin, fixtures))
    });
    tested.await.unwrap_or_else(|error| {
        tracing::error!(%error, "testing a plugin panicked");
        Err("the adapter failed while it ran the fixtures".to_owned())
    })
}

/// Runs one fixture that a plugin does not bring along. Says what differs from what it expects.
pub async fn run_fixture(plugin: &Plugin, fixture: Vec<u8>) -> Result<(), String> {
    let (plugin, turn) = (plugin.clone(), plugin.loading().await);
    let tested = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let fixture: Fixture = serde_json::from_slice(&fixture)
            .map_err(|error| format!("it is no fixture: {error}"))?;
        fixture.check(&plugin)
    });
    tested.await.unwrap_or_else(|error| {
        tracing::error!(%error, "running a fixture panicked");
        Err("the adapter failed while it ran the fixture".to_owned())
    })
}

fn all(plugin: &Plugin, fixtures: Vec<Named>) -> Result<usize, String> {
    let (begun, count) = (Instant::now(), fixtures.len());
    for Named { name, fixture } in fixtures {
        if begun.elapsed() > SELF_TEST_TIMEOUT {
            return Err(format!("its fixtures take longer than {SELF_TEST_TIMEOUT:?} together"));
        }
        let fixture: Fixture = serde_json::from_value(fixture)
            .map_err(|error| format!("its fixture \"{name}\" cannot be read: {error}"))?;
        fixture.check(plugin).map_err(|reason| format!("its fixture \"{name}\": {reason}"))?;
    }
    Ok(count)
}

impl Fixture {
    fn check(&self, plugin: &Plugin) -> Result<(), String> {
        let (config, serve) = (self.config(), self.serve()?);
        match (self.configure(plugin, &config, &serve)?, &self.expect) {
            (Planning::Accepted { .. }, Expect::Faults(_)) => {
                return Err("its configuration is accepted, and should not be".to_owned());
            }
            (Planning::Refused(found), Expect::Faults(expected)) => {
                let found: Vec<_> = found.into_iter().map(|fault| fault.path).collect();
                return same(expected, &found);
            }
            (Planning::Refused(found), _) => {
                let found: Vec<_> = found
                    .into_iter()
                    .map(|fault| format!("{} {}", fault.path, fault.message))
                    .collect();
                return Err(format!("its configuration is refused: {}", found.join("; ")));
            }
            (Planning::Accepted { queries, .. }, _) => {
                if let Some(expected) = &self.brings {
                    let keyed = |query: &PlannedQuery| {
                        let keys = query.keys().map_err(|error| error.to_string())?;
                        Ok::<_, String>((query.name.clone(), keys))
                    };
                    let found: Result<BTreeMap<_, _>, String> = queries.iter().map(keyed).collect();
                    if found.as_ref() != Ok(expected) {
                        return Err(format!("it brings other queries: {found:?}"));
                    }
                }
            }
        }
        let scope = self.scope()?;
        match (self.evaluate(plugin, &config, &serve, &scope)?, &self.expect) {
            (Ok(values), Expect::Measures(expected)) => compare(&values, expected, &scope),
            (Err(RunError::Failure { message, query }), Expect::Failure(part)) => {
                let message = in_query(query.as_deref(), message);
                if message.contains(part) {
                    return Ok(());
                }
                Err(format!("it fails with \"{message}\", which does not contain \"{part}\""))
            }
            (Ok(_), _) => Err("it gives values, and should fail".to_owned()),
            (Err(error), _) => Err(error.to_string()),
        }
    }

    fn config(&self) -> String {
        match &self.config {
            Value::Null => "{}".to_owned(),
            config => config.to_string(),
        }
    }

    fn configure(&self, plugin: &Plugin, config: &str, serve: &Serve) -> Result<Planning, String> {
        let context = Context { serve, queries: self.own_queries() };
        plugin
            .configure("fixture", config, &context)
            .map_err(|error| format!("it cannot check its configuration: {error}"))
    }

    /// Evaluates within the limits of a mapping that sets none.
    fn evaluate(
        &self,
        plugin: &Plugin,
        config: &str,
        serve: &Serve,
        scope: &Scope,
    ) -> Result<Result<Values, RunError>, String> {
        let run = Run {
            name: "fixture",
            config,
            limits: &Limits::default(),
            expected: Expected { serve, scope, activation: None, on_nan: OnNan::Refuse },
        };
        Ok(plugin.evaluate(&run, self.input(scope.clone())?))
    }

    /// The queries of the mapping: those that the plugin brings are not among them.
    fn own_queries(&self) -> Vec<OwnQuery> {
        let brought =
            |name: &String| self.brings.as_ref().is_some_and(|queries| queries.contains_key(name));
        let own = self.queries.iter().filter(|(name, _)| !brought(name));
        let own = own.map(|(name, answer)| {
            let data = answer.get("data").unwrap_or(answer);
            let range = data.get("resultType").is_some_and(|kind| kind == "matrix");
            let written = self.asked.get(name).unwrap_or(&Value::Null).to_string();
            OwnQuery { name: name.clone(), range, written }
        });
        own.collect()
    }

    fn serve(&self) -> Result<Serve, String> {
        if self.serve == Api::External {
            return Ok(Serve::External);
        }
        // Measures without a namespace in the cluster's scope are of objects that live in none.
        let of_none = match &self.expect {
            Expect::Measures(measures) => {
                measures.iter().all(|measure| measure.namespace.is_none())
            }
            _ => false,
        };
        let usual = if self.namespace.is_none() && of_none { "nodes" } else { "pods" };
        let name = self.resource.as_deref().unwrap_or(usual);
        let resource = Resource::known(name);
        resource.map(Serve::Custom).ok_or_else(|| format!("no cluster has the resource \"{name}\""))
    }

    fn scope(&self) -> Result<Scope, String> {
        match &self.namespace {
            None => Ok(Scope::Cluster),
            Some(name) => {
                let namespace: Namespace = name.parse().map_err(|error| format!("{error}"))?;
                Ok(Scope::Namespace(namespace))
            }
        }
    }

    fn input(&self, scope: Scope) -> Result<Input, String> {
        let answers: Result<Vec<_>, String> = self
            .queries
            .iter()
            .map(|(name, answer)| {
                let whole = match answer.get("data") {
                    Some(_) => answer.clone(),
                    None => json!({"status": "success", "data": answer}),
                };
                let mut answer = source::prometheus_answer(whole.to_string().as_bytes())
                    .map_err(|error| format!("query \"{name}\": {error}"))?;
                let unit = whole.pointer("/data/unit").and_then(Value::as_str);
                answer.unit = unit.filter(|unit| !unit.is_empty()).map(str::to_owned);
                Ok((name.clone(), answer))
            })
            .collect();
        let input = Input::new(scope, milliseconds(self.now), answers?);
        if self.objects.is_empty() {
            return Ok(input);
        }
        let rows = self.objects.iter().map(|object| {
            let labels = object.labels.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            TableRow {
                namespace: object.namespace.as_deref().unwrap_or_default(),
                name: &object.name,
                labels,
                address: object.address.as_deref(),
            }
        });
        let columns = ObjectColumns { labels: ObjectLabels::All, addresses: true };
        let table = ObjectTable::new(rows, &columns).map_err(|error| error.to_string())?;
        Ok(input.with_objects(&table))
    }
}

/// A failure's message with the query that it is of.
fn in_query(query: Option<&str>, message: String) -> String {
    match query {
        Some(query) => format!("query \"{query}\": {message}"),
        None => message,
    }
}

#[allow(clippy::cast_possible_truncation)] // far from the ends of 64 bits, and cut off there
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}

fn compare(values: &Values, expected: &[Measure], scope: &Scope) -> Result<(), String> {
    if let Some(refusal) = values.refused.first() {
        return Err(format!("its value for \"{}\" is refused: {}", refusal.object, refusal.reason));
    }
    let found = values.served.len();
    if found != expected.len() {
        return Err(format!("it gives {found} values, and should give {}", expected.len()));
    }
    for measure in expected {
        let of = match &values.served {
            MetricValues::Objects(objects) => {
                let own = scope.namespace().map_or("", |namespace| namespace.as_str());
                let namespace = measure.namespace.as_deref().unwrap_or(own);
                objects.get(namespace, &measure.object).and_then(Result::ok)
            }
            MetricValues::Items(items) => items
                .iter()
                .find(|item| {
                    item.labels.len() == measure.labels.len()
                        && item.labels.iter().all(|(name, value)| {
                            measure.labels.get(&**name).is_some_and(|known| **known == **value)
                        })
                })
                .map(|item| item.value),
        };
        let name = match &values.served {
            MetricValues::Objects(_) => format!("\"{}\"", measure.object),
            MetricValues::Items(_) => format!("{:?}", measure.labels),
        };
        let Some(value) = of else { return Err(format!("it gives no value for {name}")) };
        measure.check(value).map_err(|reason| format!("its value for {name}: {reason}"))?;
    }
    Ok(())
}

impl Measure {
    fn check(&self, found: values::Value) -> Result<(), String> {
        let quantity = Quantity::from_f64(self.value).map_err(|reason| reason.to_string())?;
        if found.quantity != quantity {
            return Err(format!("{} instead of {quantity}", found.quantity));
        }
        if let Some(time) = self.time
            && found.time != milliseconds(time)
        {
            return Err(format!("measured at {} ms instead of {} s", found.time, time));
        }
        if self.window.is_some() && found.window != self.window {
            return Err(format!("a window of {:?} instead of {:?}", found.window, self.window));
        }
        Ok(())
    }
}

fn same(expected: &[String], found: &[String]) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    Err(format!("it finds faults at {found:?}, and should at {expected:?}"))
}
