//! The configuration: parsed, checked for all faults at once, and validated.
//!
//! There are two sets of types: the configuration as written ([`written`]) and as valid ([`valid`]). The
//! published JSON schema of the first is also what detects unknown keys, missing keys and wrong types,
//! so the two cannot diverge.

mod chart;
mod check;
mod decode;
mod flags;
mod origin;
mod schema;
pub mod valid;
pub mod written;
mod wrong_document;

use std::path::Path;
use std::sync::LazyLock;

use leadsman_document::{Bounds, Document, Fault, Faults, Severity, json_schema};
use leadsman_runtime::files::FileFingerprint;
use leadsman_source::Template;

pub use chart::chart_definitions;
pub use check::{PlannedQueries, unsummable};
pub use flags::{FLAGS_SOURCE, Flags};
pub use origin::DocumentOrigin;
pub use valid::Config;

/// The schema of the configuration file.
pub fn published_schema() -> serde_json::Value {
    schema::derived::<written::Config>()
}

/// Why a configuration could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigReadError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    File {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// The configuration has faults.
    #[error("{0}")]
    Faults(Faults),
}

/// The valid part of a configuration, and its faults.
#[derive(Debug)]
pub struct Parsed {
    /// The document, with the line of each place.
    pub document: Document,
    /// The items without faults: all of them if there are no faults.
    pub config: Config,
    /// The faults.
    pub faults: Vec<Fault>,
    /// The fingerprints of the files that it names, taken before they were read: a fault may disappear
    /// when one of them changes.
    pub files: Vec<FileFingerprint>,
}

/// Reads and checks a file.
pub fn read(path: &Path, flags: &Flags) -> Result<Parsed, ConfigReadError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigReadError::File { path: path.display().to_string(), source })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    Ok(parse(&path.display().to_string(), &DocumentOrigin::Folder(folder), flags, &text))
}

/// Derived once: that takes longer than checking a small document.
static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(published_schema);

/// Parses and checks a text. `name` is its name in faults.
pub fn parse(name: &str, origin: &DocumentOrigin<'_>, flags: &Flags, text: &str) -> Parsed {
    let bounds = match origin {
        DocumentOrigin::Team { .. } => Bounds::TEAM,
        DocumentOrigin::Folder(_) | DocumentOrigin::ConfigMap(_) => Bounds::OPERATOR,
    };
    let (mut document, mut faults) = Document::parse_within(name, text, bounds);
    if !faults.is_empty() {
        // A truncated text would have faults that the complete one does not have.
        return Parsed { document, config: Config::default(), faults, files: Vec::new() };
    }
    if let Some(fault) = wrong_document::fault(&document.value) {
        return Parsed {
            document,
            config: Config::default(),
            faults: vec![fault],
            files: Vec::new(),
        };
    }
    let lacks_prometheus = flags::lacks_prometheus(flags, &document.value);
    faults = flags::apply(flags, &mut document.value);
    faults.extend(
        json_schema::explain(&SCHEMA, &document.value, "").into_iter().map(limited_to_rule),
    );
    let decoded = decode::decode(&document.value, &mut faults);
    let (config, files) = check::validate(decoded, origin, flags, lacks_prometheus, &mut faults);
    Parsed { document, config, faults, files }
}

/// A fault within a rule does not affect other rules, as in prometheus-adapter.
fn limited_to_rule(fault: Fault) -> Fault {
    let is_within = ["/rules/", "/externalRules/", "/resourceRules"]
        .iter()
        .any(|section| fault.path.starts_with(section));
    if is_within { fault.with(Severity::Part) } else { fault }
}

/// Checks the PromQL of a query that is not in the file, as those of rules. What may be another
/// dialect is no error.
pub fn check_promql(template: &Template) -> Result<(), String> {
    check::check_promql(template).map(drop)
}

#[cfg(test)]
mod tests;
