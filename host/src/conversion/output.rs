//! What a conversion is written to: a text that applies as it is, or a folder.

use std::fs;
use std::path::{Path, PathBuf};

use leadsman_convert::{Conversion, MAX_CONFIG_BYTES, MAX_CONFIG_MAP_BYTES};

/// Where less fits than into a file.
const A_CONFIG_MAP: &str = "a ConfigMap";

/// How the configuration is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// As a file of Leadsman.
    File,
    /// As a ConfigMap of this namespace and name.
    ConfigMap(String, String),
    /// The sources as such a ConfigMap, and the mappings in each namespace as one of the same name.
    Teams(String, String),
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// It is more than fits.
    #[error(
        "the configuration has {bytes} bytes, and {form} has at most {most}; convert namespace by namespace, or \
         with `--form file`"
    )]
    TooLong {
        /// Its length.
        bytes: usize,
        /// Where it does not fit.
        form: &'static str,
        /// The most that fits.
        most: usize,
    },
    /// A file cannot be written.
    #[error("cannot write {path}")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// The configuration and the autoscalers as one text: documents for `kubectl apply`, or with
/// [`Form::File`] the configuration alone.
pub fn to_text(conversion: &Conversion, form: &Form) -> Result<String, WriteError> {
    let mut documents = vec![configuration(conversion, form)?];
    documents.extend(teams(conversion, form)?);
    if *form != Form::File {
        documents.push(conversion.autoscalers());
    }
    documents.retain(|document| !document.is_empty());
    Ok(documents.join("---\n"))
}

/// Writes all documents into a folder, which is made if it is not there. Returns the files.
pub fn to_folder(
    conversion: &Conversion,
    form: &Form,
    folder: &Path,
) -> Result<Vec<PathBuf>, WriteError> {
    let config = configuration(conversion, form)?;
    fs::create_dir_all(folder)
        .map_err(|source| WriteError::File { path: folder.to_owned(), source })?;
    let (file, map) = match form {
        Form::File => (Some(config), None),
        Form::ConfigMap(..) | Form::Teams(..) => (None, Some(config)),
    };
    let teams = teams(conversion, form)?;
    let documents = [
        ("config.yaml", file),
        ("config-map.yaml", map),
        ("teams.yaml", Some(teams.join("---\n")).filter(|text| !text.is_empty())),
        ("autoscalers.yaml", Some(conversion.autoscalers()).filter(|text| !text.is_empty())),
        ("mounts.yaml", conversion.mounts()),
        ("report.txt", Some(conversion.to_string())),
    ];
    let mut written = Vec::new();
    for (name, text) in documents {
        let path = folder.join(name);
        match text {
            Some(text) => {
                fs::write(&path, text)
                    .map_err(|source| WriteError::File { path: path.clone(), source })?;
                written.push(path);
            }
            // What an earlier conversion wrote would be applied with this one.
            None => match fs::remove_file(&path) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(WriteError::File { path, source });
                }
                _ => {}
            },
        }
    }
    Ok(written)
}

fn configuration(conversion: &Conversion, form: &Form) -> Result<String, WriteError> {
    match form {
        Form::File => within(conversion.config(), "a file", MAX_CONFIG_BYTES),
        Form::ConfigMap(namespace, name) => {
            within(conversion.config_map(namespace, name), A_CONFIG_MAP, MAX_CONFIG_MAP_BYTES)
        }
        Form::Teams(namespace, name) => {
            let text = conversion.operator_config_map(namespace, name);
            within(text, A_CONFIG_MAP, MAX_CONFIG_MAP_BYTES)
        }
    }
}

/// The ConfigMaps of the namespaces.
fn teams(conversion: &Conversion, form: &Form) -> Result<Vec<String>, WriteError> {
    let Form::Teams(_, name) = form else { return Ok(Vec::new()) };
    let maps = conversion.team_config_maps(name).into_iter();
    maps.map(|text| within(text, A_CONFIG_MAP, MAX_CONFIG_MAP_BYTES)).collect()
}

fn within(text: String, form: &'static str, most: usize) -> Result<String, WriteError> {
    if text.len() > most {
        return Err(WriteError::TooLong { bytes: text.len(), form, most });
    }
    Ok(text)
}
