//! Why something is not served as it is configured: the closed set of reasons that Events, metrics
//! and the status page show.

use std::fmt;

/// A reason code. `docs/live.md` lists all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectionReason {
    /// The document has faults.
    ConfigInvalid,
    /// The document cannot be read.
    Unreadable,
    /// The operator's settings do not allow it.
    NotAllowed,
    /// Somebody else's mapping has the metric.
    Conflict,
    /// The adapter lacks a right.
    Forbidden,
    /// It is being loaded.
    Loading,
    /// A fault of the adapter.
    InternalError,
    /// The series of rules cannot be listed.
    SeriesUnavailable,
    /// The cluster has no such kind of objects.
    UnknownResource,
    /// It is read in a namespace, and has none.
    NoNamespace,
    /// No series has a label that is named.
    UnknownLabel,
    /// Rules give no metrics.
    NoMetrics,
    /// It is served, and there is something to say.
    ConfigWarning,
    /// What an attempt to load a plugin ended with, as its own error calls it.
    Plugin(&'static str),
}

impl RejectionReason {
    /// The code.
    pub fn as_str(self) -> &'static str {
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

impl fmt::Display for RejectionReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
