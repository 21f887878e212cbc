//! Values of pages, and what is made of their last samples, beside a real Prometheus.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use leadsman_tests::{
    Config, HOSTILE, Leadsman, Mapping, Prometheus, Reply, Upstream, eventually, paths,
};
use tempfile::TempDir;

use super::scene::{METRIC, SOON, Scene, config, good, of, page};

#[tokio::test]
async fn values_follow_the_application() {
    let scene = Scene::with("").await;
    scene.becomes("5").await;
    scene.app.set_reply(page("requests{namespace=\"shop\",pod=\"web-0\"} 7.25\n"));
    scene.becomes("7250m").await;
    let text = "# TYPE requests gauge\nrequests{namespace=\"shop\",pod=\"web-0\"} 8 # {a=\"b\"} 1\n# EOF\n";
    let open_metrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    scene.app.set_reply(Reply::new(200, open_metrics, text));
    scene.becomes("8").await;
    let accepted = scene.app.last_request().header("accept").unwrap_or_default().to_owned();
    assert!(accepted.contains("application/openmetrics-text"), "{accepted}");
    for name in ["leadsman_source_scraped_bytes_total", "leadsman_source_scraped_series_total"] {
        assert!(scene.leadsman.metric(name, &[("source", "app")]).await >= Some(3.0), "{name}");
    }
    // What is not on the page any more has no value, and the reason is told.
    scene.app.set_reply(page("other 1\n"));
    eventually("a reason", SOON, async || {
        let answer = scene.read().await;
        let told = answer.warnings();
        if told.contains("its page has no series of requests") {
            Ok(())
        } else {
            Err(format!("{answer:#?}"))
        }
    })
    .await;
}

/// A page in the protobuf format, whose gauge `requests` has this value. Of a float only the two
/// highest bytes are given, and all of them are ASCII, as a reply is text.
fn protobuf(high: [char; 2]) -> Reply {
    let sized = |tag: char, content: &str| {
        let length = char::from(u8::try_from(content.len()).expect("a short message"));
        assert!(length.is_ascii());
        format!("{tag}{length}{content}")
    };
    let label =
        |name: &str, value: &str| sized('\n', &(sized('\n', name) + &sized('\u{12}', value)));
    let [low, top] = high;
    let gauge = sized('\u{12}', &format!("\t\0\0\0\0\0\0{low}{top}"));
    let metric = label("namespace", "shop") + &label("pod", "web-0") + &gauge;
    let family = sized('\n', "requests") + "\u{18}\u{1}" + &sized('"', &metric);
    let length = char::from(u8::try_from(family.len()).expect("a short family"));
    let kind = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                encoding=delimited";
    Reply::new(200, kind, format!("{length}{family}"))
}

#[tokio::test]
async fn an_application_may_have_the_protobuf_format_alone() {
    let scene = Scene::with("").await;
    scene.becomes("5").await;
    let accepted = scene.app.last_request().header("accept").unwrap_or_default().to_owned();
    assert!(accepted.contains("application/vnd.google.protobuf;proto="), "{accepted}");
    // 8.0, and then 4.0.
    scene.app.set_reply(protobuf([' ', '@']));
    scene.becomes("8").await;
    scene.app.set_reply(protobuf(['\u{10}', '@']));
    scene.becomes("4").await;
    scene.app.set_reply(protobuf([' ', '@']).halved());
    scene.fails(&["the page ends within family 1", "was cut off"]).await;
    scene.app.set_reply(Reply::new(200, "application/vnd.google.protobuf", "<html>"));
    scene.fails(&["family 1"]).await;
    scene.app.set_reply(protobuf([' ', '@']));
    scene.becomes("8").await;
}

/// A page whose `requests` are 6 and 8, with the time of each: so many seconds ago.
fn dated(ages: [u64; 2]) -> Reply {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let lines = [("web-0", 6), ("web-1", 8)].into_iter().zip(ages).map(|((pod, value), age)| {
        let time = (now - age) * 1000;
        format!("requests{{namespace=\"shop\",pod=\"{pod}\"}} {value} {time}\n")
    });
    page(lines.collect::<String>())
}

/// An application may say when its samples were taken.
#[tokio::test]
async fn samples_that_a_page_says_are_old_are_left_out() {
    let app = Upstream::start(Reply::NoReply).await;
    app.reply_with(|_| dated([0, 300]));
    let mapping = Mapping::custom(METRIC, "pods")
        .query_of("app", "requests", "exposition: {metric: requests}, maxSampleAge: 5s")
        .plugin("per-object", "object: pod")
        .set("maxAge", "1s")
        .set("refreshAtMostEvery", "1s")
        .set("deadline", "10s");
    let leadsman = Leadsman::start(config(&[&app.url()], "", mapping)).await;
    let scene = Scene { app, leadsman };
    scene.becomes("6").await;
    let answer = scene.read().await;
    assert_eq!(answer.values().len(), 1, "{answer:#?}");
    let warnings = answer.warnings();
    for text in ["(web-1)", "its newest sample is 3", "s old, and maxSampleAge is 5s"] {
        assert!(warnings.contains(text), "{text:?} in {warnings}");
    }
    // The same page again and again: its samples grow old.
    scene.app.set_reply(dated([0, 0]));
    let failure = scene.fails(&["has no newer sample than one of", "maxSampleAge is 5s"]).await;
    assert_eq!(failure.code, 503, "{failure:?}");
    scene.app.reply_with(|_| dated([0, 0]));
    scene.becomes("6").await;
}

#[tokio::test]
async fn many_mappings_share_a_scrape() {
    let lines: String = (0..30)
        .map(|number| {
            format!("requests{{namespace=\"shop\",pod=\"web-0\",n=\"{number}\"}} {number}\n")
        })
        .collect();
    let app = Upstream::start(page(lines)).await;
    let source = format!("exposition: {{url: '{}/metrics', scrapeAtMostEvery: 30s}}", app.url());
    let mut config = Config::new().source_of("app", &source).pods("shop", &["web-0"]);
    for number in 0..30 {
        let asked = format!("metric: requests, labels: {{n: '{number}'}}");
        config = config.mapping(
            Mapping::custom(&format!("requests_{number}"), "pods")
                .exposition_query("app", "requests", &asked)
                .plugin("per-object", "object: pod")
                .set("deadline", "10s"),
        );
    }
    let leadsman = Leadsman::start(config).await;
    for number in 0..30 {
        let answer = leadsman.get(&paths::pods("shop", &format!("requests_{number}"))).await;
        assert_eq!(answer.values()["web-0"], number.to_string());
    }
    assert_eq!(app.requests().len(), 1);
}

#[tokio::test]
async fn credentials_are_sent_and_told_nowhere() {
    let folder = TempDir::new().expect("a folder");
    let token = folder.path().join("token");
    std::fs::write(&token, "wrong-secret\n").expect("a file");
    let app = Upstream::start(good()).await;
    app.require_header("authorization", "Bearer right-secret");
    let settings = format!(", bearerTokenFile: {:?}", token.display().to_string());
    let leadsman = Leadsman::start(config(&[&app.url()], &settings, of("metric: requests"))).await;
    let scene = Scene { app, leadsman };
    scene.fails(&["answered 401"]).await;
    std::fs::write(&token, "right-secret\n").expect("a file");
    scene.becomes("5").await;
    let told = format!("{}{}", scene.leadsman.log(), scene.leadsman.status().await);
    assert!(!told.contains("-secret"), "{told}");
}

#[tokio::test]
async fn a_password_is_read_again_and_headers_of_files_are_sent() {
    let folder = TempDir::new().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let (password, tenant) = (file("password", "wrong\n"), file("tenant", "shop\n"));
    let app = Upstream::start(good()).await;
    // leadsman:soundings
    app.require_header("authorization", "Basic bGVhZHNtYW46c291bmRpbmdz");
    let settings = format!(
        ", basicAuth: {{username: leadsman, passwordFile: {password:?}}}, \
         headerFiles: {{X-Scope-OrgID: {tenant:?}}}"
    );
    let leadsman = Leadsman::start(config(&[&app.url()], &settings, of("metric: requests"))).await;
    let scene = Scene { app, leadsman };
    scene.fails(&["answered 401"]).await;
    file("password", "soundings\n");
    scene.becomes("5").await;
    assert_eq!(scene.app.last_request().header("x-scope-orgid"), Some("shop"));
    let told = format!("{}{}", scene.leadsman.log(), scene.leadsman.status().await);
    assert!(!told.contains("soundings") && !told.contains("bGVhZHNtYW46"), "{told}");
}

#[tokio::test]
async fn a_plugin_brings_a_query_to_what_is_scraped() {
    let lines =
        "requests{code=\"200\"} 5\nrequests{code=\"201\"} 2.5\nrequests{code=\"500\"} 100\n";
    let (app, unread) = (Upstream::start(page(lines)).await, Upstream::start(page(lines)).await);
    let config = |app: &Upstream, asked: &str| {
        Config::new()
            .source_of("app", &format!("exposition: {{url: '{}/metrics'}}", app.url()))
            .plugin("guest", HOSTILE)
            .mapping(
                Mapping::custom("brought", "services")
                    .plugin("guest", &format!("do: ask, ask: {{{asked}}}"))
                    .set("source", "app")
                    .set("deadline", "10s"),
            )
            .object("services", Some("shop"), "web", "")
    };
    let asked = "exposition: {metric: requests, matches: {code: '2..'}}, maxSampleAge: 10m";
    let leadsman = Leadsman::start(config(&app, asked)).await;
    let path = paths::object("shop", "services/web", "brought");
    assert_eq!(leadsman.get(&path).await.value(), "7500m");
    // What is wrong in it is told by its place, and nothing is scraped to find out.
    for (asked, text) in [
        ("exposition: {metric: requests, matches: {code: '('}}", "exposition.matches.code: "),
        ("exposition: {metric: requests, function: rate}", "the key \"over\" is missing"),
        ("promql: up", "\"app\" is"),
    ] {
        let checked = Leadsman::check(config(&unread, asked)).await;
        assert_eq!(checked.code, Some(1), "{asked}: {}", checked.output);
        let named = "the query \"ask\" that the plugin \"guest\" brings";
        checked.assert_contains(&[text, named]);
    }
    assert_eq!(unread.requests().len(), 0);
}

/// A counter that grows by 100 each second, and one that starts again every four.
fn counters(since: Instant) -> Reply {
    let elapsed = since.elapsed().as_secs_f64();
    let line = |pod: &str, value: f64| {
        format!("requests_total{{namespace=\"shop\",pod=\"{pod}\",code=\"200\"}} {value}\n")
    };
    let other = "requests_total{namespace=\"shop\",pod=\"web-0\",code=\"500\"} 1\n";
    page(line("web-0", 100.0 * elapsed) + &line("web-1", 100.0 * (elapsed % 4.0)) + other)
}

#[tokio::test]
async fn functions_agree_with_prometheus() {
    let app = Upstream::start(good()).await;
    let since = Instant::now();
    app.reply_with(move |_| counters(since));
    let prometheus = Prometheus::scraping(&app.url()).await;
    let functions = ["rate", "increase", "delta", "avg"];
    let source = format!("exposition: {{url: '{}/metrics', scrapeAtMostEvery: 1s}}", app.url());
    let mut config = Config::new().source_of("app", &source).pods("shop", &["web-0", "web-1"]);
    for function in functions {
        let asked = format!(
            "metric: requests_total, matches: {{code: '2..'}}, function: {function}, over: 10s"
        );
        let mapping = Mapping::custom(function, "pods").exposition_query("app", "requests", &asked);
        config = config.mapping(
            mapping
                .plugin("per-object", "object: pod")
                .set("maxAge", "1s")
                .set("refreshAtMostEvery", "1s")
                .set("deadline", "10s"),
        );
    }
    let leadsman = Leadsman::start(config).await;
    // Until the window is filled there is no value, and the reason is told.
    let first = leadsman.get(&paths::pods("shop", "rate")).await;
    assert!(first.warnings().contains("the window of rate is 10s"), "{first:#?}");
    for function in functions {
        let of_prometheus = if function == "avg" { "avg_over_time" } else { function };
        let query = format!("{of_prometheus}(requests_total{{code=~\"2..\"}}[10s])");
        // A counter that starts again has no useful delta.
        let pods: &[&str] = if function == "delta" { &["web-0"] } else { &["web-0", "web-1"] };
        eventually(&format!("{function} as of Prometheus"), Duration::from_secs(60), async || {
            // Reads are what it is scraped for.
            for other in functions {
                leadsman.get(&paths::pods("shop", other)).await;
            }
            let answer = leadsman.get(&paths::pods("shop", function)).await;
            let theirs = prometheus.query(&query).await;
            for pod in pods {
                let ours =
                    answer.is_success().then(|| answer.values().get(*pod).cloned()).flatten();
                let ours = ours.as_deref().and_then(number).ok_or(format!("{answer:#?}"))?;
                let theirs = theirs.iter().find(|item| item["metric"]["pod"] == **pod);
                let theirs = theirs.and_then(|item| item["value"][1].as_str()?.parse::<f64>().ok());
                let theirs = theirs.ok_or("Prometheus has no value yet")?;
                // A scrape a second: each may have a sample more or less of ten, and of one that starts
                // again what was between the last sample and the reset.
                if (ours - theirs).abs() > 0.3 * theirs.abs() {
                    return Err(format!("{function} of {pod}: {ours} here, {theirs} there"));
                }
            }
            Ok(())
        })
        .await;
    }
}

/// A quantity as a number.
fn number(quantity: &str) -> Option<f64> {
    match quantity.strip_suffix('m') {
        Some(thousandths) => thousandths.parse::<f64>().ok().map(|value| value / 1000.0),
        None => quantity.parse().ok(),
    }
}
