//! A span: what was done, when, for how long, and how it ended.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::context::Context;
use super::tracer::Sink;

/// The longest text of an attribute or of a failure, in bytes.
const MAX_TEXT: usize = 2048;

/// The most attributes, events and links of a span.
const MAX_ATTRIBUTES: usize = 32;
const MAX_EVENTS: usize = 16;
const MAX_LINKS: usize = 32;

/// What a span is to the spans of other processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Work within the process.
    Internal,
    /// It serves a request.
    Server,
    /// It sends requests.
    Client,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

/// Something that happened within a span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SpanEvent {
    pub(crate) name: &'static str,
    pub(crate) at: SystemTime,
}

/// What is known of a span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) context: Context,
    /// The number of the span above it; 0 for none.
    pub(crate) parent: u64,
    /// Whether the span above it is of another process.
    pub(crate) has_remote_parent: bool,
    pub(crate) name: &'static str,
    pub(crate) kind: SpanKind,
    pub(crate) begun: SystemTime,
    pub(crate) ended: SystemTime,
    pub(crate) attributes: Vec<(&'static str, AttributeValue)>,
    pub(crate) events: Vec<SpanEvent>,
    pub(crate) links: Vec<Context>,
    /// What was left out, for there were too many: attributes, events and links.
    pub(crate) dropped: [u32; 3],
    pub(crate) failure: Option<String>,
}

/// A span that is open; one that is not sampled is nothing. It ends when it is dropped.
#[derive(Debug)]
#[must_use = "a span lasts for as long as it is held"]
pub struct Span(Option<Box<OpenSpan>>);

#[derive(Debug)]
struct OpenSpan {
    record: Record,
    /// Since when, by a clock that does not jump.
    since: Instant,
    sink: Arc<Sink>,
}

impl Span {
    /// One that is not sampled.
    pub const fn none() -> Self {
        Self(None)
    }

    pub(crate) fn begin(
        context: Context,
        parent: u64,
        name: &'static str,
        kind: SpanKind,
        begun: SystemTime,
        sink: Arc<Sink>,
    ) -> Self {
        let record = Record {
            context,
            parent,
            has_remote_parent: kind == SpanKind::Server && parent != 0,
            name,
            kind,
            begun,
            ended: begun,
            attributes: Vec::new(),
            events: Vec::new(),
            links: Vec::new(),
            dropped: [0; 3],
            failure: None,
        };
        // It may have begun before traces were recorded.
        let before = SystemTime::now().duration_since(begun).unwrap_or_default();
        let now = Instant::now();
        let since = now.checked_sub(before).unwrap_or(now);
        Self(Some(Box::new(OpenSpan { record, since, sink })))
    }

    /// Whether it is sampled.
    pub fn is_sampled(&self) -> bool {
        self.0.is_some()
    }

    /// How others know it; `None` if it is not sampled.
    pub fn context(&self) -> Option<Context> {
        self.0.as_ref().map(|open| open.record.context.clone())
    }

    /// Sets an attribute, whose name is set once. A long text is cut off. The value is made only if the
    /// span is sampled.
    pub fn set(&mut self, name: &'static str, value: impl Into<AttributeValue>) {
        let Some(open) = &mut self.0 else { return };
        let value = match value.into() {
            AttributeValue::Text(text) => AttributeValue::Text(shortened(text)),
            value => value,
        };
        add(
            &mut open.record.attributes,
            (name, value),
            MAX_ATTRIBUTES,
            &mut open.record.dropped[0],
        );
    }

    /// Notes that something happened now.
    pub fn note(&mut self, name: &'static str) {
        let Some(open) = &mut self.0 else { return };
        let happened = SpanEvent { name, at: open.now() };
        add(&mut open.record.events, happened, MAX_EVENTS, &mut open.record.dropped[1]);
    }

    /// Names another span that this one was for, too.
    pub fn link(&mut self, to: Context) {
        let Some(open) = &mut self.0 else { return };
        let record = &mut open.record;
        if record.parent == to.span && record.context.trace == to.trace {
            return;
        }
        add(&mut record.links, to, MAX_LINKS, &mut record.dropped[2]);
    }

    /// It failed. A long reason is cut off.
    pub fn fail(&mut self, reason: impl Into<String>) {
        if let Some(open) = &mut self.0 {
            open.record.failure = Some(shortened(reason.into()));
        }
    }

    /// Runs work within it: spans that begin there are below it.
    pub fn within<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        super::within(self.context(), work)
    }
}

impl OpenSpan {
    /// The time by the clock that it began by.
    fn now(&self) -> SystemTime {
        self.record.begun + self.since.elapsed()
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(mut open) = self.0.take() {
            open.record.ended = open.now();
            let OpenSpan { record, sink, .. } = *open;
            sink.put(record);
        }
    }
}

fn add<T>(list: &mut Vec<T>, one: T, most: usize, dropped: &mut u32) {
    if list.len() < most {
        list.push(one);
    } else {
        *dropped = dropped.saturating_add(1);
    }
}

/// Cut off, without the room of what is: a span may wait for long.
fn shortened(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.shrink_to_fit();
    }
    text
}

impl From<&str> for AttributeValue {
    fn from(text: &str) -> Self {
        Self::Text(text[..text.floor_char_boundary(MAX_TEXT)].to_owned())
    }
}

impl From<String> for AttributeValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for AttributeValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<usize> for AttributeValue {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u64> for AttributeValue {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u16> for AttributeValue {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_takes_no_memory() {
        let text = shortened("é".repeat(MAX_TEXT * 100));
        assert!(text.len() <= MAX_TEXT && text.len() > MAX_TEXT - 2, "{}", text.len());
        assert!(text.capacity() < MAX_TEXT * 2, "{}", text.capacity());
        assert_eq!(shortened("short".to_owned()), "short");
    }
}
