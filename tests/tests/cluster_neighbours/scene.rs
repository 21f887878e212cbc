//! A Prometheus, prometheus-adapter with the metric `requests` of it, and Leadsman with the metric
//! `jobs`, which passes on to prometheus-adapter what it does not serve.

use std::path::PathBuf;
use std::time::Duration;

use leadsman_tests::cluster::{Adapter, ControlPlane, PrometheusAdapter, Workload};
use leadsman_tests::{
    Answer, Config, Folder, HttpClient, Leadsman, Mapping, Prometheus, Traffic, eventually, paths,
};

pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// The rules of prometheus-adapter: series that Leadsman has no mapping for.
const RULES: &str = "
rules:
- seriesQuery: 'requests{pod!=\"\"}'
  resources: {overrides: {namespace: {resource: namespace}, pod: {resource: pod}}}
  metricsQuery: 'max(<<.Series>>{<<.LabelMatchers>>}) by (<<.GroupBy>>)'
externalRules:
- seriesQuery: 'queue_depth{queue!=\"\"}'
  resources: {overrides: {namespace: {resource: namespace}}}
  metricsQuery: 'sum(<<.Series>>{<<.LabelMatchers>>}) by (queue)'
";

pub(crate) struct Scene {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) namespace: &'static str,
    pub(crate) web: Workload,
    pub(crate) traffic: Traffic,
    pub(crate) prometheus: Prometheus,
    pub(crate) theirs: PrometheusAdapter,
    pub(crate) adapter: Adapter<'static>,
    /// With the configuration of Leadsman.
    pub(crate) folder: Folder,
    /// The certificate of the front proxy, and its key.
    proxy: (PathBuf, PathBuf),
}

impl Scene {
    /// With a pod `web-0` that has 12 requests and 20 jobs, in a namespace of its own.
    pub(crate) async fn new(namespace: &'static str) -> Self {
        let plane = ControlPlane::shared().await;
        let web = Workload::deployment(&plane.admin(), namespace, "web", 1).await;
        let traffic = Traffic::start().await;
        for (series, value) in [("requests", 12.0), ("jobs", 20.0)] {
            traffic.set(&format!("{series}{{namespace=\"{namespace}\",pod=\"web-0\"}}"), value);
        }
        traffic.set(&format!("queue_depth{{namespace=\"{namespace}\",queue=\"q\"}}"), 5.0);
        let prometheus = Prometheus::scraping(&traffic.url()).await;
        prometheus.wait_for(&format!("requests{{namespace=\"{namespace}\"}}")).await;
        let theirs = PrometheusAdapter::start(plane, RULES, &prometheus.url()).await;
        let adapter = Adapter::new(plane, namespace, &["pods"]).await;
        let folder = Folder::plain();
        let proxy = (folder.path("proxy.crt"), folder.path("proxy.key"));
        plane.authorities().aggregator().write(&proxy.0, &proxy.1);
        let scene =
            Self { plane, namespace, web, traffic, prometheus, theirs, adapter, folder, proxy };
        eventually("the metric of prometheus-adapter", TIMEOUT, async || {
            let answer = scene.theirs.get(&scene.requests()).await;
            let good = answer.is_success() && !answer.items().is_empty();
            if good { Ok(()) } else { Err(format!("{answer:#?}")) }
        })
        .await;
        scene
    }

    /// The path of the metric that prometheus-adapter has.
    pub(crate) fn requests(&self) -> String {
        paths::pods(self.namespace, "requests")
    }

    /// The path of the metric that Leadsman has.
    pub(crate) fn jobs(&self) -> String {
        paths::pods(self.namespace, "jobs")
    }

    /// A configuration with the metric `jobs` and no delegates.
    pub(crate) fn alone(&self) -> Config {
        let jobs = Mapping::pods("jobs").query("q", r#"jobs{namespace="${namespace}"}"#);
        Config::new().prometheus("prometheus", &self.prometheus.url()).mapping(jobs)
    }

    /// The same, and prometheus-adapter as the delegate for the rest, which is told who asks as `auth`
    /// says, the inside of a flow mapping.
    pub(crate) fn config_with(&self, auth: &str) -> Config {
        self.alone().set(
            "delegates",
            &format!(
                "[{{name: prometheus-adapter, url: '{}', insecureSkipTLSVerify: true, \
                 auth: {{{auth}}}, apis: [custom, external], listEvery: 1s}}]",
                self.theirs.url()
            ),
        )
    }

    /// The usual way: as a front proxy.
    pub(crate) fn config(&self) -> Config {
        let (certificate, key) = &self.proxy;
        self.config_with(&format!("frontProxy: {{certFile: {certificate:?}, keyFile: {key:?}}}"))
    }

    /// Starts Leadsman with a configuration that can be changed.
    pub(crate) async fn start(&mut self, config: &Config) -> Leadsman {
        self.folder.configure(config);
        let (certificate, key) = self.adapter.serving_certificate("tls", self.adapter.authority());
        let [certificate, key] = [&certificate, &key].map(|path| path.to_str().expect("UTF-8"));
        let arguments = ["--tls-cert-file", certificate, "--tls-private-key-file", key];
        self.adapter.start_file(&self.folder.config(), &arguments).await
    }

    /// Reads a path through kube-apiserver, with all rights.
    pub(crate) async fn read(&self, path: &str) -> Answer {
        self.plane.admin().read(path).await
    }

    /// A user with all rights, for continuous reads.
    pub(crate) fn root(&self) -> HttpClient {
        HttpClient::with_certificate(self.plane.authorities().admin())
    }

    /// Waits until a metric of `web-0` has this value through kube-apiserver.
    pub(crate) async fn wait_value(&self, path: &str, value: &str) {
        eventually(&format!("{value} at {path}"), TIMEOUT, async || {
            let answer = self.read(path).await;
            if answer.status != 200 {
                return Err(format!("{answer:#?}"));
            }
            let values = answer.values();
            let found = values.get("web-0").map(String::as_str);
            if found == Some(value) { Ok(()) } else { Err(format!("{values:?}")) }
        })
        .await;
    }
}
