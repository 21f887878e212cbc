//! What goes wrong with a page: each fault is told, costs its own target alone, and the last good value
//! is served meanwhile where a mapping says so.

use leadsman_tests::{Authority, Leadsman, Reply, Upstream, eventually, paths};
use tempfile::TempDir;

use super::scene::{METRIC, SOON, Scene, config, good, held, mapping, page};

/// A reply to every scrape, and what is told of it.
async fn fails_and_recovers(reply: Reply, texts: &[&str]) {
    let scene =
        Scene::with(", timeout: 1s, limits: {bytes: 100000, series: 1000, labels: 10}").await;
    scene.becomes("5").await;
    scene.holds("5").await;
    scene.app.set_reply(reply);
    let failure = scene.fails(texts).await;
    assert_eq!(failure.code, 503, "{failure:?}");
    failure.assert_contains(&[
        METRIC,
        "query \"requests\"",
        "the source \"app\"",
        "could not be scraped",
    ]);
    scene.holds_because("5", texts).await;
    scene.app.set_reply(good());
    scene.becomes("5").await;
}

#[tokio::test]
async fn a_page_of_html_with_status_200() {
    let html = "<html><body><h1>Sign in</h1></body></html>";
    let texts = ["sent text/html in place of metrics", "Sign in"];
    fails_and_recovers(Reply::new(200, "text/html", html), &texts).await;
    // And one that says that it is something else.
    fails_and_recovers(page(html), &["line 1: a line begins with neither a name nor \"#\""]).await;
}

#[tokio::test]
async fn an_error_of_the_application() {
    fails_and_recovers(
        Reply::new(500, "text/plain", "no database"),
        &["answered 500", "no database"],
    )
    .await;
}

#[tokio::test]
async fn an_application_that_does_not_answer() {
    fails_and_recovers(Reply::NoReply, &["did not send its page within 1s"]).await;
}

#[tokio::test]
async fn a_page_that_breaks_off() {
    let text = "requests{namespace=\"shop\",pod=\"web-0\"} 5\n".repeat(50);
    fails_and_recovers(page(text).truncated_body(), &["broke off its page"]).await;
    // By its length it is whole, and OpenMetrics says that it is not.
    let text = "requests 5\n".repeat(50) + "# EOF\n";
    let open_metrics = Reply::new(200, "application/openmetrics-text; version=1.0.0", text);
    fails_and_recovers(open_metrics.halved(), &["was cut off"]).await;
}

#[tokio::test]
async fn too_much_on_a_page() {
    let series: String = (0..1001).map(|number| format!("a{{b=\"{number}\"}} 1\n")).collect();
    fails_and_recovers(page(series), &["has more than 1000 series", "limits.series"]).await;
    let labels: String = (0..11).map(|number| format!("l{number}=\"\",")).collect();
    fails_and_recovers(page(format!("a{{{labels}}} 1\n")), &["more than 10 labels"]).await;
}

/// How much more memory the adapter may take for a page that it refuses.
const MAX_GROWTH: u64 = 100 << 20;

#[tokio::test]
async fn a_page_of_a_gigabyte() {
    let scene = Scene::with(", timeout: 20s, limits: {bytes: 1000000, series: 10000000}").await;
    scene.becomes("5").await;
    scene.holds("5").await;
    let before = scene.leadsman.peak_memory();
    scene.app.set_reply(Reply::EndlessPage);
    let texts = ["sent more than the limit of 1000000 bytes", "limits.bytes"];
    scene.fails(&texts).await;
    scene.holds_because("5", &texts).await;
    let taken = scene.app.wait_for_disconnect().await;
    assert!(taken < 50 << 20, "{taken} bytes");
    let grown = scene.leadsman.peak_memory().saturating_sub(before);
    assert!(grown < MAX_GROWTH, "{grown} bytes");
    scene.app.set_reply(good());
    scene.becomes("5").await;
}

#[tokio::test]
async fn a_page_of_a_million_series() {
    let scene = Scene::with(", timeout: 20s, limits: {bytes: 50000000}").await;
    scene.becomes("5").await;
    let before = scene.leadsman.peak_memory();
    // Of a metric that nobody asks for, and then of the one that is asked for.
    for metric in ["a", "requests"] {
        let series = (0..1_000_000).map(|number| format!("{metric}{{n=\"{number}\"}} 1\n"));
        scene.app.set_reply(page(series.collect::<String>()));
        scene.fails(&["has more than 100000 series"]).await;
        scene.app.set_reply(good());
        scene.becomes("5").await;
    }
    let grown = scene.leadsman.peak_memory().saturating_sub(before);
    assert!(grown < MAX_GROWTH, "{grown} bytes");
}

#[tokio::test]
async fn odd_pages_that_are_pages() {
    let scene = Scene::with("").await;
    scene.becomes("5").await;
    // Of several samples of a series the first counts, as in Prometheus; the last line has no end.
    let line = "requests{namespace=\"shop\",pod=\"web-0\"}";
    scene.app.set_reply(page(format!("{line} 6\n{line} 7\nother 1")));
    scene.becomes("6").await;
    // What is not a number is refused for its pod, and the page is good all the same.
    let other = "requests{namespace=\"shop\",pod=\"web-1\"} 8";
    scene.app.set_reply(page(format!("{line} NaN\n{other}\n")));
    eventually("the value of the other pod alone", SOON, async || {
        let answer = scene.read().await;
        let told = format!("{answer:#?}");
        let values = answer.is_success().then(|| answer.values());
        let is_alone =
            values.is_some_and(|all| all.len() == 1 && all.get("web-1").is_some_and(|v| v == "8"));
        if is_alone { Ok(()) } else { Err(told) }
    })
    .await;
}

#[tokio::test]
async fn a_certificate_that_does_not_match() {
    let folder = TempDir::new().expect("a folder");
    let (right, wrong) = (Authority::new("right"), Authority::new("wrong"));
    let app = Upstream::start_tls(good(), right.server("app").server_config(None)).await;
    let ca = folder.path().join("ca.crt");
    std::fs::write(&ca, wrong.pem()).expect("a file");
    let tls = format!(", tls: {{caFile: {:?}}}", ca.display().to_string());
    let config = config(&[&app.url()], &tls, mapping()).mapping(held());
    let leadsman = Leadsman::start(config).await;
    let scene = Scene { app, leadsman };
    let texts = ["cannot be reached", "certificate"];
    scene.fails(&texts).await;
    assert_eq!(scene.app.requests().len(), 0);
    std::fs::write(&ca, right.pem()).expect("a file");
    scene.becomes("5").await;
    scene.holds("5").await;
    std::fs::write(&ca, wrong.pem()).expect("a file");
    scene.fails(&texts).await;
    scene.holds_because("5", &texts).await;
}

#[tokio::test]
async fn the_last_good_value_is_served_meanwhile() {
    let app = Upstream::start(good()).await;
    let mapping = mapping().set("onError", "{lastGood: 5m}");
    let leadsman = Leadsman::start(config(&[&app.url()], "", mapping)).await;
    let scene = Scene { app, leadsman };
    scene.becomes("5").await;
    scene.app.set_reply(Reply::new(500, "text/plain", "no database"));
    eventually("a warning beside the value", SOON, async || {
        let answer = scene.read().await;
        let warnings = answer.warnings();
        match answer.values().get("web-0").map(String::as_str) {
            Some("5") if warnings.contains("answered 500") => Ok(()),
            _ => Err(format!("{answer:#?}")),
        }
    })
    .await;
}

#[tokio::test]
async fn a_bad_target_costs_itself_alone_and_is_named() {
    let pod = |number: u8| {
        page(format!("requests{{namespace=\"shop\",pod=\"web-{number}\"}} {number}\n"))
    };
    let (bad, good) = (Upstream::start(pod(0)).await, Upstream::start(pod(1)).await);
    let config = config(&[&bad.url(), &good.url()], ", timeout: 2s", mapping());
    let scene = Scene { app: bad, leadsman: Leadsman::start(config).await };
    scene.becomes("0").await;
    scene.app.set_reply(Reply::NoReply);
    let path = paths::pods("shop", METRIC);
    eventually("the value of the good target alone", SOON, async || {
        let answer = scene.leadsman.get(&path).await;
        let values = answer.values();
        let is_alone = values.len() == 1 && values.get("web-1").is_some_and(|value| value == "1");
        if is_alone { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    // Nobody waits for it any more: the good one is as fresh as ever.
    good.set_reply(page("requests{namespace=\"shop\",pod=\"web-1\"} 9\n"));
    eventually("a new value of the good target", SOON, async || {
        let answer = scene.leadsman.get(&path).await;
        let values = answer.values();
        if values.get("web-1").is_some_and(|value| value == "9") {
            Ok(())
        } else {
            Err(format!("{answer:#?}"))
        }
    })
    .await;
    let log = scene.leadsman.log();
    assert!(log.contains("a target cannot be scraped") && log.contains(&scene.app.url()), "{log}");
    let status = scene.leadsman.status().await;
    let state =
        status["mappings"][0]["sourceStates"]["app"].as_str().unwrap_or_default().to_owned();
    for text in ["2 targets scraped, 1 failing", "did not send its page within 2s", "1 series"] {
        assert!(state.contains(text), "{state}");
    }
    let calls = [("source", "app"), ("call", "scrape"), ("outcome", "failed")];
    assert!(scene.leadsman.metric("leadsman_source_calls_total", &calls).await >= Some(1.0));
}
