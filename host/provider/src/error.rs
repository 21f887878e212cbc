//! Why a read gets nothing. The texts are for the person who reads `kubectl describe hpa`.

use crate::snapshot::Rejection;
use leadsman_evaluation::ReadFailure;
use leadsman_model::objects::NotSynced;

/// Why a read gets nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// There is no such metric, object or value.
    #[error("{0}")]
    NotFound(String),
    /// The request cannot be understood.
    #[error("{0}")]
    Bad(String),
    /// There are values, and none of those asked for can be served.
    #[error("{0}")]
    Refused(String),
    /// There is such a mapping, and it could not be loaded.
    #[error("{0}")]
    Unavailable(String),
    /// Which objects there are is not known.
    #[error("{metric} for {} is not served yet: {unknown}", .unknown.resource)]
    NotSynced {
        /// The metric.
        metric: String,
        /// Of which kind, and why.
        unknown: NotSynced,
    },
    /// There is no evaluation to answer from.
    #[error("{what}: {failure}{}", policy_note(.failure))]
    Failed {
        /// The metric, for which objects, and where.
        what: String,
        /// Why.
        failure: ReadFailure,
    },
}

impl ReadError {
    /// There is such a mapping, and it could not be loaded.
    pub(super) fn rejected(rejection: &Rejection) -> Self {
        let Rejection { title, reason, message, .. } = rejection;
        Self::Unavailable(format!(
            "{title} is configured and cannot be served ({reason}): {message}"
        ))
    }

    /// No configuration is in force yet, so that it is not known what is served.
    pub(super) fn not_loaded(what: &str, why: &str) -> Self {
        Self::Unavailable(format!("whether the {what} is served is not known yet: {why}"))
    }
}

fn policy_note(failure: &ReadFailure) -> String {
    match failure {
        ReadFailure::Failed { last_good: Some(age), .. } => format!(
            " (the last good values are {:.1}s old, which is more than onError.lastGood allows)",
            age.as_secs_f64()
        ),
        _ => String::new(),
    }
}
