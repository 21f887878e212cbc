//! The examples in `examples/`.

use std::path::PathBuf;

/// An example: a configuration and an autoscaler.
#[derive(Debug, Clone, Copy)]
pub struct Example(&'static str);

impl Example {
    /// The example in this folder.
    pub const fn new(folder: &'static str) -> Self {
        Self(folder)
    }

    /// The file of its autoscaler.
    pub fn autoscaler(self) -> PathBuf {
        self.file("hpa.yaml")
    }

    /// The file of its ScaledObject, if it has one.
    pub fn scaled_object(self) -> PathBuf {
        self.file("scaledobject.yaml")
    }

    /// Its configuration.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn config(self) -> String {
        let file = self.file("config.yaml");
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// The entries of its `mappings`, with these settings added to each.
    ///
    /// # Panics
    /// If `mappings` is not the last key of its configuration.
    pub fn mappings_with(self, settings: &[(&str, &str)]) -> String {
        let config = self.config();
        let (_, mappings) = config.split_once("\nmappings:\n").expect("mappings");
        let indented = |line: &str| line.is_empty() || line.starts_with("  ");
        assert!(mappings.lines().all(indented), "more than mappings in {self:?}");
        let lines = settings.iter().map(|(key, value)| format!("{key}: {value}\n    "));
        let settings = lines.collect::<String>();
        mappings.replace("  - metric:", &format!("  - {settings}metric:"))
    }

    fn file(self, name: &str) -> PathBuf {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
        root.join("examples").join(self.0).join(name)
    }
}
