//! `leadsman convert`: from ScaledObjects to a configuration that is checked and served.

mod command;
mod served;

use std::path::PathBuf;

use leadsman_tests::{CheckReport, Leadsman};
use tempfile::TempDir;

/// A folder in which manifests were converted.
pub(crate) struct Converted {
    pub(crate) report: CheckReport,
    folder: TempDir,
}

impl Converted {
    /// Converts a manifest, into the folder `out` beside it.
    pub(crate) async fn of(manifest: &str, arguments: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("objects.yaml"), manifest).expect("a file");
        Self::within(folder, arguments).await
    }

    /// The same in a folder that has the manifest already, as `objects.yaml`.
    pub(crate) async fn within(folder: TempDir, arguments: &[&str]) -> Self {
        let all = [&["convert", "objects.yaml", "--output", "out"], arguments].concat();
        let report = Leadsman::command(&all, folder.path()).await;
        Self { report, folder }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        let path = self.file(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The same, once every object was written and `check` has nothing to say of the configuration.
    pub(crate) async fn checked(self) -> Self {
        assert_eq!(self.report.code, Some(0), "{}", self.report.output);
        let check = Leadsman::check_file(&self.file("config.yaml")).await;
        assert_eq!(check.code, Some(0), "{}\n{}", self.text("config.yaml"), check.output);
        check.assert_contains(&["no faults"]);
        assert!(!check.output.contains("warning"), "{}", check.output);
        self
    }
}

/// A ScaledObject with one Prometheus trigger, for a Deployment of its name. `metadata` is the inside of a
/// flow mapping, and `spec` are further lines.
pub(crate) fn object(name: &str, metadata: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {{name: {name}, namespace: shop}}\n\
         spec:\n  scaleTargetRef: {{name: {name}}}\n  minReplicaCount: 1\n{spec}  triggers:\n    \
         - {{type: prometheus, metadata: {{{metadata}}}}}\n"
    )
}
