//! The status of one mapping: what is configured, what is served of it, and why they differ.

use std::sync::Arc;

use super::super::mapping_spec::MappingSpec;
use super::super::reason::Cause;
use leadsman_evaluation::Evaluations;
use leadsman_model::names::MetricName;
use leadsman_model::serve::Serve;
use leadsman_model::workload::Workload;

/// A mapping as it is configured, and what is served of it.
pub(crate) struct MappingStatus {
    pub(crate) metric: MetricName,
    pub(crate) serve: Serve,
    /// The workload that it activates.
    pub(crate) activates: Option<Workload>,
    /// What binding was tried with last.
    pub(super) last_attempt: Option<MappingSpec>,
    /// What is served.
    pub(crate) active: Option<(MappingSpec, Arc<Evaluations>)>,
    /// The metric of a rule that the mapping is to replace, and that is served for as long as nothing
    /// of the mapping can be.
    pub(super) instead: Option<Arc<Evaluations>>,
    /// Why that is not what is configured.
    pub(crate) error: Option<Cause>,
    /// What is wrong, although what is configured is served.
    pub(crate) warning: Option<Cause>,
}

impl PartialEq for MappingStatus {
    fn eq(&self, other: &Self) -> bool {
        let serving = |status: &Self| status.serving().map(Arc::as_ptr);
        (&self.metric, &self.serve) == (&other.metric, &other.serve)
            && self.activates == other.activates
            && serving(self) == serving(other)
            && (&self.error, &self.warning) == (&other.error, &other.warning)
    }
}

impl MappingStatus {
    /// What reads of it get: what is served of it, or the metric of a rule in its place.
    pub(crate) fn serving(&self) -> Option<&Arc<Evaluations>> {
        self.active.as_ref().map(|(_, active)| active).or(self.instead.as_ref())
    }

    /// Why binding failed, if it was tried with an equal spec, at the places of this one.
    pub(super) fn error_of(&self, spec: &MappingSpec) -> Option<Cause> {
        let tried = self.last_attempt.as_ref().filter(|tried| *tried == spec)?;
        let (old, new) = (&tried.mapping.place, &spec.mapping.place);
        let mut error = self.error.clone()?;
        for fault in &mut error.faults {
            if let Some(rest) = fault.path.strip_prefix(old.as_str()) {
                fault.path = format!("{new}{rest}");
                fault.line = None;
            }
        }
        Some(error)
    }
}
