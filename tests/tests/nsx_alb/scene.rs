//! A controller, and an adapter that asks it.

use std::time::Duration;

use tokio::time::Instant;

use leadsman_tests::{Alb, Answer, Config, Failure, Leadsman, Mapping, Pool, eventually, paths};

/// The pool and the metric of a user.
pub(crate) const POOL: &str =
    "k8s-03-cluster--kuard.nsx.rockhomelab.org_-routing-ns1-kuard-ingress";
pub(crate) const ID: &str = "l4_server.avg_open_conns";
pub(crate) const METRIC: &str = "avi_l4_server_avg_open_conns";

/// The same with the last good value while the controller fails.
const HELD: &str = "held";

/// How long something may take that needs the next sample.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// A controller with the user's pool, and an adapter that serves it for the Service `avilb`.
pub(crate) struct Scene {
    pub(crate) alb: Alb,
    pub(crate) leadsman: Leadsman,
}

impl Scene {
    /// With further settings of the source, each with a comma before it.
    pub(crate) async fn with(settings: &str) -> Self {
        let alb = Alb::start(&[pool()]).await;
        let leadsman = Leadsman::start(config(&alb.source_with(settings))).await;
        Self { alb, leadsman }
    }

    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    pub(crate) async fn read(&self) -> Answer {
        self.leadsman.get(&path()).await
    }

    /// Waits until this value is read.
    pub(crate) async fn becomes(&self, value: &str) {
        eventually(&format!("the value {value}"), SOON, async || {
            let answer = self.read().await;
            match answer.status {
                200 if answer.value() == value => Ok(()),
                _ => Err(format!("{answer:#?}\n{}", self.leadsman.log())),
            }
        })
        .await;
    }

    /// Has the value change twice, and asserts that there was one call of this kind at the beginning and
    /// one in each step of 5 s.
    pub(crate) async fn follows_in_its_step(&self, call: &str) {
        self.becomes("1013400m").await;
        let begun = Instant::now();
        for value in [2.0, 3.0] {
            self.alb.set(POOL, ID, value);
            self.becomes(&format!("{value}")).await;
        }
        let most = begun.elapsed().as_secs() / 5 + 2;
        let calls = self.alb.count("/api/analytics") as u64;
        assert!(calls <= most, "{calls} calls in {:?}", begun.elapsed());
        let labels = [("source", "lb"), ("call", call), ("outcome", "ok")];
        let counted = self.leadsman.metric("leadsman_source_calls_total", &labels).await;
        assert!(counted >= Some(3.0), "{counted:?}");
    }

    /// Asserts that a value is absent while the controller has none, and there again afterwards.
    pub(crate) async fn gaps_are_absence(&self) {
        self.alb.leave_gaps(true);
        let failure = self.read().await.failure();
        assert_eq!(failure.code, 404, "{failure:?}");
        self.alb.leave_gaps(false);
        self.becomes("1013400m").await;
    }

    /// Asserts the value of the mapping that serves the last good one while the controller fails.
    pub(crate) async fn holds(&self, value: &str) -> Answer {
        let answer = self.leadsman.get(&paths::object("routing-ns1", "services/avilb", HELD)).await;
        assert_eq!(answer.value(), value, "{answer:#?}");
        answer
    }

    /// Waits until its `Warning` has the age of the value and these reasons; the value is served all the
    /// time.
    pub(crate) async fn holds_because(&self, value: &str, reasons: &[&str]) {
        eventually(&format!("a warning with {reasons:?}"), SOON, async || {
            self.holds(value).await.tells_age(HELD, reasons)
        })
        .await;
    }

    /// Waits until reads fail for these reasons.
    pub(crate) async fn fails(&self, texts: &[&str]) -> Failure {
        self.leadsman.wait_failure(&path(), texts).await
    }
}

pub(crate) fn pool() -> Pool {
    Pool::new("pool-4d74", POOL).with(ID, 1013.4)
}

/// The mapping that names the pool by hand.
pub(crate) fn by_name() -> Mapping {
    named(METRIC)
}

fn named(metric: &str) -> Mapping {
    Mapping::custom(metric, "services")
        .alb_query("lb", "conns", &format!("entity: pool, name: '{POOL}', metric: {ID}"))
        .plugin("per-object", "object: {namespace: routing-ns1, name: avilb}, combine: sum")
        .set("deadline", "10s")
}

pub(crate) fn config(source: &str) -> Config {
    Config::new()
        .source_of("lb", source)
        .mapping(by_name())
        .mapping(named(HELD).set("onError", "{lastGood: 5m}"))
        .object("services", Some("routing-ns1"), "avilb", "")
}

/// Where the user's autoscaler reads.
pub(crate) fn path() -> String {
    paths::object("routing-ns1", "services/avilb", METRIC)
}

/// A mapping of what AKO made for the Ingresses of all namespaces.
pub(crate) fn of_ingresses(more: &str) -> Mapping {
    let asked = format!("entity: pool, ako: k8s-03-cluster, metric: {ID}{more}");
    Mapping::custom("connections", "ingresses.networking.k8s.io")
        .alb_query("lb", "conns", &asked)
        .plugin("per-object", "object: ingress, combine: sum")
        .set("deadline", "10s")
}

/// A pool of AKO for a path of an Ingress.
pub(crate) fn of_ingress(number: u32, namespace: &str, ingress: &str, value: f64) -> Pool {
    let markers = [("Namespace", namespace), ("IngressName", ingress), ("ServiceName", "web")];
    let (uuid, name) = (format!("pool-{number}"), format!("k8s-03-cluster--{number}"));
    Pool::of_ako(&uuid, &name, "k8s-03-cluster", &markers).with(ID, value)
}

/// An adapter with this source and this mapping of [`of_ingresses`] for the Ingress `web` of `shop`, and
/// where its value is read.
pub(crate) async fn serving_web(source: &str, mapping: Mapping) -> (Leadsman, String) {
    let config = Config::new().source_of("lb", source).mapping(mapping);
    let config = config.object("ingresses.networking.k8s.io", Some("shop"), "web", "");
    let path = paths::object("shop", "ingresses.networking.k8s.io/web", "connections");
    (Leadsman::start(config).await, path)
}

/// A text without what each run has of its own: durations and sizes, each with its unit.
pub(crate) fn masked(text: &str) -> String {
    text.lines().map(masked_line).collect::<Vec<_>>().join("\n")
}

fn masked_line(line: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for word in line.split(' ') {
        let core = word.trim_end_matches([',', ';']);
        let end = &word[core.len()..];
        let is_size = matches!(core, "B" | "kB" | "MB");
        match words.last_mut() {
            Some(last) if is_size && last.parse::<f64>().is_ok() => *last = format!("SIZE{end}"),
            _ if is_duration(core) => words.push(format!("TIME{end}")),
            _ => words.push(word.to_owned()),
        }
    }
    words.join(" ")
}

fn is_duration(word: &str) -> bool {
    let number = ["ns", "µs", "ms", "s"].iter().find_map(|unit| word.strip_suffix(unit));
    number.is_some_and(|number| number.parse::<f64>().is_ok())
}
