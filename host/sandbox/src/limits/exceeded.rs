//! The error for a component that exceeds a structural limit.

use std::fmt;

/// Why a component is refused before it is compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExceededLimit {
    /// A count exceeds its limit.
    #[error("{}; the limit is {}", .measure.describe(*.found), grouped(*.limit))]
    TooMuch {
        /// The measure.
        measure: Measure,
        /// The count when the limit was exceeded; the component may have more.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// A component is an argument or an export of an instance. The number of its instances cannot
    /// be counted without instantiation.
    #[error("a component that is handed to another, as an import or by an alias; the limit is 0")]
    ComponentArgument,
    /// The bytes are truncated or invalid.
    #[error("not well-formed: {0}")]
    Malformed(String),
}

impl From<wasmparser::Error> for ExceededLimit {
    fn from(error: wasmparser::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

/// Checks a count against its limit.
pub(super) fn at_most(
    measure: Measure,
    found: impl TryInto<u64>,
    limit: u64,
) -> Result<(), ExceededLimit> {
    let found = found.try_into().unwrap_or(u64::MAX);
    if found <= limit { Ok(()) } else { Err(ExceededLimit::TooMuch { measure, found, limit }) }
}

macro_rules! measures {
    ($($name:ident: $before:literal, $after:literal;)*) => {
        /// A counted measure. The field of [`StructuralLimits`](super::StructuralLimits) with the
        /// same name is its limit.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Measure {
            $(#[doc = concat!($before, " … ", $after)] $name,)*
        }

        impl Measure {
            fn phrase(self) -> (&'static str, &'static str) {
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
    FunctionBytes: "a function of", "bytes";
    BlockNesting: "a function with blocks within each other,", "deep";
    LoopNesting: "a function with loops within each other,", "deep";
    BlockArguments: "a function whose blocks pass on", "values";
    BranchTargets: "a function with", "targets of branch tables";
    Parameters: "a core function type with", "parameters";
    Results: "a core function type with", "results";
    Types: "a component with", "core types";
    Imports: "core modules with", "imports";
    Exports: "core modules with", "exports";
    Globals: "a component with", "globals";
    Memories: "a core module with", "memories";
    DefinedMemories: "a component with", "memories";
    Tables: "a component with", "tables";
    TableElements: "tables of", "elements";
    ElementSegments: "a component with", "element segments";
    Elements: "element segments of", "elements";
    DataSegments: "a component with", "data segments";
    MemoryImage: "data segments that span", "bytes";
    ComponentTypes: "a component with", "component types";
    Members: "component types with", "fields, cases and parameters";
    Names: "components with", "imports and exports";
    LiftedFunctions: "components that lift or lower", "functions when they are instantiated";
    Instances: "components of", "instances when they are instantiated";
    Items: "components of", "items when they are instantiated";
}

impl Measure {
    fn describe(self, found: u64) -> impl fmt::Display {
        let (before, after) = self.phrase();
        format!("{before} {} {after}", grouped(found))
    }
}

/// A number with commas as thousands separators.
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
