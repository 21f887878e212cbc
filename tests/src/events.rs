//! The stream of events that the page follows.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::time::timeout;

use crate::caller::HttpClient;

/// How long an event may take: the server gives a sign of life each 5 s.
const EVENT_TIMEOUT: Duration = Duration::from_secs(20);

/// A stream that is open.
pub struct Events {
    response: reqwest::Response,
    /// What has come of the next event. Pieces may end within a character.
    bytes: Vec<u8>,
}

impl Events {
    /// Opens the stream at an address. The error is the status code of a refusal.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn open(caller: &HttpClient, url: &str) -> Result<Self, u16> {
        let response = caller.request(Method::GET, url).send().await.expect("a response");
        match response.status().as_u16() {
            200 => Ok(Self { response, bytes: Vec::new() }),
            status => Err(status),
        }
    }

    /// The name and the data of the next event; `None` at the end of the stream.
    ///
    /// # Panics
    /// If none comes in time, or it cannot be read.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some(end) = self.bytes.windows(2).position(|two| two == b"\n\n") {
                let event: Vec<_> = self.bytes.drain(..end + 2).collect();
                let event = std::str::from_utf8(&event).expect("UTF-8").trim_end();
                let (name, data) = event.split_once('\n').expect("two lines");
                let name = name.strip_prefix("event: ").expect("a name").to_owned();
                let data = data.strip_prefix("data: ").expect("data");
                let data = serde_json::from_str(data).expect("JSON");
                return Some((name, data));
            }
            let chunk = timeout(EVENT_TIMEOUT, self.response.chunk()).await;
            let chunk = chunk.expect("an event in time").ok().flatten()?;
            self.bytes.extend_from_slice(&chunk);
        }
    }

    /// The data of the next event of a name for which `is_it`.
    ///
    /// # Panics
    /// If the stream ends before, or falls silent.
    pub async fn find(&mut self, name: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let (found, data) = self.next().await.expect("the stream goes on");
            if found == name && is_it(&data) {
                return data;
            }
        }
    }
}
