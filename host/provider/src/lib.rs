//! From a request to values: the entry of the table, its evaluations, and the objects or items that
//! are asked for.
//!
//! Each API has a read that goes three steps: it finds what serves the metric (`new`), reads the
//! evaluations (`read`), and picks the values that are asked for (`values`). What these are made
//! from is known before they are picked ([`Origin`]), so whoever keeps rendered answers can leave
//! out the last step. Knows nothing of HTTP and of how values are rendered.

mod custom;
mod error;
mod external;
mod origin;
mod part;
mod request;
mod resource;
pub mod snapshot;

use std::sync::Arc;

pub use custom::{CustomRead, CustomReading, CustomValues, ObjectValue};
pub use error::ReadError;
pub use external::{ExternalRead, ExternalReading};
pub use origin::{Origin, OriginVersion};
pub use request::{Caller, CustomRequest, ExternalRequest, ResourceRequest, Target};
pub use resource::{Amounts, ObjectMetrics, ResourceRead, ResourceReading, ResourceValues, Usage};

use crate::snapshot::{Entry, EntryState};
use leadsman_evaluation::Evaluations;
use leadsman_model::selector::Selector;

/// The evaluations of an entry, bound if this is the first read of a rule's metric.
async fn bound(entry: &Entry) -> Result<Arc<Evaluations>, ReadError> {
    match &entry.state {
        EntryState::Ready(evaluations) => Ok(evaluations.clone()),
        EntryState::Rejected(rejection) => Err(ReadError::rejected(rejection)),
        EntryState::Lazy(metric) => metric.evaluations().await.cloned().map_err(|reason| {
            let title = metric.serve.title(&metric.metric);
            ReadError::Refused(format!("{title} is not served: {reason}"))
        }),
    }
}

/// Reads a selector; `parameter` is where it was given.
fn selector(parameter: &str, text: &str) -> Result<Selector, ReadError> {
    if text.is_empty() {
        return Ok(Selector::default());
    }
    text.parse().map_err(|error| ReadError::Bad(format!("{parameter}: {error}")))
}
