//! Why something is not served as it is configured: the closed set of reasons that Events, metrics
//! and the status page show.

use std::fmt;

use leadsman_document::{self as document, Fault, Faults, Severity};
use leadsman_model::owner::Owner;

/// A reason code. `docs/live.md` lists all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Reason {
    ConfigInvalid,
    Unreadable,
    NotAllowed,
    Conflict,
    Forbidden,
    Loading,
    InternalError,
    SeriesUnavailable,
    UnknownResource,
    NoNamespace,
    UnknownLabel,
    NoMetrics,
    ConfigWarning,
    /// What an attempt to load a plugin ended with, as its own error calls it.
    Plugin(&'static str),
}

impl Reason {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::ConfigInvalid => "ConfigInvalid",
            Self::Unreadable => "Unreadable",
            Self::NotAllowed => "NotAllowed",
            Self::Conflict => "Conflict",
            Self::Forbidden => "Forbidden",
            Self::Loading => "Loading",
            Self::InternalError => "InternalError",
            Self::SeriesUnavailable => "SeriesUnavailable",
            Self::UnknownResource => "UnknownResource",
            Self::NoNamespace => "NoNamespace",
            Self::UnknownLabel => "UnknownLabel",
            Self::NoMetrics => "NoMetrics",
            Self::ConfigWarning => "ConfigWarning",
            Self::Plugin(reason) => reason,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

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
pub(super) fn locate(
    document: Option<&document::Document>,
    owner: &Owner,
    faults: Vec<Fault>,
) -> Faults {
    match document {
        Some(document) => document.locate(faults),
        None => Faults { document: owner.to_string(), list: faults },
    }
}
