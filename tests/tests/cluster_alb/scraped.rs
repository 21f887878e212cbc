//! Pods that are scraped: what their counters grew by in the last seconds scales their deployment.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use leadsman_tests::cluster::{ApiClient, Hpa, Metric, Workload};
use leadsman_tests::{Config, Leadsman, Mapping, Reply, Request, Upstream};

const NAMESPACE: &str = "scraped";
const METRIC: &str = "requests_per_second";

/// An application whose pods all have the same port, each at its own address.
pub(crate) struct App {
    server: Upstream,
    counter: Arc<Mutex<Counter>>,
}

/// A counter that grows by so much a second.
struct Counter {
    since: Instant,
    value: f64,
    rate: f64,
}

impl Counter {
    fn now(&self) -> f64 {
        self.value + self.rate * self.since.elapsed().as_secs_f64()
    }
}

impl App {
    pub(crate) async fn start() -> Self {
        let counter =
            Arc::new(Mutex::new(Counter { since: Instant::now(), value: 0.0, rate: 0.0 }));
        let server = Upstream::start_everywhere(Reply::new(404, "text/plain", "no page")).await;
        let served = counter.clone();
        server.reply_with(move |request| page(request, &served));
        Self { server, counter }
    }

    /// All requests together, which the first pod gets.
    fn set_rate(&self, rate: f64) {
        let mut counter = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
        *counter = Counter { since: Instant::now(), value: counter.now(), rate };
    }

    /// Adds the source and its mapping.
    pub(crate) fn add_to(&self, config: Config) -> Config {
        let pods = format!(
            "namespace: {NAMESPACE}, selector: app=web, port: {}, path: /app/metrics",
            self.server.port()
        );
        let asked =
            "metric: http_requests_total, matches: {code: '2..'}, function: rate, over: 10s";
        let mapping = Mapping::custom(METRIC, "pods")
            .exposition_query("pods", "rate", asked)
            .plugin("per-object", "object: pod, combine: sum")
            .set("maxAge", "1s")
            .set("refreshAtMostEvery", "1s");
        let source = format!("exposition: {{pods: {{{pods}}}, scrapeAtMostEvery: 1s}}");
        config.source_of("pods", &source).mapping(mapping)
    }

    pub(crate) async fn scales_its_deployment(&self, admin: &ApiClient, leadsman: &Leadsman) {
        self.set_rate(30.0);
        let workload = Workload::deployment(admin, NAMESPACE, "web", 1).await;
        let hpa = Hpa::create(admin, &workload, 1..=5, &[Metric::pods(METRIC, "10")]).await;
        hpa.wait_desired(3).await;
        // The pods that came are scraped, too, at their own addresses.
        let hosts = self.server.requests().into_iter();
        let hosts: Vec<_> =
            hosts.filter_map(|request| request.header("host").map(str::to_owned)).collect();
        for address in ["127.0.1.1:", "127.0.1.2:", "127.0.1.3:"] {
            assert!(hosts.iter().any(|host| host.starts_with(address)), "{address} {hosts:?}");
        }
        let status = leadsman.status().await.to_string();
        assert!(status.contains("pods with app=web in namespace scraped"), "{status}");
        self.set_rate(0.0);
        hpa.wait_desired(1).await;
    }
}

/// What a pod exposes: the first all requests, the others none.
fn page(request: &Request, counter: &Mutex<Counter>) -> Reply {
    if request.path != "/app/metrics" {
        return Reply::new(404, "text/plain", "no page");
    }
    let counter = counter.lock().unwrap_or_else(PoisonError::into_inner).now();
    let is_first = request.header("host").is_some_and(|host| host.starts_with("127.0.1.1:"));
    let value = if is_first { counter } else { 0.0 };
    let text = format!(
        "# TYPE http_requests_total counter\nhttp_requests_total{{code=\"200\",path=\"/a\"}} {value}\n\
         http_requests_total{{code=\"201\",path=\"/b\"}} 1\nhttp_requests_total{{code=\"500\"}} 9\n"
    );
    Reply::new(200, "text/plain; version=0.0.4", text)
}
