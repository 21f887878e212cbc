//! PromQL: parsing queries from outside within bounds, and writing values of a request into them.

mod matcher;
mod quote;
#[cfg(test)]
mod shape;

pub(crate) use matcher::requirement;
pub use matcher::{matcher, matchers};
pub(crate) use quote::{is_metric_name, is_plain, outside_of_quotes};
#[cfg(test)]
pub(crate) use shape::shape;

use promql_parser::parser::{self, Expr};

/// The longest query that is looked into, in bytes. The parser's time grows with the square of it:
/// some 0.2 s for the worst of this length.
pub const MAX_CHECKED_BYTES: usize = 4 << 10;

/// Enough for a query of that length, however its parts lie within each other.
const STACK: usize = 32 << 20;

/// Parses a query and looks into it. An error says why it cannot be.
pub fn look<T: Send>(query: &str, look: impl FnOnce(&Expr) -> T + Send) -> Result<T, String> {
    if query.len() > MAX_CHECKED_BYTES {
        return Err(format!(
            "it has {} bytes; at most {MAX_CHECKED_BYTES} are looked into",
            query.len()
        ));
    }
    let looked = || parser::parse(query).map(|parsed| look(&parsed));
    // The parser calls itself for each part, and what it makes does so when it is dropped.
    let ended = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, looked);
        thread.map(std::thread::ScopedJoinHandle::join)
    });
    match ended {
        Ok(Ok(parsed)) => parsed.map_err(|error| format!("this is not PromQL: {error}")),
        Ok(Err(_)) => Err("the parser failed on it".to_owned()),
        Err(error) => Err(format!("it cannot be looked into: {error}")),
    }
}
