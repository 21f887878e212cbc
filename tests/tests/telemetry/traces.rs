//! Traces: from the caller of a read to its source, in a collector.

use std::time::Duration;

use leadsman_tests::{
    Alb, Collector, Config, Leadsman, Mapping, Pool, Reply, Span, Upstream, eventually, paths,
};

use super::{config, load};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";
const OTHER_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER_CALLER: &str = "00f067aa0ba902b7";

const SOON: Duration = Duration::from_secs(20);

/// What a caller sends with a read.
fn parent(trace: &str, caller: &str, flags: &str) -> String {
    format!("00-{trace}-{caller}-{flags}")
}

/// One that exports to a collector what callers sample, and nothing else but reloads.
async fn traced(config: Config, collector: &Collector) -> Leadsman {
    let url = collector.url();
    let arguments = ["--otlp-endpoint", &url, "--trace-sampling-ratio", "0"];
    Leadsman::start_with(config, &arguments).await
}

fn thirty() -> Reply {
    Reply::pods(&[("web-0", "30"), ("web-1", "30")])
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let mut found = spans.iter().filter(|span| span.name == name);
    let span = found.next().unwrap_or_else(|| panic!("no {name} in {spans:#?}"));
    assert_eq!(found.next(), None, "only one {name}");
    span
}

#[tokio::test]
async fn a_read_is_traced_from_its_caller_to_the_source() {
    let (source, collector) = (Upstream::start(thirty()).await, Collector::start().await);
    let leadsman = traced(config(&source.url()), &collector).await;
    let sampled = parent(TRACE, CALLER, "01");
    let headers = [("traceparent", &*sampled), ("tracestate", "vendor=1"), ("user-agent", "hpa/1")];
    leadsman.get_with(&paths::pods("shop", "load"), &headers).await.ok();
    let names = ["read", "wait", "evaluation", "query", "plugin"];
    let spans = collector.wait_for(TRACE, &names).await;
    let [read, wait, evaluation, query, plugin] = names.map(|name| named(&spans, name));
    assert_eq!(spans.len(), names.len(), "{spans:#?}");
    assert_eq!((&*read.parent, read.kind), (CALLER, "server"));
    for (span, above, kind) in [
        (wait, read, "internal"),
        (evaluation, read, "internal"),
        (query, evaluation, "client"),
        (plugin, evaluation, "internal"),
    ] {
        assert_eq!((&*span.parent, span.kind), (&*above.id, kind), "{span:#?}");
    }
    for span in &spans {
        assert_eq!(span.state, "vendor=1", "{span:#?}");
        assert_eq!(span.failure, None, "{span:#?}");
    }
    // The evaluation is a part of the time that the read took, and the query one of the evaluation.
    for (outer, inner) in [(read, wait), (read, query), (evaluation, query), (evaluation, plugin)] {
        assert!(outer.time.0 <= inner.time.0, "{outer:#?} {inner:#?}");
    }
    assert!(query.time.1 <= evaluation.time.1, "{query:#?} {evaluation:#?}");
    let path = paths::pods("shop", "load");
    assert_eq!(read.attribute("url.path"), path.split('?').next().unwrap());
    assert_eq!(read.attribute("http.response.status_code"), "200");
    assert_eq!(read.attribute("user_agent.original"), "hpa/1");
    assert_eq!(read.events, ["authorized"]);
    assert_eq!(evaluation.attribute("leadsman.mapping"), "pods/load");
    assert_eq!(evaluation.attribute("leadsman.values"), "2");
    assert_eq!(evaluation.attribute("leadsman.ahead"), "false");
    assert_eq!(query.attribute("db.query.text"), r#"load{namespace="shop"}"#);
    assert_eq!(query.attribute("leadsman.source"), "prometheus");
    assert_eq!(query.attribute("leadsman.series"), "2");
    assert_eq!(plugin.attribute("leadsman.plugin"), "per-object");
    assert_eq!(plugin.events, ["the run begins"]);
    // What the source received names the query as its parent.
    let request = source.requests().into_iter().find(|request| request.path.ends_with("/query"));
    let request = request.expect("a query");
    assert_eq!(request.header("traceparent"), Some(&*query.traceparent()));
    assert_eq!(request.header("tracestate"), Some("vendor=1"));
}

#[tokio::test]
async fn what_nobody_samples_is_not_exported_and_not_passed_on() {
    let (source, collector) = (Upstream::start(thirty()).await, Collector::start().await);
    let config = config(&source.url()).mapping(load("other"));
    let leadsman = traced(config, &collector).await;
    let unsampled = parent(OTHER_TRACE, OTHER_CALLER, "00");
    let none: &[(&str, &str)] = &[];
    for headers in [none, &[("traceparent", &*unsampled)]] {
        leadsman.get_with(&paths::pods("shop", "load"), headers).await.ok();
    }
    for request in source.requests() {
        assert_eq!(request.header("traceparent"), None, "{request:#?}");
    }
    // One that is sampled comes last, so what came before it would be there.
    let sampled = parent(TRACE, CALLER, "01");
    leadsman.get_with(&paths::pods("shop", "other"), &[("traceparent", &*sampled)]).await.ok();
    collector.wait_for(TRACE, &["read", "evaluation"]).await;
    let others: Vec<_> = collector.spans().into_iter().filter(|span| span.trace != TRACE).collect();
    let is_of_reload = |span: &Span| matches!(&*span.name, "reload" | "parse" | "bind" | "publish");
    assert!(others.iter().all(is_of_reload), "{others:#?}");
}

#[tokio::test]
async fn nothing_is_traced_unless_an_endpoint_is_named() {
    let source = Upstream::start(thirty()).await;
    let leadsman = Leadsman::start(config(&source.url())).await;
    let sampled = parent(TRACE, CALLER, "01");
    leadsman.get_with(&paths::pods("shop", "load"), &[("traceparent", &*sampled)]).await.ok();
    for request in source.requests() {
        assert_eq!(request.header("traceparent"), None, "{request:#?}");
    }
    assert_eq!(leadsman.metric("leadsman_spans_exported_total", &[]).await, Some(0.0));
    assert_eq!(leadsman.metric("leadsman_spans_dropped_total", &[]).await, None);
}

#[tokio::test]
async fn a_shared_evaluation_names_all_reads_that_wait_for_it() {
    let late = Reply::After(Duration::from_millis(700), Box::new(thirty()));
    let (source, collector) = (Upstream::start(late).await, Collector::start().await);
    let leadsman = traced(config(&source.url()), &collector).await;
    let path = paths::pods("shop", "load");
    let (one, other) = (parent(TRACE, CALLER, "01"), parent(OTHER_TRACE, OTHER_CALLER, "01"));
    let (headers, other_headers) = ([("traceparent", &*one)], [("traceparent", &*other)]);
    let (first, second) =
        tokio::join!(leadsman.get_with(&path, &headers), leadsman.get_with(&path, &other_headers));
    assert_eq!((first.status, second.status), (200, 200));
    let first = collector.wait_for(TRACE, &["read", "wait"]).await;
    let second = collector.wait_for(OTHER_TRACE, &["read", "wait"]).await;
    let (first, second) = (named(&first, "read"), named(&second, "read"));
    let evaluation = eventually("the evaluation", SOON, async || {
        let spans = collector.spans();
        // One ahead of further reads has a trace of its own.
        let of_reads = |span: &Span| [TRACE, OTHER_TRACE].contains(&&*span.trace);
        let found = spans.into_iter().find(|span| span.name == "evaluation" && of_reads(span));
        found.ok_or("none yet".to_owned())
    })
    .await;
    // Whichever came first is its parent, and the other is linked.
    let (parent, linked) =
        if evaluation.trace == TRACE { (first, second) } else { (second, first) };
    assert_eq!(evaluation.parent, parent.id, "{evaluation:#?}");
    assert_eq!(evaluation.links, [&*linked.id], "{evaluation:#?}");
}

#[tokio::test]
async fn a_failure_is_told_where_it_happened() {
    let (source, collector) = (
        Upstream::start(Reply::new(503, "text/plain", "down for today")).await,
        Collector::start().await,
    );
    let leadsman = traced(config(&source.url()), &collector).await;
    let sampled = parent(TRACE, CALLER, "01");
    let path = paths::pods("shop", "load");
    let answer = leadsman.get_with(&path, &[("traceparent", &*sampled)]).await;
    assert_eq!(answer.status, 503, "{answer:#?}");
    let spans = collector.wait_for(TRACE, &["read", "evaluation", "query"]).await;
    for name in ["read", "evaluation", "query"] {
        assert!(named(&spans, name).failure.is_some(), "{spans:#?}");
    }
    assert!(!spans.iter().any(|span| span.name == "plugin"), "{spans:#?}");
    assert_eq!(named(&spans, "evaluation").attribute("error.type"), "query_status");
    assert_eq!(named(&spans, "read").attribute("http.response.status_code"), "503");
}

#[tokio::test]
async fn a_start_is_traced_as_a_reload() {
    let (source, collector) = (Upstream::start(thirty()).await, Collector::start().await);
    let _leadsman = traced(config(&source.url()), &collector).await;
    let parts = ["parse", "bind", "publish"];
    let spans = eventually("a whole reload", SOON, async || {
        let spans = collector.spans();
        let is_whole = |name: &&str| {
            let part = spans.iter().find(|span| span.name == **name);
            part.is_some_and(|part| spans.iter().any(|span| span.id == part.parent))
        };
        if parts.iter().all(is_whole) { Ok(spans) } else { Err(format!("{spans:#?}")) }
    })
    .await;
    for name in parts {
        let part = spans.iter().find(|span| span.name == name).expect("a part");
        let whole = spans.iter().find(|span| span.id == part.parent).expect("what it is a part of");
        assert_eq!(whole.name, "reload");
        assert_eq!(whole.attribute("leadsman.owner"), "operator");
    }
}

#[tokio::test]
async fn what_is_scraped_is_told_of_the_trace_too() {
    let page = "# TYPE requests gauge\nrequests{namespace=\"shop\",pod=\"web-0\"} 5\n";
    let app = Upstream::start(Reply::new(200, "text/plain; version=0.0.4", page)).await;
    let collector = Collector::start().await;
    let mapping = Mapping::custom("requests", "pods")
        .exposition_query("app", "requests", "metric: requests")
        .plugin("per-object", "object: pod")
        .set("deadline", "10s");
    let config = Config::new()
        .source_of("app", &format!("exposition: {{urls: ['{}/metrics']}}", app.url()))
        .mapping(mapping)
        .pods("shop", &["web-0"]);
    let leadsman = traced(config, &collector).await;
    let sampled = parent(TRACE, CALLER, "01");
    leadsman.get_with(&paths::pods("shop", "requests"), &[("traceparent", &*sampled)]).await.ok();
    let spans = collector.wait_for(TRACE, &["read", "query"]).await;
    let query = named(&spans, "query");
    let told: Vec<_> = app
        .requests()
        .iter()
        .filter_map(|request| request.header("traceparent").map(str::to_owned))
        .collect();
    assert_eq!(told, [query.traceparent()]);
}

#[tokio::test]
async fn a_load_balancers_controller_is_told_of_the_trace_too() {
    let (id, pool) = ("l4_server.avg_open_conns", "pool-of-web");
    let alb = Alb::start(&[Pool::new("pool-1", pool).with(id, 12.5)]).await;
    let collector = Collector::start().await;
    let mapping = Mapping::custom("conns", "services")
        .alb_query("lb", "conns", &format!("entity: pool, name: {pool}, metric: {id}"))
        .plugin("per-object", "object: {namespace: shop, name: web}, combine: sum")
        .set("deadline", "10s");
    let config = Config::new().source_of("lb", &alb.source()).mapping(mapping).object(
        "services",
        Some("shop"),
        "web",
        "",
    );
    let leadsman = traced(config, &collector).await;
    let sampled = parent(TRACE, CALLER, "01");
    let path = paths::object("shop", "services/web", "conns");
    leadsman.get_with(&path, &[("traceparent", &*sampled)]).await.ok();
    let spans = collector.wait_for(TRACE, &["read", "query"]).await;
    let query = named(&spans, "query").traceparent();
    // A login, a list of objects, their metrics.
    let told = alb.parents();
    assert!(told.len() >= 2, "{told:?}");
    assert!(told.iter().all(|parent| *parent == query), "{told:?}, not {query}");
}

#[tokio::test]
async fn the_last_spans_are_exported_at_the_end() {
    let (source, collector) = (Upstream::start(thirty()).await, Collector::start().await);
    let leadsman = traced(config(&source.url()), &collector).await;
    let sampled = parent(TRACE, CALLER, "01");
    leadsman.get_with(&paths::pods("shop", "load"), &[("traceparent", &*sampled)]).await.ok();
    leadsman.terminate();
    assert!(leadsman.exit().await.success());
    // The process has ended, so there is nothing to wait for.
    let spans = collector.spans();
    for name in ["read", "evaluation", "query", "plugin"] {
        assert!(spans.iter().any(|span| span.trace == TRACE && span.name == name), "{spans:#?}");
    }
}

#[tokio::test]
async fn a_collector_that_is_down_costs_spans_and_nothing_else() {
    let source = Upstream::start(thirty()).await;
    let arguments = ["--otlp-endpoint", "http://127.0.0.1:9", "--trace-sampling-ratio", "1"];
    let leadsman = Leadsman::start_with(config(&source.url()), &arguments).await;
    let path = paths::pods("shop", "load");
    eventually("dropped spans", SOON, async || {
        leadsman.get(&path).await.ok();
        let refused = [("reason", "refused")];
        match leadsman.metric("leadsman_spans_dropped_total", &refused).await {
            Some(dropped) if dropped > 0.0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert!(leadsman.log().contains("spans cannot be exported"), "{}", leadsman.log());
    leadsman.terminate();
    assert!(leadsman.exit().await.success());
}

#[tokio::test]
async fn an_endpoint_that_is_no_url_ends_the_start() {
    let launched = Leadsman::launch(config("http://p"), &["--otlp-endpoint", "collector:4317"]);
    let Err(exited) = launched.await else { panic!("it serves") };
    assert_eq!(exited.status.code(), Some(3));
    exited.assert_contains(&["collector:4317", "http or https URL"]);
}
