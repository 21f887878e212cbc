//! What came of each fixture: on the component, and natively where the project's own tests report it.

use std::collections::BTreeSet;

use leadsman_control::FixtureOutcome;
use serde_json::Value;

use super::native::{Native, NativeFixture};
use super::side_by_side::side_by_side;

/// A table with a row for each fixture, and below it what differs.
pub(super) fn report(
    outcomes: &[FixtureOutcome],
    blessed: &BTreeSet<String>,
    native: Option<&Native>,
) -> String {
    let native = native.map(|native| &native.fixtures).filter(|fixtures| !fixtures.is_empty());
    let headings = ["FIXTURE", "COMPONENT", "NATIVE"].map(str::to_owned);
    let rows = outcomes.iter().map(|outcome| {
        let ended =
            if blessed.contains(&outcome.name) { "blessed" } else { word(outcome.reason.as_ref()) };
        let took = outcome.time.as_secs_f64() * 1000.0;
        let natively = native.map(|fixtures| match fixtures.get(&outcome.name) {
            Some(came) => word(came.reason.as_ref()),
            None => "not run",
        });
        let component = format!("{ended}  {took:.1} ms");
        [outcome.name.clone(), component, natively.unwrap_or_default().to_owned()]
    });
    let mut text =
        table(&std::iter::once(headings).chain(rows).collect::<Vec<_>>(), native.is_some());
    for outcome in outcomes {
        // Natively a blessed fixture was run with what it expects now.
        let came = native.filter(|_| !blessed.contains(&outcome.name));
        text.push_str(&differences(outcome, came.and_then(|fixtures| fixtures.get(&outcome.name))));
    }
    text
}

/// The first columns are as wide as their widest cells. Without what came natively there are two.
fn table(rows: &[[String; 3]], with_native: bool) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let (first, second) = (width(0).unwrap_or_default(), width(1).unwrap_or_default());
    let mut text = String::new();
    for [fixture, component, native] in rows {
        let line = format!("{fixture:first$}  {component:second$}  {native}");
        let line = if with_native { line } else { format!("{fixture:first$}  {component}") };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn word(reason: Option<&String>) -> &'static str {
    if reason.is_some() { "FAILED" } else { "passed" }
}

/// Why a fixture did not pass, and what came beside what it expects. Nothing if it passed.
fn differences(outcome: &FixtureOutcome, native: Option<&NativeFixture>) -> String {
    let FixtureOutcome { name, reason, expected, found, .. } = outcome;
    let mut text = String::new();
    if let Some(reason) = reason {
        text.push_str(&format!("FAILED  {name} on the component: {reason}\n"));
    }
    if let Some(NativeFixture { reason: Some(reason), found }) = native {
        // Where there is something to show, it stands below and need not be told twice.
        let told = if found.is_some() { "it gives something else" } else { reason.as_str() };
        text.push_str(&format!("FAILED  {name} natively: {told}\n"));
    }
    let component = came(reason.as_ref(), found.as_ref(), expected);
    let native = native.map(|of| came(of.reason.as_ref(), of.found.as_ref(), expected));
    let columns = [("component", component), ("native", native.flatten())];
    let columns: Vec<_> =
        columns.into_iter().filter_map(|(title, came)| Some((title, came?))).collect();
    if columns.iter().any(|(_, came)| *came != expected) {
        text.push_str(&side_by_side(expected, &columns));
    }
    text
}

/// What came of a fixture, if it is known: what it expects where it passed.
fn came<'a>(
    reason: Option<&String>,
    found: Option<&'a Value>,
    expected: &'a Value,
) -> Option<&'a Value> {
    match reason {
        None => Some(expected),
        Some(_) => found,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use serde_json::json;

    use super::super::native::NativeOutcome;
    use super::*;

    fn measures(value: f64) -> Value {
        json!({"measures": [{"object": "a", "value": value}]})
    }

    fn on_component(name: &str, found: Option<Value>) -> FixtureOutcome {
        FixtureOutcome {
            name: name.to_owned(),
            time: Duration::from_micros(1500),
            reason: found.as_ref().map(|_| "500m instead of 750m".to_owned()),
            expected: measures(0.75),
            found,
        }
    }

    fn natively(fixtures: &[(&str, Option<Value>)]) -> Native {
        let fixture = |(name, found): &(&str, Option<Value>)| {
            let reason = found.as_ref().map(|_| "expected …".to_owned());
            ((*name).to_owned(), NativeFixture { reason, found: found.clone() })
        };
        let fixtures: BTreeMap<_, _> = fixtures.iter().map(fixture).collect();
        let outcome = NativeOutcome::Passed("go test ./...".to_owned());
        Native { outcome, time: Duration::ZERO, fixtures }
    }

    #[test]
    fn what_differs_natively_alone_stands_beside_the_component() {
        let native = natively(&[("both", None), ("ratio", Some(measures(0.5)))]);
        let outcomes = [on_component("both", None), on_component("ratio", None)];
        let text = report(&outcomes, &BTreeSet::new(), Some(&native));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "FIXTURE  COMPONENT       NATIVE",
                "both     passed  1.5 ms  passed",
                "ratio    passed  1.5 ms  FAILED",
                "FAILED  ratio natively: it gives something else",
                "  expected                      component                     native",
                "  {\"object\":\"a\",\"value\":0.75}   {\"object\":\"a\",\"value\":0.75} ≠ \
                 {\"object\":\"a\",\"value\":0.5}",
            ]
        );
    }

    #[test]
    fn what_was_not_run_natively_is_told() {
        let outcomes = [on_component("mine", Some(measures(0.5)))];
        let text = report(&outcomes, &BTreeSet::new(), Some(&natively(&[("other", None)])));
        assert!(text.contains("mine     FAILED  1.5 ms  not run\n"), "{text}");
        assert!(text.contains("FAILED  mine on the component: 500m instead of 750m\n"), "{text}");
        assert!(text.contains("≠ {\"object\":\"a\",\"value\":0.5}\n"), "{text}");
        let alone = report(&outcomes, &BTreeSet::new(), None);
        assert!(alone.starts_with("FIXTURE  COMPONENT\nmine     FAILED  1.5 ms\n"), "{alone}");
    }

    #[test]
    fn a_blessed_fixture_shows_what_it_was() {
        let blessed = BTreeSet::from(["ratio".to_owned()]);
        let outcomes = [on_component("ratio", Some(measures(0.5)))];
        let text = report(&outcomes, &blessed, Some(&natively(&[("ratio", None)])));
        assert!(text.contains("ratio    blessed  1.5 ms  passed\n"), "{text}");
        let heading = "  expected                      component\n";
        assert!(text.contains(heading), "{text}");
    }
}
