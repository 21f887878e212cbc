//! What goes wrong with a controller: each fault is told, and the last good value is served
//! meanwhile where a mapping says so.

use leadsman_tests::{Alb, Authority, Config, Leadsman, Mapping, Pool, Reply, eventually, paths};
use serde_json::json;

use super::scene::{
    ID, METRIC, POOL, SOON, Scene, by_name, config, of_ingress, of_ingresses, path, pool,
    serving_web,
};

/// A reply to every question, and what is told of it.
async fn fails_and_recovers(reply: Reply, texts: &[&str]) {
    let scene = Scene::with(", timeout: 1s, maxBodyBytes: 100000").await;
    scene.becomes("1013400m").await;
    scene.holds("1013400m").await;
    scene.alb.fail("/", usize::MAX, reply);
    let failure = scene.fails(texts).await;
    assert_eq!(failure.code, 503, "{failure:?}");
    failure.assert_contains(&[METRIC, "query \"conns\"", "the source \"lb\""]);
    scene.holds_because("1013400m", texts).await;
    scene.alb.recover();
    scene.becomes("1013400m").await;
}

#[tokio::test]
async fn a_page_of_maintenance_with_status_200() {
    let page = "<html><body><h1>Down for maintenance</h1></body></html>";
    let texts = ["200 OK with text/html in place of JSON", "Down for maintenance"];
    fails_and_recovers(Reply::new(200, "text/html", page), &texts).await;
}

#[tokio::test]
async fn an_error_of_the_controller() {
    let reply = Reply::json(500, &json!({"error": "database is down"}));
    fails_and_recovers(reply, &["500", "database is down"]).await;
}

#[tokio::test]
async fn a_controller_that_does_not_answer() {
    fails_and_recovers(Reply::NoReply, &["did not answer within 1s"]).await;
}

#[tokio::test]
async fn an_answer_that_breaks_off() {
    let reply = Reply::json(200, &json!({"results": [], "padding": "x".repeat(1000)}));
    fails_and_recovers(reply.truncated_body(), &["broke off its answer"]).await;
}

#[tokio::test]
async fn an_answer_of_a_gigabyte() {
    let scene = Scene::with(", maxBodyBytes: 100000").await;
    scene.becomes("1013400m").await;
    scene.holds("1013400m").await;
    scene.alb.fail("/api", usize::MAX, Reply::Endless);
    let texts = ["more than the limit of 100000 bytes", "maxBodyBytes"];
    scene.fails(&texts).await;
    scene.holds_because("1013400m", &texts).await;
    let taken = scene.alb.server.wait_for_disconnect().await;
    assert!(taken < 50 << 20, "{taken} bytes");
    scene.alb.recover();
    scene.becomes("1013400m").await;
}

#[tokio::test]
async fn the_last_good_value_is_served_meanwhile() {
    let alb = Alb::start(&[pool()]).await;
    let config = Config::new()
        .source_of("lb", &alb.source())
        .mapping(by_name().set("onError", "{lastGood: 5m}"))
        .object("services", Some("routing-ns1"), "avilb", "");
    let leadsman = Leadsman::start(config).await;
    assert_eq!(leadsman.get(&path()).await.value(), "1013400m");
    alb.fail("/", usize::MAX, Reply::json(503, &json!({"error": "starting"})));
    eventually("a failed evaluation", SOON, async || {
        assert_eq!(leadsman.get(&path()).await.value(), "1013400m");
        let reason = [("reason", "query_status")];
        let failed = leadsman.metric("leadsman_evaluation_failures_total", &reason).await;
        if failed > Some(0.0) { Ok(()) } else { Err(format!("{failed:?}")) }
    })
    .await;
    assert_eq!(leadsman.get(&path()).await.value(), "1013400m");
}

#[tokio::test]
async fn an_unknown_metric_costs_itself_alone() {
    let alb = Alb::start(&[pool(), of_ingress(1, "shop", "web", 7.0)]).await;
    let mapping = |metric: &str, id: &str| {
        Mapping::custom(metric, "services")
            .alb_query("lb", "conns", &format!("entity: pool, uuid: pool-4d74, metric: {id}"))
            .plugin("per-object", "object: {namespace: routing-ns1, name: avilb}")
            .set("deadline", "10s")
    };
    let config = Config::new()
        .source_of("lb", &alb.source())
        .mapping(mapping("unknown", "l4_server.avg_nonsense"))
        .mapping(mapping("known", ID))
        .object("services", Some("routing-ns1"), "avilb", "");
    let leadsman = Leadsman::start(config).await;
    let read = async |metric: &str| {
        leadsman.get(&paths::object("routing-ns1", "services/avilb", metric)).await
    };
    let (unknown, known) = tokio::join!(read("unknown"), read("known"));
    unknown.failure().assert_contains(&[
        "refused the request (400",
        "Invalid metric_id",
        "avg_nonsense",
    ]);
    assert_eq!(known.value(), "1013400m");
}

#[tokio::test]
async fn a_pool_that_comes_back_with_another_uuid() {
    let scene = Scene::new().await;
    scene.becomes("1013400m").await;
    scene.holds("1013400m").await;
    scene.alb.pools(Vec::clear);
    let texts = ["has no pool named", POOL, "in tenant admin"];
    scene.fails(&texts).await;
    scene.holds_because("1013400m", &texts).await;
    scene.alb.pools(|pools| pools.push(Pool::new("pool-new", POOL).with(ID, 5.0)));
    scene.becomes("5").await;
}

#[tokio::test]
async fn a_pool_of_the_same_name_that_appears_in_another_tenant() {
    let scene = Scene::with(", tenant: '*'").await;
    scene.becomes("1013400m").await;
    scene.holds("1013400m").await;
    let other = Pool::new("pool-other", POOL).of_tenant("bank").with(ID, 1.0);
    scene.alb.pools(|pools| pools.push(other));
    let texts = ["has 2 pools named", "admin and bank"];
    scene.fails(&texts).await;
    scene.holds_because("1013400m", &texts).await;
    scene.alb.pools(|pools| pools.truncate(1));
    scene.becomes("1013400m").await;
}

#[tokio::test]
async fn a_page_that_repeats_for_ever() {
    let alb = Alb::start(&[of_ingress(1, "shop", "web", 7.0)]).await;
    alb.repeat_pages();
    let (leadsman, path) = serving_web(&alb.source(), of_ingresses("")).await;
    let failure = leadsman.get(&path).await.failure();
    failure.assert_contains(&["lists its objects without end", "page 2"]);
    assert_eq!(alb.count("/api/pool"), 2);
}

#[tokio::test]
async fn the_last_list_goes_on_while_a_page_repeats() {
    let alb = Alb::start(&[of_ingress(1, "shop", "web", 7.0)]).await;
    let (leadsman, path) = serving_web(&alb.source(), of_ingresses("")).await;
    assert_eq!(leadsman.get(&path).await.value(), "7");
    alb.repeat_pages();
    eventually("a list that fails", SOON, async || {
        assert_eq!(leadsman.get(&path).await.value(), "7");
        let log = leadsman.log();
        let is_told =
            log.contains("lists its objects without end") && log.contains("the last list goes on");
        if is_told { Ok(()) } else { Err(log) }
    })
    .await;
    alb.set("k8s-03-cluster--1", ID, 8.0);
    eventually("a new value", SOON, async || {
        let answer = leadsman.get(&path).await;
        if answer.value() == "8" { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
}

#[tokio::test]
async fn ten_thousand_pools_over_fifty_pages() {
    let pools: Vec<_> = (0..10_000)
        .map(|number| of_ingress(number, "shop", &format!("web-{number}"), 1.0))
        .collect();
    let alb = Alb::start(&pools).await;
    alb.set("k8s-03-cluster--9999", ID, 42.0);
    let address = format!("url: '{}'", alb.server.url());
    let config = Config::new()
        .source_of("lb", &alb.source_at(&address, ""))
        .mapping(of_ingresses("").set("limits", "{time: 5s}"))
        .object("ingresses.networking.k8s.io", Some("shop"), "web-9999", "");
    let leadsman = Leadsman::start(config).await;
    let path = paths::object("shop", "ingresses.networking.k8s.io/web-9999", "connections");
    eventually("a value", SOON, async || {
        let answer = leadsman.get(&path).await;
        if answer.status == 200 { Ok(answer.value()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    assert_eq!(leadsman.get(&path).await.value(), "42");
    assert_eq!((alb.count("/api/pool"), alb.count("/api/analytics")), (50, 1));
}

#[tokio::test]
async fn samples_that_are_too_old_are_refused() {
    let scene = Scene::new().await;
    scene.becomes("1013400m").await;
    scene.holds("1013400m").await;
    // As when the duration of real time metrics has ended.
    scene.alb.lag_behind(300);
    let texts = ["has no newer sample than one of", "maxSampleAge is 60s", "real time metrics"];
    let failure = scene.fails(&texts).await;
    assert_eq!(failure.code, 503, "{failure:?}");
    failure.assert_contains(&["it had real time metrics and they have ended"]);
    scene.holds_because("1013400m", &texts).await;
    scene.alb.lag_behind(0);
    scene.becomes("1013400m").await;
}

#[tokio::test]
async fn the_end_of_real_time_metrics_is_told_and_counted() {
    let scene = Scene::new().await;
    scene.becomes("1013400m").await;
    let [current, ended] =
        ["leadsman_source_real_time_objects", "leadsman_source_real_time_ended_total"];
    let labels = [("source", "lb")];
    assert_eq!(scene.leadsman.metric(current, &labels).await, Some(1.0));
    assert_eq!(scene.leadsman.metric(ended, &labels).await, Some(0.0));
    scene.alb.lag_behind(300);
    scene.fails(&["they have ended"]).await;
    assert_eq!(scene.leadsman.metric(current, &labels).await, Some(0.0));
    assert_eq!(scene.leadsman.metric(ended, &labels).await, Some(1.0));
    let status = scene.leadsman.status().await.to_string();
    assert!(status.contains("real time metrics of 0, and ended for 1"), "{status}");
    let log = scene.leadsman.log();
    assert_eq!(log.matches("real time metrics have ended").count(), 1, "{log}");
    assert!(log.contains(POOL), "the log names the pool: {log}");
    scene.alb.lag_behind(0);
    scene.becomes("1013400m").await;
    assert_eq!(scene.leadsman.metric(current, &labels).await, Some(1.0));
}

/// One pool has real time metrics, until they end; the other never had.
#[tokio::test]
async fn a_step_that_follows_its_objects_goes_over_to_averages_without_a_gap() {
    let resource = "ingresses.networking.k8s.io";
    let alb = Alb::start(&[
        of_ingress(1, "shop", "web", 7.0).real_time(true),
        of_ingress(2, "shop", "api", 9.0).real_time(false),
    ])
    .await;
    let address = format!("url: '{}'", alb.server.url());
    let config = Config::new()
        .source_of("lb", &alb.source_at(&address, ", step: auto"))
        .mapping(of_ingresses(""))
        .object(resource, Some("shop"), "web", "")
        .object(resource, Some("shop"), "api", "");
    let leadsman = Leadsman::start(config).await;
    let list = paths::object("shop", &format!("{resource}/%2A"), "connections");
    let values = leadsman.get(&list).await.values();
    assert_eq!((values["web"].as_str(), values["api"].as_str()), ("7", "9"));
    alb.set("k8s-03-cluster--1", ID, 8.0);
    alb.set("k8s-03-cluster--2", ID, 10.0);
    eventually("the new value of the one in real time", SOON, async || {
        let values = leadsman.get(&list).await.values();
        if values["web"] == "8" { Ok(()) } else { Err(format!("{values:?}")) }
    })
    .await;
    let labels = [("source", "lb")];
    let current = leadsman.metric("leadsman_source_real_time_objects", &labels).await;
    assert!(current >= Some(1.0), "{current:?}");
    alb.lag_behind_of("k8s-03-cluster--1", 300);
    eventually("the end", SOON, async || {
        let answer = leadsman.get(&list).await;
        assert_eq!(answer.values().len(), 2, "{answer:#?}");
        let ended = leadsman.metric("leadsman_source_real_time_ended_total", &labels).await;
        if ended == Some(1.0) { Ok(()) } else { Err(format!("{ended:?}")) }
    })
    .await;
    assert_eq!(leadsman.get(&list).await.values().len(), 2, "both have averages");
}

/// Its analytics policy says so before any sample does.
#[tokio::test]
async fn an_object_without_real_time_metrics_is_told_from_one_whose_have_ended() {
    for (policy, text) in [
        (pool().real_time(false), "real time metrics are switched off in its analytics_policy"),
        (pool().real_time(true), "has their duration not ended?"),
        (pool(), "are real time metrics switched on for it"),
    ] {
        let alb = Alb::start(&[policy]).await;
        alb.lag_behind(300);
        let leadsman = Leadsman::start(config(&alb.source())).await;
        let failure = leadsman.get(&path()).await.failure();
        failure.assert_contains(&["has no newer sample than one of", text]);
    }
}

/// What a metric is called does not say so, and the controller does.
#[tokio::test]
async fn what_the_controller_says_must_not_be_summed_is_not() {
    let marked = |number, ingress: &str| of_ingress(number, "shop", ingress, 7.0).sum_invalid();
    let alb = Alb::start(&[marked(1, "web"), marked(2, "web")]).await;
    let (leadsman, path) = serving_web(&alb.source(), of_ingresses("")).await;
    let failure = leadsman.get(&path).await.failure();
    let texts =
        ["says that l4_server.avg_open_conns must not be summed", "set `combine` to average"];
    failure.assert_contains(&texts);
    let averaged = of_ingresses("").plugin("per-object", "object: ingress, combine: average");
    let (leadsman, path) = serving_web(&alb.source(), averaged).await;
    assert_eq!(leadsman.get(&path).await.value(), "7");
}

/// As when real time metrics have ended for one of two Ingresses.
#[tokio::test]
async fn samples_of_one_object_that_are_too_old_cost_itself_alone() {
    let resource = "ingresses.networking.k8s.io";
    let pools = [of_ingress(1, "shop", "web", 7.0), of_ingress(2, "shop", "api", 9.0)];
    let alb = Alb::start(&pools).await;
    let config = Config::new()
        .source_of("lb", &alb.source())
        .mapping(of_ingresses(""))
        .object(resource, Some("shop"), "web", "")
        .object(resource, Some("shop"), "api", "");
    let leadsman = Leadsman::start(config).await;
    let list = paths::object("shop", &format!("{resource}/%2A"), "connections");
    let first = leadsman.get(&list).await;
    assert_eq!((first.values().len(), first.warnings().as_str()), (2, ""), "{first:#?}");
    alb.lag_behind_of("k8s-03-cluster--1", 300);
    alb.set("k8s-03-cluster--2", ID, 11.0);
    let texts = ["(web)", "its newest sample is 3", "s old, and maxSampleAge is 60s", "real time"];
    eventually("the fresh one alone, and why", SOON, async || {
        let answer = leadsman.get(&list).await;
        let (values, warnings) = (answer.values(), answer.warnings());
        let is_alone = values.len() == 1 && values.get("api").is_some_and(|value| value == "11");
        let told = texts.iter().all(|text| warnings.contains(text));
        if is_alone && told { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    let one = paths::object("shop", &format!("{resource}/web"), "connections");
    let failure = leadsman.get(&one).await.failure();
    assert_eq!(failure.code, 404, "{failure:?}");
    failure.assert_contains(&["query \"conns\" has nothing of it", "its newest sample is 3"]);
    alb.lag_behind_of("k8s-03-cluster--1", 0);
    eventually("both", SOON, async || {
        let answer = leadsman.get(&list).await;
        let is_whole = answer.values().len() == 2 && answer.warnings().is_empty();
        if is_whole { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
}

#[tokio::test]
async fn a_certificate_of_somebody_else() {
    let alb = Alb::start_tls(&[pool()]).await;
    let file = alb.secret().join("other.crt");
    std::fs::write(&file, Authority::new("another-ca").pem()).expect("a file");
    let address = format!("url: '{}'", alb.server.url());
    let source = alb.source_at(&address, &format!(", tls: {{caFile: {file:?}}}"));
    let leadsman = Leadsman::start(config(&source)).await;
    let failure = leadsman.get(&path()).await.failure();
    failure.assert_contains(&["cannot be reached", "certificate"]);
    assert_eq!(alb.server.requests().len(), 0);
}

#[tokio::test]
async fn the_last_good_value_is_served_while_a_certificate_is_not_trusted() {
    let alb = Alb::start_tls(&[pool()]).await;
    let leadsman = Leadsman::start(config(&alb.source())).await;
    let scene = Scene { alb, leadsman };
    scene.becomes("1013400m").await;
    scene.holds("1013400m").await;
    let right = std::fs::read_to_string(scene.alb.secret().join("ca.crt")).expect("a file");
    scene.alb.put("ca.crt", &Authority::new("another-ca").pem());
    let texts = ["cannot be reached", "certificate"];
    scene.fails(&texts).await;
    scene.holds_because("1013400m", &texts).await;
    scene.alb.put("ca.crt", &right);
    scene.becomes("1013400m").await;
}

#[tokio::test]
async fn a_role_without_rights() {
    let scene = Scene::new().await;
    scene.becomes("1013400m").await;
    scene.holds("1013400m").await;
    let reply = Reply::json(403, &json!({"error": "permission denied"}));
    scene.alb.fail("/api/analytics", usize::MAX, reply);
    let texts = ["does not let this user read metrics", "permission denied", "role"];
    scene.fails(&texts).await;
    scene.holds_because("1013400m", &texts).await;
    assert_eq!(scene.alb.count("/login"), 1);
}
