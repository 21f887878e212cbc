//! Reads while a Prometheus fails get an error soon that names the mapping, the query and the
//! cause; other mappings are not affected.

mod answers;
mod connections;
mod last_good;
mod samples;

use std::time::Duration;

use leadsman_tests::{
    Answer, Config, Failure, Leadsman, Mapping, Reply, Upstream, eventually, paths,
};

const METRIC: &str = "checkout_rate";
const QUERY: &str = "per_pod";
const SOON: Duration = Duration::from_secs(2);

fn good() -> Reply {
    Reply::pods(&[("web-0", "1"), ("web-1", "2")])
}

fn mapping() -> Mapping {
    Mapping::pods(METRIC).query(QUERY, r#"rate(checkouts{namespace="${namespace}"}[2m])"#)
}

/// A mapping with a faulty source, beside one with a good source.
struct Scene {
    leadsman: Leadsman,
    faulty: Upstream,
    _healthy: Upstream,
}

impl Scene {
    async fn new(fault: Reply) -> Self {
        Self::with(fault, mapping(), "").await
    }

    /// `settings` are further settings of the faulty source.
    async fn with(fault: Reply, mapping: Mapping, settings: &str) -> Self {
        let faulty = Upstream::start(fault).await;
        let healthy = Upstream::start(good()).await;
        let config = Config::new()
            .source("prometheus", &format!("url: {}{settings}", faulty.url()))
            .prometheus("healthy", &healthy.url())
            .mapping(mapping)
            .mapping(Mapping::pods("orders").query_from(
                "healthy",
                "q",
                "orders{namespace=\"${namespace}\"}",
            ))
            .pods("shop", &["web-0", "web-1"]);
        let leadsman = Leadsman::start(config).await;
        Self { leadsman, faulty, _healthy: healthy }
    }

    async fn read(&self) -> Answer {
        self.leadsman.get(&paths::pods("shop", METRIC)).await
    }

    /// The failure of a read. Asserts that other mappings are not affected.
    async fn failure(&self) -> Failure {
        let answer = self.read().await;
        let failure = answer.failure();
        assert!(failure.code >= 500, "{failure:?}");
        assert!(failure.took < SOON, "{failure:?}");
        // With `Retry-After` a client would block a worker of the HPA controller while it waits.
        assert!(["", "1"].contains(&answer.header("retry-after")), "{answer:#?}");
        let beside = self.leadsman.get(&paths::pods("shop", "orders")).await;
        assert_eq!(beside.values().len(), 2);
        assert!(beside.took < SOON, "{beside:#?}");
        failure
    }

    /// The same. Asserts that the mapping works again as soon as the source does.
    async fn fails_and_recovers(self, texts: &[&str]) {
        self.failure().await.assert_contains(&[METRIC, QUERY]).assert_contains(texts);
        self.faulty.set_reply(good());
        self.recovers().await;
    }

    async fn recovers(&self) {
        eventually("a value again", Duration::from_secs(10), async || {
            let answer = self.read().await;
            if answer.status == 200 { Ok(()) } else { Err(format!("{answer:#?}")) }
        })
        .await;
        assert_eq!(self.read().await.values().len(), 2);
    }
}
