//! Rules of prometheus-adapter: which series give which metrics for which objects, and with which
//! queries. No I/O.

mod association;
mod catalog;
mod findings;
mod go_regex;
mod go_template;
mod may_give;
mod naming;
pub mod promql;
mod query;
mod resource;
mod result_labels;
mod widen;
pub mod written;

pub use association::{Association, Resolve, resolver};
pub use catalog::{Catalog, Lacking, Offered, Seen, Unserved, Why, gives_nothing};
pub use findings::{Finding, Gravity};
pub use may_give::MayGive;
pub use query::{QueryText, RuleQuery};
pub use resource::{ResourceRules, UsageQueries};

use std::sync::Arc;

use naming::Naming;

use leadsman_model::pointer;
pub use written::OnSeveral;

/// In which API the metrics of a rule are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Api {
    /// `custom.metrics.k8s.io`: `rules`.
    Custom,
    /// `external.metrics.k8s.io`: `externalRules`.
    External,
}

/// A rule without faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Where it stands in the document.
    pub place: String,
    /// In which API.
    pub api: Api,
    /// Which series Prometheus is asked for.
    pub series_query: String,
    naming: Naming,
    /// Which label names an object of which kind.
    pub association: Association,
    /// Whether a query of an external metric is for the namespace of the read.
    pub namespaced: bool,
    query: Arc<QueryText>,
}

/// Notes a fault: where within the rule, and what.
pub type Note<'a> = dyn FnMut(&str, String) + 'a;

impl Rule {
    /// What it is called: `rules[3]`.
    pub fn title(&self) -> String {
        pointer::written(&self.place)
    }

    /// The same rule at another place.
    #[must_use]
    pub fn at(&self, place: &str) -> Self {
        Self { place: place.to_owned(), ..self.clone() }
    }

    /// Reads a rule. Every fault is noted; with any there is no rule.
    pub fn new(
        written: &written::Rule,
        api: Api,
        place: &str,
        note: &mut Note<'_>,
    ) -> Option<Self> {
        if written.series_query.trim().is_empty() {
            note("/seriesQuery", "says nothing; write which series the rule is for".to_owned());
        }
        let naming = Naming::new(&written.series_filters, &written.name, note);
        let association = Association::new(&written.resources, note);
        if api == Api::Custom && association.as_ref().is_some_and(Association::is_empty) {
            note(
                "/resources",
                "names no objects; write `template` or `overrides`, or move the rule to \
                 `externalRules`"
                    .to_owned(),
            );
        }
        let query = match QueryText::new(&written.metrics_query) {
            Ok(query) => Some(query),
            Err(reason) => {
                note("/metricsQuery", reason);
                None
            }
        };
        Some(Self {
            place: place.to_owned(),
            api,
            series_query: written.series_query.clone(),
            naming: naming?,
            association: association?,
            namespaced: written.resources.namespaced.unwrap_or(true),
            query: Arc::new(query?),
        })
    }
}

#[cfg(test)]
mod injection_tests;
#[cfg(test)]
mod tests;
