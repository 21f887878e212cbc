//! What is written wrongly is told before anything is scraped.

use leadsman_tests::{Config, HOSTILE, Leadsman, Mapping};

use super::scene::{config, of};

/// The output of a check of this source and this query.
async fn refused(source: &str, asked: &str) -> String {
    let config = Config::new()
        .source_of("app", &format!("exposition: {{{source}}}"))
        .mapping(of(asked))
        .pods("shop", &["web-0"]);
    let report = Leadsman::check(config).await;
    assert_eq!(report.code, Some(1), "{}", report.output);
    report.output
}

#[tokio::test]
async fn faults_of_sources_and_queries_are_told_at_once() {
    let source = "url: 'http://a/m', pods: {namespace: Shop, selector: 'a=b=c d', port: metrics, path: m}, \
                  timeout: 1m, scrapeAtMostEvery: 10ms";
    let asked = "metric: 'rate(a[1m])', matches: {code: '('}, function: rate";
    let output = refused(source, asked).await;
    for text in [
        "sources.app.exposition.url: only one of the keys pods, service, url, urls may stand here",
        "is not the name of a namespace",
        "the selector \"a=b=c d\" cannot be read",
        "is not a path",
        "sources.app.exposition.timeout: must be at most 30s",
        "sources.app.exposition.scrapeAtMostEvery: must be at least 1s",
        "exposition.metric: is no query: write the name of the metric alone",
        "exposition.matches.code: unclosed group",
        "the key \"over\" is missing: the window of rate",
    ] {
        assert!(output.contains(text), "{text}\n{output}");
    }
    let output = refused("timeout: 1s", "metric: a, over: 1m").await;
    assert!(
        output.contains("the key \"pods\", \"service\", \"url\" or \"urls\" is missing"),
        "{output}"
    );
    assert!(output.contains("is the window of a `function`"), "{output}");
    let pods = "pods: {selector: app=web, port: 0, path: metrics}";
    let output = refused(pods, "metric: a, function: rate, over: 1s").await;
    for text in ["is not a port", "is not a path", "must be at least 10s and at most 10m"] {
        assert!(output.contains(text), "{text}\n{output}");
    }
}

#[tokio::test]
async fn what_needs_a_cluster_is_checked_and_refused_without_one() {
    let pods = "pods: {namespace: shop, selector: 'app in (web,api)', port: metrics, minAge: 30s}";
    let config = Config::new()
        .source_of("app", &format!("exposition: {{{pods}}}"))
        .mapping(of("metric: requests_total, function: rate, over: 1m, matches: {code: '2..'}"))
        .pods("shop", &["web-0"]);
    let report = Leadsman::check(&config).await;
    assert_eq!(report.code, Some(0), "{}", report.output);
    let leadsman = Leadsman::start(config).await;
    let answer = leadsman.get(&leadsman_tests::paths::pods("shop", super::scene::METRIC)).await;
    answer.failure().assert_contains(&[
        "does not know which pods with app in (api,web) in namespace shop there are",
        "there is no cluster to ask; name one with --kubeconfig",
    ]);
}

#[tokio::test]
async fn a_query_of_another_kind_is_refused() {
    let mapping = of("metric: a").query_from("app", "other", "up");
    let report = Leadsman::check(config(&["http://127.0.0.1:1"], "", mapping)).await;
    assert_eq!(report.code, Some(1), "{}", report.output);
    report.assert_contains(&["endpoints that are scraped"]);
}

/// Prometheus gives the samples of an instant query the time of the query.
#[tokio::test]
async fn an_age_of_samples_that_has_no_effect_is_a_warning() {
    let text = "queries.requests.maxSampleAge: has no effect on an instant query";
    for (range, warns) in [("", true), (", range: {duration: 5m, step: 30s}", false)] {
        let keys = format!("promql: up, maxSampleAge: 1m{range}");
        let mapping = Mapping::custom("up", "pods")
            .query_of("prometheus", "requests", &keys)
            .plugin("guest", "do: range-max");
        let config = Config::shop("http://127.0.0.1:1").plugin("guest", HOSTILE).mapping(mapping);
        let report = Leadsman::check(config).await;
        assert_eq!(report.code, Some(0), "{}", report.output);
        assert_eq!(report.output.contains(text), warns, "{range}: {}", report.output);
    }
}
