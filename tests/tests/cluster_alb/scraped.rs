//! Pods that are scraped: what their counters grew by in the last seconds scales their deployment, and
//! is what a Prometheus makes of the same pods.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use leadsman_tests::cluster::{ApiClient, Hpa, Metric, Workload};
use leadsman_tests::{
    Config, Leadsman, Mapping, Prometheus, Reply, Request, Upstream, eventually, parse_quantity,
    paths,
};

const NAMESPACE: &str = "scraped";
const METRIC: &str = "requests_per_second";

/// How many pods have a counter of their own.
const PODS: usize = 3;

/// How far a rate may be from what it is compared with.
const TOLERANCE: f64 = 0.1;

/// How long it may take until the windows have nothing of before.
const WINDOW_TIMEOUT: Duration = Duration::from_secs(60);

/// An application whose pods all have the same port, each at its own address.
pub(crate) struct App {
    server: Upstream,
    counters: Arc<Counters>,
}

type Counters = Mutex<[Counter; PODS]>;

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
        let counter = |_| Counter { since: Instant::now(), value: 0.0, rate: 0.0 };
        let counters = Arc::new(Mutex::new(std::array::from_fn(counter)));
        let server = Upstream::start_everywhere(Reply::new(404, "text/plain", "no page")).await;
        let served = counters.clone();
        server.reply_with(move |request| page(request, &served));
        Self { server, counters }
    }

    /// How many requests each pod gets.
    fn set_rates(&self, rates: [f64; PODS]) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        for (counter, rate) in counters.iter_mut().zip(rates) {
            *counter = Counter { since: Instant::now(), value: counter.now(), rate };
        }
    }

    /// Adds the source and its mapping. The port is known by its name in the pods.
    pub(crate) fn add_to(&self, config: Config) -> Config {
        let pods =
            format!("namespace: {NAMESPACE}, selector: app=web, port: metrics, path: /app/metrics");
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

    /// The entry of a Prometheus' `scrape_configs` for the same pods, given as a flow mapping.
    pub(crate) fn scrape_job(&self) -> String {
        let target = |number| {
            let address = format!("{}{}", address_of(number), self.server.port());
            format!("{{targets: ['{address}'], labels: {{pod: web-{number}}}}}")
        };
        let targets: Vec<_> = (0..PODS).map(target).collect();
        let targets = targets.join(", ");
        format!("{{job_name: app, metrics_path: /app/metrics, static_configs: [{targets}]}}")
    }

    pub(crate) async fn scales_its_deployment(
        &self,
        admin: &ApiClient,
        leadsman: &Leadsman,
        prometheus: &Prometheus,
    ) {
        self.set_rates([30.0, 0.0, 0.0]);
        let workload = Workload::deployment(admin, NAMESPACE, "web", 0).await;
        let workload = workload.with_port("metrics", self.server.port());
        workload.scale(1).await;
        workload.reconcile().await;
        let hpa = Hpa::create(admin, &workload, 1..=5, &[Metric::pods(METRIC, "10")]).await;
        hpa.wait_desired(3).await;
        // The pods that came are scraped, too, at their own addresses.
        let is_of_adapter = |request: &Request| {
            request.header("user-agent").is_some_and(|agent| agent.starts_with("leadsman/"))
        };
        let requests = self.server.requests().into_iter().filter(is_of_adapter);
        let hosts: Vec<_> =
            requests.filter_map(|request| request.header("host").map(str::to_owned)).collect();
        for address in (0..PODS).map(address_of) {
            assert!(hosts.iter().any(|host| host.starts_with(&address)), "{address} {hosts:?}");
        }
        let status = leadsman.status().await.to_string();
        assert!(status.contains("pods with app=web in namespace scraped"), "{status}");
        self.agrees_with(prometheus, admin).await;
        self.set_rates([0.0; PODS]);
        hpa.wait_desired(1).await;
    }

    /// Each pod has the rate that it has for a Prometheus, which is the one that is so.
    async fn agrees_with(&self, prometheus: &Prometheus, admin: &ApiClient) {
        // As many as before in all, so that the number of pods stays.
        let rates = [15.0, 10.0, 5.0];
        self.set_rates(rates);
        let path = paths::pods(NAMESPACE, METRIC);
        let query = "sum by (pod) (rate(http_requests_total{job=\"app\",code=~\"2..\"}[10s]))";
        let is_near = |a: f64, b: f64| (a - b).abs() <= TOLERANCE * b.abs();
        eventually("the rates of a Prometheus", WINDOW_TIMEOUT, async || {
            let answer = admin.try_read(&path).await?;
            let of_prometheus = prometheus.query(query).await;
            if answer.status != 200 {
                return Err(format!("{answer:#?}"));
            }
            let values = answer.values();
            for (number, rate) in rates.into_iter().enumerate() {
                let pod = format!("web-{number}");
                let ours = values.get(&pod).ok_or_else(|| format!("{answer:#?}"))?;
                let ours = parse_quantity(ours);
                let theirs = of_prometheus.iter().find(|item| item["metric"]["pod"] == pod);
                let theirs = theirs.and_then(|item| item["value"][1].as_str()?.parse::<f64>().ok());
                let theirs = theirs.ok_or("Prometheus has no value yet")?;
                if !is_near(theirs, rate) || !is_near(ours, theirs) {
                    return Err(format!("{pod}: {rate} in truth, {ours} here, {theirs} there"));
                }
            }
            Ok(())
        })
        .await;
    }
}

/// How the address of a pod begins, up to its port.
fn address_of(number: usize) -> String {
    format!("127.0.1.{}:", number + 1)
}

/// What a pod exposes: its own counter, and what nobody asks for.
fn page(request: &Request, counters: &Counters) -> Reply {
    if request.path != "/app/metrics" {
        return Reply::new(404, "text/plain", "no page");
    }
    let host = request.header("host").unwrap_or_default();
    let counters = counters.lock().unwrap_or_else(PoisonError::into_inner);
    let mut of_pods = counters.iter().enumerate();
    let of_pod = of_pods.find(|(number, _)| host.starts_with(&address_of(*number)));
    let value = of_pod.map_or(0.0, |(_, counter)| counter.now());
    let text = format!(
        "# TYPE http_requests_total counter\nhttp_requests_total{{code=\"200\",path=\"/a\"}} {value}\n\
         http_requests_total{{code=\"201\",path=\"/b\"}} 1\nhttp_requests_total{{code=\"500\"}} 9\n"
    );
    Reply::new(200, "text/plain; version=0.0.4", text)
}
