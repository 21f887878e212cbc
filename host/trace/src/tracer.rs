//! Which spans are sampled, their numbers, and the queue that they end in.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use http::HeaderMap;
use tokio::sync::mpsc;

use super::context::{Caller, Context, TraceId};
use super::endpoint::Ratio;
use super::span::{Record, Span, SpanKind};
use leadsman_runtime::telemetry::{SpanDrop, SpanMetrics};

/// How many spans may wait for the exporter. Further ones are dropped, and counted.
pub(crate) const MAX_WAITING: usize = 4096;

/// Where spans end.
#[derive(Debug)]
pub(crate) struct Sink {
    queue: mpsc::Sender<Record>,
    metrics: SpanMetrics,
}

/// Makes spans.
pub(crate) struct Tracer {
    ratio: Ratio,
    numbers: Numbers,
    sink: Arc<Sink>,
}

/// Numbers that nobody can guess and that do not repeat: a keyed hash of a counter, with keys of the
/// operating system. Costs no call of it.
struct Numbers {
    keys: RandomState,
    next: AtomicU64,
}

impl Sink {
    /// Never waits.
    pub(crate) fn put(&self, record: Record) {
        if let Err(error) = self.queue.try_send(record) {
            self.metrics.dropped(match error {
                mpsc::error::TrySendError::Full(_) => SpanDrop::QueueFull,
                mpsc::error::TrySendError::Closed(_) => SpanDrop::Ended,
            });
        }
    }
}

impl Numbers {
    /// Not zero.
    fn next(&self) -> u64 {
        loop {
            let number = self.keys.hash_one(self.next.fetch_add(1, Ordering::Relaxed));
            if number != 0 {
                return number;
            }
        }
    }
}

impl Tracer {
    /// A tracer, and the queue that its spans end in.
    pub(crate) fn new(ratio: Ratio, metrics: SpanMetrics) -> (Self, mpsc::Receiver<Record>) {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        let numbers = Numbers { keys: RandomState::new(), next: AtomicU64::new(0) };
        (Self { ratio, numbers, sink: Arc::new(Sink { queue, metrics }) }, waiting)
    }

    pub(crate) fn server(
        &self,
        name: &'static str,
        headers: &HeaderMap,
        begun: SystemTime,
    ) -> Span {
        match Caller::of(headers) {
            Caller::Sampled(caller) => self.below(name, SpanKind::Server, &caller, begun),
            Caller::NotSampled => Span::none(),
            Caller::Silent => match self.sampled() {
                Some(trace) => self.first(name, SpanKind::Server, trace, begun),
                None => Span::none(),
            },
        }
    }

    pub(crate) fn child(&self, name: &'static str, kind: SpanKind, parent: &Context) -> Span {
        self.below(name, kind, parent, SystemTime::now())
    }

    pub(crate) fn root(&self, name: &'static str) -> Span {
        match self.sampled() {
            Some(trace) => self.first(name, SpanKind::Internal, trace, SystemTime::now()),
            None => Span::none(),
        }
    }

    pub(crate) fn always(&self, name: &'static str) -> Span {
        let trace = TraceId { high: self.numbers.next(), low: self.numbers.next() };
        self.first(name, SpanKind::Internal, trace, SystemTime::now())
    }

    /// A new trace, if it is sampled.
    fn sampled(&self) -> Option<TraceId> {
        let low = self.numbers.next();
        self.ratio.takes(low).then(|| TraceId { high: self.numbers.next(), low })
    }

    fn first(&self, name: &'static str, kind: SpanKind, trace: TraceId, begun: SystemTime) -> Span {
        let context = Context { trace, span: self.numbers.next(), state: None };
        Span::begin(context, 0, name, kind, begun, self.sink.clone())
    }

    fn below(
        &self,
        name: &'static str,
        kind: SpanKind,
        parent: &Context,
        begun: SystemTime,
    ) -> Span {
        let (trace, state) = (parent.trace, parent.state.clone());
        let context = Context { trace, span: self.numbers.next(), state };
        Span::begin(context, parent.span, name, kind, begun, self.sink.clone())
    }
}
