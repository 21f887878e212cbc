//! Scripted HTTP replies of a fake source.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use crate::wire::{Response, Stream};

/// A reply, valid or broken.
#[derive(Debug, Clone)]
pub enum Reply {
    /// A complete reply.
    Complete(Response),
    /// A body that ends before its declared length, as after a crash of the server.
    Truncated(Response),
    /// No reply, on a connection that stays open.
    NoReply,
    /// A body of a gigabyte that looks like a result.
    Endless,
    /// A gigabyte of metrics that a page may have.
    EndlessPage,
    /// A body that is sent byte by byte, one every 100 ms.
    Drip(Response),
    /// Another reply after a delay.
    After(Duration, Box<Reply>),
}

const JSON: &str = "application/json";
const GIGABYTE: u64 = 1 << 30;

impl Reply {
    /// A complete reply of one content type.
    pub fn new(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        Self::Complete(Response::new(status, content_type, body))
    }

    /// A complete reply in JSON.
    pub fn json(status: u16, body: &Value) -> Self {
        Self::new(status, JSON, body.to_string())
    }

    /// A successful reply with the items of an instant vector.
    pub fn vector(items: &Value) -> Self {
        Self::json(200, &vector(items))
    }

    /// A successful reply with one sample of the current time for each pod.
    pub fn pods(values: &[(&str, &str)]) -> Self {
        Self::vector(&pods(values))
    }

    /// A successful reply with so many series, each with a label of a kilobyte that no other has.
    pub fn long(series: usize) -> Self {
        let filling = "x".repeat(1000);
        let one = |number| {
            let filling = format!("{filling}-{number}");
            json!({"metric": {"pod": "web-0", "filling": filling}, "value": [1, "1"]})
        };
        Self::vector(&(0..series).map(one).collect::<Value>())
    }

    /// The same with another field beside `data`, such as `warnings`.
    pub fn pods_with(values: &[(&str, &str)], field: &str, content: Value) -> Self {
        let mut body = vector(&pods(values));
        body[field] = content;
        Self::json(200, &body)
    }

    /// The same reply after a delay.
    pub fn after(self, time: Duration) -> Self {
        Self::After(time, Box::new(self))
    }

    /// The same reply, one byte at a time.
    ///
    /// # Panics
    /// If it is broken already.
    pub fn drip(self) -> Self {
        Self::Drip(self.into_complete())
    }

    /// The same reply with only the first half of its body, but with the original length.
    ///
    /// # Panics
    /// If it is broken already.
    pub fn truncated_body(self) -> Self {
        Self::Truncated(self.into_complete())
    }

    /// The same reply with only the first half of its body, and with the length of that half.
    ///
    /// # Panics
    /// If it is broken already.
    pub fn halved(self) -> Self {
        let mut response = self.into_complete();
        response.body.truncate(response.body.len() / 2);
        Self::Complete(response)
    }

    fn into_complete(self) -> Response {
        match self {
            Self::Complete(response) => response,
            other => panic!("{other:?} is broken already"),
        }
    }

    /// Sends the reply. `taken` counts the bytes of an endless body that the client reads.
    pub(crate) async fn send(&self, stream: &mut impl Stream, taken: &AtomicU64) -> io::Result<()> {
        let mut reply = self;
        while let Self::After(time, then) = reply {
            sleep(*time).await;
            reply = then;
        }
        match reply {
            Self::Complete(response) => response.send(stream).await,
            Self::Truncated(response) => {
                let half = &response.body.as_bytes()[..response.body.len() / 2];
                let head = response.head(&format!("Content-Length: {}", response.body.len()));
                stream.write_all(head.as_bytes()).await?;
                stream.write_all(half).await?;
                stream.shutdown().await
            }
            // Returns when the client closes the connection.
            Self::NoReply => stream.read_u8().await.map(drop),
            Self::Endless => {
                let start = r#"{"status":"success","data":{"resultType":"vector","result":["#;
                let item = r#"{"metric":{"pod":"web-0"},"value":[1695018199.504,"1"]},"#;
                endless(stream, taken, JSON, start, item).await
            }
            Self::EndlessPage => endless(stream, taken, "text/plain", "# a page\n", "a 1\n").await,
            Self::Drip(response) => {
                let head = response.head(&format!("Content-Length: {}", response.body.len()));
                stream.write_all(head.as_bytes()).await?;
                for byte in response.body.bytes() {
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                    sleep(Duration::from_millis(100)).await;
                }
                Ok(())
            }
            Self::After(..) => Ok(()),
        }
    }
}

fn vector(items: &Value) -> Value {
    json!({"status": "success", "data": {"resultType": "vector", "result": items}})
}

fn pods(values: &[(&str, &str)]) -> Value {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |time| time.as_secs_f64());
    let item = |(pod, value): &(&str, &str)| json!({"metric": {"pod": pod}, "value": [now, value]});
    values.iter().map(item).collect()
}

async fn endless(
    stream: &mut impl Stream,
    taken: &AtomicU64,
    content_type: &str,
    start: &str,
    item: &str,
) -> io::Result<()> {
    let head = Response::new(200, content_type, "").head("Transfer-Encoding: chunked");
    stream.write_all(head.as_bytes()).await?;
    chunk(stream, start).await?;
    let items = item.repeat(1000);
    while taken.load(Ordering::SeqCst) < GIGABYTE {
        chunk(stream, &items).await?;
        taken.fetch_add(items.len() as u64, Ordering::SeqCst);
    }
    chunk(stream, "").await
}

async fn chunk(stream: &mut impl Stream, text: &str) -> io::Result<()> {
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    stream.write_all(chunk.as_bytes()).await?;
    stream.flush().await
}
