//! The reason why something is not served as configured: one of a closed set, with the faults.

use leadsman_document::{Fault, Faults, Severity, SourceMap};
use leadsman_model::owner::Owner;
pub(super) use leadsman_provider::snapshot::RejectionReason as Reason;

/// Why a mapping, a plugin or a rule is not served as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) reason: Reason,
    pub(super) faults: Vec<Fault>,
}

impl Cause {
    pub(super) fn new(
        reason: Reason,
        place: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { reason, faults: vec![Fault::at(place, message)] }
    }

    /// One that affects only what it is about.
    pub(super) fn of_part(self) -> Self {
        self.with(Severity::Part)
    }

    /// One that is no fault of the document, or none for sure.
    pub(super) fn warning(self) -> Self {
        self.with(Severity::Warning)
    }

    fn with(mut self, severity: Severity) -> Self {
        self.faults = self.faults.into_iter().map(|fault| fault.with(severity)).collect();
        self
    }
}

/// Faults with their lines, if there is a document to find them in.
pub(super) fn locate(source_map: Option<&SourceMap>, owner: &Owner, faults: Vec<Fault>) -> Faults {
    match source_map {
        Some(source_map) => source_map.locate(faults),
        None => Faults { document: owner.to_string(), list: faults },
    }
}
