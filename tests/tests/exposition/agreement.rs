//! A corpus of pages, most of them odd, as the real Prometheus and the adapter read them: both give the
//! same series with the same values and times, or both refuse the page.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use leadsman_tests::{Config, Leadsman, Mapping, Prometheus, Reply, Upstream, eventually, paths};
use serde_json::Value;

use super::pages::{LINES, METRICS, Page, Random, changed, long, small};

/// The seeds of what is chosen.
const SEEDS: [u64; 4] = [7, 11, 2026, 99_991];

/// How many pages of each kind a seed makes: small ones, small ones with a changed character, and long
/// ones.
const SMALL: usize = 50;
const CHANGED: usize = 50;
const LONG: usize = 15;

/// The series of a page: name and labels, and value with time in seconds.
type Series = BTreeMap<(String, BTreeMap<String, String>), (String, Option<i64>)>;

/// The labels of a JSON object without these.
fn labels(object: &Value, without: &[&str]) -> BTreeMap<String, String> {
    let all = object.as_object().cloned().unwrap_or_default();
    let own = all.into_iter().filter(|(name, _)| !without.contains(&name.as_str()));
    own.map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned())).collect()
}

/// What a Prometheus has of a page; `None` if it refuses it.
async fn theirs(
    prometheus: &Prometheus,
    number: usize,
    page: &Page,
) -> Result<Option<Series>, String> {
    // With all samples of the last minutes, and with their own times.
    let all = prometheus.query(&format!("{{job=\"page-{number}\"}}[5m]")).await;
    let name = |item: &Value| item["metric"]["__name__"].as_str().unwrap_or_default().to_owned();
    let samples = |item: &Value| item["values"].as_array().cloned().unwrap_or_default();
    let Some(up) = all.iter().find(|item| name(item) == "up") else {
        return Err("not scraped yet".to_owned());
    };
    if !samples(up).iter().any(|sample| sample[1] == "1") {
        return Ok(None);
    }
    let of = |item: &Value| {
        let labels = labels(&item["metric"], &["job", "instance", "__name__"]);
        let newest = samples(item).pop().unwrap_or_default();
        #[allow(clippy::cast_possible_truncation)] // seconds since the epoch
        let time = newest[0].as_f64().map(|time| time as i64);
        let value = newest[1].as_str().unwrap_or_default();
        ((name(item), labels), (canonical(value), time))
    };
    let asked = all.iter().filter(|item| page.metrics.contains(&name(item)));
    Ok(Some(asked.map(of).collect()))
}

/// What the adapter has of it, but for samples whose time was cut: a Prometheus drops what is from long
/// ago.
async fn ours(leadsman: &Leadsman, number: usize, page: &Page, now: u64) -> Option<Series> {
    let mut all = Series::new();
    for (at, metric) in page.metrics.iter().enumerate() {
        let answer = leadsman.get(&paths::external("shop", &format!("page_{number}_{at}"))).await;
        if !answer.is_success() {
            let failure = answer.failure();
            failure.assert_contains(&["could not be scraped", "sent a page that cannot be read"]);
            return None;
        }
        for item in answer.items() {
            let labels = labels(&item["metricLabels"], &["instance"]);
            let time = item["timestamp"].as_str().and_then(seconds);
            let value = canonical(item["value"].as_str().unwrap_or_default());
            let is_recent = time
                .is_some_and(|time| u64::try_from(time).is_ok_and(|time| time.abs_diff(now) < 200));
            if is_recent {
                all.insert((metric.clone(), labels), (value, time));
            }
        }
    }
    Some(all)
}

/// A number in thousandths, however it is written.
fn canonical(value: &str) -> String {
    let (text, scale) = match value.strip_suffix('m') {
        Some(thousandths) => (thousandths, 1.0),
        None => match value.strip_suffix('k') {
            Some(thousands) => (thousands, 1_000_000.0),
            None => (value, 1000.0),
        },
    };
    // Zero has no sign.
    let number = |number: f64| format!("{:.0}", (number * scale).round() + 0.0);
    text.parse::<f64>().map_or_else(|_| value.to_owned(), number)
}

/// `2026-11-23T08:17:24Z` in seconds since the epoch.
fn seconds(time: &str) -> Option<i64> {
    let part = |from: usize, to: usize| time.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    // Days since the epoch of a calendar whose year begins in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    Some(((days * 24 + part(11, 13)?) * 60 + part(14, 16)?) * 60 + part(17, 19)?)
}

/// All pages, small ones first.
fn corpus(now: u64) -> Vec<Page> {
    let mut randoms = SEEDS.map(Random);
    let mut pages = Vec::new();
    for random in &mut randoms {
        pages.extend((0..SMALL).map(|_| small(random, now)));
        pages.extend((0..CHANGED).map(|_| changed(random)));
        pages.extend((0..LONG).map(|_| long(random, now)));
    }
    pages
}

/// An application with all of them, at `/page/0` and so on.
async fn serving(pages: Vec<Page>) -> Upstream {
    let app = Upstream::start(Reply::new(404, "text/plain", "no page")).await;
    app.reply_with(move |request| {
        let number = request.path.trim_start_matches("/page/").parse::<usize>().ok();
        match number.and_then(|number| pages.get(number)) {
            Some(page) => {
                let kind = match page.open_metrics {
                    true => "application/openmetrics-text; version=1.0.0; charset=utf-8",
                    false => "text/plain; version=0.0.4",
                };
                Reply::new(200, kind, page.text.as_str())
            }
            None => Reply::new(404, "text/plain", "no page"),
        }
    });
    app
}

/// Asserts that both have the same, and the same times where the page gives them.
fn assert_alike(ours: &Series, theirs: &Series, page: &Page, now: u64) {
    let told = |all: &Series| -> BTreeMap<_, _> {
        all.iter().map(|(series, (value, _))| (series.clone(), value.clone())).collect()
    };
    let text = &page.text;
    assert_eq!(told(ours), told(theirs), "{text:?}");
    for (series, (_, time)) in ours {
        let other = theirs[series].1;
        // Without a time of its own a sample has that of its scrape.
        let apart = time.zip(other).map(|(one, other)| (one - other).abs());
        assert!(apart.is_some_and(|apart| apart <= 60), "{time:?} {other:?} {series:?} {text:?}");
        let is_own = |time: Option<i64>| {
            time.is_some_and(|time| u64::try_from(time).is_ok_and(|t| t == now))
        };
        assert!(!is_own(other) || is_own(*time), "{time:?} {other:?} {series:?} {text:?}");
    }
}

#[tokio::test]
async fn pages_are_read_as_prometheus_reads_them() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let pages = corpus(now);
    let app = serving(pages.clone()).await;
    let target = app.url().trim_start_matches("http://").to_owned();
    let jobs: Vec<_> = (0..pages.len())
        .map(|number| {
            format!(
                "{{job_name: page-{number}, metrics_path: /page/{number}, honor_labels: true, \
                 scrape_interval: 5s, scrape_timeout: 5s, static_configs: [{{targets: ['{target}']}}]}}"
            )
        })
        .collect();
    let prometheus = Prometheus::with_jobs(&jobs).await;
    let mut config = Config::new();
    for (number, page) in pages.iter().enumerate() {
        let source = format!("exposition: {{url: '{}/page/{number}'}}", app.url());
        let name = format!("page-{number}");
        config = config.source_of(&name, &source);
        for (at, metric) in page.metrics.iter().enumerate() {
            let mapping = Mapping::external(&format!("page_{number}_{at}"))
                .exposition_query(&name, "m", &format!("metric: {metric}"))
                .plugin("external", "")
                .set("deadline", "10s");
            config = config.mapping(mapping);
        }
    }
    let leadsman = Leadsman::start(config).await;
    let (mut read, mut refused, mut series) = (0, 0, 0);
    for (number, page) in pages.iter().enumerate() {
        let ours = ours(&leadsman, number, page, now).await;
        let what = format!("page {number} as Prometheus reads it");
        let theirs = eventually(&what, Duration::from_secs(30), async || {
            theirs(&prometheus, number, page).await
        })
        .await;
        match (&ours, &theirs) {
            (None, None) if page.is_good => panic!("refused by both: {page:?}"),
            (None, None) => refused += 1,
            (Some(ours), Some(theirs)) => {
                read += 1;
                series += ours.len();
                assert_alike(ours, theirs, page, now);
            }
            (None, Some(theirs)) => panic!("refused here, {theirs:?} there: {page:?}"),
            (Some(ours), None) => panic!("{ours:?} here, refused there: {page:?}"),
        }
    }
    println!("{read} pages were read alike, with {series} series; {refused} were refused by both");
    let of_long = SEEDS.len() * LONG * METRICS * LINES;
    assert!(read > 160 && refused > 60 && series > of_long, "{read} {refused} {series}");
}
