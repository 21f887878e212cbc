//! The result of each fixture for authors: expected and actual values.

use std::time::{Duration, Instant};

use serde_json::{Map, Number, Value, json};
use tracing::subscriber::NoSubscriber;

use leadsman_model::names::Scope;
use leadsman_model::quantity::Quantity;
use leadsman_model::values::{self, MetricValues};
use leadsman_sandbox::{Planning, Plugin, RunError};

use super::{Fixture, in_query};

/// The outcome of a fixture.
#[derive(Debug, Clone, PartialEq)]
pub struct FixtureOutcome {
    /// Its name.
    pub name: String,
    /// How long it took, with a fresh instance for each call.
    pub time: Duration,
    /// Why it did not pass.
    pub reason: Option<String>,
    /// What it expects, as it stands in the fixture.
    pub expected: Value,
    /// What came, in the form of `expect`, where it did not pass; `None` if nothing comparable came: a
    /// trap, an exceeded limit, a value that cannot be served, or a fixture that cannot be read.
    pub found: Option<Value>,
}

/// Runs fixtures, each with its name, and says for each of them what came of it.
pub async fn each(plugin: &Plugin, fixtures: Vec<(String, Value)>) -> Vec<FixtureOutcome> {
    let (plugin, turn) = (plugin.clone(), plugin.loading().await);
    let tested = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let one = |(name, fixture)| outcome(&plugin, name, fixture);
        // Failures are reported with the fixture; other lines are about nothing that is served.
        tracing::subscriber::with_default(NoSubscriber::new(), || {
            fixtures.into_iter().map(one).collect()
        })
    });
    tested.await.unwrap_or_else(|error| {
        let reason = Some(format!("the adapter failed while it ran the fixtures: {error}"));
        let (name, time) = ("all".to_owned(), Duration::ZERO);
        vec![FixtureOutcome { name, time, reason, expected: Value::Null, found: None }]
    })
}

fn outcome(plugin: &Plugin, name: String, fixture: Value) -> FixtureOutcome {
    let expected = fixture.get("expect").cloned().unwrap_or_default();
    let begun = Instant::now();
    let read: Result<Fixture, _> = serde_json::from_value(fixture);
    let (reason, found, time) = match read {
        Err(error) => (Some(format!("it cannot be read: {error}")), None, begun.elapsed()),
        Ok(fixture) => {
            let reason = fixture.check(plugin).err();
            let time = begun.elapsed();
            // What it gives is the same each time.
            let found = reason.as_ref().and_then(|_| fixture.found(plugin).ok());
            (reason, found, time)
        }
    };
    FixtureOutcome { name, time, reason, expected, found }
}

impl Fixture {
    /// What comes of it, in the form of `expect`.
    fn found(&self, plugin: &Plugin) -> Result<Value, String> {
        let (config, serve) = (self.config(), self.serve()?);
        if let Planning::Refused(faults) = self.configure(plugin, &config, &serve)? {
            let paths: Vec<_> = faults.into_iter().map(|fault| fault.path).collect();
            return Ok(json!({"faults": paths}));
        }
        let scope = self.scope()?;
        match self.evaluate(plugin, &config, &serve, &scope)? {
            Ok(values) => match values.refused.first() {
                Some(refusal) => Err(refusal.reason.clone()),
                None => Ok(json!({"measures": rows(&values.served, &scope)})),
            },
            Err(RunError::Failure { message, query }) => {
                Ok(json!({"failure": in_query(query.as_deref(), message)}))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

fn rows(values: &MetricValues, scope: &Scope) -> Vec<Value> {
    match values {
        MetricValues::Objects(objects) => {
            let own = scope.namespace().map_or("", |namespace| namespace.as_str());
            let row = |(namespace, object, value): (&str, &str, values::Value)| {
                let mut row = Map::new();
                row.insert("object".to_owned(), object.into());
                if namespace != own && !namespace.is_empty() {
                    row.insert("namespace".to_owned(), namespace.into());
                }
                measured(row, value)
            };
            objects.iter().map(row).collect()
        }
        MetricValues::Items(items) => {
            let row = |item: &values::Item| {
                let labels = item
                    .labels
                    .iter()
                    .map(|(name, value)| (String::from(&**name), Value::from(&**value)));
                let labels: Map<_, _> = labels.collect();
                let mut row = Map::new();
                if !labels.is_empty() {
                    row.insert("labels".to_owned(), labels.into());
                }
                measured(row, item.value)
            };
            items.iter().map(row).collect()
        }
    }
}

fn measured(mut row: Map<String, Value>, value: values::Value) -> Value {
    row.insert("value".to_owned(), thousandths(value.quantity));
    row.insert("time".to_owned(), thousandths(Quantity::from_milli(value.time)));
    if let Some(window) = value.window {
        row.insert("window".to_owned(), window.into());
    }
    row.into()
}

/// A number of thousandths, without a fraction where it has none.
fn thousandths(quantity: Quantity) -> Value {
    let milli = quantity.milli();
    if milli % 1000 == 0 {
        return (milli / 1000).into();
    }
    Number::from_f64(quantity.as_f64()).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_model::values::{Item, ObjectValues};

    fn value(milli: i64) -> values::Value {
        let quantity = Quantity::from_milli(milli);
        values::Value { quantity, time: 1_695_018_199_504, window: Some(60) }
    }

    #[test]
    fn values_are_written_as_fixtures_have_them() {
        let scope = Scope::Namespace("shop".parse().unwrap());
        let mut objects = ObjectValues::with_capacity(2);
        objects.insert("shop", "a", Ok(value(750)));
        objects.insert("bank", "b", Ok(value(2000)));
        let found = rows(&MetricValues::Objects(objects), &scope);
        let expected = json!([
            {"object": "a", "value": 0.75, "time": 1_695_018_199.504, "window": 60},
            {"object": "b", "namespace": "bank", "value": 2, "time": 1_695_018_199.504, "window": 60},
        ]);
        assert_eq!(Value::Array(found), expected);
        let item = Item { labels: vec![("q".into(), "a".into())], value: value(-500) };
        let found = rows(&MetricValues::Items(vec![item]), &scope);
        let expected =
            json!([{"labels": {"q": "a"}, "value": -0.5, "time": 1_695_018_199.504, "window": 60}]);
        assert_eq!(Value::Array(found), expected);
    }
}
