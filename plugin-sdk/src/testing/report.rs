//! What came of each fixture, for `leadsman plugin test`, which shows it beside what the component gives.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

/// The variable that names the file. It gets a line for each fixture that was run.
const FILE: &str = "LEADSMAN_FIXTURE_REPORT";

/// Why a fixture did not pass.
#[derive(Debug)]
pub(super) struct Difference {
    /// In words.
    pub(super) reason: String,
    /// What came, in the form of `expect`; `None` if nothing did.
    found: Option<Value>,
}

impl Difference {
    /// One between what a fixture expects and what came.
    pub(super) fn of(reason: String, found: Value) -> Self {
        Self { reason, found: Some(found) }
    }
}

impl From<String> for Difference {
    fn from(reason: String) -> Self {
        Self { reason, found: None }
    }
}

/// Reports what came of the fixture in a file, if somebody asks for it.
pub(super) fn write(fixture: &Path, came: Result<(), &Difference>) -> Result<(), String> {
    match std::env::var_os(FILE).filter(|file| !file.is_empty()) {
        None => Ok(()),
        Some(file) => append(&file, fixture, came)
            .map_err(|error| format!("cannot write the report {}: {error}", file.display())),
    }
}

fn append(file: &OsStr, fixture: &Path, came: Result<(), &Difference>) -> std::io::Result<()> {
    let difference = came.err();
    let line = json!({
        "fixture": fixture.file_stem().unwrap_or_default().to_string_lossy(),
        "reason": difference.map(|difference| difference.reason.trim()),
        "found": difference.and_then(|difference| difference.found.as_ref()),
    });
    let mut file = OpenOptions::new().append(true).create(true).open(file)?;
    // In one piece: tests run side by side.
    file.write_all(format!("{line}\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fixture_is_a_line() {
        let file = std::env::temp_dir().join(format!("leadsman-report-{}", std::process::id()));
        let failed = Difference::of("\n  other".to_owned(), json!({"faults": ["/a"]}));
        let unread = Difference::from("no JSON".to_owned());
        for (name, came) in [("a", Ok(())), ("b", Err(&failed)), ("c", Err(&unread))] {
            append(file.as_os_str(), &Path::new("fixtures").join(format!("{name}.json")), came)
                .unwrap();
        }
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            lines,
            [
                json!({"fixture": "a", "reason": null, "found": null}),
                json!({"fixture": "b", "reason": "other", "found": {"faults": ["/a"]}}),
                json!({"fixture": "c", "reason": "no JSON", "found": null}),
            ]
        );
    }
}
