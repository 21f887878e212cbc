//! Runs a mapping once on its real source, without serving it.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use leadsman_document::Document;
use leadsman_provider::explanation::{MetricExplanation, With};
use leadsman_sandbox::limits::MAX_BYTES;
use serde_json::{Value, json};

use super::ExplainError;
use super::explainer::{Explainer, Reads};

/// The keys of a configuration that a tried mapping may use.
pub(crate) const USED: [&str; 7] =
    ["apiVersion", "kind", "sources", "plugins", "registries", "verify", "objects"];

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
    let against = read(&options.against)?;
    let mut mapping = one_mapping(read(&options.mapping)?).map_err(|reason| {
        ExplainError::File { file: options.mapping.display().to_string(), reason }
    })?;
    let tried = options.plugin.as_deref().map(|plugin| replace_plugin(&mut mapping, plugin));
    let tried = tried.transpose()?.flatten();
    let metric = mapping["metric"].as_str().unwrap_or_default().to_owned();
    let mut config = json!({"mappings": [mapping]});
    for key in USED {
        if let Some(value) = against.get(key) {
            config[key] = value.clone();
        }
    }
    if let Some(file) = tried {
        // A file has no signature, and whoever runs it here knows where it is from.
        if let Some(keys) = config.as_object_mut() {
            keys.remove("verify");
        }
        // With room for an interpreter: the size is for whoever loads it to allow, not for a trial.
        config["plugins"][TRIED_PLUGIN] =
            json!({"file": file.display().to_string(), "maxBytes": MAX_BYTES});
    }
    // Beside the configuration, since its paths are relative to it.
    let folder = options.against.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let written = tempfile::Builder::new()
        .prefix(".leadsman-try-")
        .suffix(".yaml")
        .tempfile_in(folder)
        .and_then(|mut file| write!(file, "{config:#}").map(|()| file));
    let file = written.map_err(|error| ExplainError::File {
        file: folder.display().to_string(),
        reason: format!("cannot write the configuration of the trial there: {error}"),
    })?;
    let explainer = Explainer::new(options.kubeconfig.as_deref(), Some(file.path().to_owned()));
    let explainer = explainer.await.map_err(|error| match error {
        // The file that they are in is gone when they are read.
        ExplainError::Faults(faults) => ExplainError::Faults(faults.replace(
            &file.path().display().to_string(),
            &format!("{} with {}", options.mapping.display(), options.against.display()),
        )),
        other => other,
    })?;
    let reads = Reads::Mapping { namespace: options.namespace.clone(), metric };
    let paths = explainer.paths(&reads).await?;
    let Some(path) = paths.first() else {
        return Err(ExplainError::Read {
            what: "the mapping".to_owned(),
            reason: "it is served in no way".to_owned(),
        });
    };
    explainer.explain(path, With { fixture: options.fixture }).await
}

/// The name of a plugin that is tried from a file.
const TRIED_PLUGIN: &str = "tried";

/// Makes a mapping name another plugin. With the path of its file, if it is one.
fn replace_plugin(mapping: &mut Value, plugin: &str) -> Result<Option<PathBuf>, ExplainError> {
    let Some(keys) = mapping.as_object_mut() else { return Ok(None) };
    if keys.contains_key("plugins") {
        return Err(ExplainError::File {
            file: plugin.to_owned(),
            reason: "the mapping has several plugins, and which of them it replaces is not known; \
                     name it under `plugins` of the configuration, and use `leadsman try`"
                .to_owned(),
        });
    }
    if !Path::new(plugin).is_file() {
        keys.insert("plugin".to_owned(), plugin.into());
        return Ok(None);
    }
    let file = std::path::absolute(plugin).map_err(|error| ExplainError::File {
        file: plugin.to_owned(),
        reason: error.to_string(),
    })?;
    keys.insert("plugin".to_owned(), TRIED_PLUGIN.into());
    Ok(Some(file))
}

pub(crate) fn read(file: &Path) -> Result<Value, ExplainError> {
    let name = file.display().to_string();
    let fault = |reason: String| ExplainError::File { file: name.clone(), reason };
    let text = std::fs::read_to_string(file).map_err(|error| fault(error.to_string()))?;
    let (document, faults) = Document::parse(&name, &text);
    if faults.is_empty() {
        return Ok(document.value);
    }
    Err(fault(document.locate(faults).to_string()))
}

/// The mapping of a file: by itself, as a list of one, or as the only one of a configuration.
pub(crate) fn one_mapping(value: Value) -> Result<Value, String> {
    let list = match value {
        Value::Object(mut keys) => match keys.remove("mappings") {
            Some(list) => list,
            None => return Ok(Value::Object(keys)),
        },
        other => other,
    };
    match list {
        Value::Array(mut list) if list.len() == 1 => Ok(list.remove(0)),
        Value::Array(list) => Err(format!("it has {} mappings; one is tried", list.len())),
        _ => Err("it is no mapping: an object with `metric`, `serve` and so on".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_mapping() {
        let mapping = json!({"metric": "m"});
        for file in
            [mapping.clone(), json!([mapping.clone()]), json!({"mappings": [mapping.clone()]})]
        {
            assert_eq!(one_mapping(file), Ok(mapping.clone()));
        }
        assert!(one_mapping(json!([mapping.clone(), mapping])).unwrap_err().contains("2 mappings"));
        assert!(one_mapping(json!("m")).is_err());
    }
}
