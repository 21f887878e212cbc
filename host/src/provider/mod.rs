//! From a request to values: the mapping, its evaluation, the objects or items that are asked for.
//!
//! Knows the snapshot and nothing of HTTP; what is found is rendered by a function that the caller
//! brings, and kept with the evaluation it came from.

mod custom;
mod error;
mod external;
mod usage;

use std::hash::BuildHasher as _;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;

pub use custom::{CustomRequest, Described, ObjectValue, Target, custom};
pub use error::ReadError;
pub use external::{ExternalRequest, external};
pub use usage::{Amounts, ObjectUsage, UsageRequest, UsageResource, Uses, usage};

use crate::evaluation::{Evaluations, Mapping, ReadFailure, Reading};
use crate::snapshot::Offer;
use crate::telemetry::ReadOutcome;

/// What a read gets.
#[derive(Debug, Clone)]
pub struct Found {
    /// The rendered values.
    pub body: Bytes,
    /// What whoever reads should know: values are old, or some are missing for a reason.
    pub warning: Option<String>,
}

static HASHER: LazyLock<foldhash::fast::RandomState> = LazyLock::new(Default::default);

/// Tells one repeated request from another.
fn reader(request: &str) -> u64 {
    HASHER.hash_one(request)
}

/// What is to be known of values that are served although newer ones could not be had.
fn stale_warning(reading: &Reading, mapping: &Mapping) -> Option<String> {
    let (age, why) = reading.stale.as_ref()?;
    Some(format!("{} is {:.1}s old: {why}", mapping.metric, age.as_secs_f64()))
}

/// The evaluations of what a rule offers, made by the first read.
async fn offered(offer: &Arc<Offer>) -> Result<Arc<Evaluations>, ReadError> {
    let evaluations = offer.evaluations().await;
    evaluations.cloned().map_err(|reason| {
        ReadError::Refused(format!("{} is not served: {reason}", offer.serve.title(&offer.metric)))
    })
}

/// Counts how a read ended.
fn count(mapping: &Mapping, result: &Result<Found, ReadError>, stale: bool) {
    mapping.metrics.read(match result {
        Ok(_) if stale => ReadOutcome::Stale,
        Ok(_) => ReadOutcome::Ok,
        Err(ReadError::Failed { failure: ReadFailure::Deadline { .. }, .. }) => {
            ReadOutcome::Deadline
        }
        Err(
            ReadError::Failed { .. }
            | ReadError::Refused(_)
            | ReadError::NotSynced { .. }
            | ReadError::Unavailable(_),
        ) => ReadOutcome::Failed,
        Err(ReadError::NotFound(_) | ReadError::Bad(_)) => ReadOutcome::NotFound,
    });
}
