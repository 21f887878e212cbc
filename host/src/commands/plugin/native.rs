//! The project's own tests, beside its fixtures in the sandbox.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use leadsman_plugin_build::Project;
use serde::Deserialize;
use serde_json::Value;

/// How the tests of a project ended, run by its language's own tool.
pub(super) struct Native {
    pub(super) outcome: NativeOutcome,
    /// How long they took.
    pub(super) time: Duration,
    /// What came of each fixture, by its name. Empty if the tests run none, or not with an SDK that
    /// reports it.
    pub(super) fixtures: BTreeMap<String, NativeFixture>,
}

/// How tests ended.
pub(super) enum NativeOutcome {
    /// With this command line.
    Passed(String),
    /// With what went wrong.
    Failed(String),
    /// They were not run: what is missing on this machine, and how it is installed.
    NotRun(String),
}

/// What came of a fixture that was run natively.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct NativeFixture {
    /// Why it did not pass.
    pub(super) reason: Option<String>,
    /// What came, in the form of `expect`, where it did not pass and something came.
    pub(super) found: Option<Value>,
}

/// A line of the report that the SDK writes.
#[derive(Deserialize)]
struct Line {
    fixture: String,
    #[serde(flatten)]
    came: NativeFixture,
}

impl Native {
    /// Runs them. Nothing if the project has none.
    pub(super) fn of(folder: &Path) -> anyhow::Result<Option<Self>> {
        let report = tempfile::NamedTempFile::new().context("cannot write a report of fixtures")?;
        let begun = Instant::now();
        let ended = Project::find(folder).and_then(|project| project.test_natively(report.path()));
        let time = begun.elapsed();
        let outcome = match ended {
            Ok(None) => return Ok(None),
            Ok(Some(command)) => NativeOutcome::Passed(command),
            Err(error) if error.is_of_the_machine() => NativeOutcome::NotRun(error.to_string()),
            Err(error) => NativeOutcome::Failed(format!("{:#}", anyhow::Error::from(error))),
        };
        let text = std::fs::read(report.path()).context("cannot read the report of fixtures")?;
        Ok(Some(Self { outcome, time, fixtures: fixtures(&String::from_utf8_lossy(&text)) }))
    }

    /// Whether they ran and did not pass.
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.outcome, NativeOutcome::Failed(_))
    }

    /// A line for the author.
    pub(super) fn line(&self) -> String {
        let seconds = self.time.as_secs_f64();
        match &self.outcome {
            NativeOutcome::Passed(command) if self.fixtures.is_empty() => format!(
                "passed  natively, {seconds:.1} s: {command}; what came of each fixture is not known, \
                 as they are not run by the SDK of this version"
            ),
            NativeOutcome::Passed(command) => {
                format!("passed  natively, {seconds:.1} s: {command}")
            }
            NativeOutcome::Failed(reason) => format!("FAILED  natively, {seconds:.1} s: {reason}"),
            NativeOutcome::NotRun(reason) => format!("not run natively: {reason}"),
        }
    }
}

/// The fixtures of a report. What is no line of one, as another version may write it, is passed over.
fn fixtures(report: &str) -> BTreeMap<String, NativeFixture> {
    let mut fixtures: BTreeMap<String, NativeFixture> = BTreeMap::new();
    for line in report.lines() {
        let Ok(Line { fixture, came }) = serde_json::from_str(line) else { continue };
        // A project may run one more than once: it passes if it always does.
        if fixtures.get(&fixture).is_none_or(|known| known.reason.is_none()) {
            fixtures.insert(fixture, came);
        }
    }
    fixtures
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_report_has_the_worst_of_each_fixture() {
        let report = r#"{"fixture": "a", "reason": null, "found": null}
{"fixture": "b", "reason": "other", "found": {"faults": ["/a"]}}
{"fixture": "b", "reason": null, "found": null}
{"fixture": "a", "reason": "no number", "found": null, "new": 1}
panic: no line
"#;
        let failed = |reason: &str, found| NativeFixture { reason: Some(reason.to_owned()), found };
        let found = fixtures(report);
        let expected = [
            ("a".to_owned(), failed("no number", None)),
            ("b".to_owned(), failed("other", Some(json!({"faults": ["/a"]})))),
        ];
        assert_eq!(found, BTreeMap::from(expected));
    }

    #[test]
    fn what_is_missing_is_no_failure() {
        let ended = |outcome| Native { outcome, time: Duration::ZERO, fixtures: BTreeMap::new() };
        let not_run = ended(NativeOutcome::NotRun("there is no npm".to_owned()));
        assert!(!not_run.has_failed());
        assert_eq!(not_run.line(), "not run natively: there is no npm");
        assert!(ended(NativeOutcome::Failed("go test failed".to_owned())).has_failed());
        let unknown = ended(NativeOutcome::Passed("npm test".to_owned())).line();
        assert!(unknown.contains("what came of each fixture is not known"), "{unknown}");
    }
}
