//! Leadsman in the control plane, with a Prometheus and an application as its source.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::runtime::{Builder, Runtime};

use super::adapter::Adapter;
use super::control_plane::ControlPlane;
use super::registration::{Registration, Trust};
use crate::leadsman::Leadsman;
use crate::prometheus::Prometheus;
use crate::traffic::Traffic;

/// An installation that is registered for the metrics APIs. Concurrent tests share one, which ends
/// with the last of them.
pub struct ClusterStack {
    /// The application.
    pub traffic: Traffic,
    // Fields are dropped in this order.
    _leadsman: Leadsman,
    _prometheus: Prometheus,
    _registration: Registration<'static>,
    _runtime: Background,
}

/// A separate runtime, since tasks on a test's runtime end with that test.
struct Background(Option<Runtime>);

static SHARED: Mutex<Weak<ClusterStack>> = Mutex::new(Weak::new());

const NAMESPACE: &str = "metrics";

impl ClusterStack {
    /// The shared stage. The first caller starts it, with a configuration for the URL of the
    /// Prometheus, and with the right to watch these resources.
    ///
    /// # Panics
    /// If a part does not start.
    pub fn shared<C: Display>(config: fn(&str) -> C, resources: &[&str]) -> Arc<Self> {
        Self::once(|url| (config(url).to_string(), Vec::new()), resources)
    }

    /// The shared stage with a file of prometheus-adapter, which does not name the Prometheus.
    ///
    /// # Panics
    /// If a part does not start.
    pub fn of_rules(rules: &str, resources: &[&str]) -> Arc<Self> {
        let flags = |url: &str| {
            ["--prometheus-url", url, "--metrics-relist-interval", "1s"].map(str::to_owned).to_vec()
        };
        Self::once(|url| (rules.to_owned(), flags(url)), resources)
    }

    /// `configure` returns the configuration and the arguments for the URL of the Prometheus.
    fn once(
        configure: impl FnOnce(&str) -> (String, Vec<String>) + Send,
        resources: &[&str],
    ) -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            // On a separate thread, since `block_on` panics within the runtime of the test.
            let stage = std::thread::scope(|scope| {
                let started = scope.spawn(|| Self::start(configure, resources)).join();
                started.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            let stage = Arc::new(stage);
            *shared = Arc::downgrade(&stage);
            stage
        })
    }

    fn start(configure: impl FnOnce(&str) -> (String, Vec<String>), resources: &[&str]) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (traffic, prometheus, leadsman, registration) = runtime.block_on(async {
            let plane = ControlPlane::shared().await;
            let traffic = Traffic::start().await;
            let prometheus = Prometheus::scraping(&traffic.url()).await;
            let adapter = Adapter::new(plane, NAMESPACE, resources).await;
            let service = format!("{NAMESPACE}/leadsman");
            let (config, more) = configure(&prometheus.url());
            let more = more.iter().map(String::as_str);
            let arguments: Vec<_> = ["--service", &service].into_iter().chain(more).collect();
            let leadsman = adapter.start_with(config, &arguments).await;
            let registration = adapter.register(leadsman.api().port(), Trust::Injected).await;
            (traffic, prometheus, leadsman, registration)
        });
        Self {
            traffic,
            _leadsman: leadsman,
            _prometheus: prometheus,
            _registration: registration,
            _runtime: Background(Some(runtime)),
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // The runtime of the last test must not block.
            runtime.shutdown_background();
        }
    }
}
