//! Tests of spans and their export, with a tracer of their own.

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, HeaderValue};
use prost::Message as _;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::endpoint::{CollectorEndpoint, Ratio};
use super::export::Exporter;
use super::otlp::{self, ExportRequest};
use super::span::{Record, Span, SpanKind};
use super::tracer::{MAX_WAITING, Tracer};
use leadsman_runtime::telemetry::Metrics;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn tracer(ratio: &str, metrics: &Metrics) -> (Tracer, mpsc::Receiver<Record>) {
    let ratio: Ratio = ratio.parse().unwrap();
    Tracer::new(ratio, metrics.spans().clone())
}

fn headers(parent: &str) -> HeaderMap {
    HeaderMap::from_iter([(
        http::HeaderName::from_static("traceparent"),
        HeaderValue::from_str(parent).unwrap(),
    )])
}

fn ended(queue: &mut mpsc::Receiver<Record>) -> Vec<Record> {
    std::iter::from_fn(|| queue.try_recv().ok()).collect()
}

#[test]
fn spans_below_a_request_are_of_its_trace() {
    let (tracer, mut queue) = tracer("0", &Metrics::new());
    let mut read = tracer.server("read", &headers(PARENT), SystemTime::now());
    read.set("leadsman.metric", "depth");
    let query = tracer.child("query", SpanKind::Client, &read.context().unwrap());
    drop(query);
    drop(read);
    let records = ended(&mut queue);
    let [query, read] = &records[..] else { panic!("two spans") };
    assert_eq!((query.name, read.name), ("query", "read"));
    assert_eq!(read.parent, 0xb7ad_6b71_6920_3331);
    assert_eq!(query.parent, read.context.span);
    assert_eq!(query.context.trace, read.context.trace);
    assert!(read.has_remote_parent && !query.has_remote_parent);
    assert!(read.begun <= query.begun && query.ended <= read.ended);
}

#[test]
fn what_the_caller_or_the_ratio_leaves_out_costs_no_span() {
    let (all, mut queue) = tracer("1", &Metrics::new());
    let unsampled = PARENT.replace("-01", "-00");
    let now = SystemTime::now();
    assert!(!all.server("read", &headers(&unsampled), now).is_sampled());
    assert!(all.server("read", &HeaderMap::new(), now).is_sampled());
    assert_eq!(ended(&mut queue).len(), 1);
    let (none, mut queue) = tracer("0", &Metrics::new());
    assert!(!none.server("read", &HeaderMap::new(), now).is_sampled());
    assert!(!none.root("evaluation").is_sampled());
    assert!(none.always("reload").is_sampled());
    assert_eq!(ended(&mut queue).len(), 1);
    let (some, mut queue) = tracer("0.1", &Metrics::new());
    (0..10_000).for_each(|_| drop(some.root("evaluation")));
    let sampled = ended(&mut queue).len();
    assert!((700..1300).contains(&sampled), "{sampled} of 10,000");
}

#[test]
fn a_full_queue_drops_spans_and_counts_them() {
    let metrics = Metrics::new();
    let (tracer, queue) = tracer("1", &metrics);
    (0..MAX_WAITING + 3).for_each(|_| drop(tracer.root("evaluation")));
    let page = metrics.encode();
    assert!(page.contains("leadsman_spans_dropped_total{reason=\"queue_full\"} 3"), "{page}");
    drop(queue);
    drop(tracer.root("evaluation"));
    let page = metrics.encode();
    assert!(page.contains("leadsman_spans_dropped_total{reason=\"ended\"} 1"), "{page}");
}

#[test]
fn a_span_holds_a_bounded_number_of_everything() {
    let (tracer, mut queue) = tracer("1", &Metrics::new());
    let other = tracer.always("read").context().unwrap();
    let mut span = tracer.always("evaluation");
    for _ in 0..100 {
        span.set("leadsman.query", "é".repeat(5000));
        span.note("slot acquired");
        span.link(other.clone());
    }
    span.fail("x".repeat(5000));
    drop(span);
    let records = ended(&mut queue);
    let sent = otlp::request(otlp::resource(&[]), records);
    let span = &sent.resource_spans[0].scope_spans[0].spans[1];
    assert_eq!((span.attributes.len(), span.dropped_attributes_count), (32, 68));
    assert_eq!((span.events.len(), span.dropped_events_count), (16, 84));
    assert_eq!((span.links.len(), span.dropped_links_count), (32, 68));
    assert!(span.encoded_len() < 33 * 2100 + 16 * 100 + 32 * 100 + 2100);
}

#[test]
fn a_span_is_not_linked_to_its_own_parent() {
    let (tracer, mut queue) = tracer("1", &Metrics::new());
    let read = tracer.always("read");
    let (of, other) = (read.context().unwrap(), tracer.always("read"));
    let mut evaluation = tracer.child("evaluation", SpanKind::Internal, &of);
    evaluation.link(of);
    evaluation.link(other.context().unwrap());
    drop(evaluation);
    let record = ended(&mut queue).remove(0);
    assert_eq!(record.links, [other.context().unwrap()]);
}

#[tokio::test]
async fn work_within_a_span_knows_it_and_what_is_carried_too() {
    let (tracer, _queue) = tracer("1", &Metrics::new());
    let span = tracer.always("evaluation");
    let current = || super::CURRENT.try_with(Clone::clone).ok().flatten();
    assert_eq!(current(), None);
    let seen = span.within(async move {
        tokio::task::yield_now().await;
        current()
    });
    assert_eq!(seen.await, span.context());
    let nothing = Span::none();
    let inner = span.within(async move { nothing.within(async move { current() }).await });
    assert_eq!(inner.await, None, "what is not sampled hides what is around it");
}

/// Takes one request of a client, and answers with these statuses in turn.
async fn collector(statuses: &'static [u16]) -> (String, mpsc::Receiver<(String, Vec<u8>)>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (received, requests) = mpsc::channel(16);
    let serve = async move {
        for status in statuses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = Vec::new();
            let (head, body) = loop {
                stream.read_buf(&mut bytes).await.unwrap();
                let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
                    continue;
                };
                let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let length: usize = length.unwrap().parse().unwrap();
                if bytes.len() >= end + 4 + length {
                    break (head, bytes[end + 4..].to_vec());
                }
            };
            let answer =
                format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            received.send((head, body)).await.unwrap();
        }
    };
    #[allow(clippy::disallowed_methods, reason = "a test, whose end ends it")]
    tokio::spawn(serve);
    (url, requests)
}

fn exporter(url: &str, queue: mpsc::Receiver<Record>, metrics: &Metrics) -> Exporter {
    let variable = |name: &str| {
        (name == "OTEL_EXPORTER_OTLP_HEADERS").then(|| "authorization=Bearer%20x".to_owned())
    };
    let endpoint = CollectorEndpoint::new(Some(url), variable, "pod-1").unwrap().unwrap();
    Exporter::new(&endpoint, queue, metrics.spans().clone()).unwrap()
}

#[tokio::test]
async fn the_exporter_posts_what_ended_and_flushes_at_the_end() {
    let metrics = Metrics::new();
    let (tracer, queue) = tracer("1", &metrics);
    let (url, mut requests) = collector(&[503, 200]).await;
    let exporter = Arc::new(exporter(&url, queue, &metrics));
    let stop = CancellationToken::new();
    drop(tracer.always("reload"));
    let mut failed = tracer.always("evaluation");
    failed.fail("query_connect");
    drop(failed);
    let (done, ends) = oneshot::channel();
    let (running, stopped) = (exporter.clone(), stop.clone());
    #[allow(clippy::disallowed_methods, reason = "a test, whose end ends it")]
    tokio::spawn(async move {
        running.run(&stopped).await;
        let _ = done.send(());
    });
    stop.cancel();
    ends.await.unwrap();
    let (head, first) = requests.recv().await.unwrap();
    assert!(head.starts_with("post /v1/traces "), "{head}");
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    assert!(head.contains("authorization: bearer x"), "{head}");
    // The one that was refused for now is sent once more.
    let (_, body) = requests.recv().await.unwrap();
    assert_eq!(first, body);
    let sent = ExportRequest::decode(&*body).unwrap();
    let spans = &sent.resource_spans[0].scope_spans[0].spans;
    let names: Vec<_> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!(names, ["reload", "evaluation"]);
    assert_eq!(spans[1].status.as_ref().unwrap().message, "query_connect");
    let page = metrics.encode();
    assert!(page.contains("leadsman_spans_exported_total 2"), "{page}");
}

#[tokio::test]
async fn what_a_collector_refuses_is_dropped_and_counted() {
    let metrics = Metrics::new();
    let (tracer, queue) = tracer("1", &metrics);
    let (url, _requests) = collector(&[400]).await;
    let exporter = exporter(&url, queue, &metrics);
    drop(tracer.always("reload"));
    let stop = CancellationToken::new();
    stop.cancel();
    exporter.run(&stop).await;
    let page = metrics.encode();
    assert!(page.contains("leadsman_spans_dropped_total{reason=\"refused\"} 1"), "{page}");
    assert!(page.contains("leadsman_spans_exported_total 0"), "{page}");
}
