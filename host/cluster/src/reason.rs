//! Why kube-apiserver did not do as asked, in one line for a person.

use std::error::Error as _;

use kube::core::Status;
use kube::runtime::watcher;

/// Says why a request failed. A refusal is told in the words of kube-apiserver, which name the
/// missing right.
pub fn explain(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => told(status),
        other => {
            let mut text = "kube-apiserver cannot be reached".to_owned();
            // The outer errors only repeat what the inner ones say.
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

/// The same for a watch.
pub(super) fn of_watch(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => explain(error),
        watcher::Error::WatchError(status) => told(status),
        watcher::Error::NoResourceVersion => "it cannot be watched".to_owned(),
    }
}

/// The answer that ended a watch, if there was one.
pub(super) fn status_of(error: &watcher::Error) -> Option<&Status> {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status))
        | watcher::Error::WatchError(status) => Some(status),
        _ => None,
    }
}

/// Whether a watch ended for want of a right.
pub fn is_forbidden(error: &watcher::Error) -> bool {
    status_of(error).is_some_and(|status| status.is_forbidden())
}

fn told(status: &Status) -> String {
    if status.message.is_empty() {
        return format!("kube-apiserver answered {} {}", status.code, status.reason);
    }
    status.message.clone()
}
