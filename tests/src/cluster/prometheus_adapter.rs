//! The real prometheus-adapter, whose answers are compared with Leadsman's.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::control_plane::ControlPlane;
use crate::answer::Answer;
use crate::built;
use crate::caller::HttpClient;
use crate::process::{Process, free_port};
use crate::waiting::eventually;

/// A running prometheus-adapter. Reads go directly to its port, as a user with all rights.
pub struct PrometheusAdapter {
    process: Process,
    url: String,
    caller: HttpClient,
    _folder: TempDir,
}

const READY_TIMEOUT: Duration = Duration::from_secs(60);

impl PrometheusAdapter {
    /// Starts prometheus-adapter with this content of a configuration file and this Prometheus, and
    /// waits until it is ready. The metrics of its rules follow shortly after.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start(plane: &ControlPlane, config: &str, prometheus: &str) -> Self {
        Self::start_listing_every("1s", plane, config, prometheus).await
    }

    /// The same with another interval between lists of series.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_listing_every(
        interval: &str,
        plane: &ControlPlane,
        config: &str,
        prometheus: &str,
    ) -> Self {
        let (process, port, folder) = Self::launch(interval, plane, config, prometheus);
        let caller = HttpClient::with_certificate(plane.authorities().admin());
        let url = format!("https://127.0.0.1:{port}");
        let mut adapter = Self { process, url, caller, _folder: folder };
        adapter.wait_ready().await;
        adapter
    }

    /// Starts it with a configuration that ends it, and returns its log.
    ///
    /// # Panics
    /// If it does not end by itself, or ends well.
    pub async fn refused(plane: &ControlPlane, config: &str, prometheus: &str) -> String {
        let (mut process, _, _folder) = Self::launch("1s", plane, config, prometheus);
        let exit = process.exit().await;
        let log = process.log();
        assert!(!exit.success(), "{exit}:\n{log}");
        log
    }

    fn launch(
        interval: &str,
        plane: &ControlPlane,
        config: &str,
        prometheus: &str,
    ) -> (Process, u16, TempDir) {
        let folder = TempDir::new().expect("a temporary folder");
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, config).expect("a config file");
        let kubeconfig = plane.admin_kubeconfig().display();
        let port = free_port();
        let arguments = [
            format!("--config={}", file.display()),
            format!("--prometheus-url={prometheus}"),
            format!("--metrics-relist-interval={interval}"),
            "--metrics-max-age=1h".to_owned(),
            "--bind-address=127.0.0.1".to_owned(),
            format!("--secure-port={port}"),
            format!("--cert-dir={}", folder.path().display()),
            format!("--lister-kubeconfig={kubeconfig}"),
            format!("--authentication-kubeconfig={kubeconfig}"),
            format!("--authorization-kubeconfig={kubeconfig}"),
            // The default rate limit of five requests per second would slow down the comparison.
            "--client-qps=1000".to_owned(),
            "--client-burst=1000".to_owned(),
        ];
        let process =
            Process::start(&program(), &arguments).expect("prometheus-adapter can be run");
        (process, port, folder)
    }

    /// Its URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Reads a path.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn get(&self, path: &str) -> Answer {
        let answer = self.caller.get(&format!("{}{path}", self.url)).await;
        answer.unwrap_or_else(|error| panic!("GET {path}: {error}\n{}", self.process.log()))
    }

    async fn wait_ready(&mut self) {
        let (process, caller, url) = (&mut self.process, &self.caller, &self.url);
        eventually("a ready prometheus-adapter", READY_TIMEOUT, async || {
            assert!(!process.has_ended(), "prometheus-adapter ended:\n{}", process.log());
            let known = caller.is_known_to(url).await;
            known.map_err(|error| format!("{error}\n{}", process.log()))
        })
        .await;
    }
}

/// The path of the program.
///
/// # Panics
/// If it was not built.
fn program() -> PathBuf {
    let sources = ["go.mod", "go.sum"];
    let folder = built::folder("LEADSMAN_PROMETHEUS_ADAPTER", "prometheus-adapter", &sources);
    let program = folder.map(|folder| folder.join("adapter")).filter(|path| path.is_file());
    program.expect("there is no prometheus-adapter; run: cargo xtask setup --tests")
}
