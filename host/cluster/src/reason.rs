//! Errors of kube-apiserver in one line, for people.

use std::error::Error as _;

use http::StatusCode;
use kube::core::Status;
use kube::runtime::watcher;

/// Why a request failed. A refusal has kube-apiserver's own message, which names the missing right.
pub fn explain(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => message_of(status),
        other => {
            let mut text = "kube-apiserver cannot be reached".to_owned();
            // The innermost error is the cause; the outer ones only repeat it.
            let mut cause = other.source();
            let mut innermost = other.to_string();
            while let Some(inner) = cause {
                innermost = inner.to_string();
                cause = inner.source();
            }
            text.push_str(": ");
            text.push_str(&innermost);
            text
        }
    }
}

/// Why a watch failed.
pub(super) fn of_watch(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => explain(error),
        watcher::Error::WatchError(status) => message_of(status),
        watcher::Error::NoResourceVersion => "it cannot be watched".to_owned(),
    }
}

/// The answer that ended a watch, if it was ended by one.
pub(super) fn status_of(error: &watcher::Error) -> Option<&Status> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status),
        _ => None,
    }
}

/// Whether a watch failed because a right is missing.
pub fn is_forbidden(error: &watcher::Error) -> bool {
    status_of(error).is_some_and(|status| status.is_forbidden())
}

/// Why a request failed, from the answer itself.
pub(super) fn of_answer(status: StatusCode, body: &[u8]) -> String {
    match serde_json::from_slice::<Status>(body) {
        Ok(status) if !status.message.is_empty() => status.message,
        _ => format!("kube-apiserver answered {status}"),
    }
}

fn message_of(status: &Status) -> String {
    if status.message.is_empty() {
        return format!("kube-apiserver answered {} {}", status.code, status.reason);
    }
    status.message.clone()
}
