//! The page: its files, its events, and what a person sees of it in a real browser.

mod activation;
mod browser;
mod candidates;
mod demo;
mod events;
mod files;
mod sections;
mod sources;
mod states;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use leadsman_tests::{Config, Leadsman, Mapping, Reply, Upstream, paths};

/// The names of mappings whose source answers, and of those whose source does not.
const GOOD: [&str; 5] = [
    "http_requests_per_second",
    "queue_length",
    "connections",
    "nginx_vts_upstream_request_seconds_p99:by_host:rate5m_for_the_checkout_and_the_catalogue",
    "saturation",
];
const BROKEN: [&str; 3] = [
    "broken_requests_per_second_by_route_and_status_code_of_the_checkout_frontend",
    "broken_latency",
    "broken_depth",
];

/// What the source says of a query that fails.
const WHY: &str = "parse error: unexpected character";

/// An adapter whose source fails for some of its mappings, until it is repaired.
struct Site {
    leadsman: Leadsman,
    upstream: Upstream,
    repaired: Arc<AtomicBool>,
}

impl Site {
    /// With the mappings of [`GOOD`] and [`BROKEN`], each of them read once.
    async fn new() -> Self {
        let names: Vec<_> = GOOD.iter().chain(&BROKEN).map(|&name| name.to_owned()).collect();
        Self::with(&names).await
    }

    /// With one mapping, which works.
    async fn small() -> Self {
        Self::with(&[GOOD[0].to_owned()]).await
    }

    /// With mappings of these names, each of them read once. Those that contain `broken` fail.
    async fn with(names: &[String]) -> Self {
        let upstream = Upstream::start(Reply::pods(&[])).await;
        let repaired = Arc::new(AtomicBool::new(false));
        let works = repaired.clone();
        upstream.reply_with(move |request| {
            if request.promql().contains("broken") && !works.load(Ordering::SeqCst) {
                let body =
                    serde_json::json!({"status": "error", "errorType": "bad_data", "error": WHY});
                return Reply::json(422, &body);
            }
            Reply::pods(&[("web-0", "1013.4"), ("web-1", "12")])
        });
        let config = names.iter().fold(Config::shop(&upstream.url()), |config, name| {
            // What is known is kept for as long as a browser may take to start on a busy machine.
            let mapping = Mapping::pods(name).query("rate", &query(name));
            config.mapping(mapping.set("onError", "{lastGood: 30m}"))
        });
        let leadsman = Leadsman::start(config).await;
        let site = Self { leadsman, upstream, repaired };
        site.read(names).await;
        site
    }

    async fn read(&self, names: &[String]) {
        for name in names {
            self.leadsman.get(&paths::pods("shop", name)).await;
        }
    }

    /// The source answers from now on, and what failed is read again.
    async fn repair(&self) {
        self.repaired.store(true, Ordering::SeqCst);
        for name in BROKEN {
            // A failure is told for a second.
            leadsman_tests::eventually("a value", std::time::Duration::from_secs(20), async || {
                let answer = self.leadsman.get(&paths::pods("shop", name)).await;
                if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}")) }
            })
            .await;
        }
    }
}

fn query(name: &str) -> String {
    let series = name.replace(':', "_");
    format!(r#"sum by (namespace, pod) (rate({series}{{namespace="${{namespace}}"}}[2m]))"#)
}
