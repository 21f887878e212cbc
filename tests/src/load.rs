//! A steady load, each read of which is recorded.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::caller::Caller;
use crate::reading::{Reading, Turn};
use crate::versions::number;

/// Reads of one path at a fixed rate, whether they are answered or not.
pub struct Load(Reading<Read>);

/// One read.
#[derive(Debug, Clone)]
pub struct Read {
    /// When it was due.
    pub due: Instant,
    /// When it was answered.
    pub ended: Instant,
    /// The values of its items, or the failure.
    pub outcome: Result<Vec<f64>, String>,
}

impl Read {
    /// The time from when it was due to the response.
    pub fn took(&self) -> Duration {
        self.ended - self.due
    }

    /// The value of all of its items.
    ///
    /// # Panics
    /// If it failed, has none, or they are not the same.
    pub fn value(&self) -> f64 {
        match self.outcome.as_deref() {
            Ok([first, rest @ ..]) if rest.iter().all(|other| other == first) => *first,
            other => panic!("not one value: {other:?}"),
        }
    }
}

/// The number of connections, which are reused.
const CONNECTIONS: u32 = 4;

impl Load {
    /// Starts this many reads a second of a path.
    pub fn start(address: SocketAddr, path: &str, per_second: u32) -> Self {
        let url: Arc<str> = format!("https://{address}{path}").into();
        let every = Duration::from_secs(1) * CONNECTIONS / per_second;
        let begin = Instant::now();
        let mut reading = Reading::new();
        for connection in 0..CONNECTIONS {
            let first = begin + every * connection / CONNECTIONS;
            reading.add(|turn| read(url.clone(), first, every, turn));
        }
        Self(reading)
    }

    /// Waits for this many more reads.
    ///
    /// # Panics
    /// If there are not so many in time.
    pub async fn go_on(&self, reads: usize) {
        self.0.go_on(reads).await;
    }

    /// Stops it and returns all reads in the order in which they were due.
    pub async fn stop(self) -> Vec<Read> {
        let mut reads = self.0.stop().await;
        reads.sort_by_key(|read| read.due);
        reads
    }
}

async fn read(url: Arc<str>, first: Instant, every: Duration, turn: Turn) -> Vec<Read> {
    let caller = Caller::anonymous();
    let (mut reads, mut under_way) = (Vec::new(), JoinSet::new());
    let mut due = first;
    while turn.goes_on() {
        sleep_until(due).await;
        let (caller, url, turn) = (caller.clone(), url.clone(), turn.clone());
        under_way.spawn(async move {
            let outcome = one(&caller, &url).await;
            turn.count();
            Read { due, ended: Instant::now(), outcome }
        });
        while let Some(Ok(read)) = under_way.try_join_next() {
            reads.push(read);
        }
        due += every;
    }
    reads.extend(under_way.join_all().await);
    reads
}

async fn one(caller: &Caller, url: &str) -> Result<Vec<f64>, String> {
    let answer = caller.get(url).await?;
    if answer.status != 200 {
        return Err(format!("{} {}", answer.status, answer.body));
    }
    let list: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
    let items = list["items"].as_array().ok_or_else(|| format!("no items: {}", answer.body))?;
    Ok(items.iter().map(|item| number(item["value"].as_str().unwrap_or_default())).collect())
}

/// A percentile of the response times.
///
/// # Panics
/// If there are none.
pub fn percentile(reads: &[Read], share: usize) -> Duration {
    let mut times: Vec<_> = reads.iter().map(Read::took).collect();
    times.sort_unstable();
    times[(times.len() - 1) * share / 100]
}

/// Asserts that no read failed, that each is of one generation, and that none is of an older one
/// than a read that had ended before it began.
///
/// # Panics
/// If it is not so.
pub fn assert_forward(reads: &[Read]) {
    let mut ended: Vec<_> = reads.iter().map(|read| (read.ended, read.value())).collect();
    ended.sort_by_key(|(at, _)| *at);
    let mut ended = ended.into_iter().peekable();
    let mut newest = f64::NEG_INFINITY;
    for read in reads {
        while let Some((_, value)) = ended.next_if(|(at, _)| *at < read.due) {
            newest = newest.max(value);
        }
        assert!(read.value() >= newest, "{} after {newest}", read.value());
    }
}
