//! A real Prometheus, from a Debian package.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::history::History;
use crate::process::{PROCESS_TIMEOUT, Process, Server, free_port, program};
use crate::waiting::eventually;

/// A Prometheus that scrapes its targets every second.
pub struct Prometheus {
    server: Server,
    folder: TempDir,
    port: u16,
    http: reqwest::Client,
}

/// The timeout of a request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The timeout of waiting for a state.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// The folder of its data, within its own.
const DATA: &str = "data";

impl Prometheus {
    /// Starts a Prometheus that scrapes this URL, and waits until it is ready.
    ///
    /// # Panics
    /// If Prometheus is not installed or does not start.
    pub async fn scraping(target: &str) -> Self {
        Self::scraping_with_jobs(target, &[]).await
    }

    /// The same with additional entries of `scrape_configs`, each as a flow mapping.
    ///
    /// # Panics
    /// If Prometheus is not installed or does not start.
    pub async fn scraping_with_jobs(target: &str, jobs: &[String]) -> Self {
        let target = target.trim_start_matches("http://");
        let exporter = format!(
            "{{job_name: exporter, honor_labels: true, static_configs: [{{targets: ['{target}']}}]}}"
        );
        Self::with_jobs(&[&[exporter][..], jobs].concat()).await
    }

    /// The same with these entries of `scrape_configs` alone.
    ///
    /// # Panics
    /// If Prometheus is not installed or does not start.
    pub async fn with_jobs(jobs: &[String]) -> Self {
        let mut config = "scrape_configs:\n".to_owned();
        for job in jobs {
            let _ = writeln!(config, "  - {job}");
        }
        let mut prometheus = Self::configured(&config);
        prometheus.run().await;
        prometheus
    }

    /// The same with the rules of a file, which it evaluates every second.
    ///
    /// # Panics
    /// If Prometheus is not installed or does not start.
    pub async fn with_rules(jobs: &[String], rules: &Path) -> Self {
        let mut config = format!("rule_files: ['{}']\nscrape_configs:\n", rules.display());
        for job in jobs {
            let _ = writeln!(config, "  - {job}");
        }
        let mut prometheus = Self::configured(&config);
        prometheus.run().await;
        prometheus
    }

    /// Its rules, with their state.
    ///
    /// # Panics
    /// If the request fails.
    pub async fn rules(&self) -> Vec<Value> {
        let response = self.http.get(format!("{}/api/v1/rules", self.url())).send().await;
        let body = response.expect("an answer").text().await.expect("a body");
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        let groups = answer["data"]["groups"].as_array().unwrap_or_else(|| panic!("{body}"));
        let rules = groups.iter().filter_map(|group| group["rules"].as_array());
        rules.flatten().cloned().collect()
    }

    /// Runs `promtool test rules` on a file, beside the rules that it names. Returns what it says, which
    /// is an error if a test fails.
    ///
    /// # Panics
    /// If promtool is not installed or does not end.
    pub async fn test_rules(tests: &Path, rules: &Path) -> Result<String, String> {
        let folder = TempDir::new().expect("a temporary folder");
        for file in [tests, rules] {
            let name = file.file_name().expect("a name");
            std::fs::copy(file, folder.path().join(name)).expect("a copy");
        }
        let mut command = tokio::process::Command::new(program("promtool", "prometheus"));
        command.args(["test", "rules"]).arg(tests.file_name().expect("a name"));
        command.current_dir(folder.path()).kill_on_drop(true);
        let ran = tokio::time::timeout(PROCESS_TIMEOUT, command.output()).await;
        let output = ran.expect("promtool ends").expect("promtool can be run");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        if output.status.success() { Ok(said) } else { Err(said) }
    }

    /// Starts one that scrapes nothing and has these series, and waits until it serves them.
    ///
    /// # Panics
    /// If Prometheus is not installed or does not start.
    pub async fn holding(history: &History) -> Self {
        let mut prometheus = Self::configured("");
        let folder = prometheus.folder.path();
        history.write(folder, &folder.join(DATA)).await;
        prometheus.run().await;
        if let Some(metric) = history.metrics().next() {
            prometheus.wait_for(metric).await;
        }
        prometheus
    }

    /// One that does not run yet.
    fn configured(scrapes: &str) -> Self {
        crate::crypto();
        let folder = TempDir::new().expect("a temporary folder");
        let config = format!("global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n{scrapes}");
        std::fs::write(folder.path().join("prometheus.yml"), config).expect("a config file");
        let http = reqwest::Client::builder()
            .no_proxy()
            .tls_danger_accept_invalid_certs(true)
            .timeout(REQUEST_TIMEOUT)
            .build()
            .expect("a client");
        Self { server: Server::new("Prometheus"), folder, port: free_port(), http }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its process id.
    ///
    /// # Panics
    /// If it was stopped.
    pub fn pid(&self) -> u32 {
        self.server.running().number()
    }

    /// Waits until the result of a query is not empty, and returns its items.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_for(&self, query: &str) -> Vec<Value> {
        eventually(&format!("a result of {query}"), WAIT_TIMEOUT, async || {
            let items = self.query(query).await;
            if items.is_empty() { Err("no series".to_owned()) } else { Ok(items) }
        })
        .await
    }

    /// The items of the current result of a query.
    ///
    /// # Panics
    /// If the query fails.
    pub async fn query(&self, query: &str) -> Vec<Value> {
        let request = self.http.post(format!("{}/api/v1/query", self.url()));
        let response = request.form(&[("query", query)]).send().await.expect("an answer");
        let body = response.text().await.expect("a body");
        let answer: Value = serde_json::from_str(&body).unwrap_or_default();
        match answer["data"]["result"].as_array() {
            Some(items) => items.clone(),
            None => panic!("{query}: {body}"),
        }
    }

    /// Stops Prometheus, so that its port refuses connections.
    pub async fn stop(&mut self) {
        self.server.end(Signal::TERM).await;
    }

    /// Kills Prometheus.
    pub async fn kill(&mut self) {
        self.server.end(Signal::KILL).await;
    }

    /// Starts Prometheus again, on the same port and with its data.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn restart(&mut self) {
        self.stop().await;
        self.run().await;
    }

    /// Makes Prometheus hang: it accepts connections and never responds.
    ///
    /// # Panics
    /// If it is stopped.
    pub async fn pause(&self) {
        self.server.pause().await;
    }

    /// Ends a [`Self::pause`].
    ///
    /// # Panics
    /// If it is stopped.
    pub fn resume(&self) {
        self.server.resume();
    }

    async fn run(&mut self) {
        let program = program("prometheus", "prometheus");
        let folder = self.folder.path().display();
        let arguments = [
            format!("--config.file={folder}/prometheus.yml"),
            format!("--storage.tsdb.path={folder}/{DATA}"),
            format!("--web.listen-address=127.0.0.1:{}", self.port),
        ];
        let mut process = Process::start(&program, &arguments).expect("prometheus can be run");
        let ready = format!("{}/-/ready", self.url());
        let http = self.http.clone();
        eventually("a ready Prometheus", WAIT_TIMEOUT, async || {
            assert!(!process.has_ended(), "prometheus ended:\n{}", process.log());
            match http.get(&ready).send().await {
                Ok(response) if response.status().is_success() => Ok(()),
                Ok(response) => Err(response.status().to_string()),
                Err(error) => Err(format!("{error:?}\n{}", process.log())),
            }
        })
        .await;
        self.server.set_process(process);
    }
}
