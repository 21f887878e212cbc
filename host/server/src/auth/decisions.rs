//! Decisions of kube-apiserver, cached for a short while.

use std::hash::Hash;
use std::time::Duration;

use moka::future::Cache;

use leadsman_cluster::{Attributes, Cluster, Identity, ReviewDecision, ReviewError};

/// How long a decision holds, as everywhere in Kubernetes.
pub(super) const CACHE_TTL: Duration = Duration::from_secs(10);

/// How much memory the entries of a cache take. Whoever may read everything takes one; whoever asks
/// for what there is not takes one each time, of the length that they like.
const MAX_CACHE_BYTES: usize = 8 << 20;

/// The largest entry. One that is larger is a review for each request.
const MAX_ENTRY_BYTES: usize = 16 << 10;

/// What an entry takes in addition to its texts.
const ENTRY_OVERHEAD: usize = 256;

/// Decisions by identity and attributes.
pub(super) struct Decisions {
    cluster: Cluster,
    cache: Cache<Question, ReviewDecision>,
}

type Question = (Identity, Attributes);

impl Decisions {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster, cache: cache() }
    }

    /// Whether a user may do something; gives back the user and the request. Equal questions in flight are
    /// coalesced. An error is not cached.
    pub(super) async fn of(
        &self,
        identity: Identity,
        attributes: Attributes,
    ) -> (Identity, Attributes, Result<ReviewDecision, ReviewError>) {
        let question = (identity, attributes);
        let decision = self.decide(&question).await;
        let (identity, attributes) = question;
        (identity, attributes, decision)
    }

    async fn decide(&self, question: &Question) -> Result<ReviewDecision, ReviewError> {
        if let Some(known) = self.cache.get(question).await {
            return Ok(known);
        }
        let (identity, attributes) = question;
        let review = self.cluster.review_access(identity, attributes);
        if question.bytes() > MAX_ENTRY_BYTES {
            return review.await;
        }
        let decided = self.cache.try_get_with_by_ref(question, review).await;
        decided.map_err(|error: std::sync::Arc<ReviewError>| (*error).clone())
    }
}

/// A cache whose entries hold for a short while and take a bounded amount of memory together.
pub(super) fn cache<K, V>() -> Cache<K, V>
where
    K: HeapSize + Hash + Eq + Send + Sync + 'static,
    V: HeapSize + Clone + Send + Sync + 'static,
{
    let weigh = |key: &K, value: &V| {
        u32::try_from(ENTRY_OVERHEAD + key.bytes() + value.bytes()).unwrap_or(u32::MAX)
    };
    Cache::builder()
        .time_to_live(CACHE_TTL)
        .weigher(weigh)
        .max_capacity(u64::try_from(MAX_CACHE_BYTES).unwrap_or(u64::MAX))
        .build()
}

/// How much memory a value takes in addition to its own size.
pub(super) trait HeapSize {
    /// In bytes.
    fn bytes(&self) -> usize;
}

impl HeapSize for [u8; 32] {
    fn bytes(&self) -> usize {
        self.len()
    }
}

impl HeapSize for Question {
    fn bytes(&self) -> usize {
        self.0.bytes() + self.1.bytes()
    }
}

impl HeapSize for ReviewDecision {
    fn bytes(&self) -> usize {
        match self {
            Self::Allowed => 0,
            Self::Denied(reason) => reason.len(),
        }
    }
}

impl HeapSize for Option<Identity> {
    fn bytes(&self) -> usize {
        self.as_ref().map_or(0, HeapSize::bytes)
    }
}

impl HeapSize for Identity {
    fn bytes(&self) -> usize {
        let list = |list: &[String]| list.iter().map(|text| text.len() + 24).sum::<usize>();
        let extra = self.extra.iter().map(|(key, values)| key.len() + 64 + list(values));
        self.user.len()
            + self.uid.as_ref().map_or(0, String::len)
            + list(&self.groups)
            + extra.sum::<usize>()
    }
}

impl HeapSize for Attributes {
    fn bytes(&self) -> usize {
        match self {
            Self::Resource { verb, group, version, namespace, resource, subresource, name } => {
                [verb, group, version, namespace, resource, subresource, name]
                    .iter()
                    .map(|text| text.len())
                    .sum()
            }
            Self::Path { verb, path } => verb.len() + path.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn questions_of_any_length_take_a_bounded_amount_of_memory() {
        let cache = cache::<Question, ReviewDecision>();
        for at in 0..2000 {
            let path = format!("/{at}/{}", "x".repeat(MAX_ENTRY_BYTES));
            let attributes = Attributes::Path { verb: "get".to_owned(), path };
            let question = (Identity::default(), attributes);
            cache.insert(question, ReviewDecision::Denied(String::new())).await;
        }
        cache.run_pending_tasks().await;
        let entries = usize::try_from(cache.entry_count()).unwrap();
        assert!(entries > 0 && entries * MAX_ENTRY_BYTES <= MAX_CACHE_BYTES, "{entries}");
    }

    #[test]
    fn every_text_of_a_question_has_its_weight() {
        let text = || "0123456789".repeat(100);
        let identity = Identity {
            user: text(),
            uid: Some(text()),
            groups: vec![text(), text()],
            extra: [(text(), vec![text()])].into(),
        };
        assert!(identity.bytes() >= 6000);
        let attributes = Attributes::Resource {
            verb: text(),
            group: text(),
            version: text(),
            namespace: text(),
            resource: text(),
            subresource: text(),
            name: text(),
        };
        assert!((identity, attributes).bytes() >= 13_000);
        assert!(ReviewDecision::Denied(text()).bytes() >= 1000);
    }
}
