//! What the rules of a configuration give, looked at from outside before they are served: which
//! metrics, for which objects, with which queries, and why a series is not served; the same as
//! mappings; and what another adapter answers to the same requests.

mod comparison;
mod found;
mod json;
mod mappings;
mod notes;
mod text;
mod unserved;

pub use comparison::{CompareError, CompareOptions, Comparison, OtherOptions, Who, compare};
pub use found::{InspectError, InspectOptions, Inspection, OfRule, Offer, UsageQuery, inspect};
pub use json::json;
pub use mappings::mappings;
pub use text::Text;

/// A place in a document as people write it: `rules[0]`.
fn written(pointer: &str) -> String {
    let mut place = String::new();
    for segment in pointer.split('/').skip(1) {
        if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            place.push_str(&format!("[{segment}]"));
        } else {
            if !place.is_empty() {
                place.push('.');
            }
            place.push_str(segment);
        }
    }
    place
}

/// A number of things, in words.
fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

#[cfg(test)]
mod tests;
