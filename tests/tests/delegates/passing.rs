//! What passes in both directions, and where requests go.

use std::collections::BTreeSet;

use leadsman_tests::{Answer, Reply, Request, Response, Upstream, eventually, paths};
use reqwest::Method;
use serde_json::Value;

use super::scene::{self, OWN, REST, Scene, THEIRS, TIMEOUT, Token, adapter};

#[tokio::test]
async fn what_is_not_served_here_passes_to_another_adapter() {
    let scene = Scene::new().await;
    assert_eq!(scene.theirs().await.values()["web-0"], "7");
    assert_eq!(scene.leadsman.get(&paths::external("shop", "theirs_queue")).await.value(), "9");
    let pods = scene.leadsman.get("/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods").await;
    assert_eq!(pods.ok()["kind"], "PodMetricsList");
    // It has the own metric as well, which is answered here.
    scene.own_is_served().await;
    let asked = scene.other.requests();
    assert!(!asked.iter().any(|request| request.path.ends_with(OWN)), "{asked:#?}");
    assert!(asked.iter().all(|request| request.method == "GET"), "{asked:#?}");
    let refused = scene.leadsman.send(Method::POST, &paths::pods("shop", THEIRS)).await;
    assert_eq!(refused.failure().code, 405);
}

#[tokio::test]
async fn a_request_passes_with_path_and_query_and_nothing_else_of_the_caller() {
    let scene = Scene::new().await;
    let path = format!(
        "{}?labelSelector=app%3Dweb&metricLabelSelector=verb%20in%20%28GET%29",
        paths::pods("shop", THEIRS)
    );
    let headers = [
        ("accept", "application/vnd.kubernetes.protobuf,application/json"),
        ("authorization", "Bearer of-the-caller"),
        ("x-remote-user", "admin"),
        ("x-remote-group", "system:masters"),
        ("x-remote-extra-scopes", "all"),
        ("impersonate-user", "admin"),
        ("cookie", "a=b"),
        ("te", "trailers"),
        ("x-forwarded-for", "192.0.2.1"),
    ];
    scene.leadsman.get_with(&path, &headers).await.ok();
    let passed = scene.other.requests();
    let passed = passed.iter().rev().find(|request| request.path.ends_with(THEIRS));
    let passed = passed.expect("a request");
    assert!(passed.path.ends_with("/namespaces/shop/pods/%2A/theirs"), "{passed:#?}");
    assert_eq!(passed.parameter("labelSelector"), Some("app=web"));
    assert_eq!(passed.parameter("metricLabelSelector"), Some("verb in (GET)"));
    assert_eq!(passed.header("accept"), Some(headers[0].1));
    assert_eq!(passed.header("authorization"), Some("Bearer of-the-adapter"));
    let names: BTreeSet<_> = passed.headers.iter().map(|(name, _)| name.as_str()).collect();
    let expected = ["accept", "authorization", "host", "leadsman-delegated-by", "user-agent"];
    assert_eq!(names, BTreeSet::from(expected));
}

/// A `MetricValueList` in protobuf, whose bytes happen to be text.
fn protobuf() -> String {
    let (version, kind) = ("custom.metrics.k8s.io/v1beta2", "MetricValueList");
    let length = |text: &str| char::from(u8::try_from(text.len()).expect("a short text"));
    let meta = format!("\u{a}{}{version}\u{12}{}{kind}", length(version), length(kind));
    format!("k8s\0\u{a}{}{meta}\u{12}\u{2}\u{a}\0", length(&meta))
}

#[tokio::test]
async fn answers_pass_byte_by_byte_with_their_content_type() {
    let scene = Scene::new().await;
    let spaced = serde_json::to_string_pretty(&scene::custom("v1beta2", THEIRS)).expect("JSON");
    for (kind, body) in [
        ("application/json; charset=utf-8", spaced),
        ("application/vnd.kubernetes.protobuf", protobuf()),
    ] {
        let response = Response::new(200, kind, body.clone())
            .header("Warning", "299 other \"old\"")
            .header("X-Other", "x");
        scene.other.set_reply(Reply::Complete(response));
        let answer = scene.theirs().await;
        assert_eq!((answer.status, &answer.body), (200, &body));
        assert_eq!(answer.header("content-type"), kind);
        assert_eq!(answer.header("warning"), "299 other \"old\"");
        assert_eq!(answer.header("x-other"), "");
    }
}

/// The names in a list of discovery.
fn names(answer: &Answer) -> BTreeSet<String> {
    let list = answer.ok();
    let resources = list["resources"].as_array().expect("a list");
    let name = |resource: &Value| resource["name"].as_str().expect("a name").to_owned();
    resources.iter().map(name).collect()
}

#[tokio::test]
async fn discovery_is_that_of_both() {
    let scene = Scene::new().await;
    for (api, expected) in [
        (paths::CUSTOM_V1, &["pods/own", "pods/theirs"][..]),
        (paths::CUSTOM_V2, &["pods/own", "pods/theirs"]),
        (paths::EXTERNAL, &["theirs_queue"]),
        ("/apis/metrics.k8s.io/v1beta1", &["pods"]),
    ] {
        let expected: BTreeSet<_> = expected.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(names(&scene.leadsman.get(api).await), expected, "{api}");
    }
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    let aggregated = scene.leadsman.get_accept("/apis", accept).await.ok();
    let text = aggregated.to_string();
    for name in ["custom.metrics.k8s.io", "metrics.k8s.io", "\"theirs\"", "\"theirs_queue\""] {
        assert!(text.contains(name), "{name} in {text}");
    }
    // What appears there later appears here.
    scene.other.reply_with(|request| match request.path.as_str() {
        paths::EXTERNAL => Reply::json(
            200,
            &serde_json::json!({
                "kind": "APIResourceList", "apiVersion": "v1",
                "groupVersion": "external.metrics.k8s.io/v1beta1",
                "resources": [{"name": "theirs_later", "namespaced": true}],
            }),
        ),
        _ => adapter(request),
    });
    eventually("the later metric", TIMEOUT, async || {
        let listed = names(&scene.leadsman.get(paths::EXTERNAL).await);
        if listed.contains("theirs_later") { Ok(()) } else { Err(format!("{listed:?}")) }
    })
    .await;
}

#[tokio::test]
async fn delegates_are_chosen_by_what_they_are_for_in_order() {
    let token = Token::new();
    // Each says in its values who it is.
    let named = |name: &'static str| async move {
        let upstream = Upstream::start(Reply::NoReply).await;
        upstream.reply_with(move |request: &Request| match adapter(request) {
            Reply::Complete(response) if request.path.contains("/namespaces/") => {
                Reply::Complete(Response { body: response.body.replace("\"9\"", name), ..response })
            }
            // Their lists tell nothing apart.
            Reply::Complete(_) => scene::not_found("no lists"),
            other => other,
        });
        upstream
    };
    let (keda, team, rest) = (named("\"1\"").await, named("\"2\"").await, named("\"3\"").await);
    let delegates = [
        token.delegate(
            "keda",
            &keda.url(),
            ", apis: [external], selectorLabel: scaledobject.keda.sh/name",
        ),
        token.delegate(
            "team",
            &team.url(),
            ", apis: [external], namespaces: [team-*], metrics: ['theirs_*']",
        ),
        token.delegate("rest", &rest.url(), REST),
    ];
    let (leadsman, _prometheus) = scene::start(&delegates).await;
    let keda = "?labelSelector=scaledobject.keda.sh%2Fname%3Dweb";
    for (namespace, metric, query, value) in [
        ("shop", "theirs_a", keda, "1"),
        ("shop", "theirs_a", "?labelSelector=app%3Dweb", "3"),
        ("shop", "theirs_a", "", "3"),
        ("team-a", "theirs_a", "", "2"),
        ("team-a", "theirs_a", keda, "1"),
        ("team-a", "theirs", "", "3"),
    ] {
        let path = format!("{}{query}", paths::external(namespace, metric));
        assert_eq!(leadsman.get(&path).await.value(), value, "{path}");
    }
}

#[tokio::test]
async fn an_error_of_another_adapter_names_it() {
    let scene = Scene::new().await;
    let missing = scene.leadsman.get(&paths::pods("shop", "nowhere")).await.failure();
    assert_eq!((missing.code, missing.reason.as_str()), (404, "NotFound"));
    missing.assert_contains(&["the delegate \"other\" answered: there is no such metric"]);
    // What could be read as another path is not passed on.
    let metric = paths::external("shop", "a%2F..%2Fb");
    let before = scene.other.requests().len();
    let refused = scene.leadsman.get(&metric).await;
    assert_eq!(refused.failure().code, 400);
    let after = scene.other.requests();
    assert!(!after[before..].iter().any(|request| request.path.contains("shop")), "{after:#?}");
}

#[tokio::test]
async fn what_delegates_do_is_counted_and_shown() {
    let scene = Scene::new().await;
    scene.theirs().await.ok();
    scene.leadsman.get(&paths::pods("shop", "nowhere")).await.failure();
    let of = |outcome| [("delegate", "other"), ("outcome", outcome)];
    let requests = "leadsman_delegate_requests_total";
    assert_eq!(scene.leadsman.metric(requests, &of("ok")).await, Some(1.0));
    assert_eq!(scene.leadsman.metric(requests, &of("not_found")).await, Some(1.0));
    let by_name = [("delegate", "other")];
    assert_eq!(scene.leadsman.metric("leadsman_delegate_available", &by_name).await, Some(1.0));
    // Two of custom metrics, one of external ones, and pods.
    assert_eq!(scene.leadsman.metric("leadsman_delegate_metrics", &by_name).await, Some(4.0));
    let age = scene.leadsman.metric("leadsman_delegate_list_age_seconds", &by_name).await;
    assert!(age.is_some_and(|age| age < 10.0), "{age:?}");
    let status = scene.leadsman.status().await;
    let shown = &status["delegates"][0];
    assert_eq!((&shown["name"], &shown["state"]), (&"other".into(), &"ok".into()), "{shown:#}");
    assert_eq!(shown["for"], "the rest");
    assert_eq!(shown["listed"], 4);
    let (_, page) = scene.leadsman.events().await.expect("events").next().await.expect("an event");
    let shown = &page["set"]["delegate/other"];
    assert_eq!((&shown["state"], &shown["listed"]), (&"ok".into(), &4.into()), "{shown:#}");
    assert!(shown["listedAt"].as_i64() > Some(0) && shown.get("listAgeSeconds").is_none());
}

#[tokio::test]
async fn an_explanation_names_the_delegate_that_answers() {
    let scene = Scene::new().await;
    for (path, verdict) in [
        (
            paths::pods("shop", THEIRS),
            "the delegate \"other\" is asked: nothing here serves it, and",
        ),
        (paths::external("shop", "no_such"), "that adapter does not list it either"),
    ] {
        let explained = scene.leadsman.get(&format!("{path}?explain=true")).await.ok();
        assert_eq!(explained["delegate"], "other", "{explained:#}");
        let told = explained["verdict"].as_str().unwrap_or_default();
        assert!(told.contains(verdict), "{explained:#}");
        assert_eq!(explained["metrics"], serde_json::json!([]), "{explained:#}");
        assert!(explained["leftOut"].to_string().contains("does not tell"), "{explained:#}");
    }
    // What is served here has nothing to do with it.
    let path = format!("{}?explain=true", paths::pods("shop", OWN));
    let explained = scene.leadsman.get(&path).await.ok();
    assert!(explained.get("delegate").is_none(), "{explained:#}");
    assert_eq!(explained["metrics"].as_array().map(Vec::len), Some(1), "{explained:#}");
}
