//! Looks up the autoscalers that name a metric. Lists are made on demand and cached for some minutes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use leadsman_cluster::{Cluster, Scaling};

/// How long a list is used. An autoscaler that is younger may miss an Event.
const MAX_AGE: Duration = Duration::from_secs(120);

/// How soon a list that failed is asked for again.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// How long kube-apiserver may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The most namespaces whose lists are kept.
const MAX_CACHED_LISTS: usize = 100;

type Listed = Result<Arc<Vec<Scaling>>, String>;

/// The autoscalers by namespace, or of all.
pub(super) struct Lookup {
    cluster: Cluster,
    kept: HashMap<Option<String>, (Instant, Listed)>,
}

impl Lookup {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster, kept: HashMap::new() }
    }

    /// The autoscalers of a namespace, or of all, that name metrics. The error is for people.
    pub(super) async fn scaling(&mut self, namespace: Option<&str>, now: Instant) -> Listed {
        let key = namespace.map(str::to_owned);
        self.kept.retain(|_, (at, listed)| {
            let most = if listed.is_ok() { MAX_AGE } else { RETRY_AFTER };
            now.saturating_duration_since(*at) < most
        });
        if let Some((_, listed)) = self.kept.get(&key) {
            return listed.clone();
        }
        let listed = match timeout(TIMEOUT, self.cluster.scaling(namespace)).await {
            Ok(listed) => listed.map(Arc::new),
            Err(_) => Err("kube-apiserver does not answer".to_owned()),
        };
        let listed = listed.map_err(|error| format!("autoscalers cannot be listed: {error}"));
        if self.kept.len() >= MAX_CACHED_LISTS {
            self.kept.clear();
        }
        self.kept.insert(key, (now, listed.clone()));
        listed
    }
}
