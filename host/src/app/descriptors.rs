//! The limit of open file descriptors.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard limit. Container runtimes leave it at 1024 for programs that use
/// select(2), which is less than the number of connections that the server accepts.
pub(super) fn raise_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
}
