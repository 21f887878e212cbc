//! Authors of plugins: from an empty folder to a served metric with `leadsman plugin`, and what they are
//! told when something is missing or wrong.

mod fixtures;
mod go;
mod hostile_go;
mod refusals;
mod rust;

use std::path::{Path, PathBuf};
use std::process::Output;

use leadsman_tests::{CheckReport, Config, Leadsman, Mapping, Stack, paths};
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
}

impl Author {
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder") }
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
        Leadsman::author(&arguments, self.folder.path(), None).await
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
        let report = Leadsman::author(&arguments, self.folder.path(), compilers).await;
        assert_eq!(report.code, Some(1), "{arguments:?}\n{}", report.output);
        report.output
    }
}

/// Runs an author's own tool, which must succeed.
pub(crate) async fn tool(program: &str, arguments: &[&str], folder: &Path) {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).kill_on_drop(true);
    command.env("GOPROXY", "off").env("CARGO_NET_OFFLINE", "true");
    let Output { status, stdout, stderr } =
        command.output().await.unwrap_or_else(|error| panic!("{program} is needed: {error}"));
    let output = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
    assert!(status.success(), "{program} {arguments:?} in {}:\n{output}", folder.display());
}

/// Serves the plugin of the template from a real Prometheus and reads its metric: 3 errors in 4 requests.
pub(crate) async fn assert_served(component: &Path) {
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
    let config =
        Config::new().plugin("mine", component).mapping(mapping).pods("shop", &["web-0", "web-1"]);
    let Stack { leadsman, .. } = &Stack::start(exposition, "http_requests", config).await;
    let answer = leadsman.get(&paths::pods("shop", "error_ratio")).await;
    let values: Vec<_> = answer.values().into_iter().collect();
    assert_eq!(values, [("web-0".to_owned(), "750m".to_owned())]);
}
