//! `leadsman rules`: inspects the rules of a configuration without serving them. It shows which metrics
//! they give, for which objects, with which queries, and why series give none; converts them to
//! mappings; and compares values with those of another adapter.

mod comparison;
mod inspect;
mod inspected;
mod json;
mod mappings;
mod notes;
mod text;
mod unserved;

pub use comparison::{
    CompareError, CompareOptions, Comparison, OtherEndpoint, OtherOptions, compare,
};
pub use inspect::{InspectError, InspectOptions, inspect};
pub use inspected::{InspectedMetric, InspectedRule, Inspection, ResourceQuery};
pub use json::json;
pub use mappings::mappings;
pub use text::InspectionText;

/// A number with a singular or plural noun.
fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

#[cfg(test)]
mod tests;
