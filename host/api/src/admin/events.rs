//! The event stream of the page (server-sent events): first all entries, then those that change, and a
//! heartbeat in between.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::AdminState;
use super::board::{Difference, INTERVAL, MAX_CLIENTS};
use super::entries::Entries;
use crate::status::Status;
use leadsman_runtime::clock;

/// A client hears of the server so often at least.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// A stream ends after this time, and its client comes again: a connection whose answer takes longer
/// counts as idle.
const MAX_TIME: Duration = Duration::from_secs(90);

/// One client.
struct Client {
    state: AdminState,
    known: Arc<Entries>,
    /// Whether it wants the trends of the last hour with the first event.
    trends: bool,
    is_first: bool,
    begun: Instant,
    reported: Instant,
    _permit: OwnedSemaphorePermit,
}

/// `/status/events`, with `?trends=false` for a client that has them.
pub(super) async fn events(
    State(state): State<AdminState>,
    RawQuery(query): RawQuery,
) -> Result<Response, Status> {
    let permit = state.board.clients.clone().try_acquire_owned().map_err(|_| {
        let message = format!("{MAX_CLIENTS} clients follow the page already; close some of them");
        Status::new(StatusCode::TOO_MANY_REQUESTS, message)
    })?;
    let query = query.unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let trends = !pairs.any(|(key, value)| key == "trends" && value == "false");
    let now = Instant::now();
    let client = Client {
        state,
        known: Arc::default(),
        trends,
        is_first: true,
        begun: now,
        reported: now,
        _permit: permit,
    };
    let body = Body::from_stream(stream::unfold(client, next));
    let mut response = Response::new(body);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        // Proxies would keep events until they have many.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    response.headers_mut().extend(headers);
    Ok(response)
}

/// The next event of a client; `None` at the end of its stream.
async fn next(mut client: Client) -> Option<(Result<Bytes, Infallible>, Client)> {
    let end = client.state.end.clone();
    let event = tokio::select! {
        event = client.event() => event?,
        () = end.cancelled() => return None,
    };
    client.reported = Instant::now();
    Some((Ok(event), client))
}

impl Client {
    async fn event(&mut self) -> Option<Bytes> {
        if self.is_first {
            self.is_first = false;
            self.known = self.state.newest().await?;
            return Some(self.whole().await);
        }
        loop {
            if self.begun.elapsed() >= MAX_TIME {
                return None;
            }
            tokio::time::sleep(INTERVAL).await;
            let newest = self.state.newest().await?;
            let difference = Difference::between(&self.known, &newest);
            self.known = newest;
            if !difference.is_empty() {
                return Some(written(&difference, None));
            }
            if self.reported.elapsed() >= HEARTBEAT {
                return Some(
                    format!("event: alive\ndata: {}\n\n", json!({"now": clock::now()})).into(),
                );
            }
        }
    }

    /// All entries.
    async fn whole(&self) -> Bytes {
        let all = Difference { set: (*self.known).clone(), gone: Vec::new() };
        if !self.trends {
            return written(&all, Some(Map::new()));
        }
        let state = self.state.clone();
        let trends = tokio::task::spawn_blocking(move || state.all_trends()).await;
        written(&all, Some(trends.unwrap_or_default()))
    }
}

/// An event: `whole` with the trends if it is the first of its stream, `change` otherwise. The texts of
/// entries are JSON in one line.
fn written(difference: &Difference, trends: Option<Map<String, Value>>) -> Bytes {
    let name = if trends.is_some() { "whole" } else { "change" };
    let mut text = format!("event: {name}\ndata: {{\"now\":{},\"set\":{{", clock::now());
    for (at, (name, entry)) in difference.set.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a String does not fail.
        let _ = write!(text, "{comma}{}:{entry}", Value::from(name.as_str()));
    }
    let _ = write!(text, "}},\"gone\":{}", json!(difference.gone));
    if let Some(trends) = trends {
        let _ = write!(text, ",\"trends\":{}", Value::Object(trends));
    }
    text.push_str("}\n\n");
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name and the data of an event.
    fn parsed(event: &Bytes) -> (String, Value) {
        let text = std::str::from_utf8(event).unwrap();
        let (name, data) = text.split_once('\n').unwrap();
        let data = data.strip_suffix("\n\n").unwrap().strip_prefix("data: ").unwrap();
        assert!(!data.contains('\n'), "{data}");
        let name = name.strip_prefix("event: ").unwrap().to_owned();
        (name, serde_json::from_str(data).unwrap())
    }

    #[test]
    fn an_event_is_one_line_of_json() {
        let text = |value: Value| Arc::from(value.to_string());
        let set = [
            ("mapping/a\n\"b\"".to_owned(), text(json!({"error": "two\nlines"}))),
            ("source/c".to_owned(), text(json!({"x": 1}))),
        ];
        let difference = Difference { set: set.into(), gone: vec!["kind/\"d\"".to_owned()] };
        let (name, data) = parsed(&written(&difference, None));
        assert_eq!(name, "change");
        assert_eq!(data["set"]["mapping/a\n\"b\""]["error"], "two\nlines");
        assert_eq!(data["gone"], json!(["kind/\"d\""]));
        let trends = [("autoscaler/a".to_owned(), json!([1]))].into_iter().collect();
        let nothing = Difference { set: Default::default(), gone: Vec::new() };
        let (name, data) = parsed(&written(&nothing, Some(trends)));
        assert_eq!((name.as_str(), &data["trends"]["autoscaler/a"]), ("whole", &json!([1])));
    }
}
