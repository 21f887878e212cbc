//! What the rules of a configuration give, looked at from outside before they are served: which
//! metrics, for which objects, with which queries, and why a series is not served; the same as
//! mappings; and what another adapter answers to the same requests.

mod comparison;
mod found;
mod inspect;
mod json;
mod mappings;
mod notes;
mod text;
mod unserved;

pub use comparison::{CompareError, CompareOptions, Comparison, OtherOptions, Who, compare};
pub use found::{Inspection, OfRule, Offer, UsageQuery};
pub use inspect::{InspectError, InspectOptions, inspect};
pub use json::json;
pub use mappings::mappings;
pub use text::Text;

/// A number of things, in words.
fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

#[cfg(test)]
mod tests;
