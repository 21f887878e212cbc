//! The functions that templates can call, with Go's rules for each.

use std::cmp::Ordering;

use super::item::Item;
use super::print;

/// A function of Go's templates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Function {
    And,
    Or,
    Not,
    Len,
    Index,
    Slice,
    Print,
    Printf,
    Println,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// The name of each function, and the fewest and most arguments it takes.
const TABLE: [(&str, Function, usize, usize); 15] = [
    ("and", Function::And, 1, usize::MAX),
    ("or", Function::Or, 1, usize::MAX),
    ("not", Function::Not, 1, 1),
    ("len", Function::Len, 1, 1),
    ("index", Function::Index, 1, usize::MAX),
    ("slice", Function::Slice, 1, 4),
    ("print", Function::Print, 0, usize::MAX),
    ("printf", Function::Printf, 1, usize::MAX),
    ("println", Function::Println, 0, usize::MAX),
    ("eq", Function::Eq, 2, usize::MAX),
    ("ne", Function::Ne, 2, 2),
    ("lt", Function::Lt, 2, 2),
    ("le", Function::Le, 2, 2),
    ("gt", Function::Gt, 2, 2),
    ("ge", Function::Ge, 2, 2),
];

impl Function {
    /// Finds a function by its name.
    pub(super) fn find(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.0 == name).map(|row| row.1)
    }

    /// The names of all functions, for an error.
    pub(super) fn names() -> String {
        TABLE.map(|row| row.0).join(", ")
    }

    /// Checks that a function takes so many arguments.
    pub(super) fn check_count(self, count: usize) -> Result<(), String> {
        match TABLE.iter().find(|row| row.1 == self) {
            Some(&(name, _, fewest, _)) if count < fewest => {
                Err(format!("{name} takes at least {fewest} arguments, not {count}"))
            }
            Some(&(name, _, _, most)) if count > most => {
                Err(format!("{name} takes at most {most} arguments, not {count}"))
            }
            _ => Ok(()),
        }
    }

    /// Calls a function with arguments whose number has been checked.
    pub(super) fn call<'a>(self, arguments: &[Item<'a>]) -> Result<Item<'a>, String> {
        let Some((first, rest)) = arguments.split_first() else {
            return Ok(Item::made(if self == Self::Println { "\n" } else { "" }.to_owned()));
        };
        match self {
            // Those that stop early are run without evaluating all arguments.
            Self::And | Self::Or => Ok(rest.last().unwrap_or(first).clone()),
            Self::Not => Ok(Item::Bool(!first.is_true())),
            Self::Len => length(first),
            Self::Index => rest.iter().try_fold(first.clone(), |item, at| index(&item, at)),
            Self::Slice => slice(first, rest),
            Self::Print => print::print(arguments).map(Item::made),
            Self::Println => print::println(arguments).map(Item::made),
            Self::Printf => match first.text() {
                Some(format) => print::printf(format, rest).map(Item::made),
                None => Err(format!("printf needs a string first, not {}", first.type_name())),
            },
            Self::Eq => equals_any(first, rest).map(Item::Bool),
            Self::Ne => equals_any(first, rest).map(|equal| Item::Bool(!equal)),
            Self::Lt => order(first, rest).map(|order| Item::Bool(order == Some(Ordering::Less))),
            Self::Ge => order(first, rest).map(|order| Item::Bool(order != Some(Ordering::Less))),
            Self::Le => at_most(first, rest).map(Item::Bool),
            Self::Gt => at_most(first, rest).map(|at_most| Item::Bool(!at_most)),
        }
    }
}

fn length<'a>(item: &Item<'a>) -> Result<Item<'a>, String> {
    let length = match item {
        Item::List(values) => values.len(),
        Item::Map(entries) => entries.len(),
        _ => match item.text() {
            Some(text) => text.len(),
            None => return Err(format!("len of type {}", item.type_name())),
        },
    };
    i64::try_from(length).map(Item::Int).map_err(|problem| problem.to_string())
}

fn position(item: &Item<'_>, end: usize) -> Result<usize, String> {
    let Item::Int(int) = item else {
        return Err(format!("cannot index slice/array with type {}", item.type_name()));
    };
    match usize::try_from(*int) {
        Ok(position) if position <= end => Ok(position),
        _ => Err(format!("index out of range: {int}")),
    }
}

fn index<'a>(item: &Item<'a>, at: &Item<'a>) -> Result<Item<'a>, String> {
    let outside = |position: usize| format!("index out of range: {position}");
    match item {
        Item::List(values) => {
            let position = position(at, values.len())?;
            let value = values.get(position).ok_or_else(|| outside(position))?;
            Ok(Item::from(value))
        }
        Item::Map(entries) => match at.text() {
            // A missing key gives the empty text, the zero value of Go's strings.
            Some(key) => Ok(entries.get(key).map_or(Item::Text(""), Item::from)),
            None => Err(format!("value has type {}; should be string", at.type_name())),
        },
        Item::Nil => Err("index of untyped nil".to_owned()),
        _ => match item.text() {
            Some(text) => {
                let position = position(at, text.len())?;
                let byte = text.as_bytes().get(position).ok_or_else(|| outside(position))?;
                Ok(Item::Int((*byte).into()))
            }
            None => Err(format!("can't index item of type {}", item.type_name())),
        },
    }
}

fn slice<'a>(item: &Item<'a>, at: &[Item<'a>]) -> Result<Item<'a>, String> {
    let length = match item {
        Item::List(values) => values.len(),
        Item::Nil => return Err("slice of untyped nil".to_owned()),
        _ => match item.text() {
            Some(_) if at.len() == 3 => return Err("cannot 3-index slice a string".to_owned()),
            Some(text) => text.len(),
            None => return Err(format!("can't slice item of type {}", item.type_name())),
        },
    };
    let mut bounds = [0, length, length];
    for (bound, at) in bounds.iter_mut().zip(at) {
        *bound = position(at, length)?;
    }
    let [start, end, most] = bounds;
    if start > end {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    if end > most {
        return Err(format!("invalid slice index: {end} > {most}"));
    }
    match item {
        Item::List(values) => Ok(Item::List(&values[start..end])),
        // Go would go on with half a character, which no Rust string can hold.
        _ => {
            item.slice(start, end).ok_or_else(|| format!("slice {start}:{end} splits a character"))
        }
    }
}

fn equals_any(first: &Item<'_>, rest: &[Item<'_>]) -> Result<bool, String> {
    for other in rest {
        if equals(first, other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[allow(clippy::float_cmp, reason = "Go compares these exactly")]
fn equals(left: &Item<'_>, right: &Item<'_>) -> Result<bool, String> {
    match (left, right) {
        (Item::Bool(left), Item::Bool(right)) => return Ok(left == right),
        (Item::Int(left), Item::Int(right)) => return Ok(left == right),
        (Item::Float(left), Item::Float(right)) => return Ok(left == right),
        (Item::Nil, Item::Nil) => return Ok(true),
        (Item::Nil, _) | (_, Item::Nil) => return Ok(false),
        _ => {}
    }
    if let (Some(left), Some(right)) = (left.text(), right.text()) {
        return Ok(left == right);
    }
    Err(incompatible(left, right))
}

fn incompatible(left: &Item<'_>, right: &Item<'_>) -> String {
    let (left, right) = (left.type_name(), right.type_name());
    format!("incompatible types for comparison: {left} and {right}")
}

/// Orders two values; there is no order with a number that is none.
fn order(left: &Item<'_>, rest: &[Item<'_>]) -> Result<Option<Ordering>, String> {
    let [right] = rest else {
        return Err("missing argument for comparison".to_owned());
    };
    match (left, right) {
        (Item::Int(left), Item::Int(right)) => return Ok(Some(left.cmp(right))),
        (Item::Float(left), Item::Float(right)) => return Ok(left.partial_cmp(right)),
        _ => {}
    }
    match (left.text(), right.text()) {
        (Some(left), Some(right)) => Ok(Some(left.cmp(right))),
        _ => Err(incompatible(left, right)),
    }
}

fn at_most(left: &Item<'_>, rest: &[Item<'_>]) -> Result<bool, String> {
    order(left, rest).map(|order| order.is_some_and(Ordering::is_le))
}
