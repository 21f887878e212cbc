//! The binary of Leadsman, run as a process.

mod commands;
mod followed;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use reqwest::Method;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::answer::{Answer, assert_contains};
use crate::caller::HttpClient;
use crate::events::Events;
use crate::exposition::Exposition;
use crate::process::Process;
use crate::waiting::eventually;

pub use commands::CheckReport;
pub(crate) use commands::ended;
pub use followed::Followed;

/// A running `leadsman serve`.
pub struct Leadsman {
    process: Process,
    api: String,
    admin: String,
    scaler: Option<String>,
    caller: HttpClient,
    _folder: Option<TempDir>,
}

/// A `leadsman serve` that exited.
#[derive(Debug)]
pub struct Exited {
    /// Its exit status.
    pub status: ExitStatus,
    /// Its standard error.
    pub log: String,
}

impl Leadsman {
    /// Serves a configuration on free ports and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready in time.
    pub async fn start(config: impl Display) -> Self {
        Self::start_with(config, &[]).await
    }

    /// The same with additional arguments.
    ///
    /// # Panics
    /// If it does not become ready in time.
    pub async fn start_with(config: impl Display, arguments: &[&str]) -> Self {
        Self::expect_ready(Self::launch(config, arguments).await).await
    }

    /// Starts another build of it and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready in time.
    pub async fn start_build(binary: &Path, config: impl Display) -> Self {
        let (folder, file) = write(config);
        let arguments = to_serve(&["--config", text(&file)]);
        Self::expect_ready(Self::run_build(binary, &arguments, Some(folder)).await).await
    }

    /// Starts it, and returns an error if it refuses to serve.
    ///
    /// # Panics
    /// If it neither serves nor ends in time.
    pub async fn launch(config: impl Display, arguments: &[&str]) -> Result<Self, Exited> {
        let (folder, file) = write(config);
        Self::serve(&[&["--config", text(&file)], arguments].concat(), folder).await
    }

    /// Serves an existing configuration file and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready in time.
    pub async fn start_file(file: &Path, arguments: &[&str]) -> Self {
        Self::expect_ready(Self::launch_file(file, arguments).await).await
    }

    /// The same, but returns an error if it refuses to serve.
    ///
    /// # Panics
    /// If it neither serves nor ends in time.
    pub async fn launch_file(file: &Path, arguments: &[&str]) -> Result<Self, Exited> {
        Self::serve(&[&["--config", text(file)], arguments].concat(), None).await
    }

    /// The same with these arguments, which name the configuration. `folder` is removed with the
    /// process.
    ///
    /// # Panics
    /// If it neither serves nor ends in time.
    pub(crate) async fn serve(
        arguments: &[&str],
        folder: impl Into<Option<TempDir>>,
    ) -> Result<Self, Exited> {
        Self::run(&to_serve(arguments), folder).await
    }

    /// Runs it with exactly these arguments, which must select JSON logs. `folder` is removed with
    /// the process.
    ///
    /// # Panics
    /// If it neither serves nor ends in time.
    pub(crate) async fn run(
        arguments: &[String],
        folder: impl Into<Option<TempDir>>,
    ) -> Result<Self, Exited> {
        Self::run_build(&binary(), arguments, folder.into()).await
    }

    async fn run_build(
        binary: &Path,
        arguments: &[String],
        folder: Option<TempDir>,
    ) -> Result<Self, Exited> {
        let mut process = Process::start(binary, arguments).expect("leadsman can be run");
        match process.line(serving).await {
            Some(Addresses { api, admin, scaler }) => {
                let caller = HttpClient::anonymous();
                Ok(Self { process, api, admin, scaler, caller, _folder: folder })
            }
            None => Err(Exited { status: process.exit().await, log: process.log() }),
        }
    }

    /// Plays the demo.
    ///
    /// # Panics
    /// If it does not become ready in time.
    pub async fn demo() -> Self {
        let arguments = ["demo", "--admin-address", "127.0.0.1:0", "--secure-port", "0"];
        let logs = ["--log-format", "json", "--log-level", "info"];
        let all: Vec<_> = arguments.iter().chain(&logs).map(|&part| part.to_owned()).collect();
        Self::expect_ready(Self::run(&all, None).await).await
    }

    /// Reads a path of the API, as `kubectl get --raw` does.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    /// The same with an `Accept` header.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn get_accept(&self, path: &str, accept: &str) -> Answer {
        self.get_with(path, &[("accept", accept)]).await
    }

    /// The same with any headers.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.caller.request(Method::GET, &format!("{}{path}", self.api));
        let request = headers.iter().fold(request, |request, (n, v)| request.header(*n, *v));
        self.answer(request).await
    }

    /// Reads a path as this caller.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn get_as(&self, caller: &HttpClient, path: &str) -> Answer {
        self.answer(caller.request(Method::GET, &format!("{}{path}", self.api))).await
    }

    /// Sends a request with another method.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn send(&self, method: Method, path: &str) -> Answer {
        self.answer(self.caller.request(method, &format!("{}{path}", self.api))).await
    }

    /// Reads a path over a new connection that trusts only this authority.
    pub async fn get_trusting(&self, path: &str, authority: &str) -> Result<Answer, String> {
        HttpClient::with_root(authority).get(&format!("{}{path}", self.api)).await
    }

    /// Its `/metrics` page.
    ///
    /// # Panics
    /// If the request fails.
    pub async fn metrics(&self) -> Exposition {
        let answer = self.admin("/metrics").await;
        assert_eq!(answer.status, 200, "{answer:#?}");
        Exposition::parse(&answer.body)
    }

    /// Reads a path of the admin address.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn admin(&self, path: &str) -> Answer {
        self.answer(self.caller.request(Method::GET, &format!("{}{path}", self.admin))).await
    }

    /// Reads a path of the admin address as this caller.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn admin_as(&self, caller: &HttpClient, path: &str) -> Answer {
        self.answer(caller.request(Method::GET, &self.page(path))).await
    }

    /// The address of a path of the page.
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.admin)
    }

    /// Follows the events of the page. The error is the status code of a refusal.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn events(&self) -> Result<Events, u16> {
        Events::open(&self.caller, &self.page("/status/events")).await
    }

    /// The sum of its own metric with this name and at least these labels.
    ///
    /// # Panics
    /// If the request fails.
    pub async fn metric(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        self.metrics().await.sum(name, labels)
    }

    /// Its `/status.json`.
    ///
    /// # Panics
    /// If the request fails.
    pub async fn status(&self) -> Value {
        self.admin("/status.json").await.ok()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.process.number()
    }

    /// The address of the API.
    ///
    /// # Panics
    /// If the logged address is invalid.
    pub fn api(&self) -> std::net::SocketAddr {
        let address = self.api.trim_start_matches("https://");
        address.parse().unwrap_or_else(|error| panic!("{address}: {error}"))
    }

    /// The admin address, which serves its own metrics.
    ///
    /// # Panics
    /// If the logged address is invalid.
    pub fn admin_address(&self) -> std::net::SocketAddr {
        let address = self.admin.trim_start_matches("http://");
        address.parse().unwrap_or_else(|error| panic!("{address}: {error}"))
    }

    /// The address for scalers of KEDA.
    ///
    /// # Panics
    /// If it was started without one, or the logged address is invalid.
    pub fn scaler(&self) -> std::net::SocketAddr {
        let address = self.scaler.as_deref().expect("an address for scalers");
        let address = address.trim_start_matches("https://");
        address.parse().unwrap_or_else(|error| panic!("{address}: {error}"))
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The peak memory, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.process.peak_memory()
    }

    /// Sends SIGTERM, as Kubernetes does.
    pub fn terminate(&self) {
        self.process.signal(Signal::TERM);
    }

    /// Waits until the process ends.
    ///
    /// # Panics
    /// If it does not end in time.
    pub async fn exit(mut self) -> ExitStatus {
        self.process.exit().await
    }

    /// Waits until it is ready.
    ///
    /// # Panics
    /// If it has ended, or does not become ready in time.
    pub async fn expect_ready(launched: Result<Self, Exited>) -> Self {
        match launched {
            Ok(leadsman) => leadsman.wait_ready().await,
            Err(Exited { status, log }) => panic!("leadsman ended ({status}):\n{log}"),
        }
    }

    async fn wait_ready(self) -> Self {
        eventually("a ready leadsman", Duration::from_secs(30), async || {
            let answer = self.get("/readyz").await;
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}\n{}", self.log())) }
        })
        .await;
        self
    }

    async fn answer(&self, request: reqwest::RequestBuilder) -> Answer {
        match Answer::read(request).await {
            Ok(answer) => answer,
            Err(error) => panic!("no answer: {error}\n{}", self.log()),
        }
    }
}

impl Exited {
    /// Asserts that the log contains all of these texts, as
    /// [`Failure::assert_contains`](crate::Failure::assert_contains).
    ///
    /// # Panics
    /// If a text is missing.
    pub fn assert_contains(&self, texts: &[&str]) {
        assert_contains(&self.log, texts);
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn write(config: impl Display) -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("leadsman.yaml");
    std::fs::write(&file, config.to_string()).expect("a config file");
    (folder, file)
}

/// The arguments that make it serve on free ports.
fn to_serve(arguments: &[&str]) -> Vec<String> {
    let free = ["serve", "--secure-port", "0", "--admin-address", "127.0.0.1:0"];
    let all = [&free[..], &["--log-format", "json"], arguments].concat();
    all.into_iter().map(str::to_owned).collect()
}

/// The path of the binary: that beside this test, or another that `LEADSMAN_BINARY` names. Cargo provides only
/// the paths of binaries of the test's own package.
pub(crate) fn binary() -> PathBuf {
    if let Some(binary) = std::env::var_os("LEADSMAN_BINARY") {
        return binary.into();
    }
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("target/PROFILE/deps");
    let binary = profile.join("leadsman");
    assert!(binary.is_file(), "there is no {}; run: cargo build -p leadsman", binary.display());
    binary
}

/// Where it listens.
struct Addresses {
    api: String,
    admin: String,
    scaler: Option<String>,
}

/// The addresses in the log line `serving`.
fn serving(line: &str) -> Option<Addresses> {
    let line: Value = serde_json::from_str(line).ok()?;
    let fields = &line["fields"];
    let address = |name: &str| Some(fields[name].as_str()?.trim_end_matches('/').to_owned());
    if fields["message"] != "serving" {
        return None;
    }
    Some(Addresses { api: address("api")?, admin: address("admin")?, scaler: address("scaler") })
}
