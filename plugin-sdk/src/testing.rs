//! Fixtures: an evaluation written down as JSON, run against a plugin natively.
//!
//! ```json
//! {
//!   "config": {"object": "pod"},
//!   "namespace": "default",
//!   "now": 1695018200,
//!   "queries": {
//!     "rate": {"resultType": "vector", "result": [
//!       {"metric": {"pod": "a"}, "value": [1695018199.504, "1.5"]}]}
//!   },
//!   "expect": {"measures": [{"object": "a", "value": 1.5, "time": 1695018199.504}]}
//! }
//! ```
//!
//! `queries` holds what Prometheus answered, as `curl` prints it; beside `resultType` there may be a
//! `unit`. `expect` is one of `measures`, `failure` (a part of the message) and `faults` (places in
//! the configuration). Leave `namespace` out for the cluster scope, and add `"serve": "external"` for
//! an external metric. `objects` lists what exists: `[{"namespace": …, "name": …, "labels": {…},
//! "address": …}]`.
//!
//! For plugins that look at the mapping around them: `resource` are the objects that a custom metric
//! is served for, and `asked` says what queries ask, by name, as the mapping has it. `brings` holds
//! the queries that the plugin must bring itself, in the same form; their answers stand in `queries`,
//! too.

mod report;

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::report::Difference;
use crate::input::Input;
use crate::measures::Row;
use crate::plan::{Api, Context};
use crate::plugin::Plugin;
use crate::query::Query;

/// An evaluation and what must come of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    #[serde(default)]
    serve: Serve,
    #[serde(default)]
    config: Value,
    #[serde(default)]
    namespace: Option<String>,
    #[serde(default)]
    now: f64,
    // A list of pairs would keep the order; plugins find answers by name, so a map will do.
    #[serde(default)]
    queries: BTreeMap<String, Value>,
    /// What the queries of the mapping ask.
    #[serde(default)]
    asked: BTreeMap<String, Value>,
    /// The queries that the plugin brings, and what they ask.
    brings: Option<BTreeMap<String, Value>>,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    objects: Vec<FixtureObject>,
    expect: Expect,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FixtureObject {
    #[serde(default)]
    namespace: Option<String>,
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    address: String,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Serve {
    #[default]
    Custom,
    External,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Expect {
    Measures(Vec<ExpectedMeasure>),
    Failure(String),
    Faults(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ExpectedMeasure {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    object: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    value: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
}

/// Runs every `*.json` of a folder (relative to the crate) and panics with all that differ.
///
/// # Panics
/// If a fixture does not give what it expects, cannot be read, or the folder holds none.
pub fn fixtures(plugin: &Plugin, folder: &str) {
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("cannot read the fixtures in {folder}: {error}"))
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder} holds no fixture");
    let mut report = String::new();
    for path in paths {
        // What panics, as it ends a component, must not hide what comes of the others.
        let came = catch_unwind(AssertUnwindSafe(|| fixture(plugin, &path)));
        let came = came.unwrap_or_else(|payload| Err(panicked(&*payload)));
        let reported = report::write(&path, came.as_ref().copied());
        let differs = came.err().map(|difference| difference.reason);
        for wrong in differs.into_iter().chain(reported.err()) {
            let _ = writeln!(report, "{}: {wrong}", path.display());
        }
    }
    assert!(report.is_empty(), "\n{report}");
}

fn panicked(payload: &(dyn Any + Send)) -> Difference {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", text.unwrap_or("without a message")).into()
}

fn fixture(plugin: &Plugin, path: &Path) -> Result<(), Difference> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let fixture: Fixture = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    fixture.compare(plugin)
}

impl Fixture {
    /// Runs the fixture and says what differs.
    pub fn check(&self, plugin: &Plugin) -> Result<(), String> {
        self.compare(plugin).map_err(|difference| difference.reason)
    }

    fn compare(&self, plugin: &Plugin) -> Result<(), Difference> {
        let config = match &self.config {
            Value::Null => "{}".to_owned(),
            config => config.to_string(),
        };
        let plan = plugin.plan(&config, &self.context());
        if let Expect::Faults(expected) = &self.expect {
            let found: Vec<_> = match plan {
                Ok(_) => return Err("the configuration was accepted".to_owned().into()),
                Err(faults) => faults.into_iter().map(|fault| fault.path).collect(),
            };
            return same(expected, &found)
                .map_err(|reason| Difference::of(reason, json!({"faults": found})));
        }
        match plan {
            Err(faults) => {
                let paths: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
                let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
                let reason = format!("the configuration was refused: {}", told.join("; "));
                return Err(Difference::of(reason, json!({"faults": paths})));
            }
            Ok(plan) => {
                if let Some(expected) = &self.brings {
                    let keyed = |query: &Query| (query.name().to_owned(), query.keys());
                    same(expected, &plan.queries().iter().map(keyed).collect())?;
                }
            }
        }
        let input = self.input()?;
        match (&self.expect, plugin.run(&config, &input)) {
            (Expect::Failure(part), Err(failure)) if failure.to_string().contains(part) => Ok(()),
            (Expect::Failure(part), Err(failure)) => {
                let reason = format!("the failure \"{failure}\" does not contain \"{part}\"");
                Err(Difference::of(reason, json!({"failure": failure.to_string()})))
            }
            (Expect::Failure(_), Ok(measures)) => {
                let rows = measures.rows(&input);
                let reason = format!("expected a failure, found {rows:?}");
                let found = self.sorted(rows.into_iter().map(expected_of));
                Err(Difference::of(reason, json!({"measures": found})))
            }
            (Expect::Measures(expected), Ok(measures)) => {
                let mut found = self.sorted(measures.rows(&input).into_iter().map(expected_of));
                let expected = self.sorted(expected.iter().cloned());
                for (found, expected) in found.iter_mut().zip(&expected) {
                    // A fixture may have what is served, as `--bless` writes it.
                    if served(found.value) == expected.value {
                        found.value = expected.value;
                    }
                }
                same(&expected, &found)
                    .map_err(|reason| Difference::of(reason, json!({"measures": found})))
            }
            (_, Err(failure)) => {
                let found = json!({"failure": failure.to_string()});
                Err(Difference::of(format!("failed: {failure}"), found))
            }
            (Expect::Faults(_), Ok(_)) => Ok(()),
        }
    }

    /// Measures in the order in which they are compared. The namespace of the fixture may be left out.
    fn sorted(&self, measures: impl Iterator<Item = ExpectedMeasure>) -> Vec<ExpectedMeasure> {
        let mut measures: Vec<_> = measures
            .map(|measure| ExpectedMeasure {
                namespace: measure.namespace.filter(|named| Some(named) != self.namespace.as_ref()),
                ..measure
            })
            .collect();
        measures.sort_by(|a, b| {
            (&a.namespace, &a.object, &a.labels).cmp(&(&b.namespace, &b.object, &b.labels))
        });
        measures
    }

    fn context(&self) -> Context {
        let brought =
            |name: &String| self.brings.as_ref().is_some_and(|queries| queries.contains_key(name));
        let own = self.queries.iter().filter(|(name, _)| !brought(name)).map(|(name, answer)| {
            let data = answer.get("data").unwrap_or(answer);
            (name.clone(), data.get("resultType").is_some_and(|kind| kind == "matrix"))
        });
        let context = match self.serve {
            Serve::Custom => Context::new(Api::Custom, own.collect()).serving(self.resource()),
            Serve::External => Context::new(Api::External, own.collect()),
        };
        self.asked
            .iter()
            .fold(context, |context, (name, asked)| context.with_written(name, asked.clone()))
    }

    /// What the metric is served for, where it matters to no one: pods, or nodes where no measure
    /// has a namespace. The adapter takes the same.
    fn resource(&self) -> &str {
        let of_none = match &self.expect {
            Expect::Measures(measures) => measures.iter().all(|one| one.namespace.is_none()),
            _ => false,
        };
        let usual = if self.namespace.is_none() && of_none { "nodes" } else { "pods" };
        self.resource.as_deref().unwrap_or(usual)
    }

    fn input(&self) -> Result<Input, String> {
        #[allow(clippy::cast_possible_truncation)]
        let mut builder = Input::build().now((self.now * 1000.0).round() as i64);
        if let Some(namespace) = &self.namespace {
            builder = builder.namespace(namespace);
        }
        for (name, answer) in &self.queries {
            builder = builder
                .answer(name, answer.clone())
                .map_err(|error| format!("query \"{name}\": {error}"))?;
        }
        for object in &self.objects {
            let labels: Vec<_> =
                object.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let namespace = object.namespace.as_deref();
            builder = builder.object_at(namespace, &object.name, &labels, &object.address);
        }
        Ok(builder.finish())
    }
}

/// A value as the adapter serves it: cut off at thousandths, and never 0 unless it is.
fn served(value: f64) -> f64 {
    let exact = value * 1000.0;
    let rounded = exact.round();
    // A rounding error of the multiplication does not lose a thousandth.
    let is_rounded = (exact - rounded).abs() <= rounded.abs() * 2.0 * f64::EPSILON;
    let milli = if is_rounded { rounded } else { exact.trunc() };
    if milli == 0.0 && value != 0.0 { value.signum() / 1000.0 } else { milli / 1000.0 }
}

#[allow(clippy::cast_precision_loss)] // milliseconds since the epoch are well below 2^52
fn expected_of(row: Row) -> ExpectedMeasure {
    ExpectedMeasure {
        object: row.object,
        namespace: row.namespace,
        value: row.value,
        time: row.time.map(|time| time as f64 / 1000.0),
        window: row.window,
        labels: row.labels,
    }
}

fn same<T: PartialEq + std::fmt::Debug>(expected: &T, found: &T) -> Result<(), String> {
    if expected == found {
        Ok(())
    } else {
        Err(format!("\n  expected {expected:?}\n  found    {found:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, Measures};

    #[test]
    fn a_panic_is_what_comes_of_one_fixture() {
        fn evaluate(config: &BTreeMap<String, String>, _: &Input) -> Result<Measures, Failure> {
            let Some(reason) = config.get("reason") else { panic!("there is no reason") };
            Err(Failure::new(reason.clone()))
        }
        let plugin = Plugin::new("mine", "0.1.0", "", evaluate);
        let folder = std::env::temp_dir().join(format!("leadsman-panic-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, config) in [("a", json!({})), ("b", json!({"reason": "other"}))] {
            let fixture =
                json!({"config": config, "namespace": "d", "expect": {"failure": "this"}});
            std::fs::write(folder.join(format!("{name}.json")), fixture.to_string()).unwrap();
        }
        let run = AssertUnwindSafe(|| fixtures(&plugin, &folder.to_string_lossy()));
        let ended = catch_unwind(run).unwrap_err();
        std::fs::remove_dir_all(&folder).unwrap();
        let told = ended.downcast_ref::<String>().unwrap();
        assert!(told.contains("a.json: panicked: there is no reason"), "{told}");
        assert!(told.contains("b.json: the failure \"other\" does not contain \"this\""), "{told}");
    }

    #[test]
    fn values_are_served_as_the_adapter_does_it() {
        for (value, expected) in [
            (1.0 / 3.0, 0.333),
            (2.0 / 3.0, 0.666),
            (-2.0 / 3.0, -0.666),
            (0.029, 0.029),
            (0.0001, 0.001),
            (-0.0001, -0.001),
            (0.0, 0.0),
            (12.0, 12.0),
        ] {
            assert_eq!(served(value), expected, "{value}");
        }
        assert!(served(f64::NAN).is_nan());
    }
}
