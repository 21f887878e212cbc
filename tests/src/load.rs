//! A load with a fixed rate, which records each read.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::caller::HttpClient;
use crate::leadsman::Leadsman;
use crate::reading::{Progress, Reading};
use crate::versions::parse_quantity;

/// An open-loop load: reads of one path at a fixed rate, independent of the response times.
pub struct Load(Reading<Read>);

/// One read.
#[derive(Debug, Clone)]
pub struct Read {
    /// The scheduled time.
    pub due: Instant,
    /// The time of the response.
    pub ended: Instant,
    /// The values of its items, or the failure.
    pub outcome: Result<Vec<f64>, String>,
}

impl Read {
    /// The time from the scheduled time to the response.
    pub fn took(&self) -> Duration {
        self.ended - self.due
    }

    /// The common value of all items.
    ///
    /// # Panics
    /// If the read failed, has no items, or their values differ.
    pub fn value(&self) -> f64 {
        match self.outcome.as_deref() {
            Ok([first, rest @ ..]) if rest.iter().all(|other| other == first) => *first,
            other => panic!("not one value: {other:?}"),
        }
    }
}

/// The number of connections, which are kept alive.
const CONNECTIONS: u32 = 4;

impl Load {
    /// Starts to read a path `per_second` times per second.
    pub fn start(address: SocketAddr, path: &str, per_second: u32) -> Self {
        let url: Arc<str> = format!("https://{address}{path}").into();
        let every = Duration::from_secs(1) * CONNECTIONS / per_second;
        let begin = Instant::now();
        let mut reading = Reading::new();
        for connection in 0..CONNECTIONS {
            let first = begin + every * connection / CONNECTIONS;
            reading.add(|progress| read(url.clone(), first, every, progress));
        }
        Self(reading)
    }

    /// Waits for this many more reads.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_reads(&self, reads: usize) {
        self.0.wait_reads(reads).await;
    }

    /// Stops the load and returns all reads in the order of their scheduled times.
    pub async fn stop(self) -> Vec<Read> {
        let mut reads = self.0.stop().await;
        reads.sort_by_key(|read| read.due);
        reads
    }
}

/// Readers beside an attack, who must notice little of it.
pub struct Others(Load);

/// How often they read, in a second.
const OTHERS_RATE: u32 = 20;

/// How long they may wait, at the 99th percentile: for a debug build beside other tests. The release build
/// is held to less by `cargo xtask bench bounds`.
const OTHERS_WAIT: Duration = Duration::from_secs(3);

impl Others {
    /// Starts to read a path, which is served.
    ///
    /// # Panics
    /// If it is not.
    pub async fn reading(leadsman: &Leadsman, path: &str) -> Self {
        let answer = leadsman.get(path).await;
        assert!(answer.is_success(), "{answer:#?}");
        let load = Load::start(leadsman.api(), path, OTHERS_RATE);
        load.wait_reads(5).await;
        Self(load)
    }

    /// Ends the reads: none has failed, and nearly none has waited.
    ///
    /// # Panics
    /// If the assertion fails.
    pub async fn were_served(self) {
        self.0.wait_reads(5).await;
        let reads = self.0.stop().await;
        let failed: Vec<_> = reads.iter().filter(|read| read.outcome.is_err()).collect();
        assert!(failed.is_empty(), "{} of {} failed: {:?}", failed.len(), reads.len(), failed[0]);
        let p99 = percentile(&reads, 99);
        assert!(p99 < OTHERS_WAIT, "p99 of {} reads of others is {p99:?}", reads.len());
    }
}

async fn read(url: Arc<str>, first: Instant, every: Duration, progress: Progress) -> Vec<Read> {
    let caller = HttpClient::anonymous();
    let (mut reads, mut in_flight) = (Vec::new(), JoinSet::new());
    let mut due = first;
    while !progress.is_stopped() {
        sleep_until(due).await;
        let (caller, url, progress) = (caller.clone(), url.clone(), progress.clone());
        in_flight.spawn(async move {
            let outcome = one(&caller, &url).await;
            progress.count();
            Read { due, ended: Instant::now(), outcome }
        });
        while let Some(Ok(read)) = in_flight.try_join_next() {
            reads.push(read);
        }
        due += every;
    }
    reads.extend(in_flight.join_all().await);
    reads
}

async fn one(caller: &HttpClient, url: &str) -> Result<Vec<f64>, String> {
    let answer = caller.get(url).await?;
    if answer.status != 200 {
        return Err(format!("{} {}", answer.status, answer.body));
    }
    let list: Value = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
    let items = list["items"].as_array().ok_or_else(|| format!("no items: {}", answer.body))?;
    Ok(items
        .iter()
        .map(|item| parse_quantity(item["value"].as_str().unwrap_or_default()))
        .collect())
}

/// A percentile of the response times.
///
/// # Panics
/// If there are no reads.
pub fn percentile(reads: &[Read], share: usize) -> Duration {
    let mut times: Vec<_> = reads.iter().map(Read::took).collect();
    times.sort_unstable();
    times[(times.len() - 1) * share / 100]
}

/// Asserts that no read failed, that all items of a read have one value, and that no read returns
/// an older value than a read that ended before it began.
///
/// # Panics
/// If the assertion fails.
pub fn assert_monotonic(reads: &[Read]) {
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
