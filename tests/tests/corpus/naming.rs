//! Names of metrics.

use serde_json::{Value, json};

use crate::random::Random;

/// What each name begins with, before the number of its variant.
pub(crate) const PREFIX: &str = "v";
/// How many digits that number has.
pub(crate) const DIGITS: usize = 6;

/// The beginning of each name of this variant.
pub(crate) fn token(number: usize) -> String {
    format!("{PREFIX}{number:0DIGITS$}")
}

/// A `name` whose metrics are no other variant's.
pub(crate) fn name(random: &mut Random, number: usize, own: bool) -> Option<Value> {
    if own {
        return own_name(random);
    }
    let token = token(number);
    Some(match random.below(12) {
        0..3 => json!({"as": token}),
        3 => json!({"matches": "", "as": format!("{token}_$0")}),
        4 | 5 => json!({"matches": "^(.*)_total$", "as": format!("{token}_${{1}}_per_second")}),
        6 => json!({"matches": "^(.*)$", "as": format!("{token}_${{1}}")}),
        7 => json!({"matches": "^(?P<what>.*)$", "as": format!("{token}_${{what}}_x")}),
        8 => json!({"matches": "([a-z]+)_(.+)", "as": format!("{token}_${{2}}_${{1}}")}),
        9 => json!({"matches": "^([a-z]+)(?:_total)?", "as": format!("{token}_$1")}),
        // The name of a group goes on as far as it can: there is none of this name.
        10 => json!({"matches": "^(.*)$", "as": format!("{token}_$1_rate")}),
        _ => json!({"matches": "_", "as": token}),
    })
}

/// The series themselves have names of their own.
fn own_name(random: &mut Random) -> Option<Value> {
    match random.below(6) {
        0 => None,
        1 => Some(json!({})),
        2 => Some(json!({"matches": "", "as": ""})),
        3 => Some(json!({"matches": "^(.*)_total$"})),
        4 => Some(json!({"matches": "^v[0-9]+_[a-z]+"})),
        _ => Some(json!({"matches": "^(.*)_seconds_total$", "as": "${1}"})),
    }
}
