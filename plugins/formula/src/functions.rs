//! The functions of formulas by name.

use crate::program::{Aggregate, Function};
use crate::token::excerpt;

/// All names, for messages.
const NAMES: &str = "abs, absent, avg, ceil, clamp, count, exp, finite, float, floor, if, int, ln, \
                     max, min, present, round, sqrt and sum";

/// A function that takes several numbers together.
pub(crate) fn aggregate(name: &str) -> Option<Aggregate> {
    Some(match name {
        "min" => Aggregate::Min,
        "max" => Aggregate::Max,
        "sum" => Aggregate::Sum,
        "avg" | "mean" => Aggregate::Average,
        _ => return None,
    })
}

/// A function of one number.
pub(crate) fn of_one(name: &str) -> Option<Function> {
    Some(match name {
        "abs" => Function::Abs,
        "ceil" => Function::Ceil,
        "floor" => Function::Floor,
        "round" => Function::Round,
        "int" => Function::Truncate,
        "sqrt" => Function::Sqrt,
        "ln" => Function::Ln,
        "exp" => Function::Exp,
        "finite" => Function::Finite,
        _ => return None,
    })
}

/// What to say of a name that is none of them.
pub(crate) fn unknown(name: &str) -> String {
    if name == "present" {
        return "present(…) belongs into min, max, sum, avg or count: max(present(a, b))"
            .to_owned();
    }
    format!("there is no function {}; there are {NAMES}", excerpt(name))
}
