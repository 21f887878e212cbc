//! Autoscalers, as the page lists them: the worst first, each with its verdict and the last hour.

use serde_json::{Value, json};

use super::AdminState;
use leadsman_autoscaler::{Followed, KnownAutoscalers, Overview};

/// The most autoscalers that are shown, those that are worst.
const MAX_SHOWN: usize = 500;

/// What is said of all autoscalers.
pub(super) struct Overviews {
    /// Of each, the worst first.
    pub(super) list: Vec<Overview>,
    /// Whether and how they are known.
    pub(super) about: Value,
}

impl AdminState {
    /// What to say of all autoscalers now. It is noted for their last hour.
    pub(super) fn overviews(&self) -> Overviews {
        let KnownAutoscalers { list, more, followed } = self.hours.autoscalers().known();
        let generation = self.served.now();
        let mut list = self.hours.observe(&list, &generation.snapshot);
        list.sort_by(|a, b| {
            (a.state, &a.namespace, &a.name).cmp(&(b.state, &b.namespace, &b.name))
        });
        let total = list.len();
        list.truncate(MAX_SHOWN);
        let (state, reason) = match followed {
            Followed::NoCluster => ("noCluster", None),
            Followed::Starting => ("starting", None),
            Followed::Synced => ("synced", None),
            Followed::Forbidden(why) => ("forbidden", Some(why)),
            Followed::Interrupted(why) => ("interrupted", Some(why)),
        };
        let about = json!({
            "state": state,
            "reason": reason,
            "total": total,
            "shown": list.len(),
            "more": more,
        });
        Overviews { list, about }
    }
}
