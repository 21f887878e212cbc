//! Reads while a Prometheus fails get an error soon that names the mapping, the query and the
//! cause; other mappings are not affected.

use std::time::Duration;

use leadsman_tests::{
    Answer, Config, Exporter, Failure, Leadsman, Mapping, Prometheus, Reply, Response, Upstream,
    eventually, paths,
};
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

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

#[tokio::test]
async fn a_refused_connection() {
    let mut scene = Scene::new(good()).await;
    scene.faulty.stop().await;
    scene.failure().await.assert_contains(&[METRIC, QUERY, "refused|connect"]);
    scene.faulty.restart().await;
    scene.recovers().await;
}

#[tokio::test]
async fn a_connection_without_an_answer() {
    let scene = Scene::new(Reply::NoReply).await;
    scene.fails_and_recovers(&["time|deadline|within|1s"]).await;
}

/// An address where no connection is ever made: what waits to be accepted there fills its queue.
async fn full() -> (TcpListener, Vec<TcpStream>) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let listener = socket.listen(1).expect("a listener");
    let address = listener.local_addr().expect("a bound address");
    let mut waiting = Vec::new();
    let enough = Duration::from_millis(500);
    while let Ok(connected) = timeout(enough, TcpStream::connect(address)).await {
        waiting.push(connected.expect("a connection"));
    }
    (listener, waiting)
}

#[tokio::test]
async fn a_connection_that_is_never_made() {
    let (listener, _waiting) = full().await;
    let url = format!("http://{}", listener.local_addr().expect("a bound address"));
    let config = Config::shop(&url).mapping(mapping().set("deadline", "10s"));
    let leadsman = Leadsman::start(config).await;
    let failure = leadsman.get(&paths::pods("shop", METRIC)).await.failure();
    assert_eq!(failure.code, 503, "{failure:?}");
    failure.assert_contains(&[METRIC, QUERY, "cannot be reached", "no connection within 3s"]);
    let reason = [("reason", "query_connect_timeout")];
    let counted = leadsman.metric("leadsman_evaluation_failures_total", &reason).await;
    assert_eq!(counted, Some(1.0));
}

#[tokio::test]
async fn a_deadline_does_not_hide_what_the_source_failed_with() {
    let upstream = Upstream::start(Reply::NoReply).await;
    let config = Config::new()
        .source("prometheus", &format!("url: {}, timeout: 400ms", upstream.url()))
        .mapping(mapping().set("deadline", "200ms"))
        .pods("shop", &["web-0"]);
    let leadsman = Leadsman::start(config).await;
    let failure = eventually("a deadline after a failure", Duration::from_secs(20), async || {
        let failure = leadsman.get(&paths::pods("shop", METRIC)).await.failure();
        let both = failure.code == 504 && failure.message.contains("failed");
        if both { Ok(failure) } else { Err(failure.message) }
    })
    .await;
    failure.assert_contains(&[METRIC, QUERY, "within 200ms", "did not answer within 400ms"]);
}

#[tokio::test]
async fn a_long_error_is_cut() {
    let error = json!({
        "status": "error",
        "errorType": "execution",
        "error": "found duplicate series: ".to_owned() + &r#"{pod="x"}, "#.repeat(100_000),
    });
    let scene = Scene::new(Reply::json(422, &error)).await;
    let failure = scene.failure().await;
    assert!(failure.message.len() < 1000, "{} bytes", failure.message.len());
    failure.assert_contains(&["found duplicate series"]);
}

#[tokio::test]
async fn an_error_page() {
    for status in [500, 502] {
        let page = format!("<html><body><h1>{status} Bad day</h1></body></html>");
        let scene = Scene::new(Reply::new(status, "text/html", page)).await;
        scene.fails_and_recovers(&[&status.to_string()]).await;
    }
}

#[tokio::test]
async fn a_refusal_in_plain_text() {
    let scene = Scene::new(Reply::new(403, "text/plain", "RBAC: access denied\n")).await;
    scene.fails_and_recovers(&["403", "RBAC: access denied"]).await;
}

#[tokio::test]
async fn an_error_that_prometheus_explains() {
    let error = json!({
        "status": "error",
        "errorType": "execution",
        "error": "query processing would load too many samples into memory",
    });
    let scene = Scene::new(Reply::json(422, &error)).await;
    scene.fails_and_recovers(&["422|execution", "too many samples"]).await;
}

#[tokio::test]
async fn a_truncated_answer() {
    let scene = Scene::new(good().halved()).await;
    scene.fails_and_recovers(&["json|truncated|ended|ends|end of file|eof|incomplete"]).await;
}

#[tokio::test]
async fn an_answer_whose_connection_breaks() {
    let scene = Scene::new(good().truncated_body()).await;
    let breaks = "connection|closed|ended|ends|end of file|incomplete|broke|body";
    scene.fails_and_recovers(&[breaks]).await;
}

#[tokio::test]
async fn an_endless_answer_is_limited() {
    let scene = Scene::new(Reply::Endless).await;
    scene.failure().await.assert_contains(&[METRIC, QUERY, "bytes|MiB|large|maxBodyBytes"]);
    let taken = scene.faulty.wait_for_disconnect().await;
    assert!(taken < 64 << 20, "{taken}");
    assert!(scene.leadsman.peak_memory() < 512 << 20);
    scene.faulty.set_reply(good());
    scene.recovers().await;
}

#[tokio::test]
async fn an_endless_answer_is_limited_as_configured() {
    let settings = ", maxBodyBytes: 65536";
    let scene = Scene::with(Reply::Endless, mapping(), settings).await;
    scene.failure().await.assert_contains(&["65536|64 KiB|maxBodyBytes"]);
    // The rest is buffered by the sockets.
    let taken = scene.faulty.wait_for_disconnect().await;
    assert!(taken < 12 << 20, "{taken}");
}

#[tokio::test]
async fn a_slow_answer() {
    let scene = Scene::new(good().drip()).await;
    scene.fails_and_recovers(&["time|deadline|within|1s"]).await;
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Upstream::start(good()).await;
    let response = Response::new(302, "text/plain", "").header("Location", elsewhere.url());
    let scene = Scene::new(Reply::Complete(response)).await;
    scene.fails_and_recovers(&["302|redirect"]).await;
    assert!(elsewhere.requests().is_empty(), "{:?}", elsewhere.requests());
}

#[tokio::test]
async fn a_server_that_is_not_prometheus() {
    for (content_type, body) in [
        ("text/html", "<html>Please log in</html>"),
        ("application/json", r#"{"hello": "world"}"#),
        (
            "application/json",
            r#"{"status":"success","data":{"resultType":"vector","result":"no"}}"#,
        ),
        ("application/json", r#"{"status":"success","data":{"resultType":"tensor","result":[]}}"#),
        ("application/json", ""),
    ] {
        let scene = Scene::new(Reply::new(200, content_type, body)).await;
        scene.fails_and_recovers(&[]).await;
    }
}

#[tokio::test]
async fn a_native_histogram_is_not_taken_for_a_number() {
    let histogram = json!({"count": "10", "sum": "3.5", "buckets": [[0, "0.5", "1", "10"]]});
    let items = json!([{"metric": {"pod": "web-0"}, "histogram": [1_695_018_199.504, histogram]}]);
    let scene = Scene::new(Reply::vector(&items)).await;
    scene.fails_and_recovers(&["histogram"]).await;
}

#[tokio::test]
async fn a_sample_that_is_not_a_number() {
    let items = json!([{"metric": {"pod": "web-0"}, "value": [1_695_018_199.504, "many"]}]);
    let scene = Scene::new(Reply::vector(&items)).await;
    scene.fails_and_recovers(&[]).await;
}

#[tokio::test]
async fn several_series_for_one_object() {
    let scene = Scene::new(Reply::pods(&[("web-0", "1"), ("web-0", "2")])).await;
    scene.fails_and_recovers(&["web-0", "several series"]).await;
}

#[tokio::test]
async fn series_without_the_label_that_names_the_object() {
    let items = json!([{"metric": {"instance": "x"}, "value": [1_695_018_199.504, "1"]}]);
    let scene = Scene::new(Reply::vector(&items)).await;
    scene.fails_and_recovers(&["\"pod\"", "instance"]).await;
}

#[tokio::test]
async fn values_that_no_quantity_can_express() {
    for (value, word) in
        [("NaN", "NaN"), ("+Inf", "inf"), ("-Inf", "inf"), ("1e300", "large|beyond|fit")]
    {
        let scene = Scene::new(Reply::pods(&[("web-0", value), ("web-1", "2")])).await;
        // Only this object has no value.
        let answer = scene.read().await;
        assert_eq!(answer.values().into_iter().collect::<Vec<_>>(), [("web-1".into(), "2".into())]);
        let one = scene.leadsman.get(&paths::object("shop", "pods/web-0", METRIC)).await;
        one.failure().assert_contains(&[METRIC, "web-0", word]);
        // If no value is left, the reason is reported instead of "not found".
        scene.faulty.set_reply(Reply::pods(&[("web-0", value)]));
        let all = eventually("a failure", Duration::from_secs(10), async || {
            let all = scene.read().await;
            if all.status >= 400 { Ok(all) } else { Err(format!("{all:#?}")) }
        })
        .await;
        all.failure().assert_contains(&[METRIC, word]);
    }
}

#[tokio::test]
async fn no_series_is_no_value_and_never_zero() {
    let scene = Scene::new(Reply::pods(&[])).await;
    let one = scene.leadsman.get(&paths::object("shop", "pods/web-0", METRIC)).await.failure();
    assert_eq!((one.code, one.reason.as_str()), (404, "NotFound"));
    one.assert_contains(&[METRIC, "web-0"]);
    // An empty list is an error to an HPA, as a failure is.
    let all = scene.read().await;
    assert!(all.status >= 400 || all.items().is_empty(), "{all:#?}");
}

#[tokio::test]
async fn warnings_fail_only_if_configured() {
    let values = [("web-0", "1"), ("web-1", "2")];
    let partial = Reply::pods_with(&values, "warnings", json!(["partial: store-3 is down"]));
    let scene = Scene::new(partial.clone()).await;
    assert_eq!(scene.read().await.values().len(), 2);

    let strict = ", failOnWarnings: true";
    let scene = Scene::with(partial, mapping(), strict).await;
    scene.fails_and_recovers(&["store-3 is down"]).await;

    let infos = Reply::pods_with(&values, "infos", json!(["the metric might not be a counter"]));
    let scene = Scene::with(infos, mapping(), strict).await;
    assert_eq!(scene.read().await.values().len(), 2);
}

#[tokio::test]
async fn a_read_waits_no_longer_than_its_deadline() {
    let patient = mapping().set("deadline", "300ms");
    let scene = Scene::with(Reply::NoReply, patient, "").await;
    let failure = scene.failure().await;
    assert!(failure.took >= Duration::from_millis(250), "{failure:?}");
    assert!(failure.took < Duration::from_millis(900), "{failure:?}");
}

/// The age in a `Warning` header, in seconds: the number before an `s`.
fn age(answer: &Answer) -> Option<f64> {
    let warning = answer.header("warning").replace(' ', "");
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let mut numbers = warning.match_indices('s').filter_map(|(end, _)| {
        let begin = warning[..end].rfind(|c| !digits(c)).map_or(0, |at| at + 1);
        warning[begin..end].parse().ok()
    });
    numbers.next()
}

#[tokio::test]
async fn the_last_good_value_is_served_up_to_its_age_and_with_it() {
    let lasting = mapping().set("maxAge", "1s").set("onError", "{lastGood: 6s}");
    let scene = Scene::with(good(), lasting, "").await;
    let fresh = scene.read().await;
    assert_eq!((fresh.values().len(), fresh.header("warning")), (2, ""));

    scene.faulty.set_reply(Reply::new(500, "text/plain", "down"));
    let old = eventually("a warning", Duration::from_secs(5), async || {
        let answer = scene.read().await;
        assert_eq!(answer.values(), fresh.values());
        assert!(answer.took < SOON);
        if answer.header("warning").is_empty() { Err(format!("{answer:#?}")) } else { Ok(answer) }
    })
    .await;
    assert!(age(&old).is_some_and(|age| age < 7.0), "{old:#?}");

    let failed = eventually("the end of its time", Duration::from_secs(12), async || {
        let answer = scene.read().await;
        if answer.status == 200 { Err(format!("{answer:#?}")) } else { Ok(answer) }
    })
    .await;
    let failure = failed.failure();
    assert!(failure.code >= 500, "{failure:?}");
    failure.assert_contains(&[METRIC, QUERY, "500"]);

    scene.faulty.set_reply(good());
    scene.recovers().await;
    assert_eq!(scene.read().await.header("warning"), "");
}

#[tokio::test]
async fn a_prometheus_that_hangs_and_recovers() {
    let exporter = Exporter::start(r#"checkouts{namespace="shop",pod="web-0"} 7"#).await;
    let mut prometheus = Prometheus::scraping(&exporter.url()).await;
    prometheus.wait_for("checkouts").await;
    let plain = Mapping::pods(METRIC).query(QUERY, r#"checkouts{namespace="${namespace}"}"#);
    let lasting = Mapping::pods("lasting").query("q", r#"checkouts{namespace="${namespace}"}"#);
    let config = Config::shop(&prometheus.url())
        .mapping(plain)
        .mapping(lasting.set("maxAge", "1s").set("onError", "{lastGood: 10m}"));
    let leadsman = Leadsman::start(config).await;
    let read = async |metric: &str| leadsman.get(&paths::pods("shop", metric)).await;
    assert_eq!(read("lasting").await.value(), "7");

    prometheus.pause().await;
    let hanging = read(METRIC).await;
    let failure = hanging.failure();
    assert!(failure.code >= 500 && failure.took < SOON, "{failure:?}");
    failure.assert_contains(&[METRIC, QUERY, "time|deadline|within|1s"]);
    eventually("a value with a warning", Duration::from_secs(10), async || {
        let answer = read("lasting").await;
        assert_eq!(answer.value(), "7");
        assert!(answer.took < SOON, "{answer:#?}");
        if answer.header("warning").is_empty() { Err(format!("{answer:#?}")) } else { Ok(()) }
    })
    .await;
    assert_eq!(leadsman.get("/readyz").await.status, 200);

    let comes_back = async || {
        eventually("a value again", Duration::from_secs(15), async || {
            let answer = read(METRIC).await;
            // A scrape missed during the hang leaves a gap until the next one.
            let has_value = answer.status == 200 && !answer.items().is_empty();
            if has_value { Ok(answer.value()) } else { Err(format!("{answer:#?}")) }
        })
        .await
    };
    prometheus.resume();
    assert_eq!(comes_back().await, "7");

    prometheus.stop().await;
    prometheus.restart().await;
    prometheus.wait_for("checkouts").await;
    assert_eq!(comes_back().await, "7");
}
