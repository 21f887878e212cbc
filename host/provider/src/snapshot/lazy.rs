//! Metrics of rules. Rules may define thousands, of which autoscalers read few: each is bound to its
//! plugin at its first read.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

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

/// What was seen of series: their names, with the labels that any series of the name has.
pub type SeenSeries = BTreeMap<Arc<str>, BTreeSet<Arc<str>>>;

/// The series that the metric of a rule is made of, as they were listed last.
#[derive(Debug, Clone, Default)]
pub struct RuleSeries {
    /// Their name.
    pub name: String,
    /// The labels that the query asks for: those that name the namespace and the object.
    pub asked: Vec<String>,
    /// What was seen for the rule.
    pub seen: Arc<SeenSeries>,
}

impl RuleSeries {
    /// The labels that any of the series has; `None` if none was seen.
    pub fn labels(&self) -> Option<&BTreeSet<Arc<str>>> {
        self.seen.get(self.name.as_str())
    }
}

/// The metric of a rule, bound at its first read.
pub struct LazyMetric {
    /// The name.
    pub metric: MetricName,
    /// In which API it is served, and for which objects.
    pub serve: Serve,
    /// The number of the rule that gives it.
    pub rule: usize,
    bound: OnceCell<Arc<Evaluations>>,
    binder: Binder,
    series: RwLock<Arc<RuleSeries>>,
}

impl LazyMetric {
    /// A metric that is not bound yet, or that takes over evaluations that there are already.
    pub fn new(
        metric: MetricName,
        serve: Serve,
        rule: usize,
        binder: Binder,
        bound: Option<Arc<Evaluations>>,
    ) -> Self {
        let series = RwLock::default();
        Self { metric, serve, rule, bound: OnceCell::new_with(bound), binder, series }
    }

    /// Its series were listed. That changes nothing of what is served.
    pub fn listed(&self, series: RuleSeries) {
        *self.series.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(series);
    }

    /// Its series as they were listed last.
    pub fn series(&self) -> Arc<RuleSeries> {
        self.series.read().unwrap_or_else(PoisonError::into_inner).clone()
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
