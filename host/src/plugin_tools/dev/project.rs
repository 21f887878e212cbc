//! The project that is worked on: how its component is built, and the configuration that serves it.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use leadsman_sandbox::limits::MAX_BYTES;
use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};
use tokio::process::Command;

use super::{DevOptions, recording};
use crate::explain::{MappingFile, try_mapping};
use crate::plugin_tools::{PluginError, origin};

/// The mapping of a project, as `leadsman plugin new` writes it.
const MAPPING: &str = "mapping.yaml";
const FIXTURES: &str = "fixtures";

/// A project, with the files that its local adapter reads.
pub(super) struct Project {
    options: DevOptions,
    /// What is written for the adapter.
    folder: TempDir,
    /// The configuration.
    config: NamedTempFile,
}

/// A component that was built.
pub(super) struct BuiltComponent {
    pub(super) bytes: Bytes,
    /// Whether it is of the snapshot of an earlier build, which may be too old for its sources.
    pub(super) reuses_snapshot: bool,
}

/// What is served.
pub(super) struct ServedPlugin {
    /// The metric.
    pub(super) metric: String,
    /// The namespace that it is read in.
    pub(super) namespace: String,
    /// Where its answers are from.
    pub(super) source: String,
    /// The SHA-256 of the configuration that serves it, in hexadecimal.
    pub(super) revision: String,
    /// The file of its mapping.
    pub(super) mapping: MappingFile,
    /// The name of the configuration that serves it.
    pub(super) config: String,
}

impl Project {
    pub(super) fn open(options: DevOptions) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("leadsman-dev-").tempdir()?;
        // Beside the configuration whose sources it uses, since paths are relative to it.
        let beside = match &options.against {
            Some(file) => {
                let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
                folder.unwrap_or(Path::new(".")).to_owned()
            }
            None => folder.path().to_owned(),
        };
        let config = tempfile::Builder::new()
            .prefix(".leadsman-dev-")
            .suffix(".yaml")
            .tempfile_in(&beside)
            .with_context(|| format!("cannot write into {}", beside.display()))?;
        Ok(Self { options, folder, config })
    }

    pub(super) fn root(&self) -> &Path {
        &self.options.folder
    }

    pub(super) fn config(&self) -> PathBuf {
        self.config.path().to_owned()
    }

    /// A folder for compiled code, which is compiled once for the check and for the adapter.
    pub(super) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    fn component(&self) -> PathBuf {
        self.folder.path().join("plugin.wasm")
    }

    /// Builds the component. What the tools of its language print goes to the terminal as it comes.
    ///
    /// In languages whose components include a snapshot of an interpreter, that of an earlier build is
    /// used again unless a new one is asked for. If that cannot be taken, the earlier one stays.
    pub(super) async fn build(&self, new_snapshot: bool) -> anyhow::Result<BuiltComponent> {
        if let Some(file) = &self.options.component {
            return Ok(BuiltComponent { bytes: origin::read(file)?, reuses_snapshot: false });
        }
        let [built, earlier, new] = ["built.wasm", "snapshot.wasm", "new-snapshot.wasm"]
            .map(|name| self.folder.path().join(name));
        // A build that makes nothing must not look like the one before it.
        for file in [&built, &new] {
            remove(file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
        let snapshot = if new_snapshot { &new } else { &earlier };
        // Another snapshot is another file.
        let identity = || std::fs::metadata(snapshot).map(|file| file.ino()).ok();
        let before = identity();
        let program = std::env::current_exe().context("cannot find this program")?;
        let status = Command::new(program)
            .args(["plugin", "build"])
            .arg(&self.options.folder)
            .arg("--output")
            .arg(&built)
            .arg("--dev-snapshot")
            .arg(snapshot)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await
            .context("cannot run `leadsman plugin build`")?;
        if !status.success() {
            return Err(PluginError("it does not build".to_owned()).into());
        }
        let reuses_snapshot = before.is_some() && before == identity();
        if new.exists() {
            std::fs::rename(&new, &earlier).context("cannot keep the snapshot")?;
        }
        Ok(BuiltComponent { bytes: origin::read(&built)?, reuses_snapshot })
    }

    /// Gives a component to the adapter.
    pub(super) fn put(&self, component: &[u8]) -> anyhow::Result<()> {
        let written = self.folder.path().join("written.wasm");
        std::fs::write(&written, component)
            .and_then(|()| std::fs::rename(&written, self.component()))
            .context("cannot write the component for the adapter")
    }

    /// Writes the configuration of the adapter anew, for a plugin that calls itself this.
    pub(super) fn configure(&self, own_name: &str) -> anyhow::Result<ServedPlugin> {
        let file = match &self.options.mapping {
            Some(file) => file.clone(),
            None => self.options.folder.join(MAPPING),
        };
        let written = MappingFile::read(&file)?;
        let mapping = written.mapping();
        let mut config = json!({"apiVersion": "leadsman.dev/v1alpha1", "kind": "Config"});
        let (namespace, source) = match &self.options.against {
            Some(against) => {
                let other = try_mapping::read(against)?;
                // The plugin is a file, which has no signature.
                for key in try_mapping::USED.iter().filter(|key| **key != "verify") {
                    if let Some(value) = other.get(*key) {
                        config[*key] = value.clone();
                    }
                }
                let namespace = self.options.namespace.clone();
                (namespace.unwrap_or_else(|| "default".to_owned()), against.display().to_string())
            }
            None => self.record(&mapping, &mut config)?,
        };
        // Of several plugins it is the one of its own name.
        let name = mapping["plugin"].as_str().unwrap_or(own_name).to_owned();
        if !config["plugins"].is_object() {
            config["plugins"] = json!({});
        }
        // With room for an interpreter; a build says what its operator has to allow.
        config["plugins"][&name] =
            json!({"file": self.component().display().to_string(), "maxBytes": MAX_BYTES});
        let metric = mapping["metric"].as_str().unwrap_or_default().to_owned();
        config["mappings"] = json!([mapping]);
        let text = format!("{config:#}");
        if std::fs::read_to_string(self.config.path()).ok().as_ref() != Some(&text) {
            std::fs::write(self.config.path(), &text).context("cannot write the configuration")?;
        }
        let revision = origin::digest(text.as_bytes());
        let config = self.config.path().display().to_string();
        Ok(ServedPlugin { metric, namespace, source, revision, mapping: written, config })
    }

    /// Makes the first fixture that can be played the source of the mapping.
    fn record(&self, mapping: &Value, config: &mut Value) -> anyhow::Result<(String, String)> {
        let (name, fixture) = self.playable()?;
        let namespace = self.options.namespace.as_deref().or(fixture["namespace"].as_str());
        let namespace = namespace.unwrap_or("default").to_owned();
        let recorded = recording::of(&fixture, mapping, &namespace)
            .map_err(|error| PluginError(format!("{name}: {error}")))?;
        // Another recording has another name, so that the adapter notices it.
        let text = format!("{:#}", recorded.recording);
        let digest = origin::digest(text.as_bytes());
        let file = self.folder.path().join(format!("recording-{digest}.yaml"));
        std::fs::write(&file, text).context("cannot write the recording")?;
        let file = file.display().to_string();
        let mut sources = serde_json::Map::new();
        for query in mapping["queries"].as_object().into_iter().flat_map(|all| all.values()) {
            let source = query["source"].as_str().unwrap_or("prometheus").to_owned();
            sources.insert(source, json!({"recording": {"file": file}}));
        }
        config["sources"] = sources.into();
        config["objects"] = recorded.objects.into();
        Ok((namespace, format!("the answers in {name}")))
    }

    fn playable(&self) -> anyhow::Result<(String, Value)> {
        let folder = self.options.folder.join(FIXTURES);
        let mut files: Vec<PathBuf> = match std::fs::read_dir(&folder) {
            Ok(entries) => entries.filter_map(Result::ok).map(|entry| entry.path()).collect(),
            Err(_) => Vec::new(),
        };
        files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
        files.sort();
        for file in files {
            let text =
                std::fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
            let fixture: Value = serde_json::from_slice(&text)
                .map_err(|error| PluginError(format!("{}: {error}", file.display())))?;
            if recording::is_playable(&fixture) {
                return Ok((file.display().to_string(), fixture));
            }
        }
        bail!(
            "{} has no fixture whose answers are instant vectors and which expects measures: name a \
             configuration with a real source with --against",
            folder.display()
        )
    }
}

/// Removes a file, if it is there.
fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
