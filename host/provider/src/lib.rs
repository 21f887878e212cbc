//! From a request to values: the entry of the table, its evaluations, and the requested objects or items.
//!
//! Each API has a type of read with three steps: find what serves the metric (`new`), read the evaluations
//! (`read`), and select the requested values (`values`). The origin of the values is known before the last
//! step ([`Origin`]), so a cache of rendered answers can skip it. Knows nothing of HTTP or rendering.

mod absence;
mod custom;
mod error;
pub mod explanation;
mod external;
mod known_now;
mod newest;
mod origin;
mod part;
mod request;
mod resource;
pub mod snapshot;

use std::sync::Arc;
use std::time::Instant;

pub use custom::{CustomRead, CustomReading, CustomValues, ObjectValue};
pub use error::ReadError;
pub use external::{ExternalItems, ExternalRead, ExternalReading};
pub use known_now::known_now;
pub use newest::{Newest, NewestRequest, NewestState};
pub use origin::{Origin, OriginVersion};
pub use request::{Caller, CustomRequest, ExternalRequest, ObjectSelection, ResourceRequest};
pub use resource::{
    Amounts, ObjectAmounts, ObjectMetrics, ResourceRead, ResourceReading, ResourceValues,
};

use crate::snapshot::{Entry, EntryState, NotGiven, ReadKind, Snapshot};
use leadsman_evaluation::{Evaluations, Mapping};
use leadsman_model::objects::{ObjectStore, SyncState};
use leadsman_model::selector::Selector;

/// The evaluations of an entry, bound if this is the first read of a rule's metric.
async fn bound(entry: &Entry) -> Result<Arc<Evaluations>, ReadError> {
    match &entry.state {
        EntryState::Ready(evaluations) => Ok(evaluations.clone()),
        EntryState::Rejected(rejection) => Err(ReadError::rejected(rejection)),
        EntryState::Lazy(metric) => metric.evaluations().await.cloned().map_err(|reason| {
            let title = metric.serve.title(&metric.metric);
            ReadError::Unbound(format!("{title} is not served: {reason}"))
        }),
    }
}

/// Why the table has no entry for a metric. `also` is what the table knows of the name.
fn unserved(
    snapshot: &Snapshot,
    metric: &str,
    wanted: ReadKind<'_>,
    message: String,
    also: Option<(&'static str, String)>,
) -> ReadError {
    let given = snapshot.gaps().of(metric, wanted);
    if let Some((reason, also)) = also
        && !matches!(given, NotGiven::Unloaded(_))
    {
        let left_out = match given {
            NotGiven::LeftOut(why) => format!("; {why}"),
            _ => String::new(),
        };
        return ReadError::Unserved { reason, message: format!("{message}; {also}{left_out}") };
    }
    match given {
        NotGiven::Unloaded(why) => ReadError::Unloaded(format!(
            "{message}; rules may give it, and are not served yet: {why}"
        )),
        NotGiven::Unlisted(why) => ReadError::Unlisted(format!(
            "{message}; rules may give it, and their series are not known: {why}"
        )),
        NotGiven::LeftOut(why) => {
            ReadError::Unserved { reason: "rule_leaves_out", message: format!("{message}; {why}") }
        }
        NotGiven::NoSeries(why) => ReadError::Unserved {
            reason: "rule_without_series",
            message: format!("{message}; {why}"),
        },
        NotGiven::Others(why) => ReadError::Unserved {
            reason: "unknown_metric",
            message: format!(
                "{message}; rules whose series are not known give other metrics, and could not give \
                 it: {why}"
            ),
        },
        NotGiven::Unknown => ReadError::Unserved { reason: "unknown_metric", message },
    }
}

/// Waits until objects that a read needs are listed for the first time, up to its deadline. Whether
/// they are known is said later.
async fn first_list(store: &ObjectStore, mapping: &Mapping, begun: Instant) {
    if *store.state() == SyncState::Starting {
        let left = mapping.policy.deadline.saturating_sub(begun.elapsed());
        let _ = tokio::time::timeout(left, store.first_list()).await;
    }
}

/// The most values that a read takes where its request arrived, among others of its connection.
const MAX_VALUES_ON_ARRIVAL: usize = 256;

/// Lets other requests of the connection go first, if there are many values to work on. A read is begun in
/// the task of its connection, and goes on in a task of its own from the first time that it waits.
pub async fn yield_to_others(values: usize) {
    if values > MAX_VALUES_ON_ARRIVAL {
        tokio::task::yield_now().await;
    }
}

/// Reads a selector; `parameter` is where it was given.
fn selector(parameter: &str, text: &str) -> Result<Selector, ReadError> {
    if text.is_empty() {
        return Ok(Selector::default());
    }
    text.parse().map_err(|error| ReadError::Bad(format!("{parameter}: {error}")))
}
