//! Pages over HTTP on loopback, and what queries get of them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use leadsman_model::data::Data;
use leadsman_model::endpoints::{Endpoint, EndpointKind, EndpointPick};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::target::tests::{endpoint, settings as endpoint_settings};
use super::*;
use crate::settings::{Credentials, TlsSettings};

/// A server of one page.
struct Server {
    port: u16,
    page: Arc<Mutex<String>>,
    requests: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start(page: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let page = Arc::new(Mutex::new(page.to_owned()));
        let requests = Arc::new(AtomicUsize::new(0));
        let (served, count) = (page.clone(), requests.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => request.push(byte),
                        Err(_) => break,
                    }
                }
                count.fetch_add(1, Ordering::SeqCst);
                let body = served.lock().unwrap().clone();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { port, page, requests, _tasks: tasks }
    }

    fn set(&self, page: &str) {
        page.clone_into(&mut self.page.lock().unwrap());
    }
}

fn settings(targets: TargetSettings) -> ExpositionSettings {
    ExpositionSettings {
        targets,
        timeout: Duration::from_secs(5),
        at_most_every: Duration::from_secs(60),
        limits: ExpositionLimits::default(),
        max_concurrent: 4,
        headers: http::HeaderMap::new(),
        header_files: vec![],
        credentials: Credentials::None,
        tls: TlsSettings::default(),
    }
}

fn of_urls(urls: &[String]) -> Exposition {
    let settings = settings(TargetSettings::Urls(urls.to_vec()));
    Exposition::new(&settings, SourceMetrics::uncounted(), None).unwrap()
}

fn of_pods(endpoints: Vec<Endpoint>, port: u16) -> Exposition {
    let targets = EndpointTargets { port: TargetPort::Number(port), ..endpoint_settings() };
    let store = EndpointStore::starting(targets.pick.clone());
    store.replace(endpoints.into_iter().map(Arc::new).collect());
    let mut settings = settings(TargetSettings::Endpoints(targets));
    settings.at_most_every = Duration::ZERO;
    Exposition::new(&settings, SourceMetrics::uncounted(), Some(Arc::new(store))).unwrap()
}

fn pod(namespace: &str, name: &str, ip: [u8; 4]) -> Endpoint {
    let namespace = namespace.to_owned();
    Endpoint { namespace, ip: ip.into(), ..endpoint(name) }
}

fn query(metric: &str) -> ExpositionQuery {
    ExpositionQuery {
        metric: metric.to_owned(),
        matchers: vec![],
        function: Function::Last,
        over: Duration::ZERO,
    }
}

/// Some labels of each series, with its value.
fn rows(answer: &Answer, labels: &[&str]) -> Vec<(Vec<String>, f64)> {
    let Data::Vector(vector) = &answer.data else { panic!("{answer:?}") };
    let value = |row, name: &&str| {
        let name = answer.dictionary.find(name).unwrap_or_default();
        answer.dictionary.get(vector.labels.get(row, name)).to_owned()
    };
    let row = |row| labels.iter().map(|name| value(row, name)).collect();
    (0..vector.labels.rows()).map(|at| (row(at), vector.values[at])).collect()
}

#[tokio::test]
async fn queries_of_many_metrics_share_a_scrape() {
    let server = Server::start("a{x=\"1\"} 1\na{x=\"2\"} 2\nb 3\n").await;
    let source = of_urls(&[format!("http://127.0.0.1:{}/metrics", server.port)]);
    let (answer, gaps) = source.fetch(&query("a"), None, &Tenant::default()).await.unwrap();
    assert_eq!(rows(&answer, &["x"]), [(vec!["1".into()], 1.0), (vec!["2".into()], 2.0)]);
    assert_eq!(gaps, []);
    // The first page was not searched for another metric; from then on one scrape is for both.
    let one = ExpositionQuery { matchers: vec![LabelMatcher::equal("x", "2")], ..query("a") };
    let operator = Tenant::default();
    for _ in 0..5 {
        let (b, one, none) = (query("b"), &one, query("c"));
        let (b, a, c) = tokio::join!(
            source.fetch(&b, None, &operator),
            source.fetch(one, None, &operator),
            source.fetch(&none, None, &operator)
        );
        assert_eq!(rows(&b.unwrap().0, &["x"]), [(vec![String::new()], 3.0)]);
        assert_eq!(rows(&a.unwrap().0, &["x"]), [(vec!["2".into()], 2.0)]);
        let gap = &c.unwrap().1[0];
        assert_eq!(gap.reason, "its page has no series of c");
    }
    assert!(server.requests.load(Ordering::SeqCst) <= 4, "{:?}", server.requests);
}

#[tokio::test]
async fn a_bad_target_costs_itself_alone() {
    let server = Server::start("a 1\n").await;
    let pods = vec![
        pod("shop", "web-0", [127, 0, 0, 1]),
        pod("shop", "web-1", [127, 0, 0, 2]),
        pod("bank", "web-2", [127, 0, 0, 1]),
    ];
    let source = of_pods(pods, server.port);
    let (answer, gaps) = source.fetch(&query("a"), None, &Tenant::default()).await.unwrap();
    let names = |answer: &Answer| -> Vec<_> {
        rows(answer, &["namespace", "pod"])
            .into_iter()
            .map(|(labels, _)| labels.join("/"))
            .collect()
    };
    assert_eq!(names(&answer), ["shop/web-0", "bank/web-2"]);
    let [gap] = &gaps[..] else { panic!("{gaps:?}") };
    assert_eq!((gap.namespace.as_str(), gap.object.as_str()), ("shop", "web-1"));
    assert!(gap.reason.contains("cannot be reached"), "{gap:?}");
    // An evaluation for a namespace sees and scrapes that namespace alone.
    let bank = "bank".parse().unwrap();
    let (answer, gaps) = source.fetch(&query("a"), Some(&bank), &Tenant::default()).await.unwrap();
    assert_eq!((names(&answer), gaps), (vec!["bank/web-2".to_owned()], vec![]));
    // One that cannot be read fails the query where there is no other.
    server.set("<html>");
    let error =
        source.fetch(&query("a"), Some(&bank), &Tenant::default()).await.unwrap_err().to_string();
    assert!(error.contains("bank/web-2 (127.0.0.1:"), "{error}");
    assert!(error.contains("line 1: a line begins with neither"), "{error}");
    let error = source.fetch(&query("a"), None, &Tenant::default()).await.unwrap_err().to_string();
    assert!(error.contains("2 other targets") && !error.contains("<html>"), "{error}");
    assert!(source.state().contains("3 targets scraped, 3 failing"), "{}", source.state());
    // And serves as before once it can.
    server.set("a 1\n");
    let (answer, _) = source.fetch(&query("a"), Some(&bank), &Tenant::default()).await.unwrap();
    assert_eq!(names(&answer), ["bank/web-2"]);
}

#[tokio::test]
async fn what_stands_behind_a_service_is_scraped_until_it_leaves() {
    let server = Server::start("a 1\n").await;
    let kind = EndpointKind::Service("web".to_owned());
    let pick = EndpointPick { namespace: "shop".parse().ok(), kind };
    let port = TargetPort::Name("metrics".to_owned());
    let min_age = Duration::ZERO;
    let targets = EndpointTargets { pick: pick.clone(), port, min_age, ..endpoint_settings() };
    let store = Arc::new(EndpointStore::starting(pick));
    // As those of an EndpointSlice are: without labels and a start, with the names of its ports.
    let behind = |name: &str| {
        let ports = vec![("http".to_owned(), 1), ("metrics".to_owned(), server.port)];
        let (labels, started, ready) = (BTreeMap::new(), None, true);
        let pod = pod("shop", name, [127, 0, 0, 1]);
        Arc::new(Endpoint { labels, ports, started, ready, ..pod })
    };
    let mut settings = settings(TargetSettings::Endpoints(targets));
    settings.at_most_every = Duration::ZERO;
    let source =
        Exposition::new(&settings, SourceMetrics::uncounted(), Some(store.clone())).unwrap();
    for names in [&["web-0", "web-1"][..], &["web-1"]] {
        store.replace(names.iter().copied().map(behind).collect());
        let (answer, gaps) = source.fetch(&query("a"), None, &Tenant::default()).await.unwrap();
        let expected: Vec<_> =
            names.iter().map(|name| (vec!["shop".to_owned(), (*name).to_owned()], 1.0)).collect();
        assert_eq!((rows(&answer, &["namespace", "pod"]), gaps), (expected, vec![]));
    }
    store.replace(vec![]);
    let (answer, gaps) = source.fetch(&query("a"), None, &Tenant::default()).await.unwrap();
    assert_eq!(rows(&answer, &["pod"]), []);
    let reason = "there are no running endpoints of the Service web in namespace shop";
    assert_eq!(gaps[0].reason, reason);
}

/// However often it is tried: only where all fail, somebody waits.
#[tokio::test]
async fn nobody_waits_a_second_time_for_a_target_that_hangs() {
    let server = Server::start("a 1\n").await;
    // Accepts connections, and answers none.
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let hanging = format!("http://{}/", hangs.local_addr().unwrap());
    let url = format!("http://127.0.0.1:{}/", server.port);
    let mut settings = settings(TargetSettings::Urls(vec![hanging, url]));
    settings.timeout = Duration::from_millis(700);
    settings.at_most_every = Duration::ZERO;
    let source = Exposition::new(&settings, SourceMetrics::uncounted(), None).unwrap();
    let (_, gaps) = source.fetch(&query("a"), None, &Tenant::default()).await.unwrap();
    assert!(gaps[0].reason.contains("did not send its page within 700ms"), "{gaps:?}");
    let begun = Instant::now();
    for number in 2..7 {
        server.set(&format!("a {number}\n"));
        // Samples of one millisecond are one sample.
        let last = clock::now();
        while clock::now() == last {
            tokio::task::yield_now().await;
        }
        let (answer, _) = source.fetch(&query("a"), None, &Tenant::default()).await.unwrap();
        assert_eq!(rows(&answer, &[]), [(vec![], f64::from(number))]);
    }
    assert!(begun.elapsed() < Duration::from_millis(700), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_window_that_is_not_filled_is_absence_with_its_reason() {
    let server = Server::start("a 1 1000\n").await;
    let source = of_pods(vec![pod("shop", "web-0", [127, 0, 0, 1])], server.port);
    let rate =
        ExpositionQuery { function: Function::Rate, over: Duration::from_secs(60), ..query("a") };
    let (answer, gaps) = source.fetch(&rate, None, &Tenant::default()).await.unwrap();
    assert_eq!(rows(&answer, &[]), []);
    assert_eq!(
        gaps[0].reason,
        "its samples go back 0s, and the window of rate is 60s; it is filled by reads"
    );
    server.set("a 121 61000\n");
    let (answer, gaps) = source.fetch(&rate, None, &Tenant::default()).await.unwrap();
    assert_eq!((rows(&answer, &["pod"]), gaps), (vec![(vec!["web-0".to_owned()], 2.0)], vec![]));
}

#[tokio::test]
async fn what_is_kept_has_a_bound() {
    let page: String = (0..2000).map(|number| format!("a{{x=\"{number}\"}} 1\n")).collect();
    let server = Server::start(&page).await;
    let url = format!("http://127.0.0.1:{}/", server.port);
    let mut settings = settings(TargetSettings::Urls(vec![url]));
    settings.limits.memory = 100_000;
    let source = Exposition::new(&settings, SourceMetrics::uncounted(), None).unwrap();
    let error = source.fetch(&query("a"), None, &Tenant::default()).await.unwrap_err().to_string();
    assert!(error.contains("take more than 100000 bytes"), "{error}");
    settings.limits.series = 1000;
    let source = Exposition::new(&settings, SourceMetrics::uncounted(), None).unwrap();
    let error = source.fetch(&query("b"), None, &Tenant::default()).await.unwrap_err().to_string();
    assert!(error.contains("has more than 1000 series"), "{error}");
}

#[tokio::test]
async fn what_is_not_known_is_said() {
    let targets = endpoint_settings();
    let store = Arc::new(EndpointStore::unknown(targets.pick.clone(), "forbidden"));
    let settings = settings(TargetSettings::Endpoints(targets));
    let source =
        Exposition::new(&settings, SourceMetrics::uncounted(), Some(store.clone())).unwrap();
    let error = source.fetch(&query("a"), None, &Tenant::default()).await.unwrap_err().to_string();
    assert_eq!(error, "does not know which pods in all namespaces there are: forbidden");
    store.replace(vec![]);
    let (answer, gaps) = source.fetch(&query("a"), None, &Tenant::default()).await.unwrap();
    assert_eq!(rows(&answer, &[]), []);
    assert_eq!(gaps[0].reason, "there are no running pods in all namespaces");
}

#[test]
fn what_nobody_wants_is_dropped() {
    let mut cache = ScrapeCache::default();
    let start = Instant::now();
    assert!(cache.request(&query("a"), &Tenant::default(), start));
    assert!(!cache.request(&query("b"), &Tenant::default(), start + Duration::from_secs(60)));
    assert!(!cache.drop_unused(start + Duration::from_secs(130)));
    assert_eq!(cache.requested().keys().map(|name| &**name).collect::<Vec<_>>(), ["b"]);
    assert!(cache.drop_unused(start + Duration::from_secs(190)));
    assert!(cache.request(&query("a"), &Tenant::default(), start));
}

/// A team that asks for what does not fit gets that as the reason; what others ask of the same target is there.
#[tokio::test]
async fn a_team_takes_no_memory_of_others() {
    let large: String = (0..2000).map(|number| format!("large{{x=\"{number}\"}} 1\n")).collect();
    let server = Server::start(&format!("{large}small 5\nown 7\nother 9\n")).await;
    let url = format!("http://127.0.0.1:{}/", server.port);
    let mut settings = settings(TargetSettings::Urls(vec![url]));
    settings.at_most_every = Duration::ZERO;
    let team = |name: &str| Tenant::Team { namespace: name.parse().unwrap() };
    // Half of the first is for teams when a page arrives; of the second it is kept, but not for one team.
    for memory in [200_000, 1_500_000] {
        settings.limits.memory = memory;
        let source = Exposition::new(&settings, SourceMetrics::uncounted(), None).unwrap();
        let value = async |metric: &str, tenant: &Tenant| {
            let fetched = source.fetch(&query(metric), None, tenant).await;
            let (answer, _) = fetched.map_err(|error| error.to_string())?;
            Ok::<_, String>(rows(&answer, &[])[0].1)
        };
        assert_eq!(value("own", &Tenant::default()).await, Ok(7.0));
        let error = value("large", &team("a")).await.unwrap_err();
        assert!(error.contains("what teams ask of this source may take"), "{memory}: {error}");
        assert_eq!(value("small", &team("a")).await, Ok(5.0), "{memory}: its own others");
        assert_eq!(value("other", &team("b")).await, Ok(9.0), "{memory}: another team's");
        assert_eq!(value("own", &Tenant::default()).await, Ok(7.0), "{memory}: the operator's");
    }
}
