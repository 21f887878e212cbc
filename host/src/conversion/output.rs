//! What a conversion is written to: a text that applies as it is, or a folder.

use std::fs;
use std::path::{Path, PathBuf};

use leadsman_convert::{Conversion, MAX_CONFIG_BYTES, MAX_CONFIG_MAP_BYTES};

/// How the configuration is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// As a file of Leadsman.
    File,
    /// As a ConfigMap of this namespace and name.
    ConfigMap(String, String),
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
    let mut text = configuration(conversion, form)?;
    let autoscalers = conversion.autoscalers();
    if *form != Form::File && !autoscalers.is_empty() {
        text.push_str("---\n");
        text.push_str(&autoscalers);
    }
    Ok(text)
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
    let name = match form {
        Form::File => "config.yaml",
        Form::ConfigMap(..) => "config-map.yaml",
    };
    let documents = [
        (name, Some(config)),
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
    let (text, of, most) = match form {
        Form::File => (conversion.config(), "a file", MAX_CONFIG_BYTES),
        Form::ConfigMap(namespace, name) => {
            (conversion.config_map(namespace, name), "a ConfigMap", MAX_CONFIG_MAP_BYTES)
        }
    };
    if text.len() > most {
        return Err(WriteError::TooLong { bytes: text.len(), form: of, most });
    }
    Ok(text)
}
