//! Leadsman in the control plane, with a Prometheus and an application behind it.

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::runtime::{Builder, Runtime};

use super::adapter::Adapter;
use super::control_plane::ControlPlane;
use super::registration::{Registration, Trust};
use crate::leadsman::Leadsman;
use crate::prometheus::Prometheus;
use crate::traffic::Traffic;

/// All of it, registered for the metrics APIs. Tests that run at the same time share one, which
/// ends with the last of them.
pub struct Stage {
    /// The application.
    pub traffic: Traffic,
    // In the order in which they are stopped.
    _leadsman: Leadsman,
    _prometheus: Prometheus,
    _registration: Registration<'static>,
    _runtime: Background,
}

/// A runtime of its own: tasks on a test's runtime would end with that test.
struct Background(Option<Runtime>);

static SHARED: Mutex<Weak<Stage>> = Mutex::new(Weak::new());

const NAMESPACE: &str = "metrics";

impl Stage {
    /// The shared one. The first caller starts it, with a configuration for the URL of the
    /// Prometheus, and with the right to watch these resources.
    ///
    /// # Panics
    /// If something does not start.
    pub fn shared<C: Display>(config: fn(&str) -> C, resources: &[&str]) -> Arc<Self> {
        Self::once(|url| (config(url).to_string(), Vec::new()), resources)
    }

    /// The shared one with a file of prometheus-adapter, which does not name the Prometheus.
    ///
    /// # Panics
    /// If something does not start.
    pub fn of_rules(rules: &str, resources: &[&str]) -> Arc<Self> {
        let flags = |url: &str| {
            ["--prometheus-url", url, "--metrics-relist-interval", "1s"].map(str::to_owned).to_vec()
        };
        Self::once(|url| (rules.to_owned(), flags(url)), resources)
    }

    /// `tell` returns the configuration and the arguments for the URL of the Prometheus.
    fn once(
        tell: impl FnOnce(&str) -> (String, Vec<String>) + Send,
        resources: &[&str],
    ) -> Arc<Self> {
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            // On its own thread, as the test's thread is inside a runtime.
            let stage = std::thread::scope(|scope| {
                let started = scope.spawn(|| Self::start(tell, resources)).join();
                started.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            let stage = Arc::new(stage);
            *shared = Arc::downgrade(&stage);
            stage
        })
    }

    fn start(tell: impl FnOnce(&str) -> (String, Vec<String>), resources: &[&str]) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let (traffic, prometheus, leadsman, registration) = runtime.block_on(async {
            let plane = ControlPlane::shared().await;
            let traffic = Traffic::start().await;
            let prometheus = Prometheus::scraping(&traffic.url()).await;
            let adapter = Adapter::new(plane, NAMESPACE, resources).await;
            let service = format!("{NAMESPACE}/leadsman");
            let (config, more) = tell(&prometheus.url());
            let more = more.iter().map(String::as_str);
            let arguments: Vec<_> = ["--service", &service].into_iter().chain(more).collect();
            let leadsman = adapter.start_with(config, &arguments).await;
            let registration = adapter.register(leadsman.api().port(), Trust::Told).await;
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
            // The last test's runtime must not wait for it.
            runtime.shutdown_background();
        }
    }
}
