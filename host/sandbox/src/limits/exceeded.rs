//! Which limit a component exceeds, for people.

use std::fmt;

/// Why a component is refused before it is compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExceededLimit {
    /// There is more of something than it may have.
    #[error("{}; the limit is {}", .what.with(*.found), grouped(*.limit))]
    TooMuch {
        /// Of what.
        what: Measure,
        /// How much there is, as far as was counted.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
    /// A component is an argument or a result of another: how often it is instantiated is not to
    /// be seen without doing it.
    #[error("a component that is handed to another, as an import or by an alias; the limit is 0")]
    Handed,
    /// The bytes end too early, or mean nothing.
    #[error("not well-formed: {0}")]
    Malformed(String),
}

impl From<wasmparser::Error> for ExceededLimit {
    fn from(error: wasmparser::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Compares a count with its limit.
pub(super) fn at_most(
    what: Measure,
    found: impl TryInto<u64>,
    limit: u64,
) -> Result<(), ExceededLimit> {
    let found = found.try_into().unwrap_or(u64::MAX);
    if found <= limit { Ok(()) } else { Err(ExceededLimit::TooMuch { what, found, limit }) }
}

macro_rules! measures {
    ($($name:ident: $before:literal, $after:literal;)*) => {
        /// What is counted, each as the field of [`Structure`](super::Structure) of its name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Measure {
            $(#[doc = concat!($before, " … ", $after)] $name,)*
        }

        impl Measure {
            fn words(self) -> (&'static str, &'static str) {
                match self {
                    $(Self::$name => ($before, $after),)*
                }
            }
        }
    };
}

measures! {
    Bytes: "a component of", "bytes";
    Modules: "a component with", "core modules";
    Components: "a component with", "components within it";
    Nesting: "components or their types within each other,", "deep";
    Functions: "a component with", "core functions";
    Locals: "a function with", "locals";
    Body: "a function of", "bytes";
    Blocks: "a function with blocks within each other,", "deep";
    Loops: "a function with loops within each other,", "deep";
    Passed: "a function whose blocks pass on", "values";
    Targets: "a function with", "targets of branch tables";
    Parameters: "a core function type with", "parameters";
    Results: "a core function type with", "results";
    Types: "a component with", "core types";
    Imports: "core modules with", "imports";
    Exports: "core modules with", "exports";
    Globals: "a component with", "globals";
    Memories: "a core module with", "memories";
    OwnMemories: "a component with", "memories";
    Tables: "a component with", "tables";
    TableElements: "tables of", "elements";
    ElementSegments: "a component with", "element segments";
    Elements: "element segments of", "elements";
    DataSegments: "a component with", "data segments";
    Image: "data segments that span", "bytes";
    ComponentTypes: "a component with", "component types";
    Members: "component types with", "fields, cases and parameters";
    Names: "components with", "imports and exports";
    Lifted: "components that lift or lower", "functions when they are instantiated";
    Instances: "components of", "instances when they are instantiated";
    Items: "components of", "items when they are instantiated";
}

impl Measure {
    fn with(self, found: u64) -> impl fmt::Display {
        let (before, after) = self.words();
        format!("{before} {} {after}", grouped(found))
    }
}

/// A number with a comma after each thousand.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
