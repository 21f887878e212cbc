//! A scenario as it stands in its file. What each key means is part of the messages about it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

/// A scenario.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Scenario {
    /// Whether it is reached over TLS, with an authority of its own: `true` if left out.
    pub(super) tls: Option<bool>,
    /// How many nodes it has: 1 if left out, 3 at most.
    #[schemars(range(min = 1, max = 3))]
    pub(super) nodes: Option<u8>,
    /// Whether HTTP basic authentication is switched on.
    #[serde(default)]
    pub(super) basic: bool,
    /// After which duration values over time begin anew: never if left out.
    pub(super) repeat: Option<String>,
    /// The pools.
    pub(super) pools: Vec<Pool>,
    /// What goes wrong.
    #[serde(default)]
    pub(super) faults: Vec<Fault>,
}

/// A pool, or `count` pools that differ in a number, which stands for `${n}` in their texts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Pool {
    /// Its name.
    pub(super) name: String,
    /// Its uuid.
    pub(super) uuid: String,
    /// How many there are: 1 if left out.
    #[schemars(range(min = 1, max = 100_000))]
    pub(super) count: Option<u32>,
    /// The tenant: `admin` if left out.
    pub(super) tenant: Option<String>,
    /// The cluster that AKO made it for, by its name at AKO. Without it, somebody made it by hand.
    pub(super) cluster: Option<String>,
    /// The markers of AKO beside `clustername`.
    #[serde(default)]
    pub(super) markers: BTreeMap<String, String>,
    /// Values by the id of a metric.
    #[serde(default)]
    pub(super) metrics: BTreeMap<String, Metric>,
    /// For each server (`address:port`) the value of all its metrics.
    #[serde(default)]
    pub(super) servers: BTreeMap<String, f64>,
}

/// The values of a metric.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Metric {
    /// The same all the time.
    Constant(f64),
    /// A value from each time on, since the start: `{0s: 0, 30s: 1013.4}`.
    OverTime(BTreeMap<String, f64>),
}

/// Something that goes wrong.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Fault {
    /// What it is.
    pub(super) what: What,
    /// It is for requests of paths that begin so, and counts these: `/`, which is all, if left out.
    pub(super) path: Option<String>,
    /// It begins at this time since the start: `0s` if left out.
    pub(super) at: Option<String>,
    /// It begins after so many requests; in place of `at`.
    #[schemars(range(min = 1))]
    pub(super) after_requests: Option<u32>,
    /// It lasts so long; without `for` and `times`, for ever.
    #[serde(rename = "for")]
    pub(super) lasts: Option<String>,
    /// It is for so many requests; in place of `for`.
    #[schemars(range(min = 1))]
    pub(super) times: Option<u32>,
    /// Of `status`: the status code.
    #[schemars(range(min = 400, max = 599))]
    pub(super) status: Option<u16>,
    /// Of `status`: what the controller says.
    pub(super) message: Option<String>,
    /// Of `slow`: how long each answer takes. Of `oldSamples`: how much older they are.
    pub(super) by: Option<String>,
    /// Of `nodeDown`: the number of the node, from 1.
    #[schemars(range(min = 1, max = 3))]
    pub(super) node: Option<u8>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum What {
    /// An error with a status code and a message, such as 401, 419 or 500.
    Status,
    /// A page with status 200 in place of JSON.
    Maintenance,
    /// An answer that takes its time.
    Slow,
    /// No answer, on a connection that stays open.
    Silent,
    /// An answer that breaks off.
    CutOff,
    /// A body of a gigabyte.
    Endless,
    /// All sessions end, as when they were idle for 20 minutes.
    ExpireSessions,
    /// The newest points are null, or made up where padding is not switched off.
    Gaps,
    /// Samples are older, as when the duration of real time metrics has ended.
    OldSamples,
    /// The last page of a list is given again and again.
    RepeatPages,
    /// A node refuses connections.
    NodeDown,
}
