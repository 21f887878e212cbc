//! Resource metrics in a cluster: kubectl top, autoscalers on cpu and memory, and ownership of the
//! API.

mod autoscalers;
mod registration;
mod top;

use std::time::Duration;

use leadsman_tests::cluster::{
    Adapter, ApiClient, ControlPlane, RESOURCE_METRICS_API_SERVICE, Registration, Trust,
};
use leadsman_tests::rules::resource_metrics_rules;
use leadsman_tests::{Config, Leadsman, Prometheus, Traffic, eventually};

pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// Leadsman in the place of metrics-server, with a Prometheus behind it.
pub(crate) struct Site {
    pub(crate) plane: &'static ControlPlane,
    pub(crate) admin: ApiClient,
    pub(crate) traffic: Traffic,
    pub(crate) registration: Registration<'static>,
    pub(crate) leadsman: Leadsman,
    pub(crate) config: Config,
    _prometheus: Prometheus,
    _adapter: Adapter<'static>,
}

impl Site {
    /// An adapter that writes its own authority into the APIServices.
    pub(crate) async fn new(namespace: &str) -> Self {
        let plane = ControlPlane::shared().await;
        let traffic = Traffic::start().await;
        let prometheus = Prometheus::scraping(&traffic.url()).await;
        let config = config(&prometheus.url());
        let adapter = Adapter::new(plane, namespace, &["pods", "nodes"]).await;
        let service = format!("{namespace}/leadsman");
        let leadsman = adapter.start_with(&config, &["--service", &service]).await;
        let port = leadsman.api().port();
        let registration = adapter.register(port, Trust::Injected).await;
        registration.route_api_to(RESOURCE_METRICS_API_SERVICE, port, Trust::Injected).await;
        registration.wait_one_available(RESOURCE_METRICS_API_SERVICE).await;
        // It is available before it is trusted.
        eventually("a trusted API", TIMEOUT, async || {
            let trusted = registration.authority(RESOURCE_METRICS_API_SERVICE).await;
            trusted.map(drop).ok_or_else(|| "nobody is trusted".to_owned())
        })
        .await;
        Self {
            plane,
            admin: plane.admin(),
            traffic,
            registration,
            leadsman,
            config,
            _prometheus: prometheus,
            _adapter: adapter,
        }
    }

    /// Sets the cores and mebibytes that a container uses, `namespace/pod/container`.
    pub(crate) fn uses(&self, of: &str, cores: f64, mebibytes: impl Into<Option<f64>>) {
        let [namespace, pod, container] = of.split('/').collect::<Vec<_>>()[..] else {
            panic!("{of}")
        };
        let labels = format!(r#"namespace="{namespace}",pod="{pod}",container="{container}""#);
        self.traffic.set(&format!("cores{{{labels}}}"), cores);
        if let Some(mebibytes) = mebibytes.into() {
            self.traffic.set(&format!("bytes{{{labels}}}"), mebibytes * 1_048_576.0);
        }
    }

    /// Removes the APIs: no namespace can be deleted while the aggregator has one without a server.
    pub(crate) async fn remove(self) {
        self.registration.remove_one(RESOURCE_METRICS_API_SERVICE).await;
        self.registration.remove().await;
    }
}

fn config(prometheus: &str) -> Config {
    Config::new()
        .prometheus("prometheus", prometheus)
        .set("resourceRules", &resource_metrics_rules("1m").to_string())
}
