//! Decisions of kube-apiserver, kept for a short while.

use std::time::Duration;

use moka::future::Cache;

use leadsman_cluster::{Attributes, Cluster, Decision, Identity, ReviewError};

/// How long a decision holds, as everywhere in Kubernetes.
pub(super) const KEPT: Duration = Duration::from_secs(10);

/// How many are kept. Who may read everything takes one; who asks for what there is not takes one
/// each time, and must not fill the memory with them.
const MOST: u64 = 10_000;

/// Decisions by who asks and for what.
pub(super) struct Decisions {
    cluster: Cluster,
    cache: Cache<Question, Decision>,
}

type Question = (Identity, Attributes);

impl Decisions {
    pub(super) fn new(cluster: Cluster) -> Self {
        let cache = Cache::builder().time_to_live(KEPT).max_capacity(MOST).build();
        Self { cluster, cache }
    }

    /// Whether somebody may have something; gives back who and what. Equal questions under way
    /// are one. No answer is not kept.
    pub(super) async fn of(
        &self,
        identity: Identity,
        attributes: Attributes,
    ) -> (Identity, Attributes, Result<Decision, ReviewError>) {
        let question = (identity, attributes);
        let decision = match self.cache.get(&question).await {
            Some(known) => Ok(known),
            None => {
                let (identity, attributes) = &question;
                let ask = self.cluster.review_access(identity, attributes);
                let asked = self.cache.try_get_with_by_ref(&question, ask).await;
                asked.map_err(|error: std::sync::Arc<ReviewError>| (*error).clone())
            }
        };
        let (identity, attributes) = question;
        (identity, attributes, decision)
    }
}
