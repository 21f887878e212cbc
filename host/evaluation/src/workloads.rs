//! The scales of workloads, for stated numbers of replicas: requested from the cluster on demand, cached
//! for a moment, and bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use leadsman_model::workload::{Scale, Workload};

/// The most workloads that are remembered. Configurations name them, and namespaces multiply them.
const MAX_WORKLOADS: usize = 1000;

/// The most requests at once.
const MAX_REQUESTS: usize = 8;

/// How long a request may take, with the wait for its turn.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// How long an answer counts, a failure, too: for the reads of one moment, and not until an autoscaler
/// comes back, which has scaled by it meanwhile.
const MAX_AGE: Duration = Duration::from_secs(1);

type ReadScale =
    dyn Fn(Workload) -> BoxFuture<'static, Result<Scale, String>> + Send + Sync + 'static;

/// How workloads are scaled. Without a cluster, nothing is known.
#[derive(Clone, Default)]
pub struct Workloads(Option<Arc<ScaleReader>>);

struct ScaleReader {
    read: Box<ReadScale>,
    known: Mutex<HashMap<Workload, Arc<Entry>>>,
    requests: Semaphore,
}

/// Whoever holds the lock asks, and the others wait for the answer.
type Entry = tokio::sync::Mutex<Option<CachedScale>>;

struct CachedScale {
    scale: Result<Scale, String>,
    at: Instant,
}

impl CachedScale {
    fn is_fresh(&self) -> bool {
        self.at.elapsed() <= MAX_AGE
    }
}

impl Workloads {
    /// As `read` says it of a cluster. Its errors are for people.
    pub fn new(
        read: impl Fn(Workload) -> BoxFuture<'static, Result<Scale, String>> + Send + Sync + 'static,
    ) -> Self {
        let requests = Semaphore::new(MAX_REQUESTS);
        Self(Some(Arc::new(ScaleReader {
            read: Box::new(read),
            known: Mutex::default(),
            requests,
        })))
    }

    /// How a workload is scaled. The error is for people.
    pub(super) async fn scale(&self, workload: &Workload) -> Result<Scale, String> {
        let asked = self.0.as_ref().ok_or("there is no cluster to ask")?;
        let entry = asked.entry(workload)?;
        let mut known = entry.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.is_fresh()) {
            return known.scale.clone();
        }
        let read = async {
            // It is never closed.
            let _permit = asked.requests.acquire().await;
            (asked.read)(workload.clone()).await
        };
        let scale = tokio::time::timeout(REQUEST_TIMEOUT, read).await.unwrap_or_else(|_| {
            Err(format!("kube-apiserver has not answered within {REQUEST_TIMEOUT:?}"))
        });
        *known = Some(CachedScale { scale: scale.clone(), at: Instant::now() });
        scale
    }
}

impl ScaleReader {
    fn entry(&self, workload: &Workload) -> Result<Arc<Entry>, String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = known.get(workload) {
            return Ok(entry.clone());
        }
        if known.len() >= MAX_WORKLOADS {
            let is_fresh = |entry: &Arc<Entry>| match entry.try_lock() {
                Ok(known) => known.as_ref().is_some_and(CachedScale::is_fresh),
                // It is being asked for.
                Err(_) => true,
            };
            known.retain(|_, entry| Arc::strong_count(entry) > 1 || is_fresh(entry));
        }
        if known.len() >= MAX_WORKLOADS {
            return Err(format!("more than {MAX_WORKLOADS} workloads are asked for at once"));
        }
        Ok(known.entry(workload.clone()).or_default().clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use leadsman_model::workload::WorkloadName;

    fn workload(name: &str) -> Workload {
        let name = WorkloadName::new(None, "Deployment", name).unwrap();
        name.in_namespace("shop".parse().unwrap())
    }

    /// Answers with the number of the request.
    fn counting() -> (Workloads, Arc<AtomicU32>) {
        let asked = Arc::new(AtomicU32::new(0));
        let counter = asked.clone();
        let workloads = Workloads::new(move |workload| {
            let replicas = counter.fetch_add(1, Ordering::Relaxed);
            Box::pin(async move {
                tokio::task::yield_now().await;
                match workload.name.name() {
                    "gone" => Err("it is gone".to_owned()),
                    _ => Ok(Scale { replicas: replicas + 1, ready: None }),
                }
            })
        });
        (workloads, asked)
    }

    #[tokio::test]
    async fn readers_at_once_share_one_request_and_what_is_known_is_kept_for_a_while() {
        let (workloads, asked) = counting();
        let web = workload("web");
        let reads = (0..20).map(|_| workloads.scale(&web));
        let scales = futures_util::future::join_all(reads).await;
        assert!(scales.iter().all(|scale| *scale == Ok(Scale { replicas: 1, ready: None })));
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let failed = workloads.scale(&workload("gone")).await;
        assert_eq!(failed, Err("it is gone".to_owned()));
        assert_eq!(workloads.scale(&workload("gone")).await, failed);
        assert_eq!(asked.load(Ordering::Relaxed), 2, "a failure is kept, too");
    }

    #[test]
    fn an_answer_counts_for_a_short_time() {
        let scale = || Ok(Scale { replicas: 1, ready: None });
        assert!(CachedScale { scale: scale(), at: Instant::now() }.is_fresh());
        let before = Instant::now().checked_sub(MAX_AGE * 2);
        assert!(before.is_none_or(|at| !CachedScale { scale: scale(), at }.is_fresh()));
    }

    #[tokio::test]
    async fn without_a_cluster_nothing_is_known() {
        let unknown = Workloads::default().scale(&workload("web")).await.unwrap_err();
        assert!(unknown.contains("no cluster"), "{unknown}");
    }

    #[tokio::test]
    async fn no_more_workloads_are_remembered_than_the_bound() {
        let (workloads, _) = counting();
        for number in 0..MAX_WORKLOADS {
            workloads.scale(&workload(&format!("web-{number}"))).await.unwrap();
        }
        let refused = workloads.scale(&workload("one-more")).await;
        // Those from more than a moment ago make room, on a machine that is so slow.
        let kept = workloads.0.as_ref().unwrap().known.lock().unwrap().len();
        assert!(refused.is_err() || kept < MAX_WORKLOADS, "{refused:?}, {kept}");
        assert!(kept <= MAX_WORKLOADS);
    }
}
