//! The Prometheus format of a controller, where a source asks for it.

use std::collections::BTreeMap;

use leadsman_tests::{Alb, Config, Leadsman, Mapping, Pool, Reply, paths};

use super::scene::{ID, POOL, Scene, by_name, of_ingress, of_ingresses, path, pool};

const TEXT: &str = "/api/analytics/prometheus-metrics/pool/";
const FORMAT: &str = ", format: prometheus";

/// A page with one line for the user's pool, from the value on.
fn page(rest: &str) -> Reply {
    let line = format!(
        "avi_l4_server_avg_open_conns{{uuid=\"pool-4d74\", server=\"10.0.0.1:80\", name=\"{POOL}\"}}"
    );
    let text = format!("# Successfully gathered 1 metrics for pool\n{line} {rest}");
    Reply::new(200, "text/plain", text)
}

#[tokio::test]
async fn a_pool_by_name_is_read_in_the_step_of_the_source() {
    let scene = Scene::with(FORMAT).await;
    scene.follows_in_its_step("metrics_text").await;

    let requests = scene.alb.server.requests();
    let sent = requests.iter().find(|request| request.path == TEXT).expect("a request");
    for (name, value) in [
        ("metric_id", ID),
        ("entity_id", "pool-4d74"),
        ("tenant", "admin"),
        ("description", "false"),
        ("realtime", "true"),
    ] {
        assert_eq!(sent.parameter(name), Some(value), "{sent:?}");
    }
    assert_eq!((sent.method.as_str(), sent.header("x-avi-tenant")), ("GET", Some("admin")));
}

#[tokio::test]
async fn what_ako_made_is_one_page_for_all_namespaces() {
    let resource = "ingresses.networking.k8s.io";
    let alb = Alb::start(&[
        of_ingress(1, "routing-ns1", "kuard-ingress", 600.0),
        of_ingress(2, "routing-ns1", "kuard-ingress", 400.0),
        of_ingress(3, "shop", "web", 7.0),
        pool(),
    ])
    .await;
    let address = format!("url: '{}'", alb.server.url());
    let config = Config::new()
        .source_of("lb", &alb.source_at(&address, FORMAT))
        .mapping(of_ingresses(""))
        .object(resource, Some("routing-ns1"), "kuard-ingress", "")
        .object(resource, Some("shop"), "web", "");
    let leadsman = Leadsman::start(config).await;
    for (object, value) in [(("routing-ns1", "kuard-ingress"), "1k"), (("shop", "web"), "7")] {
        let path = paths::object(object.0, &format!("{resource}/{}", object.1), "connections");
        assert_eq!(leadsman.get(&path).await.value(), value, "{object:?}");
    }
    let requests = alb.server.requests();
    let sent: Vec<_> = requests.iter().filter(|request| request.path == TEXT).collect();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (sent[0].parameter("entity_id"), sent[0].parameter("realtime")),
        (None, Some("false"))
    );
}

#[tokio::test]
async fn each_server_has_a_value_where_it_is_asked_for() {
    let servers = pool().server("10.142.0.32:8080", 500.0).server("10.142.0.33:8080", 513.4);
    let alb = Alb::start(&[servers]).await;
    let asked = format!("entity: pool, uuid: pool-4d74, metric: {ID}");
    let each =
        Mapping::external("each").alb_query("lb", "conns", &format!("{asked}, servers: true"));
    let total = Mapping::custom("total", "services")
        .alb_query("lb", "conns", &asked)
        .plugin("per-object", "object: {namespace: routing-ns1, name: avilb}, combine: sum");
    let config = Config::new()
        .source_of("lb", &alb.source_with(FORMAT))
        .mapping(each.set("deadline", "10s"))
        .mapping(total.set("deadline", "10s"))
        .object("services", Some("routing-ns1"), "avilb", "");
    let leadsman = Leadsman::start(config).await;
    let items = leadsman.get(&paths::external("shop", "each")).await.items();
    let told: BTreeMap<_, _> = items
        .iter()
        .map(|item| (item["metricLabels"]["address"].to_string(), item["value"].to_string()))
        .collect();
    let expected = [("\"10.142.0.32\"", "\"500\""), ("\"10.142.0.33\"", "\"513400m\"")];
    let expected = expected.map(|(address, value)| (address.to_owned(), value.to_owned()));
    assert_eq!(told, BTreeMap::from(expected));
    let path = paths::object("routing-ns1", "services/avilb", "total");
    assert_eq!(leadsman.get(&path).await.value(), "1013400m");
}

#[tokio::test]
async fn another_tenant_is_a_parameter() {
    let web = |uuid, tenant, value| Pool::new(uuid, "web").of_tenant(tenant).with(ID, value);
    let alb = Alb::start(&[web("pool-1", "shop", 1.0), web("pool-2", "bank", 2.0)]).await;
    let mapping = Mapping::custom("conns", "services")
        .alb_query("lb", "conns", &format!("entity: pool, name: web, metric: {ID}"))
        .plugin("per-object", "object: {namespace: shop, name: web}")
        .set("deadline", "10s");
    let config = Config::new()
        .source_of("lb", &alb.source_with(", format: prometheus, tenant: bank"))
        .mapping(mapping)
        .object("services", Some("shop"), "web", "");
    let leadsman = Leadsman::start(config).await;
    let path = paths::object("shop", "services/web", "conns");
    assert_eq!(leadsman.get(&path).await.value(), "2");
}

#[tokio::test]
async fn no_metrics_are_absence() {
    let scene = Scene::with(FORMAT).await;
    scene.gaps_are_absence().await;
}

#[tokio::test]
async fn an_expired_session_is_renewed_once() {
    let scene = Scene::with(FORMAT).await;
    scene.becomes("1013400m").await;
    scene.alb.expire_sessions();
    scene.alb.set(POOL, ID, 2.0);
    scene.becomes("2").await;
    assert_eq!(scene.alb.count("/login"), 2);
}

/// A page that cannot be used: what is told of it, and that the last good value is served meanwhile.
async fn fails_and_recovers(page: Reply, texts: &[&str]) {
    let scene = Scene::with(FORMAT).await;
    scene.becomes("1013400m").await;
    scene.holds("1013400m").await;
    scene.alb.fail(TEXT, usize::MAX, page);
    scene.fails(texts).await.assert_contains(&["query \"conns\"", "the source \"lb\""]);
    scene.holds_because("1013400m", texts).await;
    scene.alb.recover();
    scene.becomes("1013400m").await;
}

#[tokio::test]
async fn a_series_that_is_there_twice() {
    let line = "avi_l4_server_avg_open_conns{uuid=\"pool-4d74\", server=\"a:1\"}";
    let twice = Reply::new(200, "text/plain", format!("{line} 1\n{line} 2\n"));
    let texts =
        ["avi_l4_server_avg_open_conns is there twice for one server of the object pool-4d74"];
    fails_and_recovers(twice, &texts).await;
}

#[tokio::test]
async fn a_page_that_is_cut_off_within_a_line() {
    fails_and_recovers(page(""), &["line 2"]).await;
}

#[tokio::test]
async fn a_value_that_is_no_number() {
    fails_and_recovers(page("many"), &["line 2"]).await;
}

#[tokio::test]
async fn a_page_of_html_in_place_of_metrics() {
    let html = Reply::new(200, "text/html", "<html><h1>Down for maintenance</h1></html>");
    let texts = ["200 OK with text/html in place of metrics", "Down for maintenance"];
    fails_and_recovers(html, &texts).await;
}

#[tokio::test]
async fn an_empty_page() {
    let texts = ["in place of metrics: nothing"];
    fails_and_recovers(Reply::new(200, "text/plain", ""), &texts).await;
}

#[tokio::test]
async fn more_series_than_can_be_meant() {
    let line = |number| format!("avi_l4_server_avg_open_conns{{uuid=\"pool-{number}\"}} 1");
    let lines: Vec<_> = (0..250_000).map(line).collect();
    let many = Reply::new(200, "text/plain", lines.join("\n"));
    fails_and_recovers(many, &["more than 200000 series"]).await;
}

#[tokio::test]
async fn a_million_series_are_not_even_read() {
    let scene = Scene::with(&format!("{FORMAT}, maxBodyBytes: 1000000")).await;
    scene.becomes("1013400m").await;
    scene.holds("1013400m").await;
    scene.alb.fail(TEXT, usize::MAX, Reply::Endless);
    let texts = ["more than the limit of 1000000 bytes", "maxBodyBytes"];
    scene.fails(&texts).await;
    scene.holds_because("1013400m", &texts).await;
    let taken = scene.alb.server.wait_for_disconnect().await;
    assert!(taken < 50 << 20, "{taken} bytes");
}

/// What stands for NaN is said by the mapping, as for every source.
#[tokio::test]
async fn a_value_that_is_not_a_number() {
    let alb = Alb::start(&[pool()]).await;
    alb.set(POOL, ID, f64::NAN);
    let absent = Mapping::custom("absent", "services")
        .alb_query("lb", "conns", &format!("entity: pool, name: '{POOL}', metric: {ID}"))
        .plugin("per-object", "object: {namespace: routing-ns1, name: avilb}")
        .set("onNaN", "absent")
        .set("deadline", "10s");
    let config = Config::new()
        .source_of("lb", &alb.source_with(FORMAT))
        .mapping(by_name())
        .mapping(absent)
        .object("services", Some("routing-ns1"), "avilb", "");
    let leadsman = Leadsman::start(config).await;
    leadsman.get(&path()).await.failure().assert_contains(&["NaN"]);
    let absent = leadsman.get(&paths::object("routing-ns1", "services/avilb", "absent")).await;
    assert_eq!(absent.failure().code, 404);
}

#[tokio::test]
async fn an_unknown_metric_is_told() {
    let alb = Alb::start(&[pool()]).await;
    let mapping = |metric: &str, id: &str| {
        Mapping::custom(metric, "services")
            .alb_query("lb", "conns", &format!("entity: pool, uuid: pool-4d74, metric: {id}"))
            .plugin("per-object", "object: {namespace: routing-ns1, name: avilb}")
            .set("deadline", "10s")
    };
    let config = Config::new()
        .source_of("lb", &alb.source_with(FORMAT))
        .mapping(mapping("unknown", "l4_server.avg_nonsense"))
        .mapping(mapping("known", ID))
        .object("services", Some("routing-ns1"), "avilb", "");
    let leadsman = Leadsman::start(config).await;
    let read = async |metric: &str| {
        leadsman.get(&paths::object("routing-ns1", "services/avilb", metric)).await
    };
    let (unknown, known) = tokio::join!(read("unknown"), read("known"));
    unknown.failure().assert_contains(&["refused the request (400", "avg_nonsense"]);
    assert_eq!(known.value(), "1013400m");
}
