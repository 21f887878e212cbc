//! An application that exposes metrics, and an adapter that scrapes it.

use std::time::Duration;

use leadsman_tests::{
    Answer, Config, Failure, Leadsman, Mapping, Reply, Upstream, eventually, paths,
};

pub(crate) const METRIC: &str = "http_requests";

/// Its metric where the last good value is served.
const HELD: &str = "held";

/// How long something may take that needs the next scrape.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// An application, and an adapter that serves its metric `requests` for the pods of `shop`.
pub(crate) struct Scene {
    pub(crate) app: Upstream,
    pub(crate) leadsman: Leadsman,
}

impl Scene {
    /// With further settings of the source, each with a comma before it.
    pub(crate) async fn with(settings: &str) -> Self {
        let app = Upstream::start(good()).await;
        let config = config(&[&app.url()], settings, mapping()).mapping(held());
        let leadsman = Leadsman::start(config).await;
        Self { app, leadsman }
    }

    pub(crate) async fn read(&self) -> Answer {
        self.leadsman.get(&paths::pods("shop", METRIC)).await
    }

    /// Waits until this value is read for `web-0`.
    pub(crate) async fn becomes(&self, value: &str) {
        eventually(&format!("the value {value}"), SOON, async || {
            let answer = self.read().await;
            match answer.status {
                200 if answer.values().get("web-0").is_some_and(|known| known == value) => Ok(()),
                _ => Err(format!("{answer:#?}\n{}", self.leadsman.log())),
            }
        })
        .await;
    }

    /// Asserts the value for `web-0` of the mapping that serves the last good one.
    pub(crate) async fn holds(&self, value: &str) -> Answer {
        let answer = self.leadsman.get(&paths::pods("shop", HELD)).await;
        assert_eq!(answer.values().get("web-0").map(String::as_str), Some(value), "{answer:#?}");
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
        self.leadsman.wait_failure(&paths::pods("shop", METRIC), texts).await
    }
}

/// A page.
pub(crate) fn page(text: impl Into<String>) -> Reply {
    Reply::new(200, "text/plain; version=0.0.4", text)
}

/// A page whose `requests` are 5.
pub(crate) fn good() -> Reply {
    page("# TYPE requests gauge\nrequests{namespace=\"shop\",pod=\"web-0\"} 5\n")
}

/// A source of these addresses, read as often as it can be.
pub(crate) fn config(urls: &[&str], settings: &str, mapping: Mapping) -> Config {
    let urls: Vec<_> = urls.iter().map(|url| format!("'{url}/metrics'")).collect();
    let source = format!("urls: [{}], scrapeAtMostEvery: 1s{settings}", urls.join(", "));
    Config::new()
        .source_of("app", &format!("exposition: {{{source}}}"))
        .mapping(mapping)
        .pods("shop", &["web-0", "web-1"])
}

/// The mapping of `requests`.
pub(crate) fn mapping() -> Mapping {
    of("metric: requests")
}

/// A mapping of this query.
pub(crate) fn of(asked: &str) -> Mapping {
    named(METRIC, asked)
}

/// The same with the last good value while the application fails.
pub(crate) fn held() -> Mapping {
    named(HELD, "metric: requests").set("onError", "{lastGood: 5m}")
}

fn named(metric: &str, asked: &str) -> Mapping {
    Mapping::custom(metric, "pods")
        .exposition_query("app", "requests", asked)
        .plugin("per-object", "object: pod")
        .set("maxAge", "1s")
        .set("refreshAtMostEvery", "1s")
        .set("deadline", "10s")
}
