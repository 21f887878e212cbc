//! A collector of traces: an endpoint of OTLP over HTTP. It reads the messages by a definition of its own,
//! after opentelemetry-proto.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message as _;

use crate::reply::Reply;
use crate::upstream::Upstream;
use crate::waiting::eventually;

/// A collector. It ends when it is dropped.
pub struct Collector(Upstream);

/// A span that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The number of its trace, in hexadecimal.
    pub trace: String,
    /// Its own number.
    pub id: String,
    /// That of the span above it; empty for none.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// `internal`, `server` or `client`.
    pub kind: &'static str,
    /// When it began and ended, in nanoseconds since the epoch.
    pub time: (u64, u64),
    /// What other systems keep with the trace.
    pub state: String,
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// The names of its events.
    pub events: Vec<String>,
    /// The numbers of the spans that it is linked to.
    pub links: Vec<String>,
    /// Why it failed.
    pub failure: Option<String>,
}

/// The exporter waits a second for more.
const WAIT_TIMEOUT: Duration = Duration::from_secs(20);

impl Collector {
    /// Starts one that takes everything.
    pub async fn start() -> Self {
        Self(Upstream::start(Reply::new(200, "application/x-protobuf", "")).await)
    }

    /// The address to export to.
    pub fn url(&self) -> String {
        self.0.url()
    }

    /// The spans so far, in the order in which they came.
    ///
    /// # Panics
    /// If a request is none of OTLP.
    pub fn spans(&self) -> Vec<Span> {
        let requests = self.0.requests().into_iter().flat_map(|request| {
            assert_eq!((&*request.method, &*request.path), ("POST", "/v1/traces"));
            assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
            proto::ExportRequest::decode(&*request.bytes).expect("a message of OTLP").resources
        });
        let resources = requests.inspect(|resource| {
            let resource = resource.resource.as_ref().map(|one| attributes(&one.attributes));
            let service = resource.and_then(|attributes| attributes.get("service.name").cloned());
            assert_eq!(service.as_deref(), Some("leadsman"));
        });
        let scopes = resources.flat_map(|resource| resource.scopes);
        scopes.flat_map(|scope| scope.spans).map(Span::of).collect()
    }

    /// Waits until there are spans of all these names in a trace, and returns all of that trace.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_for(&self, trace: &str, names: &[&str]) -> Vec<Span> {
        eventually(&format!("{names:?} in the trace {trace}"), WAIT_TIMEOUT, async || {
            let spans: Vec<_> =
                self.spans().into_iter().filter(|span| span.trace == trace).collect();
            let is_there = |name: &&str| spans.iter().any(|span| span.name == **name);
            if names.iter().all(is_there) { Ok(spans) } else { Err(format!("{spans:#?}")) }
        })
        .await
    }
}

impl Span {
    fn of(span: proto::Span) -> Self {
        assert_eq!((span.trace_id.len(), span.span_id.len()), (16, 8), "{span:?}");
        assert!(span.start_time_unix_nano <= span.end_time_unix_nano, "{span:?}");
        Self {
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            name: span.name,
            kind: match span.kind {
                1 => "internal",
                2 => "server",
                3 => "client",
                other => panic!("a span of kind {other}"),
            },
            time: (span.start_time_unix_nano, span.end_time_unix_nano),
            state: span.trace_state,
            attributes: attributes(&span.attributes),
            events: span.events.into_iter().map(|event| event.name).collect(),
            links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
            failure: span.status.filter(|status| status.code == 2).map(|status| status.message),
        }
    }

    /// As `traceparent` names it.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-01", self.trace, self.id)
    }

    /// The value of an attribute.
    ///
    /// # Panics
    /// If it has none of this name.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).unwrap_or_else(|| panic!("no {name} in {self:#?}"))
    }
}

fn attributes(pairs: &[proto::KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &proto::AnyValue| match (&value.text, value.flag, value.number) {
        (Some(text), _, _) => text.clone(),
        (_, Some(flag), _) => flag.to_string(),
        (_, _, Some(number)) => number.to_string(),
        _ => panic!("a value of another kind"),
    };
    let value = |pair: &proto::KeyValue| text(pair.value.as_ref().expect("a value"));
    pairs.iter().map(|pair| (pair.key.clone(), value(pair))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The messages, as far as the tests look at them. An optional field of each kind reads a `oneof`.
mod proto {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ExportRequest {
        #[prost(message, repeated, tag = "1")]
        pub(super) resources: Vec<ResourceSpans>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ResourceSpans {
        #[prost(message, optional, tag = "1")]
        pub(super) resource: Option<Resource>,
        #[prost(message, repeated, tag = "2")]
        pub(super) scopes: Vec<ScopeSpans>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Resource {
        #[prost(message, repeated, tag = "1")]
        pub(super) attributes: Vec<KeyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct ScopeSpans {
        #[prost(message, repeated, tag = "2")]
        pub(super) spans: Vec<Span>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Span {
        #[prost(bytes = "vec", tag = "1")]
        pub(super) trace_id: Vec<u8>,
        #[prost(bytes = "vec", tag = "2")]
        pub(super) span_id: Vec<u8>,
        #[prost(string, tag = "3")]
        pub(super) trace_state: String,
        #[prost(bytes = "vec", tag = "4")]
        pub(super) parent_span_id: Vec<u8>,
        #[prost(string, tag = "5")]
        pub(super) name: String,
        #[prost(int32, tag = "6")]
        pub(super) kind: i32,
        #[prost(fixed64, tag = "7")]
        pub(super) start_time_unix_nano: u64,
        #[prost(fixed64, tag = "8")]
        pub(super) end_time_unix_nano: u64,
        #[prost(message, repeated, tag = "9")]
        pub(super) attributes: Vec<KeyValue>,
        #[prost(message, repeated, tag = "11")]
        pub(super) events: Vec<Event>,
        #[prost(message, repeated, tag = "13")]
        pub(super) links: Vec<Link>,
        #[prost(message, optional, tag = "15")]
        pub(super) status: Option<Status>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Event {
        #[prost(string, tag = "2")]
        pub(super) name: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Link {
        #[prost(bytes = "vec", tag = "2")]
        pub(super) span_id: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct Status {
        #[prost(string, tag = "2")]
        pub(super) message: String,
        #[prost(int32, tag = "3")]
        pub(super) code: i32,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct KeyValue {
        #[prost(string, tag = "1")]
        pub(super) key: String,
        #[prost(message, optional, tag = "2")]
        pub(super) value: Option<AnyValue>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(super) struct AnyValue {
        #[prost(string, optional, tag = "1")]
        pub(super) text: Option<String>,
        #[prost(bool, optional, tag = "2")]
        pub(super) flag: Option<bool>,
        #[prost(int64, optional, tag = "3")]
        pub(super) number: Option<i64>,
    }
}
