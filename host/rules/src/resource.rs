//! The queries for resource metrics: `resourceRules`.

use std::sync::Arc;

use super::association::{Association, Resolve};
use super::query::{QueryText, RuleQuery};
use super::{ReportFault, written};
use leadsman_model::resource::Resource;

/// The rules for `metrics.k8s.io`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceRules {
    /// CPU, in cores.
    pub cpu: ResourceQueries,
    /// Memory, in bytes.
    pub memory: ResourceQueries,
}

/// The queries for one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceQueries {
    /// Their JSON pointer in the document.
    pub place: String,
    container: Option<Arc<QueryText>>,
    node: Option<Arc<QueryText>>,
    association: Association,
    /// The label that names the container.
    pub container_label: String,
}

impl ResourceRules {
    /// Validates the rules. Reports every fault; returns `None` if there is any.
    pub fn new(
        written: &written::ResourceRules,
        place: &str,
        report: &mut ReportFault<'_>,
    ) -> Option<Self> {
        let mut of = |name: &str, rule: &Option<written::ResourceRule>| {
            let Some(rule) = rule else {
                report("", format!("the key \"{name}\" is missing: pods need both cpu and memory"));
                return None;
            };
            let mut report = |at: &str, message| report(&format!("/{name}{at}"), message);
            ResourceQueries::new(rule, &format!("{place}/{name}"), &mut report)
        };
        let (cpu, memory) = (of("cpu", &written.cpu), of("memory", &written.memory));
        Some(Self { cpu: cpu?, memory: memory? })
    }
}

impl ResourceQueries {
    fn new(
        written: &written::ResourceRule,
        place: &str,
        report: &mut ReportFault<'_>,
    ) -> Option<Self> {
        let association = Association::new(&written.resources, report);
        let mut is_valid = true;
        let mut query = |key: &str, text: &str| match text.trim() {
            // Without a query, that kind is not served.
            "" => None,
            _ => match QueryText::new(text) {
                Ok(query) => Some(Arc::new(query)),
                Err(reason) => {
                    report(key, reason);
                    is_valid = false;
                    None
                }
            },
        };
        let container = query("/containerQuery", &written.container_query);
        let node = query("/nodeQuery", &written.node_query);
        if container.is_some() && written.container_label.is_empty() {
            let message = "is needed with `containerQuery`: the label that names the container";
            report("/containerLabel", message.to_owned());
            is_valid = false;
        }
        let association = association?;
        let container_label = written.container_label.clone();
        let place = place.to_owned();
        is_valid.then_some(Self { place, container, node, association, container_label })
    }

    /// The templates of its queries, with their keys.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&'static str, &QueryText)> {
        let container = self.container.as_deref().map(|text| ("containerQuery", text));
        let node = self.node.as_deref().map(|text| ("nodeQuery", text));
        container.into_iter().chain(node)
    }

    /// The query for the containers of pods. The error says which label is unknown.
    pub fn pods(&self, resolve: &Resolve<'_>) -> Result<Option<RuleQuery>, String> {
        let Some(text) = &self.container else { return Ok(None) };
        Ok(Some(RuleQuery {
            text: text.clone(),
            series: String::new(),
            namespace_label: Some(self.label("namespaces", resolve)?),
            object_label: Some(self.label("pods", resolve)?),
            group_by: Some(self.container_label.clone()),
        }))
    }

    /// The query for nodes. The error says which label is unknown.
    pub fn nodes(&self, resolve: &Resolve<'_>) -> Result<Option<RuleQuery>, String> {
        let Some(text) = &self.node else { return Ok(None) };
        Ok(Some(RuleQuery {
            text: text.clone(),
            series: String::new(),
            namespace_label: None,
            object_label: Some(self.label("nodes", resolve)?),
            group_by: None,
        }))
    }

    fn label(&self, resource: &str, resolve: &Resolve<'_>) -> Result<String, String> {
        Resource::known(resource)
            .and_then(|resource| self.association.label_of(&resource, resolve))
            .ok_or_else(|| format!("does not say which label names {resource}"))
    }
}
