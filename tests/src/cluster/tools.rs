//! The real kubectl and Helm.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::control_plane::ControlPlane;

/// The result of a command.
#[derive(Debug, Clone)]
pub struct CommandOutput {
    /// The command line.
    pub command: String,
    /// The exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

const COMMAND_TIMEOUT: Duration = Duration::from_secs(60);

impl ControlPlane {
    /// Runs kubectl as a user with all rights.
    ///
    /// # Panics
    /// If it cannot be run, or does not end in time.
    pub async fn kubectl(&self, arguments: &[&str]) -> CommandOutput {
        self.kubectl_with(self.admin_kubeconfig(), arguments).await
    }

    /// The same with another kubeconfig.
    ///
    /// # Panics
    /// If it cannot be run, or does not end in time.
    pub async fn kubectl_with(&self, kubeconfig: &Path, arguments: &[&str]) -> CommandOutput {
        self.run("kubectl", kubeconfig, arguments).await
    }

    /// Runs Helm as a user with all rights.
    ///
    /// # Panics
    /// If it cannot be run, or does not end in time.
    pub async fn helm(&self, arguments: &[&str]) -> CommandOutput {
        self.run("helm", self.admin_kubeconfig(), arguments).await
    }

    async fn run(
        &self,
        name: &'static str,
        kubeconfig: &Path,
        arguments: &[&str],
    ) -> CommandOutput {
        let program = self.programs().get(name);
        let mut command = Command::new(&program.path);
        command.args(program.first).args(arguments).kill_on_drop(true).stdin(Stdio::null());
        // Keeps caches and settings in the folder of this cluster.
        command.env("HOME", self.folder()).env("KUBECONFIG", kubeconfig);
        for set in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "KUBECACHEDIR"] {
            command.env_remove(set);
        }
        let command_line = format!("{name} {}", arguments.join(" "));
        let Ok(output) = timeout(COMMAND_TIMEOUT, command.output()).await else {
            panic!("`{command_line}` does not end")
        };
        let output = output.unwrap_or_else(|error| panic!("`{command_line}`: {error}"));
        CommandOutput {
            command: command_line,
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl CommandOutput {
    /// The standard output of a command that must have succeeded.
    ///
    /// # Panics
    /// If it failed.
    pub fn ok(&self) -> &str {
        assert_eq!(self.code, Some(0), "{self:#?}");
        &self.stdout
    }

    /// The standard error of a command that must have failed.
    ///
    /// # Panics
    /// If it succeeded.
    pub fn failed(&self) -> &str {
        assert_ne!(self.code, Some(0), "{self:#?}");
        &self.stderr
    }
}
