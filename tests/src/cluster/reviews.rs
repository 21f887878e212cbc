//! The reviews in kube-apiserver's audit log.

use serde_json::Value;

use super::control_plane::ControlPlane;

/// A review.
#[derive(Debug, Clone)]
pub struct Review {
    /// `subjectaccessreviews` or `tokenreviews`.
    pub resource: String,
    /// The review's `spec`.
    pub spec: Value,
}

impl ControlPlane {
    /// The reviews that a user (`system:serviceaccount:NAMESPACE:NAME`) has requested so far.
    ///
    /// # Panics
    /// If the audit log cannot be parsed.
    pub fn reviews(&self, user: &str) -> Vec<Review> {
        let log = std::fs::read_to_string(self.audit_log()).unwrap_or_default();
        let complete = log.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        complete
            .map(|line| {
                let event = serde_json::from_str(line);
                event.unwrap_or_else(|error| panic!("{error} in the audit log: {line}"))
            })
            .filter(|event: &Value| event["user"]["username"] == user)
            .map(|event| Review {
                resource: event["objectRef"]["resource"].as_str().unwrap_or_default().to_owned(),
                spec: event["requestObject"]["spec"].clone(),
            })
            .collect()
    }
}
