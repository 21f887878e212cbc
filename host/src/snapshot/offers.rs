//! Metrics that rules give. Rules may give thousands, of which autoscalers read few: each is bound
//! when it is first read.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;
use tokio::sync::OnceCell;

use crate::evaluation::Evaluations;
use crate::model::names::MetricName;
use crate::model::serve::Serve;

/// Makes the evaluations of an offer.
pub trait Bind: Send + Sync {
    /// Blocks for as long as the plugin checks its configuration. An error says why there are
    /// none.
    fn bind(&self) -> Result<Arc<Evaluations>, String>;
}

/// A metric that a rule gives.
pub struct Offer<B: ?Sized = dyn Bind> {
    /// The name.
    pub metric: MetricName,
    /// In which API, and for which objects.
    pub serve: Serve,
    bound: OnceCell<Arc<Evaluations>>,
    /// What its evaluations are made of.
    pub with: B,
}

impl<B> Offer<B> {
    /// An offer, with its evaluations if there are any already.
    pub fn new(metric: MetricName, serve: Serve, with: B, bound: Option<Arc<Evaluations>>) -> Self {
        Self { metric, serve, bound: OnceCell::new_with(bound), with }
    }
}

impl<B: ?Sized> Offer<B> {
    /// Its evaluations, if it was read.
    pub fn bound(&self) -> Option<&Arc<Evaluations>> {
        self.bound.get()
    }
}

impl Offer {
    /// Its evaluations, made if this is the first read.
    pub async fn evaluations(self: &Arc<Self>) -> Result<&Arc<Evaluations>, String> {
        let bind = || async {
            let offer = self.clone();
            let bound = tokio::task::spawn_blocking(move || offer.with.bind()).await;
            bound.unwrap_or_else(|error| {
                tracing::error!(%error, "binding a rule's metric panicked");
                Err("the adapter failed while it bound the rule to its plugin".to_owned())
            })
        };
        self.bound.get_or_try_init(bind).await
    }
}

/// All that rules give.
#[derive(Default)]
pub struct Offers {
    custom: HashMap<Box<str>, Vec<Arc<Offer>>, RandomState>,
    external: HashMap<Box<str>, Arc<Offer>, RandomState>,
    all: Vec<Arc<Offer>>,
}

impl Offers {
    /// Brings offers together, no two of them for the same metric and kind of objects.
    pub fn new(all: Vec<Arc<Offer>>) -> Self {
        let mut offers = Self::default();
        for offer in &all {
            let metric = offer.metric.as_str().into();
            match &offer.serve {
                Serve::Custom(_) => {
                    offers.custom.entry(metric).or_default().push(offer.clone());
                }
                Serve::External | Serve::Usage(_) => {
                    offers.external.insert(metric, offer.clone());
                }
            }
        }
        offers.all = all;
        offers
    }

    /// The offer of a custom metric for a resource, as a request names it.
    pub fn custom(&self, metric: &str, resource: &str) -> Option<&Arc<Offer>> {
        self.custom.get(metric)?.iter().find(|offer| match &offer.serve {
            Serve::Custom(known) => known.answers_to(resource),
            Serve::External | Serve::Usage(_) => false,
        })
    }

    /// The offer of an external metric.
    pub fn external(&self, metric: &str) -> Option<&Arc<Offer>> {
        self.external.get(metric)
    }

    /// All of them.
    pub fn all(&self) -> &[Arc<Offer>] {
        &self.all
    }

    /// The evaluations of those that were read.
    pub fn bound(&self) -> impl Iterator<Item = &Arc<Evaluations>> {
        self.all.iter().filter_map(|offer| offer.bound())
    }
}
