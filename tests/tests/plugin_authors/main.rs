//! Authors of plugins: from an empty folder to a served metric with `leadsman plugin`, and what they are
//! told when something is missing or wrong.

mod contract;
mod fixtures;
mod go;
mod hostile_go;
mod javascript;
mod packages;
mod pages;
mod python;
mod refusals;
mod rust;
mod templates;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Output;

use leadsman_tests::{AuthorTools, CheckReport, Config, Leadsman, Mapping, Stack, paths};
use tempfile::TempDir;
use tokio::process::Command;

/// The repository.
pub(crate) fn repository() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().expect("the repository").to_owned()
}

/// A temporary folder in which an author works.
pub(crate) struct Author {
    pub(crate) folder: TempDir,
    /// What is set for the author's own tools.
    variables: Vec<(&'static str, OsString)>,
}

impl Author {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder"), variables: Vec::new() }
    }

    /// One whom pip and npm serve without a network.
    pub(crate) fn with_tools() -> Self {
        Self { variables: AuthorTools::find().variables(), ..Self::new() }
    }

    /// Sets a variable for the author's own tools.
    pub(crate) fn set(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    /// Runs `leadsman plugin` with these arguments, in the folder.
    pub(crate) async fn plugin(&self, arguments: &[&str]) -> CheckReport {
        let arguments = [&["plugin"], arguments].concat();
        Leadsman::author(&arguments, self.folder.path(), None, &self.variables).await
    }

    /// The same, which must succeed.
    pub(crate) async fn plugin_ok(&self, arguments: &[&str]) -> CheckReport {
        let report = self.plugin(arguments).await;
        assert_eq!(report.code, Some(0), "plugin {arguments:?}\n{}", report.output);
        report
    }

    /// The same with these compilers alone, which must fail.
    pub(crate) async fn refused(&self, arguments: &[&str], compilers: Option<&Path>) -> String {
        let arguments = [&["plugin"], arguments].concat();
        let folder = self.folder.path();
        let report = Leadsman::author(&arguments, folder, compilers, &self.variables).await;
        assert_eq!(report.code, Some(1), "{arguments:?}\n{}", report.output);
        report.output
    }

    /// Runs the author's own tool in a folder. It must succeed.
    pub(crate) async fn tool(&self, program: impl AsRef<Path>, arguments: &[&str], folder: &Path) {
        run_tool(program.as_ref(), arguments, folder, &self.variables).await;
    }

    /// Builds a project, and again in another folder that has one file more in it. The components must be
    /// the same.
    pub(crate) async fn assert_reproducible(&self, project: &str) {
        self.plugin_ok(&["build", project, "--output", "one.wasm"]).await;
        let moved = format!("elsewhere/{project}");
        self.write("elsewhere/of-somebody-else", "");
        std::fs::rename(self.path(project), self.path(&moved)).expect("a move");
        self.write(&format!("{moved}/notes.txt"), "no source");
        self.plugin_ok(&["build", &moved, "--output", "other.wasm"]).await;
        let bytes = |name: &str| std::fs::read(self.path(name)).expect("a component");
        assert!(bytes("one.wasm") == bytes("other.wasm"), "the digest is that of a folder");
    }

    /// Copies the files of a folder of the repository.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        let entries = std::fs::read_dir(repository().join(from)).expect("a folder");
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                // What tools keep there.
                continue;
            }
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            self.write(&format!("{to}/{name}"), std::fs::read(&path).expect("a file"));
        }
    }
}

/// Runs an author's own tool, which must succeed.
pub(crate) async fn tool(program: &str, arguments: &[&str], folder: &Path) {
    run_tool(program.as_ref(), arguments, folder, &[]).await;
}

async fn run_tool(
    program: &Path,
    arguments: &[&str],
    folder: &Path,
    variables: &[(&'static str, OsString)],
) {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).kill_on_drop(true);
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    command.env("GOPROXY", "off").env("CARGO_NET_OFFLINE", "true");
    let Output { status, stdout, stderr } =
        command.output().await.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let output = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    assert!(status.success(), "{command:?} in {}:\n{output}", folder.display());
}

/// The words of a fixture's row in the table that `plugin test` prints.
pub(crate) fn row<'a>(output: &'a str, fixture: &str) -> Vec<&'a str> {
    let mut rows = output.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let row = rows.find(|words| words.first() == Some(&fixture) && words.contains(&"ms"));
    row.unwrap_or_else(|| panic!("no row of {fixture}:\n{output}"))
}

/// Asserts that a fixture passed on the component and natively.
pub(crate) fn assert_passed(output: &str, fixture: &str) {
    let row = row(output, fixture);
    assert!(matches!(row[..], [_, "passed", _, "ms", "passed"]), "{fixture}:\n{output}");
}

/// Serves the plugin of the template from a real Prometheus and reads its metric: 3 errors in 4 requests,
/// and a pod whose errors are missing.
pub(crate) async fn assert_served(component: &Path) {
    assert_served_with(component, "").await;
}

/// The same with settings of the plugin.
pub(crate) async fn assert_served_with(component: &Path, settings: &str) {
    let exposition = r#"
http_errors{namespace="shop",pod="web-0"} 3
http_requests{namespace="shop",pod="web-0"} 4
http_requests{namespace="shop",pod="web-1"} 8
"#;
    let by_pod = |series: &str| format!(r#"sum by (pod) ({series}{{namespace="${{namespace}}"}})"#);
    let mapping = Mapping::custom("error_ratio", "pods")
        .query("errors", &by_pod("http_errors"))
        .query("requests", &by_pod("http_requests"))
        .plugin("mine", "floor: 1");
    let config = Config::new().plugin_from("mine", &format!("file: {component:?}{settings}"));
    let config = config.mapping(mapping).pods("shop", &["web-0", "web-1"]);
    let Stack { leadsman, .. } = &Stack::start(exposition, "http_requests", config).await;
    let answer = leadsman.get(&paths::pods("shop", "error_ratio")).await;
    let values: Vec<_> = answer.values().into_iter().collect();
    assert_eq!(values, [("web-0".to_owned(), "750m".to_owned())]);
}
