//! `leadsman explain hpa` in the control plane.

use std::path::Path;

use serde_json::Value;

use super::control_plane::ControlPlane;
use crate::leadsman::Leadsman;

impl ControlPlane {
    /// Explains as a user with all rights, with these arguments. Returns the JSON.
    ///
    /// # Panics
    /// If the command fails.
    pub async fn explained(&self, arguments: &[&str]) -> Value {
        let output = self.explain(&[&["--output", "json"], arguments].concat()).await;
        // What is logged comes behind it.
        let mut documents = serde_json::Deserializer::from_str(&output).into_iter();
        let first = documents.next().unwrap_or_else(|| panic!("nothing: {output}"));
        first.unwrap_or_else(|error| panic!("{error}: {output}"))
    }

    /// The same in the text for people.
    ///
    /// # Panics
    /// If the command fails.
    pub async fn explained_in_words(&self, autoscaler: &str) -> String {
        self.explain(&[autoscaler]).await
    }

    async fn explain(&self, arguments: &[&str]) -> String {
        let kubeconfig = self.admin_kubeconfig().display().to_string();
        let all = [&["explain", "hpa", "--kubeconfig", &kubeconfig], arguments].concat();
        let report = Leadsman::command(&all, Path::new(".")).await;
        assert_eq!(report.code, Some(0), "{report:#?}");
        report.output
    }
}
