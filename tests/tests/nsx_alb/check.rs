//! Faults of a configuration with a controller.

use std::path::Path;

use leadsman_tests::{Alb, Config, Leadsman, Mapping};

use super::scene::{ID, by_name, pool};

async fn told(alb: &Alb, mapping: Mapping) -> String {
    let config = Config::new()
        .source_of("lb", &alb.source())
        .prometheus("prometheus", "http://127.0.0.1:9")
        .mapping(mapping)
        .object("services", Some("routing-ns1"), "avilb", "");
    let checked = Leadsman::check(config).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    checked.output
}

fn asking(asked: &str) -> Mapping {
    Mapping::custom("m", "services")
        .alb_query("lb", "q", asked)
        .plugin("per-object", "object: {name: avilb, namespace: routing-ns1}, combine: sum")
}

#[tokio::test]
async fn what_must_not_be_summed_is_a_fault() {
    let alb = Alb::start(&[pool()]).await;
    for id in [
        "l7_server.avg_resp_latency",
        "l7_server.max_concurrent_sessions",
        "l4_server.pct_connection_saturation",
        "l4_server.avg_pool_open_conns",
    ] {
        let told = told(&alb, asking(&format!("entity: pool, ako: k8s, metric: {id}"))).await;
        assert!(told.contains("config.combine"), "{told}");
        assert!(told.contains(&format!("{id} must not be summed")), "{told}");
    }
    let good = Config::new()
        .source_of("lb", &alb.source())
        .mapping(asking(&format!("entity: pool, ako: k8s, metric: {ID}")))
        .object("services", Some("routing-ns1"), "avilb", "");
    let checked = Leadsman::check(good).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    assert_eq!(alb.server.requests().len(), 0, "checking asks nobody");
}

#[tokio::test]
async fn a_formula_that_adds_what_must_not_be_summed_is_a_fault() {
    let alb = Alb::start(&[pool()]).await;
    let latency = "entity: pool, ako: k8s, metric: l7_server.avg_resp_latency";
    let mapping = |formula: &str| {
        Mapping::custom("m", "services")
            .alb_query("lb", "fast", latency)
            .alb_query("lb", "slow", latency)
            .alb_query("lb", "conns", &format!("entity: pool, ako: k8s, metric: {ID}"))
            .plugin("formula", &format!("object: service, formula: '{formula}'"))
    };
    for formula in ["fast + slow", "sum(fast, slow)", "(fast ?? 0) + conns"] {
        let told = told(&alb, mapping(formula)).await;
        assert!(told.contains("config.formula"), "{told}");
        assert!(told.contains("l7_server.avg_resp_latency must not be summed"), "{told}");
        assert!(told.contains("use avg(…) or max(…)"), "{told}");
    }
    for formula in ["avg(fast, slow) + 5", "conns + conns", "fast * conns + slow * conns"] {
        let config = Config::new().source_of("lb", &alb.source()).mapping(mapping(formula));
        let checked = Leadsman::check(config.object("services", Some("a"), "b", "")).await;
        assert_eq!(checked.code, Some(0), "{formula}: {}", checked.output);
    }
}

#[tokio::test]
async fn alb_pool_without_combine_does_not_add_what_must_not_be_summed() {
    let alb = Alb::start(&[pool()]).await;
    let asked = "entity: pool, ako: k8s, metric: l7_server.avg_resp_latency";
    let mapping = |config: &str| {
        Mapping::custom("m", "services").alb_query("lb", "q", asked).plugin("alb-pool", config)
    };
    let told = told(&alb, mapping("object: service")).await;
    let text = "l7_server.avg_resp_latency must not be added up";
    assert!(told.contains("config.combine") && told.contains(text), "{told}");
    let good = Config::new()
        .source_of("lb", &alb.source())
        .mapping(mapping("object: service, combine: max"));
    let checked = Leadsman::check(good.object("services", Some("a"), "b", "")).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
}

#[tokio::test]
async fn items_that_an_autoscaler_would_sum_are_warned_of() {
    let alb = Alb::start(&[pool()]).await;
    let latency = "l7_server.avg_resp_latency";
    for (asked, config, is_warned) in [
        (format!("entity: pool, ako: k8s, metric: {latency}"), "", true),
        (format!("entity: pool, name: web, servers: true, metric: {latency}"), "", true),
        (format!("entity: pool, ako: k8s, metric: {latency}"), "labels: [], combine: max", false),
        (format!("entity: pool, name: web, metric: {latency}"), "", false),
        (format!("entity: pool, ako: k8s, metric: {ID}"), "", false),
    ] {
        let mapping =
            Mapping::external("m").alb_query("lb", "q", &asked).plugin("external", config);
        let checked =
            Leadsman::check(Config::new().source_of("lb", &alb.source()).mapping(mapping)).await;
        assert_eq!(checked.code, Some(0), "{}", checked.output);
        let told = "queries.q.nsxAlb.metric: l7_server.avg_resp_latency must not be summed";
        assert_eq!(checked.output.contains(told), is_warned, "{asked}: {}", checked.output);
    }
}

#[tokio::test]
async fn faults_of_a_query_are_told() {
    let alb = Alb::start(&[pool()]).await;
    for (asked, text) in [
        (format!("entity: pool, metric: {ID}"), "\"ako\", \"name\" or \"uuid\" is missing"),
        (format!("entity: pool, metric: {ID}, name: a, uuid: b"), "only one of the keys"),
        (format!("entity: pol, metric: {ID}, name: a"), "did you mean \"pool\""),
        ("entity: pool, metric: open_conns, name: a".to_owned(), "is not the id of a metric"),
        (format!("entity: pool, metric: {ID}, name: a, step: 7s"), "5s, 5m, 1h or 1d"),
        (format!("entity: virtualservice, metric: {ID}, name: a, servers: true"), "only pools"),
        (format!("entity: serviceengine, metric: {ID}, ako: k8s"), "serve all clusters"),
        (format!("entity: pool, metric: {ID}, name: a, namespace: shop"), "use it with ako"),
    ] {
        let told = told(&alb, asking(&asked)).await;
        assert!(told.contains(text), "{text:?} in {told}");
    }
}

#[tokio::test]
async fn a_query_of_another_kind_than_its_source_is_a_fault() {
    let alb = Alb::start(&[pool()]).await;
    let promql = Mapping::custom("m", "services")
        .query_from("lb", "q", "up")
        .plugin("per-object", "object: service");
    let told_of = told(&alb, promql).await;
    assert!(told_of.contains("\"lb\" is an NSX ALB controller"), "{told_of}");
    let controller = Mapping::custom("m", "services")
        .alb_query("prometheus", "q", &format!("entity: pool, name: a, metric: {ID}"))
        .plugin("per-object", "object: service");
    let told_of = told(&alb, controller).await;
    assert!(told_of.contains("\"prometheus\" is a Prometheus"), "{told_of}");
}

#[tokio::test]
async fn a_step_that_the_prometheus_format_has_not_is_a_fault() {
    let alb = Alb::start(&[pool()]).await;
    let config = |step: &str| {
        Config::new()
            .source_of("lb", &alb.source_with(", format: prometheus"))
            .mapping(asking(&format!("entity: pool, name: a, metric: {ID}, step: {step}")))
            .object("services", Some("routing-ns1"), "avilb", "")
    };
    let checked = Leadsman::check(config("1d")).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    checked.assert_contains(&["queries.q.source", "averages of 5s and of 5m alone"]);
    assert_eq!(Leadsman::check(config("5m")).await.code, Some(0));
}

#[tokio::test]
async fn faults_of_a_source_are_told() {
    let alb = Alb::start(&[pool()]).await;
    let empty = tempfile::tempdir().expect("a folder");
    for (source, text) in [
        (alb.source_at("url: 'http://a', urls: ['http://b']", ""), "only one of url and urls"),
        (alb.source_at("tenant: admin", ""), "\"url\" is missing"),
        (
            alb.source_at("url: 'http://a'", ", format: prometheus, step: auto"),
            "by which real time metrics are told",
        ),
        (alb.source_at("url: 'http://a'", ", step: 7s"), "5s, 5m, 1h or 1d"),
        (alb.source_with(", tls: {certFile: /none}"), "certFile and keyFile go together"),
        (alb.source_with(", format: prometheus, tenant: '*'"), "is that of one tenant; name it"),
        (
            alb.source_at("url: 'http://a'", ", format: prometheus, step: 1h"),
            "the Prometheus format has averages of 5s and of 5m alone",
        ),
        (
            format!("nsxAlb: {{url: 'http://a', credentials: {{secretDir: {:?}}}}}", empty.path()),
            "username",
        ),
    ] {
        let config = Config::new().source_of("lb", &source).mapping(by_name()).object(
            "services",
            Some("routing-ns1"),
            "avilb",
            "",
        );
        let checked = Leadsman::check(config).await;
        assert_eq!(checked.code, Some(1), "{}", checked.output);
        checked.assert_contains(&[text]);
    }
}

/// With the credentials of a controller in place of those of the examples.
#[tokio::test]
async fn the_examples_have_no_faults() {
    let alb = Alb::start(&[pool()]).await;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/nsx-alb");
    let mut checked = 0;
    for entry in std::fs::read_dir(&folder).expect("the examples") {
        let path = entry.expect("a file").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.starts_with("config") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("an example");
        let secret = alb.secret().display().to_string();
        std::fs::write(alb.secret().join("ca.crt"), leadsman_tests::Authority::new("ca").pem())
            .expect("a file");
        let config = text.replace("/etc/leadsman/alb", &secret);
        let result = Leadsman::check(config).await;
        assert_eq!(result.code, Some(0), "{name}: {}", result.output);
        checked += 1;
    }
    assert!(checked >= 4, "only {checked} found");
}
