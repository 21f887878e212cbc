//! The configuration: a file, its faults all at once, and what is left when there are none.
//!
//! As written ([`written`]) and as valid ([`valid`]) are two sets of types. The JSON schema of the
//! first is what finds unknown keys, missing ones and wrong types, so what is published and what
//! is checked cannot differ.

mod chart;
mod check;
mod decode;
mod flags;
mod mistaken;
mod origin;
pub mod valid;
pub mod written;

use std::path::Path;
use std::sync::LazyLock;

use leadsman_document::{Bounds, Document, Fault, Faults, Severity, json_schema};
use leadsman_runtime::files::FileFingerprint;
use leadsman_source::Template;

pub use chart::chart_definitions;
pub use check::{PlannedQueries, unsummable};
pub use flags::{FLAGS_SOURCE, Flags};
pub use origin::Origin;
pub use valid::Config;

/// The schema of the configuration file.
pub fn published_schema() -> serde_json::Value {
    let generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let schema = generator.into_root_schema_for::<written::Config>();
    serde_json::to_value(schema).unwrap_or_default()
}

/// Why no configuration could be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}")]
    File {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The configuration has faults.
    #[error("{0}")]
    Faults(Faults),
}

/// A configuration as far as it could be read.
#[derive(Debug)]
pub struct Parsed {
    /// Where everything stands.
    pub document: Document,
    /// What has no fault. All of it, if there are none.
    pub config: Config,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// The files that it names and that have to be there, as they were before they were looked for:
    /// a fault may be in one of them.
    pub files: Vec<FileFingerprint>,
}

/// Reads a file.
pub fn read(path: &Path, flags: &Flags) -> Result<Parsed, ReadError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ReadError::File { path: path.display().to_string(), source })?;
    let folder = path.parent().unwrap_or(Path::new("."));
    Ok(parse(&path.display().to_string(), &Origin::Folder(folder), flags, &text))
}

/// Made once: deriving it costs more than checking a small document.
static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(published_schema);

/// Reads a text. `name` is what faults call it.
pub fn parse(name: &str, origin: &Origin<'_>, flags: &Flags, text: &str) -> Parsed {
    let bounds = match origin {
        Origin::Team { .. } => Bounds::TEAM,
        Origin::Folder(_) | Origin::ConfigMap(_) => Bounds::OPERATOR,
    };
    let (mut document, mut faults) = Document::parse_within(name, text, bounds);
    if !faults.is_empty() {
        // Half a text would have faults that the whole does not have.
        return Parsed { document, config: Config::default(), faults, files: Vec::new() };
    }
    if let Some(fault) = mistaken::fault(&document.value) {
        return Parsed {
            document,
            config: Config::default(),
            faults: vec![fault],
            files: Vec::new(),
        };
    }
    faults = flags::apply(flags, &mut document.value);
    faults.extend(json_schema::explain(&SCHEMA, &document.value, "").into_iter().map(of_a_rule));
    let decoded = decode::decode(&document.value, &mut faults);
    let (config, files) = check::validate(decoded, origin, flags, &mut faults);
    Parsed { document, config, faults, files }
}

/// A fault within a rule affects no other one, as in prometheus-adapter.
fn of_a_rule(fault: Fault) -> Fault {
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
