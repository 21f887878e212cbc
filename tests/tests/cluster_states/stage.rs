//! The parts of the test: Leadsman with the users' mappings, in front of a Prometheus whose queries can be
//! refused.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use leadsman_tests::cluster::{Adapter, ApiClient, ControlPlane, Registration, Trust};
use leadsman_tests::{
    Config, Example, Leadsman, Mapping, Prometheus, Recorder, Traffic, eventually,
};

pub(crate) const VERNEMQ: Example = Example::new("vernemq");
pub(crate) const GO_COUNTER: Example = Example::new("go-counter");
pub(crate) const NGINX_INGRESS: Example = Example::new("nginx-ingress");

/// Values fresh enough for an HPA that syncs each two seconds.
const FRESH: (&str, &str) = ("maxAge", "1s");
const OFTEN: (&str, &str) = ("refreshAtMostEvery", "1s");
/// A read that is late on a busy machine waits.
const PATIENT: (&str, &str) = ("deadline", "10s");

/// How long last good values are served: longer than the test takes.
const LAST_GOOD: &str = "{lastGood: 10m}";

const SCRAPE_TIMEOUT: Duration = Duration::from_secs(60);

/// Leadsman between a Prometheus and the control plane.
pub(crate) struct Stage {
    pub(crate) admin: ApiClient,
    traffic: Traffic,
    /// The counters whose rates must be known.
    rates: AtomicUsize,
    // Fields are dropped in this order.
    _leadsman: Leadsman,
    queries: Recorder,
    prometheus: Prometheus,
    _registration: Registration<'static>,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        let plane = ControlPlane::shared().await;
        let traffic = Traffic::start().await;
        let prometheus = Prometheus::scraping(&traffic.url()).await;
        let queries = Recorder::before(&prometheus.url()).await;
        let adapter = Adapter::new(plane, "metrics", &["pods", "services"]).await;
        let arguments = ["--service", "metrics/leadsman"];
        let leadsman = adapter.start_with(config(&queries.url()), &arguments).await;
        let registration = adapter.register(leadsman.api().port(), Trust::Injected).await;
        Self {
            admin: plane.admin(),
            traffic,
            rates: AtomicUsize::new(0),
            _leadsman: leadsman,
            queries,
            prometheus,
            _registration: registration,
        }
    }

    /// Sets a series.
    pub(crate) fn set(&self, series: &str, value: f64) {
        self.traffic.set(series, value);
    }

    /// Adds a counter with this rate, per second.
    pub(crate) fn count(&self, series: &str, per_second: f64) {
        self.rates.fetch_add(1, Ordering::Relaxed);
        self.traffic.set_rate(series, per_second);
    }

    /// Waits until Prometheus knows the rates of all counters, so that no autoscaler sees fewer of them.
    pub(crate) async fn wait_scraped(&self) {
        let query = "count(irate(mqtt_publish_received[1m])) \
                     + count(irate(nginx_ingress_controller_requests[3m]))";
        let expected = self.rates.load(Ordering::Relaxed).to_string();
        eventually("the rates of all counters", SCRAPE_TIMEOUT, async || {
            let found = self.prometheus.query(query).await;
            let count = found.first().and_then(|item| item["value"][1].as_str());
            if count == Some(expected.as_str()) {
                Ok(())
            } else {
                Err(format!("{count:?} of {expected}"))
            }
        })
        .await;
    }

    /// From now on, Prometheus refuses queries for a namespace.
    pub(crate) fn refuse(&self, namespace: &str) {
        self.queries.refuse(&format!(r#"namespace="{namespace}""#));
    }
}

/// The users' mappings, and those of further metrics that some states need.
fn config(prometheus: &str) -> String {
    let in_namespace = |series: &str| format!(r#"{series}{{namespace="${{namespace}}"}}"#);
    let connections = in_namespace("avi_l4_server_avg_open_conns");
    let mappings = [
        // With the labels that a ServiceMonitor gives to what it scrapes of a Service.
        Mapping::custom("avi_l4_server_avg_open_conns", "services")
            .query("conns", &format!("sum by (namespace, service) ({connections})"))
            .plugin("per-object", "object: service")
            .set("onError", LAST_GOOD),
        Mapping::pods("published").query("q", &in_namespace("published")),
        // As many series for a pod as it has containers.
        Mapping::pods("noisy").query("q", &in_namespace("noisy")),
    ];
    let config = Config::new().prometheus("prometheus", prometheus);
    let config = mappings.into_iter().fold(config, |config, mapping| {
        let settings = [FRESH, OFTEN, PATIENT];
        config.mapping(settings.iter().fold(mapping, |mapping, (k, v)| mapping.set(k, v)))
    });
    let go = GO_COUNTER.mappings_with(&[FRESH, OFTEN, PATIENT, ("onError", LAST_GOOD)]);
    let others = [VERNEMQ, NGINX_INGRESS].map(|example| {
        let mappings = example.mappings_with(&[FRESH, OFTEN, PATIENT]);
        let longer = mappings.replace("{lastGood: 2m}", LAST_GOOD);
        assert_ne!(longer, mappings, "{example:?} serves last good values for another time");
        longer
    });
    format!("{config}{go}{}", others.concat())
}
