//! A corpus of pages, most of them odd, as the real Prometheus and the adapter read them: both give the
//! same series with the same values and times, or both refuse the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use leadsman_tests::{Config, Leadsman, Mapping, Prometheus, Reply, Upstream, eventually, paths};
use serde_json::Value;

/// How many pages are made of the pieces below.
const PAGES: usize = 240;

/// The seed of the pieces that are chosen.
const SEED: u64 = 7;

/// The metric that is asked for; what else is on a page has other names.
const METRIC: &str = "m";

/// Lines of the text format, `NOW` standing for a time in milliseconds: most of them good.
const TEXT: [&str; 36] = [
    "m 1",
    "m 2.5",
    "m{a=\"1\"} 3",
    "m{a=\"1\",} 4",
    "m{ a = \"1\" , b = \"2\" } 5",
    "m{a=\"1\" b=\"3\"} 6",
    "m{a=\"\"} 7",
    "m{a=\"x y\",b=\"é\"}\t8",
    "m{a=\"\\\\ \\\" \\n\"} 9",
    "m{a=\"\\q\"} 10",
    "m {c=\"1\"} 11",
    "m{c=\"2\"}12",
    "m{d=\"1\"} 1.5e2",
    "m{d=\"2\"} -3 NOW",
    "m{d=\"3\"} +4  NOW",
    "m{d=\"4\"} 5 NOW ",
    "m{e=\"1\"} .5",
    "m{e=\"2\"} 5.",
    "other{a=\"b\"} NaN",
    "other -Inf",
    ":colon:name 1",
    "# HELP m Some \\n help.",
    "# TYPE m gauge",
    "# TYPE m counter",
    "# HELP m",
    "#no comment {",
    "# EOF",
    "",
    " \t",
    // A value with the end of a line.
    "m{f=\"1\n2\"} 13",
    // Twice, with another value.
    "m{a=\"1\"} 30",
    "m{d=\"2\"} 31 NOW",
    "other{l=\"# {}\"} 1",
    "m{g=\"{}=,\"} 14",
    "m{h=\"1\"} 1e3",
    "m{h=\"2\"} 0",
];

/// Lines of the text format that are wrong.
const WRONG: [&str; 24] = [
    "m",
    "m one",
    "m 1 now",
    "m 1 -5",
    "m 1 2 3",
    "m 1_0",
    "m 0x1p2",
    "m 1e999",
    "m +NaN",
    "m{a} 1",
    "m{a=1} 1",
    "m{a=\"1} 1",
    "m{a=\"1\",a=\"2\"} 1",
    "m{,} 1",
    "m{a=\"1\",,} 1",
    "m{1a=\"1\"} 1",
    "m{a:b=\"1\"} 1",
    "m{a=\"1\"",
    "{a=\"1\"} 1",
    "1m 1",
    "<html>",
    "# TYPE m",
    "# TYPE m gaugehistogram",
    "m 1\r",
];

/// Lines of OpenMetrics, the first half good, `NOW` standing for a time in seconds. Without what versions
/// of Prometheus differ about: a comma behind the last label, and exemplars of other names than those of
/// counters and buckets.
const OPEN_METRICS: [&str; 24] = [
    "m 1",
    "m{a=\"1\"} 2",
    "m{a=\"2\"} 3",
    "m{a=\"\\\\ \\\" \\n\"} 4",
    "m{b=\"1\"} 5 NOW",
    "m_total{b=\"2\"} 6 # {t=\"x\"} 1",
    "m_total{b=\"3\"} 7 NOW # {t=\"x\",u=\"y\"} 1 NOW",
    "m_created 1.5",
    "# TYPE m counter",
    "# TYPE other stateset",
    "# HELP m Some help.",
    "# UNIT time_seconds seconds",
    "m  1",
    "m{ a=\"1\"} 1",
    "m{a=\"1\"b=\"2\"} 1",
    "",
    "# a comment",
    "# TYPE m untyped",
    "# UNIT m seconds",
    "m 1 NaN",
    "m 1 # {t=\"x\"}",
    "m 1 2 3",
    "m\t1",
    "# EOF",
];

/// Numbers that look chosen at random, and are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % end
    }
}

/// A page, and whether it is OpenMetrics.
fn page(random: &mut Random, now: u64) -> (String, bool) {
    let open_metrics = random.below(3) == 0;
    let mut page = String::new();
    for _ in 0..random.below(9) {
        let line = match open_metrics {
            // One line in five is from the half that is wrong.
            true if random.below(20) == 0 => OPEN_METRICS[12 + random.below(12)],
            true => OPEN_METRICS[random.below(12)],
            false if random.below(20) == 0 => WRONG[random.below(WRONG.len())],
            false => TEXT[random.below(TEXT.len())],
        };
        let time = if open_metrics { format!("{now}.5") } else { format!("{now}500") };
        let _ = writeln!(page, "{}", line.replace("NOW", &time));
    }
    if open_metrics && random.below(20) != 0 {
        page.push_str("# EOF\n");
    }
    // The end of the last line may be missing, and a page may be cut anywhere.
    match random.below(10) {
        0 => page.truncate(page.trim_end_matches('\n').len()),
        1 if !page.is_empty() => {
            page.truncate(page.floor_char_boundary(1 + random.below(page.len())));
        }
        _ => {}
    }
    (page, open_metrics)
}

/// The series of a page: labels, and value with time in seconds.
type Series = BTreeMap<BTreeMap<String, String>, (String, Option<i64>)>;

/// What a Prometheus has of a page; `None` if it refuses it.
async fn theirs(prometheus: &Prometheus, number: usize) -> Result<Option<Series>, String> {
    let up = prometheus.query(&format!("up{{job=\"page-{number}\"}}")).await;
    match up.first().and_then(|up| up["value"][1].as_str()) {
        None => return Err("not scraped yet".to_owned()),
        Some("0") => return Ok(None),
        Some(_) => {}
    }
    let series = prometheus.query(&format!("{METRIC}{{job=\"page-{number}\"}}")).await;
    let times = prometheus.query(&format!("timestamp({METRIC}{{job=\"page-{number}\"}})")).await;
    let labels = |item: &Value| -> BTreeMap<String, String> {
        let all = item["metric"].as_object().cloned().unwrap_or_default();
        let own =
            all.into_iter().filter(|(name, _)| !["job", "instance", "__name__"].contains(&&**name));
        own.map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned())).collect()
    };
    let text = |item: &Value| item["value"][1].as_str().unwrap_or_default().to_owned();
    let times: BTreeMap<_, _> = times.iter().map(|item| (labels(item), text(item))).collect();
    let of = |item: &Value| {
        let labels = labels(item);
        let time = times.get(&labels).and_then(|time| time.parse::<f64>().ok());
        #[allow(clippy::cast_possible_truncation)] // seconds since the epoch
        let time = time.map(|time| time as i64);
        (labels, (canonical(&text(item)), time))
    };
    Ok(Some(series.iter().map(of).collect()))
}

/// What the adapter has of it, but for samples whose time was cut: a Prometheus drops what is from long
/// ago.
async fn ours(leadsman: &Leadsman, number: usize, now: u64) -> Option<Series> {
    let answer = leadsman.get(&paths::external("shop", &format!("page_{number}"))).await;
    if !answer.is_success() {
        let failure = answer.failure();
        failure.assert_contains(&["could not be scraped", "sent a page that cannot be read"]);
        return None;
    }
    let of = |item: &Value| -> (BTreeMap<String, String>, (String, Option<i64>)) {
        let all = item["metricLabels"].as_object().cloned().unwrap_or_default();
        let own = all.into_iter().filter(|(name, _)| name != "instance");
        let labels = own.map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()));
        let time = item["timestamp"].as_str().and_then(seconds);
        (labels.collect(), (canonical(item["value"].as_str().unwrap_or_default()), time))
    };
    let is_recent = |(_, (_, time)): &(BTreeMap<String, String>, (String, Option<i64>))| {
        time.is_some_and(|time| u64::try_from(time).is_ok_and(|time| time.abs_diff(now) < 200))
    };
    Some(answer.items().iter().map(of).filter(is_recent).collect())
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
    text.parse::<f64>().map_or_else(|_| value.to_owned(), |number| format!("{:.0}", number * scale))
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

#[tokio::test]
async fn pages_are_read_as_prometheus_reads_them() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let mut random = Random(SEED);
    let pages: Vec<_> = (0..PAGES).map(|_| page(&mut random, now)).collect();
    let served = pages.clone();
    let app = Upstream::start(Reply::new(404, "text/plain", "no page")).await;
    app.reply_with(move |request| {
        let number = request.path.trim_start_matches("/page/").parse::<usize>().ok();
        match number.and_then(|number| served.get(number)) {
            Some((page, true)) => {
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                Reply::new(200, kind, page.as_str())
            }
            Some((page, false)) => Reply::new(200, "text/plain; version=0.0.4", page.as_str()),
            None => Reply::new(404, "text/plain", "no page"),
        }
    });
    let target = app.url().trim_start_matches("http://").to_owned();
    let jobs: Vec<_> = (0..PAGES)
        .map(|number| {
            format!(
                "{{job_name: page-{number}, metrics_path: /page/{number}, honor_labels: true, \
                 static_configs: [{{targets: ['{target}']}}]}}"
            )
        })
        .collect();
    let prometheus = Prometheus::scraping_with_jobs(&app.url(), &jobs).await;
    let mut config = Config::new();
    for number in 0..PAGES {
        let source = format!("exposition: {{url: '{}/page/{number}'}}", app.url());
        let name = format!("page-{number}");
        let mapping = Mapping::external(&format!("page_{number}"))
            .exposition_query(&name, "m", &format!("metric: {METRIC}"))
            .plugin("external", "")
            .set("deadline", "10s");
        config = config.source_of(&name, &source).mapping(mapping);
    }
    let leadsman = Leadsman::start(config).await;
    let (mut read, mut refused, mut series) = (0, 0, 0);
    for (number, (page, _)) in pages.iter().enumerate() {
        let ours = ours(&leadsman, number, now).await;
        let what = format!("page {number} as Prometheus reads it");
        let theirs =
            eventually(&what, Duration::from_secs(30), async || theirs(&prometheus, number).await)
                .await;
        match (&ours, &theirs) {
            (None, None) => refused += 1,
            (Some(ours), Some(theirs)) => {
                read += 1;
                series += ours.len();
                let told = |all: &Series| -> BTreeMap<_, _> {
                    all.iter().map(|(labels, (value, _))| (labels.clone(), value.clone())).collect()
                };
                assert_eq!(told(ours), told(theirs), "{page:?}");
                for (labels, (_, time)) in ours {
                    let other = theirs[labels].1;
                    // Without a time of its own a sample has that of its scrape.
                    let apart = time.zip(other).map(|(one, other)| (one - other).abs());
                    assert!(apart.is_some_and(|apart| apart <= 60), "{time:?} {other:?} {page:?}");
                    let own = time.is_some_and(|time| u64::try_from(time).is_ok_and(|t| t == now));
                    let theirs_own =
                        other.is_some_and(|t| u64::try_from(t).is_ok_and(|t| t == now));
                    assert!(!theirs_own || own, "{time:?} {other:?} {page:?}");
                }
            }
            (None, Some(theirs)) => panic!("refused here, {theirs:?} there: {page:?}"),
            (Some(ours), None) => panic!("{ours:?} here, refused there: {page:?}"),
        }
    }
    println!("{read} pages were read alike, with {series} series; {refused} were refused by both");
    assert!(read > 100 && refused > 20 && series > 200, "{read} {refused} {series}");
}
