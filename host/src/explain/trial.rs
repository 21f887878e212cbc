//! The configuration of a trial, which is made of two files and perhaps a component, and where each part of
//! it was written: what is said of the trial names the files of its author.

use std::path::{Path, PathBuf};

use leadsman_control::is_shipped;
use leadsman_document::{Document, Fault, Faults};
use leadsman_model::owner::Owner;
use leadsman_oci::Digest;
use leadsman_provider::explanation::MetricExplanation;
use leadsman_sandbox::limits::MAX_BYTES;
use serde_json::{Value, json};

use super::ExplainError;
use super::try_mapping::{IS_FOLDER, TryOptions, USED, place_of_mapping};

/// The mapping of the configuration that is made.
const MAPPING: &str = "/mappings/0";

/// The name of a plugin that is tried from a file.
const TRIED_PLUGIN: &str = "tried";

/// A file of the author.
pub(super) struct AuthorFile {
    document: Document,
    /// Which revision of it this is.
    revision: String,
}

/// The one mapping of a file of the author.
pub(crate) struct MappingFile {
    written: AuthorFile,
    /// The place of the mapping in the file.
    place: &'static str,
}

/// What is tried.
pub(super) struct Trial {
    mapping: MappingFile,
    against: AuthorFile,
    /// The component that runs in place of the plugin that the mapping names, as its author called it.
    component: Option<String>,
    /// The configuration that is made of them.
    pub(super) config: Value,
    /// The metric.
    pub(super) metric: String,
}

/// Texts about the configuration that was made, and what stands for each of them.
pub(super) struct Renamed {
    texts: Vec<(String, String)>,
    /// The name of the configuration.
    name: String,
    /// What is said where the place is not known.
    both: String,
}

impl AuthorFile {
    /// Reads and parses a file.
    pub(super) fn read(file: &Path) -> Result<Self, ExplainError> {
        let name = file.display().to_string();
        let fault = |reason: String| ExplainError::File { file: name.clone(), reason };
        let text = std::fs::read_to_string(file).map_err(|error| fault(error.to_string()))?;
        let (document, faults) = Document::parse(&name, &text);
        if faults.is_empty() {
            return Ok(Self { document, revision: Digest::of(text.as_bytes()).to_string() });
        }
        Err(fault(document.locate(faults).to_string()))
    }

    /// What is in it.
    pub(super) fn value(self) -> Value {
        self.document.value
    }

    /// A fault, at a place of this file.
    fn fault(&self, place: String, fault: &Fault) -> String {
        let fault = Fault { path: place, line: None, ..fault.clone() };
        self.document.locate(vec![fault]).to_string()
    }
}

impl MappingFile {
    /// Reads and parses a file with one mapping.
    pub(crate) fn read(file: &Path) -> Result<Self, ExplainError> {
        let written = AuthorFile::read(file)?;
        let place = place_of_mapping(&written.document.value).map_err(|reason| {
            ExplainError::File { file: written.document.name().to_owned(), reason }
        })?;
        Ok(Self { written, place })
    }

    /// The mapping.
    pub(crate) fn mapping(&self) -> Value {
        self.written.document.value.pointer(self.place).cloned().unwrap_or_default()
    }

    /// Makes an explanation name this file, where it names the configuration that was made with its
    /// mapping.
    pub(crate) fn amend(&self, document: &mut MetricExplanation, config: &str) {
        for metric in &mut document.metrics {
            if let Some(written) = &mut metric.mapping.written
                && written.document == config
            {
                let of = &self.written;
                of.document.name().clone_into(&mut written.document);
                written.revision.clone_from(&of.revision);
                self.place.clone_into(&mut written.place);
                written.line = of.document.line(self.place);
            }
        }
    }
}

impl Trial {
    /// Makes the configuration.
    pub(super) fn of(options: &TryOptions) -> Result<Self, ExplainError> {
        let against = AuthorFile::read(&options.against)?;
        let mapping = MappingFile::read(&options.mapping)?;
        let mut tried = mapping.mapping();
        let component = match &options.plugin {
            Some(plugin) => replace_plugin(&mut tried, plugin, &against.document.value)?,
            None => None,
        };
        let metric = tried["metric"].as_str().unwrap_or_default().to_owned();
        let mut config = json!({"mappings": [tried]});
        for key in USED {
            if let Some(value) = against.document.value.get(key) {
                config[key] = value.clone();
            }
        }
        if let Some(file) = &component {
            // A file has no signature, and whoever runs it here knows where it is from.
            if let Some(keys) = config.as_object_mut() {
                keys.remove("verify");
            }
            // With room for an interpreter: the size is for whoever loads it to allow, not for a trial.
            config["plugins"][TRIED_PLUGIN] =
                json!({"file": file.display().to_string(), "maxBytes": MAX_BYTES});
        }
        let component = component.and(options.plugin.clone());
        Ok(Self { mapping, against, component, config, metric })
    }

    /// What is to be said in place of each fault of the configuration, which was loaded under this name.
    pub(super) fn renamed(&self, name: String, loaded: &[(Owner, Faults)]) -> Renamed {
        let mut texts = Vec::new();
        for (_, faults) in loaded {
            for fault in &faults.list {
                let alone = Faults { document: faults.document.clone(), list: vec![fault.clone()] };
                texts.push((alone.to_string(), self.fault(fault)));
            }
        }
        let mapping = self.mapping.written.document.name();
        let against = self.against.document.name();
        Renamed { texts, name, both: format!("{mapping} with {against}") }
    }

    /// A fault of the configuration, in the file that it was written in.
    fn fault(&self, fault: &Fault) -> String {
        if let Some(within) = fault.path.strip_prefix(MAPPING) {
            let MappingFile { written, place } = &self.mapping;
            return written.fault(format!("{place}{within}"), fault);
        }
        let tried = fault.path.strip_prefix("/plugins/").and_then(|of| of.split('/').next());
        match &self.component {
            Some(component) if tried == Some(TRIED_PLUGIN) => {
                format!("{component}: {}", fault.message)
            }
            _ => self.against.fault(fault.path.clone(), fault),
        }
    }

    /// Makes an explanation name the files of the author.
    pub(super) fn amend(&self, document: &mut MetricExplanation, renamed: &Renamed) {
        document.verdict = renamed.said(&document.verdict);
        if let Some(failure) = &mut document.failure {
            failure.message = renamed.said(&failure.message);
        }
        for warning in &mut document.warnings {
            *warning = renamed.said(warning);
        }
        self.mapping.amend(document, &renamed.name);
        for metric in &mut document.metrics {
            let mapping = &mut metric.mapping;
            if let Some(component) = &self.component
                && mapping.plugin.name == TRIED_PLUGIN
            {
                mapping.plugin.name.clone_from(component);
            }
        }
    }
}

impl Renamed {
    /// A text, with the files of the author in place of the configuration that was made of them.
    pub(super) fn said(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.texts {
            text = text.replace(from, to);
        }
        text.replace(&self.name, &self.both)
    }
}

/// Makes a mapping name another plugin. With the path of its file, if it is one.
fn replace_plugin(
    mapping: &mut Value,
    plugin: &str,
    against: &Value,
) -> Result<Option<PathBuf>, ExplainError> {
    let refused =
        |reason: &str| ExplainError::File { file: plugin.to_owned(), reason: reason.to_owned() };
    let Some(keys) = mapping.as_object_mut() else { return Ok(None) };
    if keys.contains_key("plugins") {
        return Err(refused(
            "the mapping has several plugins, and which of them it replaces is not known; name it \
             under `plugins` of the configuration, and use `leadsman try`",
        ));
    }
    let path = Path::new(plugin);
    if !path.is_file() {
        // A plugin of the configuration may be named, too.
        let is_known = is_shipped(plugin) || against["plugins"].get(plugin).is_some();
        return match (is_known, path.is_dir()) {
            (true, _) => {
                keys.insert("plugin".to_owned(), plugin.into());
                Ok(None)
            }
            (false, true) => Err(refused(IS_FOLDER)),
            (false, false) => Err(refused(
                "there is no such file, and no plugin of that name ships with Leadsman",
            )),
        };
    }
    let file = std::path::absolute(path).map_err(|error| refused(&error.to_string()))?;
    keys.insert("plugin".to_owned(), TRIED_PLUGIN.into());
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The configuration that is made, as it is loaded.
    const MADE: &str = "/tmp/.leadsman-try-x.yaml";

    fn written(name: &str, text: &str) -> AuthorFile {
        let (document, faults) = Document::parse(name, text);
        assert!(faults.is_empty(), "{faults:?}");
        AuthorFile { document, revision: "sha256:00".to_owned() }
    }

    fn trial(component: Option<&str>) -> Trial {
        Trial {
            mapping: MappingFile {
                written: written(
                    "mapping.yaml",
                    "# Mine.\n- metric: m\n  config:\n    floor: -1\n",
                ),
                place: "/0",
            },
            against: written("leadsman.yaml", "sources:\n  p:\n    url: nowhere\n"),
            component: component.map(str::to_owned),
            config: Value::Null,
            metric: "m".to_owned(),
        }
    }

    fn said(trial: &Trial, fault: Fault) -> String {
        let faults = Faults { document: MADE.to_owned(), list: vec![fault] };
        let text = format!("it is not served: {faults}");
        trial.renamed(MADE.to_owned(), &[(Owner::Operator, faults)]).said(&text)
    }

    fn at(path: &str, message: &str) -> Fault {
        Fault { line: Some(77), ..Fault::at(path, message) }
    }

    #[test]
    fn a_fault_names_the_file_and_the_line_where_it_was_made() {
        let of_mapping = said(&trial(None), at("/mappings/0/config/floor", "must be above 0"));
        assert_eq!(
            of_mapping,
            "it is not served: mapping.yaml:4: [0].config.floor: must be above 0"
        );
        let of_source = said(&trial(None), at("/sources/p/url", "is no URL"));
        assert_eq!(of_source, "it is not served: leadsman.yaml:3: sources.p.url: is no URL");
        let plugin = at("/plugins/tried/file", "it is not a component");
        let of_plugin = said(&trial(Some("mine.wasm")), plugin.clone());
        assert_eq!(of_plugin, "it is not served: mine.wasm: it is not a component");
        // One of that name in the configuration is not the one that is tried.
        let of_plugin = said(&trial(None), plugin);
        assert!(of_plugin.contains("leadsman.yaml:1: plugins.tried.file: "), "{of_plugin}");
    }

    #[test]
    fn what_has_no_known_place_names_both_files() {
        let renamed = trial(None).renamed(MADE.to_owned(), &[]);
        let text = renamed.said(&format!("{MADE}:9: it is being loaded"));
        assert_eq!(text, "mapping.yaml with leadsman.yaml:9: it is being loaded");
    }
}
