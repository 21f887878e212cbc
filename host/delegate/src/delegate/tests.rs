//! Requests to fake delegates on real sockets.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE as KIND;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::task::JoinSet;

use super::*;
use crate::delegates::Delegates;
use crate::matching::{Matcher, Pattern};
use crate::settings::{ForwardAuth, ServiceReference};
use leadsman_runtime::telemetry::Metrics;

type Servers = JoinSet<std::io::Result<()>>;

/// Settings of a delegate for the rest of all APIs. Its token is in a file of this crate.
pub(crate) fn settings(url: &str) -> DelegateSettings {
    let token_file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml").into();
    DelegateSettings {
        name: "other".to_owned(),
        url: url.to_owned(),
        service: None,
        ca_file: None,
        insecure_skip_tls_verify: false,
        auth: ForwardAuth::FrontProxy { cert_file: token_file, key_file: "unused".into() },
        matcher: Matcher {
            apis: Api::ALL.to_vec(),
            metrics: Vec::new(),
            namespaces: Vec::new(),
            selector_label: None,
        },
        timeout: Duration::from_secs(5),
        max_body_bytes: 4096,
        max_concurrent: 2,
        list_every: Duration::from_secs(30),
        last_good: None,
    }
}

/// A delegate with a token, at a server of these answers, which ends with `servers`.
async fn served<F>(servers: &mut Servers, answer: F) -> DelegateSettings
where
    F: Fn(&Request) -> Response + Clone + Send + Sync + 'static,
{
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(move |request: Request| {
        let answer = answer(&request);
        async move { answer }
    });
    servers.spawn(async move { axum::serve(listener, router).await });
    with_token(settings(&url))
}

fn with_token(settings: DelegateSettings) -> DelegateSettings {
    // One line, which is all that a token is.
    let token_file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/delegate/token").into();
    DelegateSettings { auth: ForwardAuth::Impersonate { token_file }, ..settings }
}

fn delegation() -> Arc<Delegation> {
    let own = ServiceReference { namespace: "metrics".into(), name: "leadsman".into() };
    Delegation::new(Metrics::new(), Some(own))
}

fn delegates(settings: &[DelegateSettings]) -> Arc<Delegates> {
    let delegation = delegation();
    let none = Delegates::none(&delegation);
    let (delegates, changes) = Delegates::replaced(&none, settings, &delegation);
    assert!(changes.faults.is_empty());
    delegates
}

fn object(kind: &str, version: &str) -> Response {
    let body = json!({"kind": kind, "apiVersion": version, "items": []});
    ([(KIND, "application/json")], body.to_string()).into_response()
}

fn external() -> Response {
    object("ExternalMetricValueList", "external.metrics.k8s.io/v1beta1")
}

fn not_found() -> Response {
    let body = json!({"kind": "Status", "apiVersion": "v1", "message": "no such metric"});
    let headers = [(KIND, "application/json")];
    (axum::http::StatusCode::NOT_FOUND, headers, body.to_string()).into_response()
}

fn list(metrics: &[&str]) -> Response {
    let resources: Vec<_> =
        metrics.iter().map(|name| json!({"name": name, "namespaced": true})).collect();
    let body = json!({
        "kind": "APIResourceList", "apiVersion": "v1",
        "groupVersion": "external.metrics.k8s.io/v1beta1", "resources": resources,
    });
    ([(KIND, "application/json")], body.to_string()).into_response()
}

/// The outcome of a read of an external metric: who answered and with what status, or why nobody did.
async fn read_with(delegates: &Delegates, metric: &str, headers: &HeaderMap) -> String {
    let uri: Uri = format!(
        "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/{metric}?labelSelector=a%3Db"
    )
    .parse()
    .unwrap();
    let (groups, extra) = (["a".to_owned()], BTreeMap::new());
    let user = ForwardedUser { name: "jane", uid: None, groups: &groups, extra: &extra };
    let asked = RequestedMetric {
        api: Api::External,
        version: "v1beta1",
        metric,
        namespace: Some("shop"),
        selector: "a=b",
    };
    let passed = ForwardedRequest { uri: &uri, headers, user };
    match delegates.forward(&asked, &passed, false).await {
        None => "nobody".to_owned(),
        Some(Ok((delegate, answer))) => {
            let stale = answer.stale.map(|stale| format!(" {stale}")).unwrap_or_default();
            format!("{} {}{stale}", delegate.settings().name, answer.status.as_u16())
        }
        Some(Err(failed)) => failed.to_string(),
    }
}

async fn read(delegates: &Delegates, metric: &str) -> String {
    read_with(delegates, metric, &HeaderMap::new()).await
}

#[tokio::test]
async fn a_request_passes_with_its_path_and_query_and_without_the_callers_headers() {
    let mut servers = Servers::new();
    let (seen, mut sent) = tokio::sync::mpsc::channel(8);
    let settings = served(&mut servers, move |request: &Request| {
        let _ = seen.try_send((request.uri().clone(), request.headers().clone()));
        external()
    })
    .await;
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("accept", "application/vnd.kubernetes.protobuf,application/json"),
        ("authorization", "Bearer the-callers"),
        ("connection", "keep-alive, x-custom"),
        ("x-custom", "x"),
        ("te", "trailers"),
        ("upgrade", "websocket"),
        ("cookie", "x"),
        ("x-remote-user", "admin"),
        ("x-remote-group", "system:masters"),
        ("x-remote-extra-scopes", "all"),
        ("impersonate-user", "admin"),
        ("impersonate-group", "system:masters"),
        ("impersonate-extra-scopes", "all"),
    ] {
        headers.insert(http::HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    assert_eq!(read_with(&delegates(&[settings]), "m", &headers).await, "other 200");
    let (uri, headers) = sent.recv().await.unwrap();
    assert_eq!(uri.path(), "/apis/external.metrics.k8s.io/v1beta1/namespaces/shop/m");
    assert_eq!(uri.query(), Some("labelSelector=a%3Db"));
    let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let expected = [
        "accept",
        "authorization",
        "host",
        "impersonate-group",
        "impersonate-user",
        "leadsman-delegated-by",
        "user-agent",
    ];
    assert_eq!(names, expected);
    assert_eq!(headers["accept"], "application/vnd.kubernetes.protobuf,application/json");
    assert_eq!(headers["authorization"], "Bearer of-the-adapter");
    assert_eq!(
        (&headers["impersonate-user"], headers.get_all("impersonate-group").iter().count()),
        (&HeaderValue::from_static("jane"), 1)
    );
}

#[tokio::test]
async fn the_first_that_is_for_a_request_gets_it_unless_another_lists_the_metric() {
    let listing = |listed: &'static [&'static str]| {
        move |request: &Request| match request.uri().path() {
            "/apis/external.metrics.k8s.io/v1beta1" => list(listed),
            _ => external(),
        }
    };
    let mut servers = Servers::new();
    let mut first = served(&mut servers, listing(&["one"])).await;
    let mut second = served(&mut servers, listing(&["two"])).await;
    for (settings, name) in [(&mut first, "first"), (&mut second, "second")] {
        settings.name = name.to_owned();
        settings.matcher.apis = vec![Api::External];
    }
    let delegates = delegates(&[first, second]);
    assert_eq!(read(&delegates, "two").await, "first 200", "nothing is listed yet");
    for delegate in delegates.all() {
        assert_eq!(delegate.list(&HeaderValue::from_static("x-y")).await, (true, false));
        assert_eq!(delegate.list(&HeaderValue::from_static("x-y")).await, (false, false));
    }
    assert_eq!(read(&delegates, "one").await, "first 200");
    assert_eq!(read(&delegates, "two").await, "second 200");
    assert_eq!(read(&delegates, "three").await, "first 200");
}

#[tokio::test]
async fn what_one_does_not_have_the_next_one_may_have() {
    let mut servers = Servers::new();
    let none = served(&mut servers, |_: &Request| not_found()).await;
    let some = served(&mut servers, |_: &Request| external()).await;
    let some = DelegateSettings { name: "some".to_owned(), ..some };
    let delegates_of = |settings: &[DelegateSettings]| delegates(settings);
    assert_eq!(read(&delegates_of(&[none.clone(), some.clone()]), "m").await, "some 200");
    assert_eq!(read(&delegates_of(&[some, none.clone()]), "m").await, "some 200");
    assert_eq!(read(&delegates_of(std::slice::from_ref(&none)), "m").await, "other 404");
    let mut of_others = none;
    of_others.matcher.namespaces = vec![Pattern::new("bank")];
    assert_eq!(read(&delegates_of(&[of_others]), "m").await, "nobody");
}

#[tokio::test]
async fn one_that_fails_costs_only_what_it_has_itself() {
    let mut servers = Servers::new();
    let broken = served(&mut servers, |request: &Request| match request.uri().path() {
        "/apis/external.metrics.k8s.io/v1beta1" => list(&["its"]),
        _ => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    })
    .await;
    let some = served(&mut servers, |_: &Request| external()).await;
    let none = served(&mut servers, |_: &Request| not_found()).await;
    let named = |name: &str, settings: DelegateSettings| DelegateSettings {
        name: name.to_owned(),
        ..settings
    };
    let (broken, some) = (named("broken", broken), named("some", some));
    let with_some = delegates(&[broken.clone(), some.clone()]);
    assert_eq!(read(&with_some, "m").await, "some 200");
    let with_none = delegates(&[broken.clone(), named("none", none)]);
    let reported = read(&with_none, "m").await;
    assert!(
        reported.starts_with("the delegate \"broken\" failed (500"),
        "it may be its: {reported}"
    );
    let mut of_it = broken.clone();
    of_it.matcher.metrics = vec![Pattern::new("m*")];
    let reported = read(&delegates(&[of_it, some.clone()]), "m").await;
    assert!(reported.starts_with("the delegate \"broken\" failed (500"), "it is its: {reported}");
    with_some.all()[0].list(&HeaderValue::from_static("x-y")).await;
    let reported = read(&with_some, "its").await;
    assert!(
        reported.starts_with("the delegate \"broken\" failed (500"),
        "nobody stands for it: {reported}"
    );
}

#[tokio::test]
async fn a_delegate_that_cannot_be_reached_is_not_asked_for_a_while() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let delegates = delegates(&[with_token(settings(&url))]);
    for _ in 0..5 {
        let reported = read(&delegates, "m").await;
        assert!(reported.starts_with("the delegate \"other\" cannot be reached: "), "{reported}");
    }
    let reported = read(&delegates, "m").await;
    assert!(reported.contains("failed 5 times in a row: it cannot be reached"), "{reported}");
    assert!(!delegates.all()[0].status().asked);
}

#[tokio::test]
async fn the_last_good_answer_stands_for_a_failed_one_with_its_age() {
    let works = Arc::new(AtomicBool::new(true));
    let working = works.clone();
    let mut servers = Servers::new();
    let mut settings =
        served(&mut servers, move |_: &Request| match working.load(Ordering::SeqCst) {
            true => external(),
            false => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        })
        .await;
    let without = delegates(std::slice::from_ref(&settings));
    settings.last_good = Some(Duration::from_secs(60));
    let with = delegates(&[settings]);
    for delegates in [&with, &without] {
        assert_eq!(read(delegates, "m").await, "other 200");
    }
    works.store(false, Ordering::SeqCst);
    let reported = read(&with, "m").await;
    assert!(reported.starts_with("other 200 the delegate \"other\" failed (500"), "{reported}");
    assert!(reported.contains("its last good answer is 0."), "{reported}");
    let reported = read(&without, "m").await;
    assert!(reported.starts_with("the delegate \"other\" failed (500"), "{reported}");
    let reported = read(&with, "another").await;
    assert!(reported.starts_with("the delegate \"other\" failed (500"), "{reported}");
}

#[tokio::test]
async fn a_list_that_comes_back_stops_all_requests() {
    let mut servers = Servers::new();
    let settings = served(&mut servers, |request: &Request| {
        assert!(request.headers().contains_key(HOPS));
        axum::http::StatusCode::LOOP_DETECTED.into_response()
    })
    .await;
    let delegates = delegates(&[settings]);
    let delegate = &delegates.all()[0];
    delegate.list(&HeaderValue::from_static("x-y")).await;
    assert!(!delegate.status().asked);
    let reported = read(&delegates, "m").await;
    assert!(reported.contains("sends requests back to this adapter"), "{reported}");
}

#[test]
fn the_adapters_own_service_is_refused_and_what_is_unchanged_stays() {
    let delegation = delegation();
    let none = Delegates::none(&delegation);
    let one = with_token(settings("http://127.0.0.1:1"));
    let (first, changes) = Delegates::replaced(&none, std::slice::from_ref(&one), &delegation);
    assert_eq!((first.all().len(), changes.new.len()), (1, 1));
    let (same, changes) = Delegates::replaced(&first, std::slice::from_ref(&one), &delegation);
    assert!(Arc::ptr_eq(&first, &same) && changes.new.is_empty());
    let own = ServiceReference { namespace: "metrics".into(), name: "leadsman".into() };
    let own = DelegateSettings { service: Some(own), ..one.clone() };
    let (second, changes) = Delegates::replaced(&first, &[one, own], &delegation);
    assert_eq!(second.all().len(), 1);
    let [(1, error)] = &changes.faults[..] else { panic!("{:?}", changes.faults) };
    assert!(error.to_string().contains("metrics/leadsman is this adapter's own"), "{error}");
}

#[test]
fn a_path_that_could_mean_something_else_is_refused() {
    for (path, plain) in [
        ("/apis/custom.metrics.k8s.io/v1beta2/namespaces/n/pods/%2A/m", true),
        ("/apis/custom.metrics.k8s.io/v1beta2/namespaces/n/pods/*/m/", true),
        ("/apis/g/v/namespaces/n/a:b_c", true),
        ("/apis/g/v/namespaces/../secrets", false),
        ("/apis/g/v/namespaces/%2e%2E/secrets", false),
        ("/apis/g/v/namespaces/n/a%2Fb", false),
        ("/apis/g/v/namespaces/n/a%5Cb", false),
        ("/apis/g/v/namespaces/n/a%252Fb", false),
        ("/apis/g/v/namespaces//m", false),
        ("/apis/g/v/namespaces/n/a%00", false),
        ("/apis/g/v/namespaces/n/%ff", false),
    ] {
        assert_eq!(is_plain(path), plain, "{path}");
    }
    let settings = with_token(settings("http://127.0.0.1:1/below/"));
    let delegate = Delegate::new(&settings, &delegation()).unwrap();
    let url = delegate.url("/apis/g/v/pods/%2A/m", Some("labelSelector=a%3Db")).unwrap();
    assert_eq!(url.as_str(), "http://127.0.0.1:1/below/apis/g/v/pods/%2A/m?labelSelector=a%3Db");
}
