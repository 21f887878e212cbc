//! Why a read gets nothing. The texts are for the person who reads `kubectl describe hpa`.

use crate::snapshot::{NotLoaded, Rejection, RejectionReason};
use leadsman_evaluation::{Missing, MissingReason, ReadFailure};
use leadsman_model::objects::NotSynced;

/// Why a read gets nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// There is no such path.
    #[error("{0}")]
    NotFound(String),
    /// There is no such object, or no value.
    #[error("{}", .0.message)]
    Absent(Missing),
    /// No mapping and no rule gives the metric, as it is wanted.
    #[error("{message}")]
    Unserved {
        /// Why, from a closed set.
        reason: &'static str,
        /// Why, for people.
        message: String,
    },
    /// Rules may give the metric: the plugins that they run are not loaded.
    #[error("{0}")]
    Unloaded(String),
    /// Rules may give the metric: their series could not be listed.
    #[error("{0}")]
    Unlisted(String),
    /// A rule gives the metric, and cannot be bound to its plugin.
    #[error("{0}")]
    Unbound(String),
    /// The request cannot be understood.
    #[error("{0}")]
    Bad(String),
    /// There are values, and none of those asked for can be served.
    #[error("{0}")]
    Refused(String),
    /// There is such a mapping, and it could not be loaded.
    #[error("{0}")]
    Unavailable(String),
    /// There is such a mapping, or there may be one, and it is being loaded.
    #[error("{0}")]
    Loading(String),
    /// Which objects there are is not known.
    #[error("{metric} for {} is not served yet: {unknown}", .unknown.resource)]
    NotSynced {
        /// The metric.
        metric: String,
        /// The kind, and why.
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
    /// The kind of the error, as metrics count it.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not_found",
            Self::Absent(missing) => missing.reason.as_str(),
            Self::Unserved { reason, .. } => reason,
            Self::Unlisted(_) => "series_not_listed",
            Self::Unbound(_) => "not_bound",
            Self::Bad(_) => "bad_request",
            Self::Refused(_) => MissingReason::Refused.as_str(),
            Self::Unavailable(_) => "rejected",
            Self::Loading(_) | Self::Unloaded(_) => "loading",
            Self::NotSynced { .. } => "objects",
            Self::Failed { failure, .. } => failure.reason(),
        }
    }

    /// Whether the metric is not served, so that there is no mapping that the read counts for.
    pub fn is_unserved(&self) -> bool {
        matches!(
            self,
            Self::Unserved { .. }
                | Self::Unloaded(_)
                | Self::Unlisted(_)
                | Self::Unbound(_)
                | Self::Unavailable(_)
                | Self::Loading(_)
        )
    }

    /// Whether another adapter may serve the metric: nothing here does.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unserved { .. })
    }

    /// Whether a rule may give the metric once its plugin is loaded and its series are known.
    pub fn may_be_given(&self) -> bool {
        matches!(self, Self::Unloaded(_) | Self::Unlisted(_))
    }

    /// There is such a mapping, and it could not be loaded, or not yet.
    pub(super) fn rejected(rejection: &Rejection) -> Self {
        let Rejection { title, reason, message, .. } = rejection;
        match reason {
            RejectionReason::Loading => {
                Self::Loading(format!("{title} is configured and not served yet: {message}"))
            }
            reason => Self::Unavailable(format!(
                "{title} is configured and cannot be served ({reason}): {message}"
            )),
        }
    }

    /// No configuration is in force yet, so that it is not known what is served.
    pub(super) fn not_loaded(what: &str, why: &NotLoaded) -> Self {
        let message = format!("whether the {what} is served is not known yet: {why}");
        match why {
            NotLoaded::Loading => Self::Loading(message),
            NotLoaded::Refused(_) => Self::Unavailable(message),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use leadsman_model::owner::Owner;

    fn rejected(reason: RejectionReason) -> ReadError {
        ReadError::rejected(&Rejection {
            owner: Owner::Operator,
            mapping: None,
            title: "pods/load".to_owned(),
            reason,
            message: "the plugin is being loaded".to_owned(),
            serving: false,
            activates: None,
        })
    }

    #[test]
    fn what_is_being_loaded_is_not_counted_as_rejected() {
        let refused = NotLoaded::Refused("it has faults".to_owned());
        for (error, reason) in [
            (rejected(RejectionReason::Loading), "loading"),
            (ReadError::not_loaded("metric load", &NotLoaded::Loading), "loading"),
            (ReadError::Unloaded("the plugin is being loaded".to_owned()), "loading"),
            (rejected(RejectionReason::ConfigInvalid), "rejected"),
            (ReadError::not_loaded("metric load", &refused), "rejected"),
        ] {
            assert_eq!(error.reason(), reason, "{error}");
            // It counts for no mapping, and no other adapter is asked for it.
            assert!(error.is_unserved() && !error.is_unknown(), "{error}");
        }
        let told = rejected(RejectionReason::Loading).to_string();
        assert_eq!(told, "pods/load is configured and not served yet: the plugin is being loaded");
    }
}
