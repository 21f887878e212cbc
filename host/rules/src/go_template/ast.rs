//! What a parsed template is made of.

use super::functions::Function;

/// Where a command begins in the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "line {}, column {}", self.line, self.column)
    }
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Text(String),
    Action(Pipeline),
    If(Branch),
    With(Branch),
    Range(Branch),
    Break,
    Continue,
}

/// A control structure: what it depends on, and its two bodies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Branch {
    pub(super) pipeline: Pipeline,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

/// Commands that hand their results on, and the variables set to the last.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Pipeline {
    pub(super) variables: Vec<String>,
    /// Whether the variables exist already.
    pub(super) assigns: bool,
    pub(super) commands: Vec<Command>,
}

/// One command of a pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Command {
    pub(super) place: Place,
    pub(super) first: Operand,
    pub(super) arguments: Vec<Operand>,
}

/// A value or function as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operand {
    Dot,
    Nil,
    Bool(bool),
    Int(i64),
    /// The bits of a floating point number.
    Float(u64),
    Text(String),
    Variable(String),
    Function(Function),
    Pipeline(Box<Pipeline>),
    /// The fields to follow, from another operand on.
    Fields(Box<Operand>, Vec<String>),
}
