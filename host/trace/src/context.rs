//! The context of a span, as `traceparent` and `tracestate` carry it (W3C Trace Context).

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// The longest `tracestate` that is passed on, in bytes: what W3C asks everyone to pass on at least.
const MAX_STATE: usize = 512;

/// The number of a trace. Not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceId {
    pub(crate) high: u64,
    pub(crate) low: u64,
}

/// A span that is sampled, as others know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    pub(crate) trace: TraceId,
    /// The number of the span. Not zero.
    pub(crate) span: u64,
    /// What other systems keep with the trace.
    pub(crate) state: Option<Arc<str>>,
}

/// What a caller says of its trace.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Nothing that can be read.
    Silent,
    /// It does not sample it.
    NotSampled,
    /// It samples it.
    Sampled(Context),
}

impl TraceId {
    pub(crate) fn bytes(self) -> Vec<u8> {
        [self.high.to_be_bytes(), self.low.to_be_bytes()].concat()
    }
}

impl Context {
    /// Names this span as the parent in the headers of a request.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        if let Ok(parent) = HeaderValue::try_from(self.to_string()) {
            headers.insert(TRACEPARENT, parent);
        }
        match self.state.as_deref().and_then(|state| HeaderValue::try_from(state).ok()) {
            Some(state) => headers.insert(TRACESTATE, state),
            None => headers.remove(TRACESTATE),
        };
    }
}

/// A sampled span, as `traceparent` names it.
impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace, span, .. } = self;
        write!(f, "00-{:016x}{:016x}-{span:016x}-01", trace.high, trace.low)
    }
}

impl Caller {
    /// Reads the headers of a request. What is not as W3C says counts as absent, and `tracestate` alone
    /// says nothing.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut named = headers.get_all(TRACEPARENT).iter();
        let (Some(parent), None) = (named.next(), named.next()) else { return Self::Silent };
        let Some((trace, span, sampled)) = parent.to_str().ok().and_then(parse) else {
            return Self::Silent;
        };
        if !sampled {
            return Self::NotSampled;
        }
        Self::Sampled(Context { trace, span, state: state(headers) })
    }
}

/// The parts of a `traceparent`: the trace, the span, and whether it is sampled.
fn parse(text: &str) -> Option<(TraceId, u64, bool)> {
    let mut parts = text.split('-');
    let version = parts.next().filter(|version| version.len() == 2)?;
    let version = hex(version).filter(|&version| version != 0xff)?;
    let trace = parts.next().filter(|trace| trace.len() == 32)?;
    let (high, low) = trace.split_at_checked(16)?;
    let trace = TraceId { high: hex(high)?, low: hex(low)? };
    let span = hex(parts.next().filter(|span| span.len() == 16)?)?;
    let flags = hex(parts.next().filter(|flags| flags.len() == 2)?)?;
    // Later versions may say more.
    if version == 0 && parts.next().is_some() {
        return None;
    }
    let is_zero = (trace.high == 0 && trace.low == 0) || span == 0;
    (!is_zero).then_some((trace, span, flags & 1 == 1))
}

/// Hexadecimal digits without capitals.
fn hex(digits: &str) -> Option<u64> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if !digits.bytes().all(is_digit) {
        return None;
    }
    u64::from_str_radix(digits, 16).ok()
}

fn state(headers: &HeaderMap) -> Option<Arc<str>> {
    let values: Vec<_> = headers
        .get_all(TRACESTATE)
        .iter()
        .map(HeaderValue::to_str)
        .collect::<Result<_, _>>()
        .ok()?;
    let state = values.join(",");
    (!state.is_empty() && state.len() <= MAX_STATE).then(|| state.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(parent: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(TRACEPARENT, parent.parse().unwrap());
        headers
    }

    #[test]
    fn a_parent_is_read_and_written_as_it_was() {
        let mut asked = headers(PARENT);
        asked.append(TRACESTATE, "a=1".parse().unwrap());
        asked.append(TRACESTATE, "b=2".parse().unwrap());
        let Caller::Sampled(context) = Caller::of(&asked) else { panic!("{asked:?}") };
        assert_eq!(context.trace.high, 0x0af7_6519_16cd_43dd);
        assert_eq!(context.trace.low, 0x8448_eb21_1c80_319c);
        assert_eq!(context.span, 0xb7ad_6b71_6920_3331);
        let mut sent = headers("of-somebody-else");
        context.write(&mut sent);
        assert_eq!(sent[TRACEPARENT], PARENT);
        assert_eq!(sent[TRACESTATE], "a=1,b=2");
        let unstated = Context { state: None, ..context };
        unstated.write(&mut sent);
        assert_eq!(sent.get(TRACESTATE), None);
    }

    #[test]
    fn the_caller_decides_whether_its_trace_is_sampled() {
        let not = PARENT.replace("-01", "-00");
        assert_eq!(Caller::of(&headers(&not)), Caller::NotSampled);
        // Other flags are of later versions.
        let more = PARENT.replace("-01", "-03");
        assert!(matches!(Caller::of(&headers(&more)), Caller::Sampled(_)));
        let later = PARENT.replacen("00-", "cc-", 1) + "-what-is-to-come";
        assert!(matches!(Caller::of(&headers(&later)), Caller::Sampled(_)));
    }

    #[test]
    fn what_is_no_parent_counts_as_absent() {
        for bad in [
            "",
            "00",
            &PARENT.to_uppercase(),
            &PARENT.replacen("00-", "ff-", 1),
            &PARENT.replacen("00-", "0-", 1),
            &format!("{PARENT}-more"),
            &PARENT[..54],
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-+7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c8031-b7ad6b7169203331-01",
        ] {
            assert_eq!(Caller::of(&headers(bad)), Caller::Silent, "{bad}");
        }
        let mut twice = headers(PARENT);
        twice.append(TRACEPARENT, PARENT.parse().unwrap());
        assert_eq!(Caller::of(&twice), Caller::Silent);
    }

    #[test]
    fn a_long_state_is_dropped_and_the_trace_goes_on() {
        let mut asked = headers(PARENT);
        asked.insert(TRACESTATE, "x".repeat(MAX_STATE + 1).parse().unwrap());
        let Caller::Sampled(context) = Caller::of(&asked) else { panic!() };
        assert_eq!(context.state, None);
    }
}
