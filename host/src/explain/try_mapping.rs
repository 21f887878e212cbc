//! Runs a mapping once on its real source, without serving it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use leadsman_provider::explanation::{MetricExplanation, With};
use serde_json::Value;

use super::ExplainError;
use super::explainer::{self, Explainer, Reads};
use super::trial::{AuthorFile, Trial};

/// The keys of a configuration that a tried mapping may use.
pub(crate) const USED: [&str; 7] =
    ["apiVersion", "kind", "sources", "plugins", "registries", "verify", "objects"];

/// What is wrong with a project in the place of a component.
pub(crate) const IS_FOLDER: &str =
    "it is a folder; name the component that `leadsman plugin build` makes of it";

/// What to try, and with what.
#[derive(Debug, Clone)]
pub struct TryOptions {
    /// The file with the mapping.
    pub mapping: PathBuf,
    /// The configuration whose sources and plugins it uses.
    pub against: PathBuf,
    /// The namespace to read in.
    pub namespace: String,
    /// The cluster, for the objects that the values are for.
    pub kubeconfig: Option<PathBuf>,
    /// The plugin to run, in place of the one that the mapping names: a component's file, or the name of
    /// one that ships with the adapter.
    pub plugin: Option<String>,
    /// Whether the run is wanted as a fixture.
    pub fixture: bool,
}

/// Runs a mapping once, and explains what it gives.
pub async fn try_mapping(options: &TryOptions) -> Result<MetricExplanation, ExplainError> {
    let trial = Trial::of(options)?;
    // Beside the configuration, since its paths are relative to it.
    let folder = options.against.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let written = tempfile::Builder::new()
        .prefix(".leadsman-try-")
        .suffix(".yaml")
        .tempfile_in(folder)
        .and_then(|mut file| write!(file, "{:#}", trial.config).map(|()| file));
    let file = written.map_err(|error| ExplainError::File {
        file: folder.display().to_string(),
        reason: format!("cannot write the configuration of the trial there: {error}"),
    })?;
    let loaded = explainer::load(file.path(), options.kubeconfig.as_deref()).await?;
    // The file is gone when this is read.
    let renamed = trial.renamed(file.path().display().to_string(), &loaded.loaded.faults);
    let explainer = Explainer::of(loaded).map_err(|error| match error {
        ExplainError::Faults(faults) => ExplainError::Faults(renamed.said(&faults)),
        other => other,
    })?;
    let reads =
        Reads::Mapping { namespace: options.namespace.clone(), metric: trial.metric.clone() };
    let paths = explainer.paths(&reads).await?;
    let Some(path) = paths.first() else {
        return Err(ExplainError::Read {
            what: "the mapping".to_owned(),
            reason: "it is served in no way".to_owned(),
        });
    };
    let mut document = explainer.explain(path, With { fixture: options.fixture }).await?;
    trial.amend(&mut document, &renamed);
    Ok(document)
}

pub(crate) fn read(file: &Path) -> Result<Value, ExplainError> {
    Ok(AuthorFile::read(file)?.value())
}

/// The JSON pointer of the one mapping of a file: by itself, in a list of one, or as the only one of a
/// configuration.
pub(super) fn place_of_mapping(value: &Value) -> Result<&'static str, String> {
    let (list, place) = match value {
        Value::Object(keys) => match keys.get("mappings") {
            Some(list) => (list, "/mappings/0"),
            None => return Ok(""),
        },
        other => (other, "/0"),
    };
    match list {
        Value::Array(list) if list.len() == 1 => Ok(place),
        Value::Array(list) => Err(format!("it has {} mappings; one is tried", list.len())),
        _ => Err("it is no mapping: an object with `metric`, `serve` and so on".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_has_one_mapping() {
        let mapping = json!({"metric": "m"});
        let one_mapping = |file: Value| -> Result<Value, String> {
            let place = place_of_mapping(&file)?;
            Ok(file.pointer(place).cloned().unwrap_or_default())
        };
        for file in
            [mapping.clone(), json!([mapping.clone()]), json!({"mappings": [mapping.clone()]})]
        {
            assert_eq!(one_mapping(file), Ok(mapping.clone()));
        }
        assert!(one_mapping(json!([mapping.clone(), mapping])).unwrap_err().contains("2 mappings"));
        assert!(one_mapping(json!("m")).is_err());
    }
}
