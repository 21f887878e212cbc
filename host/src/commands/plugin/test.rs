//! `leadsman plugin test`

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use leadsman_control::{self as control, FixtureOutcome};
use leadsman_model::text::counted;
use leadsman_plugin_build::{NamedFixture, read_fixtures};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::{failed, print, print_line, run};
use super::build::Built;
use super::junit::junit;
use super::native::{Native, NativeOutcome};
use super::report::report;
use super::{Loader, Refused, refused};
use crate::cli::TestPlugin;

/// A component and the fixtures that are run on it.
struct Tested {
    component: Vec<u8>,
    /// Those of a folder, which can be blessed.
    files: Vec<NamedFixture>,
}

/// Runs every fixture on the component, and then the project's own tests.
pub(super) fn test(arguments: &TestPlugin) -> ExitCode {
    let path = arguments.path.as_path();
    let tested = match Tested::of(path, arguments.bless) {
        Ok(tested) => tested,
        Err(error) => return refused(format_args!("{error:#}")),
    };
    let Tested { component, files } = tested;
    let ran = Loader::new().and_then(|loader| {
        run(async {
            let plugin = loader.load(component).await?;
            let fixtures = match files.is_empty() {
                true => packed(&plugin),
                false => {
                    Ok(files.iter().map(|one| (one.name.clone(), one.fixture.clone())).collect())
                }
            };
            let outcomes = match fixtures {
                Ok(fixtures) => Ok(control::self_test_each(&plugin, fixtures).await),
                Err(error) => Err(error),
            };
            Ok::<_, Refused>((plugin.description().name.clone(), outcomes))
        })
    });
    let (name, outcomes) = match ran {
        Ok(Ok((name, Ok(outcomes)))) => (name, outcomes),
        Ok(Ok((_, Err(error)))) => return refused(format_args!("{error:#}")),
        Ok(Err(of_plugin)) => return of_plugin.print(path),
        Err(error) => return failed(&error),
    };
    if outcomes.is_empty() {
        return refused(format_args!(
            "{} has no fixtures: put them into the folder `fixtures` of the project",
            path.display()
        ));
    }
    let blessed = match arguments.bless {
        false => BTreeSet::new(),
        true => match bless(&files, &outcomes) {
            Ok(blessed) => blessed,
            Err(error) => return refused(format_args!("{error:#}")),
        },
    };
    // After the fixtures were blessed: they are read here, too.
    let native = match path.is_dir() && !arguments.no_native {
        false => None,
        true => match Native::of(path) {
            Ok(native) => native,
            Err(error) => return failed(&error),
        },
    };
    print(report(&outcomes, &blessed, native.as_ref()));
    if let Some(native) = &native {
        print_line(native.line());
    }
    if let Some(file) = &arguments.junit
        && let Err(error) = std::fs::write(file, junit(&name, &outcomes, native.as_ref()))
    {
        return refused(format_args!("cannot write {}: {error}", file.display()));
    }
    let natively = match native.as_ref().map(|native| &native.outcome) {
        Some(NativeOutcome::Failed(_)) => "; the project's own tests failed",
        Some(NativeOutcome::NotRun(_)) => "; the project's own tests were not run",
        Some(NativeOutcome::Passed(_)) | None => "",
    };
    let failures = outcomes.iter().filter(|outcome| outcome.reason.is_some()).count();
    let left = failures - blessed.len();
    let fixtures = counted(outcomes.len(), "fixture");
    print_line(format_args!("{fixtures}, {left} failed{natively}"));
    let native_failed = native.is_some_and(|native| native.has_failed());
    if left == 0 && !native_failed { ExitCode::SUCCESS } else { ExitCode::from(super::FAULTS) }
}

impl Tested {
    /// A project is built; a component is taken as it is.
    fn of(path: &Path, bless: bool) -> anyhow::Result<Self> {
        if path.is_dir() {
            let built = Built::of(path, None)?;
            return Ok(Self { component: built.component, files: read_fixtures(&built.fixtures)? });
        }
        if bless {
            anyhow::bail!("--bless writes into the fixtures of a project: name its folder");
        }
        let component =
            std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { component, files: Vec::new() })
    }
}

/// The fixtures that are in a component.
fn packed(plugin: &leadsman_sandbox::Plugin) -> anyhow::Result<Vec<(String, Value)>> {
    #[derive(serde::Deserialize)]
    struct Packed {
        name: String,
        fixture: Value,
    }

    let Some(text) = plugin.fixtures() else { return Ok(Vec::new()) };
    let packed: Vec<Packed> =
        serde_json::from_slice(text).context("the fixtures in the component cannot be read")?;
    Ok(packed.into_iter().map(|one| (one.name, one.fixture)).collect())
}

/// Writes what came into the fixtures that expected something else, and returns the names of those where
/// it could.
fn bless(files: &[NamedFixture], outcomes: &[FixtureOutcome]) -> anyhow::Result<BTreeSet<String>> {
    let mut blessed = BTreeSet::new();
    for (file, outcome) in files.iter().zip(outcomes) {
        let (Some(_), Some(found)) = (&outcome.reason, &outcome.found) else { continue };
        let path = file.path.display();
        let text =
            std::fs::read_to_string(&file.path).with_context(|| format!("cannot read {path}"))?;
        let text = with_expect(&text, found).with_context(|| format!("cannot change {path}"))?;
        std::fs::write(&file.path, text).with_context(|| format!("cannot write {path}"))?;
        print_line(format_args!("blessed {}", file.name));
        blessed.insert(file.name.clone());
    }
    Ok(blessed)
}

/// A fixture with another expectation, and all else as its author wrote it.
fn with_expect(text: &str, expect: &Value) -> Result<String, serde_json::Error> {
    let parts: BTreeMap<String, &RawValue> = serde_json::from_str(text)?;
    let new = serde_json::to_string_pretty(expect)?.replace('\n', "\n  ");
    let Some(old) = parts.get("expect").map(|old| old.get()) else { return Ok(text.to_owned()) };
    let start = old.as_ptr().addr() - text.as_ptr().addr();
    Ok(format!("{}{new}{}", &text[..start], &text[start + old.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_expectation_of_a_fixture_changes() {
        let text = "{\n  \"now\": 1,   \"expect\": {\"failure\": \"x\"},\n  \"config\": {\"expect\": 2}\n}\n";
        let new = with_expect(text, &json!({"measures": []})).unwrap();
        assert_eq!(
            new,
            "{\n  \"now\": 1,   \"expect\": {\n    \"measures\": []\n  },\n  \"config\": {\"expect\": 2}\n}\n"
        );
    }
}
