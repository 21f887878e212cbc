//! Commands that end by themselves: `check`, `doctor`, `rules` and others.

use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::{Leadsman, binary, text, write};
use crate::answer::assert_contains;
use crate::process::PROCESS_TIMEOUT;

/// How long a compiler may take on a busy machine, which may have to build the standard library.
pub(super) const BUILD_TIMEOUT: Duration = Duration::from_secs(900);

/// The result of `leadsman check`, `leadsman doctor` or `leadsman rules`.
#[derive(Debug)]
pub struct CheckReport {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output and standard error.
    pub output: String,
    /// The configuration file.
    pub file: PathBuf,
}

impl Leadsman {
    /// Runs `leadsman check` for a configuration.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn check(config: impl Display) -> CheckReport {
        let (_folder, file) = write(config);
        run(&["check", "--config", text(&file)], &file).await
    }

    /// Runs `leadsman check` for the configuration in a ConfigMap, `namespace/name`, and those of
    /// teams.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn check_config_map(kubeconfig: &Path, config_map: &str) -> CheckReport {
        let cluster = ["--kubeconfig", text(kubeconfig)];
        let arguments = [&["check", "--config-map", config_map][..], &cluster].concat();
        run(&arguments, Path::new("config.yaml")).await
    }

    /// The same for an existing file.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn check_file(file: &Path) -> CheckReport {
        run(&["check", "--config", text(file)], file).await
    }

    /// Runs `leadsman doctor` for a cluster, the autoscalers of a namespace, and the sources of a
    /// configuration.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn doctor(kubeconfig: &Path, namespace: &str, config: impl Display) -> CheckReport {
        let (_folder, file) = write(config);
        let cluster = ["doctor", "--kubeconfig", text(kubeconfig), "--namespace", namespace];
        run(&[&cluster[..], &["--config", text(&file)]].concat(), &file).await
    }

    /// Runs `leadsman rules` for a configuration.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn rules(config: impl Display, arguments: &[&str]) -> CheckReport {
        let (_folder, file) = write(config);
        run(&[&["rules", "--config", text(&file)], arguments].concat(), &file).await
    }

    /// Runs it with exactly these arguments, in a folder.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn command(arguments: &[&str], folder: &Path) -> CheckReport {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(folder).kill_on_drop(true);
        ended(command, arguments, folder).await
    }

    /// The same with variables of the environment.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn command_with(
        arguments: &[&str],
        folder: &Path,
        variables: &[(&str, &Path)],
    ) -> CheckReport {
        let mut command = Command::new(binary());
        command.args(arguments).envs(variables.iter().copied());
        command.current_dir(folder).kill_on_drop(true);
        ended(command, arguments, folder).await
    }

    /// Runs a command of an author of plugins in a folder: the author's compiler may take minutes. `path`
    /// is where it looks for compilers, in place of this process's `PATH`.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn author(
        arguments: &[&str],
        folder: &Path,
        path: Option<&Path>,
        variables: &[(&'static str, OsString)],
    ) -> CheckReport {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(folder).kill_on_drop(true);
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        // What is built needs nothing from a registry: a project has its SDK with it.
        command.env("GOPROXY", "off").env("CARGO_NET_OFFLINE", "true");
        if let Some(path) = path {
            command.env("PATH", path).env_remove("VIRTUAL_ENV");
        }
        let Ok(output) = timeout(BUILD_TIMEOUT, command.output()).await else {
            panic!("leadsman {} does not end", arguments.join(" "))
        };
        checked(output.expect("leadsman can be run"), folder)
    }

    /// Runs it with exactly these arguments, for a reader that has closed the pipe. The output is that
    /// of standard error.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn unread(arguments: &[&str], folder: &Path) -> CheckReport {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(folder).kill_on_drop(true);
        let child = command.stdout(writer).stderr(Stdio::piped()).spawn();
        let child = child.expect("leadsman can be run");
        let Ok(output) = timeout(PROCESS_TIMEOUT, child.wait_with_output()).await else {
            panic!("leadsman {} does not end", arguments.join(" "))
        };
        checked(output.expect("leadsman can be waited for"), folder)
    }
}

impl CheckReport {
    /// Asserts that the output contains all of these texts, as
    /// [`Failure::assert_contains`](crate::Failure::assert_contains).
    ///
    /// # Panics
    /// If a text is missing.
    pub fn assert_contains(&self, texts: &[&str]) {
        assert_contains(&self.output, texts);
    }

    /// The lines of the output that report a fault in this line of the file.
    pub fn faults_at(&self, line: usize) -> Vec<&str> {
        let place = format!("{}:{line}", self.file.file_name().unwrap_or_default().display());
        let reports = |text: &&str| {
            let rest = text.split_once(&place).map(|(_, rest)| rest);
            rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
        };
        self.output.lines().filter(reports).collect()
    }
}

/// Runs the binary until it ends.
async fn run(arguments: &[&str], file: &Path) -> CheckReport {
    let mut command = Command::new(binary());
    command.args(arguments).kill_on_drop(true);
    ended(command, arguments, file).await
}

pub(crate) async fn ended(mut command: Command, arguments: &[&str], file: &Path) -> CheckReport {
    let Ok(output) = timeout(PROCESS_TIMEOUT, command.output()).await else {
        panic!("leadsman {} does not end", arguments.join(" "))
    };
    checked(output.expect("leadsman can be run"), file)
}

fn checked(output: Output, file: &Path) -> CheckReport {
    let text = [output.stdout, output.stderr].concat();
    let output_text = String::from_utf8_lossy(&text).into_owned();
    CheckReport { code: output.status.code(), output: output_text, file: file.to_owned() }
}
