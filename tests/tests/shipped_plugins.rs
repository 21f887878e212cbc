//! Shipped plugins on a real Prometheus: `formula`, `schedule`, `percentile`, `forecast`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use leadsman_tests::{Config, Exporter, Leadsman, Mapping, Prometheus, Stack, eventually, paths};

/// A query that has a value for each pod of the namespace.
fn by_pod(series: &str) -> String {
    format!(r#"sum by (pod) ({series}{{namespace="${{namespace}}"}})"#)
}

fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
    of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

async fn values(leadsman: &Leadsman, metric: &str) -> Vec<(String, String)> {
    let answer = leadsman.get(&paths::pods("shop", metric)).await;
    answer.values().into_iter().collect()
}

#[tokio::test]
async fn a_formula_joins_queries_and_knows_what_is_absent() {
    let exposition = r#"
requests{namespace="shop",pod="web-0"} 250
requests{namespace="shop",pod="web-1"} 50
queue{namespace="shop",pod="web-0"} 7
limit 500
trig_one 3
trig_two 6
trig_three 1
"#;
    let formula = |metric: &str, formula: &str| {
        let config = format!("formula: '{formula}', object: pod");
        Mapping::custom(metric, "pods")
            .query("requests", &by_pod("requests"))
            .query("queue", &by_pod("queue"))
            .query("limit", "sum(limit)")
            .plugin("formula", &config)
    };
    // Formulas of ScaledObjects, whose triggers are queries here.
    let modifiers = |metric: &str, formula: &str| {
        Mapping::external(metric)
            .query("trig_one", "sum(trig_one)")
            .query("trig_two", "sum(trig_two)")
            .query("trig_three", "sum(trig_three)")
            .query("a", "sum(no_such_series)")
            .query("b", "sum(nor_such_a_series)")
            .plugin("formula", &format!("formula: '{formula}'"))
    };
    let config = Config::new()
        .mapping(formula("load", "max(requests / 100, queue ?? 0)"))
        .mapping(formula("strict", "requests + queue"))
        .mapping(formula("share", "clamp(requests / limit * 100, 0, 100)"))
        .mapping(modifiers("mean", "(trig_one + trig_two) / 2"))
        .mapping(modifiers("choice", "trig_one > 2 ? trig_one + trig_two : 1"))
        .mapping(modifiers(
            "counted",
            "count([trig_one, trig_two, trig_three], {# > 2}) > 1 ? 5 : 0",
        ))
        .mapping(modifiers("known", "a ?? b ?? 8"))
        .mapping(modifiers("first", "a ?? trig_three ?? 8"))
        .mapping(modifiers("unknown", "a + trig_one"))
        .pods("shop", &["web-0", "web-1"]);
    let Stack { leadsman, .. } = &Stack::start(exposition, "trig_three", config).await;
    assert_eq!(values(leadsman, "load").await, pairs(&[("web-0", "7"), ("web-1", "500m")]));
    // What is missing is not zero.
    assert_eq!(values(leadsman, "strict").await, pairs(&[("web-0", "257")]));
    assert_eq!(values(leadsman, "share").await, pairs(&[("web-0", "50"), ("web-1", "10")]));
    for (metric, expected) in
        [("mean", "4500m"), ("choice", "9"), ("counted", "5"), ("known", "8"), ("first", "1")]
    {
        let answer = leadsman.get(&paths::external("shop", metric)).await;
        assert_eq!(answer.value(), expected, "{metric}");
    }
    let unknown = leadsman.get(&paths::external("shop", "unknown")).await;
    assert!(unknown.items().is_empty(), "{unknown:#?}");
}

#[tokio::test]
async fn a_mistake_in_a_formula_has_its_place() {
    for (formula, says) in [
        ("max(requests, queue", "column 20: \")\" is missing at the end"),
        ("requests + quue", "column 12: the mapping has no query \"quue\""),
        ("requests / 20 ?? 0", "column 12: 20 is never absent"),
        ("requests > 5", "column 1: the formula gives a condition"),
    ] {
        let mapping = Mapping::external("load")
            .query("requests", "sum(requests)")
            .query("queue", "sum(queue)")
            .plugin("formula", &format!("formula: '{formula}'"));
        let checked = Leadsman::check(Config::shop("http://127.0.0.1:9").mapping(mapping)).await;
        assert_eq!(checked.code, Some(1), "{formula}: {}", checked.output);
        checked.assert_contains(&["mappings[0].config.formula", says]);
    }
}

/// The same as the function of Prometheus has for the same buckets, and nothing where that has NaN.
#[tokio::test]
async fn a_percentile_is_that_of_prometheus() {
    let buckets = |pod: &str, counts: [u32; 5]| {
        let bounds = ["0.1", "0.25", "0.5", "1", "+Inf"].into_iter().zip(counts);
        let line = |(bound, count)| {
            format!("latency_bucket{{namespace=\"shop\",pod=\"{pod}\",le=\"{bound}\"}} {count}\n")
        };
        bounds.map(line).collect::<String>()
    };
    let exposition = [
        buckets("web-0", [10, 60, 90, 99, 100]),
        buckets("web-1", [0, 3, 3, 4, 40]),
        buckets("web-2", [0, 0, 0, 0, 0]),
    ];
    let summed = r#"sum by (pod, le) (latency_bucket{namespace="${namespace}"})"#;
    let config = Config::new()
        .mapping(
            Mapping::custom("latency", "pods")
                .query("buckets", summed)
                .plugin("percentile", "percentile: 90, object: pod"),
        )
        .mapping(
            Mapping::custom("certain", "pods")
                .query("buckets", summed)
                .plugin("percentile", "percentile: 90, object: pod, least: 50"),
        )
        .mapping(
            Mapping::pods("reference").query("q", &format!("histogram_quantile(0.9, {summed})")),
        )
        .mapping(
            Mapping::custom("lost", "pods")
                .query("q", &by_pod("latency_bucket"))
                .plugin("percentile", "percentile: 90, object: pod"),
        )
        .pods("shop", &["web-0", "web-1", "web-2"]);
    let exposition = exposition.concat();
    let Stack { leadsman, .. } = &Stack::start(&exposition, "latency_bucket", config).await;
    let found = values(leadsman, "latency").await;
    assert_eq!(found, values(leadsman, "reference").await);
    assert_eq!(found, pairs(&[("web-0", "500m"), ("web-1", "1")]));
    assert_eq!(values(leadsman, "certain").await, pairs(&[("web-0", "500m")]));
    let lost = leadsman.get(&paths::pods("shop", "lost")).await.failure();
    lost.assert_contains(&["no series has the label \"le\"", "histogram_quantile"]);
}

/// The time of day so many hours from now, in UTC.
fn clock(hours: i64) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970");
    let minutes = i64::try_from(since.as_secs() / 60).expect("a time") + hours * 60;
    let of_day = minutes.rem_euclid(24 * 60);
    format!("{:02}:{:02}", of_day / 60, of_day % 60)
}

#[tokio::test]
async fn a_schedule_needs_no_source() {
    let windows = format!(
        "timeZone: UTC, otherwise: 1, windows: [{{from: '{}', to: '{}', value: 7}}, \
         {{from: '{}', to: '{}', value: 9}}]",
        clock(-2),
        clock(2),
        clock(4),
        clock(6),
    );
    let always = "timeZone: Europe/Berlin, windows: [{from: '00:00', to: '24:00', value: 2.5}]";
    let never = "timeZone: Asia/Tokyo, windows: [{from: '00:00', to: '24:00', value: 3, \
                 dates: {to: 2020-01-01}}]";
    let pods =
        |metric: &str, config: &str| Mapping::custom(metric, "pods").plugin("schedule", config);
    let config = Config::new()
        .mapping(Mapping::external("by_the_clock").plugin("schedule", &windows))
        .mapping(Mapping::external("never").plugin("schedule", never))
        .mapping(pods("of_all", &format!("{always}, object: all")))
        .mapping(pods("of_one", &format!("{always}, object: {{name: web-1}}")))
        .pods("shop", &["web-0", "web-1"])
        .pods("bank", &["web-1"]);
    let leadsman = Leadsman::start(config).await;
    let external = async |metric: &str| leadsman.get(&paths::external("shop", metric)).await;
    assert_eq!(external("by_the_clock").await.value(), "7");
    assert!(external("never").await.items().is_empty());
    let both = pairs(&[("web-0", "2500m"), ("web-1", "2500m")]);
    assert_eq!(values(&leadsman, "of_all").await, both);
    assert_eq!(values(&leadsman, "of_one").await, pairs(&[("web-1", "2500m")]));
    let bank = leadsman.get(&paths::pods("bank", "of_one")).await;
    assert_eq!(bank.value(), "2500m");
}

/// A load that repeats each four minutes: which minute it is, of four.
#[tokio::test]
async fn a_forecast_is_the_same_time_of_earlier_seasons() {
    let exporter = Exporter::start("up_since 1").await;
    let prometheus = Prometheus::scraping(&exporter.url()).await;
    let of = |metric: &str, duration: &str, method: &str| {
        let config = format!(
            "ahead: 1m, season: 4m, method: {method}, below: forecast, maxError: 0.01, \
             smoothing: {{level: 0.5, trend: 0.25, season: 0.5}}"
        );
        Mapping::external(metric)
            .range("load", "floor(vector(time()) / 60) % 4", duration, "1m")
            .plugin("forecast", &config)
    };
    let config = Config::new()
        .prometheus("prometheus", &prometheus.url())
        .mapping(of("seasonal", "8m", "seasonal"))
        .mapping(of("smooth", "12m", "holtWinters"))
        .mapping(of("short", "5m", "seasonal"));
    let leadsman = Leadsman::start(config).await;
    for metric in ["seasonal", "smooth"] {
        let answer = leadsman.get(&paths::external("shop", metric)).await;
        let items = answer.items();
        assert_eq!(items.len(), 1, "{answer:#?}\n{}", leadsman.log());
        // The minutes of an hour are fifteen seasons.
        let time = items[0]["timestamp"].as_str().expect("a time");
        let minute: u32 = time[14..16].parse().expect("the minute of a time");
        assert_eq!(items[0]["value"], ((minute + 1) % 4).to_string(), "{answer:#?}");
    }
    said(&leadsman, "on the past the mean error was").await;
    let short = leadsman.get(&paths::external("shop", "short")).await;
    assert!(short.items().is_empty(), "{short:#?}");
    said(&leadsman, "has 5m of history").await;
}

/// Waits until the log contains a text.
async fn said(leadsman: &Leadsman, text: &str) {
    eventually(text, Duration::from_secs(10), async || {
        let log = leadsman.log();
        if log.contains(text) { Ok(()) } else { Err(log) }
    })
    .await;
}
