//! The rules of prometheus-adapter: they map series to metrics and objects, and generate the queries.
//! No I/O.

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
pub use catalog::{
    Catalog, CatalogEntry, ListedSeries, MissingLabel, NoMetricReason, Unserved, gives_nothing,
};
pub use findings::{FindingSeverity, RuleFinding};
pub use may_give::MayGive;
pub use query::{QueryText, RuleQuery};
pub use resource::{ResourceQueries, ResourceRules};

use std::sync::Arc;

use naming::Naming;

use leadsman_model::pointer;
pub use written::OnSeveral;

/// The API in which the metrics of a rule are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleApi {
    /// `custom.metrics.k8s.io`: `rules`.
    Custom,
    /// `external.metrics.k8s.io`: `externalRules`.
    External,
}

/// A valid rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its JSON pointer in the document.
    pub place: String,
    /// The API that serves its metrics.
    pub api: RuleApi,
    /// The selector of its series.
    pub series_query: String,
    naming: Naming,
    /// The labels that name objects, by kind.
    pub association: Association,
    /// Whether the query of an external metric selects the namespace of the read.
    pub namespaced: bool,
    query: Arc<QueryText>,
}

/// Reports a fault: its JSON pointer within the rule, and the message.
pub type ReportFault<'a> = dyn FnMut(&str, String) + 'a;

impl Rule {
    /// Its name in messages: `rules[3]`.
    pub fn title(&self) -> String {
        pointer::written(&self.place)
    }

    /// The same rule at another place in the document.
    #[must_use]
    pub fn at(&self, place: &str) -> Self {
        Self { place: place.to_owned(), ..self.clone() }
    }

    /// Validates a rule. Reports every fault; returns `None` if there is any.
    pub fn new(
        written: &written::Rule,
        api: RuleApi,
        place: &str,
        report: &mut ReportFault<'_>,
    ) -> Option<Self> {
        if written.series_query.trim().is_empty() {
            report("/seriesQuery", "says nothing; write which series the rule is for".to_owned());
        }
        let naming = Naming::new(&written.series_filters, &written.name, report);
        let association = Association::new(&written.resources, report);
        if api == RuleApi::Custom && association.as_ref().is_some_and(Association::is_empty) {
            report(
                "/resources",
                "names no objects; write `template` or `overrides`, or move the rule to \
                 `externalRules`"
                    .to_owned(),
            );
        }
        let query = match QueryText::new(&written.metrics_query) {
            Ok(query) => Some(query),
            Err(reason) => {
                report("/metricsQuery", reason);
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
