//! Traces: spans of what the process does, the trace context of W3C, and their export by OTLP.
//!
//! Off until [`start`] is called, as most processes are: then every function here is one look at an
//! atomic and gives a span that does nothing. A [`Span`] that is sampled ends when it is dropped and goes
//! into a bounded queue, which the [`Exporter`] empties. What is under way for a span runs
//! [within](Span::within) it: spans that begin there are its children, and requests that are sent there
//! [carry its context](inject).

mod context;
mod endpoint;
mod export;
mod otlp;
mod span;
mod tracer;

use std::sync::OnceLock;
use std::time::SystemTime;

use http::HeaderMap;
use leadsman_runtime::telemetry::SpanMetrics;

pub use context::Context;
pub use endpoint::{CollectorEndpoint, EndpointError, Ratio};
pub use export::{ExportError, Exporter};
pub use span::{AttributeValue, Span, SpanKind};
use tracer::Tracer;

/// The tracer of the process. Like the log, it is one for all.
static TRACER: OnceLock<Tracer> = OnceLock::new();

tokio::task_local! {
    static CURRENT: Option<Context>;
}

/// How traces are made and where they go.
#[derive(Debug, Clone)]
pub struct TraceSettings {
    /// The collector.
    pub endpoint: CollectorEndpoint,
    /// How many of the traces that begin here are sampled. A trace that a caller began is sampled if
    /// the caller samples it.
    pub ratio: Ratio,
}

/// Begins to trace. The exporter sends what is sampled for as long as it runs.
pub fn start(settings: &TraceSettings, metrics: &SpanMetrics) -> Result<Exporter, ExportError> {
    let (tracer, queue) = Tracer::new(settings.ratio, metrics.clone());
    let exporter = Exporter::new(&settings.endpoint, queue, metrics.clone())?;
    TRACER.set(tracer).map_err(|_| ExportError::Twice)?;
    Ok(exporter)
}

/// Whether anything is traced.
pub fn is_on() -> bool {
    TRACER.get().is_some()
}

/// The context of the span that this runs within, if it is sampled.
pub fn current() -> Option<Context> {
    if !is_on() {
        return None;
    }
    CURRENT.try_with(Clone::clone).ok().flatten()
}

/// A span of a request. It belongs to the caller's trace if the headers name one, and is sampled as that
/// is; it began at `begun`.
pub fn server(name: &'static str, headers: &HeaderMap, begun: SystemTime) -> Span {
    TRACER.get().map_or_else(Span::none, |tracer| tracer.server(name, headers, begun))
}

/// A span within the current one; nothing where that is not sampled.
pub fn child(name: &'static str, kind: SpanKind) -> Span {
    child_of(name, kind, current().as_ref())
}

/// A span below another one; nothing where there is none.
pub fn child_of(name: &'static str, kind: SpanKind, parent: Option<&Context>) -> Span {
    match (TRACER.get(), parent) {
        (Some(tracer), Some(parent)) => tracer.child(name, kind, parent),
        _ => Span::none(),
    }
}

/// A span that begins a trace, of which a ratio is sampled.
pub fn root(name: &'static str) -> Span {
    TRACER.get().map_or_else(Span::none, |tracer| tracer.root(name))
}

/// A span that begins a trace, always sampled: for what is rare.
pub fn always(name: &'static str) -> Span {
    TRACER.get().map_or_else(Span::none, |tracer| tracer.always(name))
}

/// Names the current span as the parent in the headers of a request that is about to be sent.
pub fn inject(headers: &mut HeaderMap) {
    if let Some(context) = current() {
        context.write(headers);
    }
}

/// Work for another task, as a part of the current span.
pub fn in_current_span<F: Future>(work: F) -> impl Future<Output = F::Output> + use<F> {
    within(current(), work)
}

/// Runs work within a span of this context; of `None`, within none.
pub fn within<F: Future>(
    context: Option<Context>,
    work: F,
) -> impl Future<Output = F::Output> + use<F> {
    CURRENT.scope(context, work)
}

#[cfg(test)]
mod tests;
