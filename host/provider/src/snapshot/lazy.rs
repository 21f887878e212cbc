//! Metrics of rules. Rules may define thousands, of which autoscalers read few: each is bound to its
//! plugin at its first read.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use leadsman_evaluation::Evaluations;
use leadsman_model::names::MetricName;
use leadsman_model::serve::Serve;

/// Binds the metric of a rule to its plugin. An error says why it cannot be bound.
pub type Binder =
    Box<dyn Fn() -> BoxFuture<'static, Result<Arc<Evaluations>, String>> + Send + Sync>;

/// The metrics of all rules, no two of them of one name for the same kind of objects.
pub type RuleMetrics = Arc<[Arc<LazyMetric>]>;

/// The metric of a rule, bound at its first read.
pub struct LazyMetric {
    /// The name.
    pub metric: MetricName,
    /// In which API it is served, and for which objects.
    pub serve: Serve,
    bound: OnceCell<Arc<Evaluations>>,
    binder: Binder,
}

impl LazyMetric {
    /// A metric that is not bound yet, or that takes over evaluations that there are already.
    pub fn new(
        metric: MetricName,
        serve: Serve,
        binder: Binder,
        bound: Option<Arc<Evaluations>>,
    ) -> Self {
        Self { metric, serve, bound: OnceCell::new_with(bound), binder }
    }

    /// Its evaluations, if it was bound.
    pub fn bound(&self) -> Option<&Arc<Evaluations>> {
        self.bound.get()
    }

    /// Its evaluations, bound if this is the first read. Reads at the same time share one attempt;
    /// one that fails is made again by the next read.
    pub async fn evaluations(&self) -> Result<&Arc<Evaluations>, String> {
        self.bound.get_or_try_init(|| (self.binder)()).await
    }

    /// Evaluations of its own for one caller, which nobody else reads.
    pub async fn bind_anew(&self) -> Result<Arc<Evaluations>, String> {
        (self.binder)().await
    }
}

impl fmt::Debug for LazyMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LazyMetric({})", self.serve.title(&self.metric))
    }
}
