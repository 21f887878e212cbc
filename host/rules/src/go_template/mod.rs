//! The subset of Go's text templates that rules use, with the delimiters `<<` and `>>`.
//!
//! Supported are fields, variables, strings and numbers, `index`, `printf` with `%s` and `%v`, pipes,
//! parentheses, `if`, `with`, `range`, comments and trim markers. Every other construct of Go is
//! refused by name when a template is parsed.

mod lex;
mod literal;
mod parse;
mod run;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A value in the data that a template is rendered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A Go `string`.
    Text(String),
    /// A Go `[]string`.
    List(Vec<Value>),
    /// A Go struct for the whole data, otherwise a Go `map[string]string`.
    Map(BTreeMap<String, Value>),
}

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct GoTemplate {
    nodes: Vec<Node>,
    uses: BTreeSet<String>,
}

impl GoTemplate {
    /// Parses a template for data with these fields. The error says what is wrong, and where.
    pub(super) fn parse(text: &str, fields: &[&str]) -> Result<Self, String> {
        let (nodes, uses) = parse::parse(text, fields)?;
        Ok(Self { nodes, uses })
    }

    /// Renders the template. The error says where Go would fail as well, or that a bound is exceeded.
    pub(super) fn render(&self, data: &BTreeMap<String, Value>) -> Result<String, String> {
        run::run(&self.nodes, data)
    }

    /// The fields that the template uses.
    pub(super) fn uses(&self) -> &BTreeSet<String> {
        &self.uses
    }

    /// Whether the template consists of text and substitutions such as `<<.Field>>` only.
    pub(super) fn is_plain(&self) -> bool {
        self.nodes.iter().all(|node| match node {
            Node::Text(_) => true,
            Node::Branch(_) => false,
            Node::Action(pipeline) => match pipeline.commands.as_slice() {
                [Command::Operand(Operand::Path(Base::Data, names))] => {
                    pipeline.variables.is_empty() && names.len() == 1
                }
                _ => false,
            },
        })
    }
}

/// A node of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    Text(String),
    Action(Pipeline),
    Branch(Branch),
}

/// A control structure: its condition or range, and its two bodies.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Branch {
    control: Control,
    pipeline: Pipeline,
    body: Vec<Node>,
    otherwise: Vec<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Control {
    If,
    With,
    Range,
}

/// Commands, each of which gets the result of the one before, and the variables that are set to the
/// last result.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pipeline {
    position: TemplatePosition,
    variables: Vec<String>,
    commands: Vec<Command>,
}

/// A command of a pipeline. The result of the command before it is its last argument.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Command {
    Operand(Operand),
    Index(Vec<Operand>),
    Printf(Vec<FormatPart>, Vec<Operand>),
}

/// A part of a `printf` format.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum FormatPart {
    Text(String),
    /// `%s`: a string.
    String,
    /// `%v`: any value.
    Value,
}

/// An operand.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Operand {
    Text(String),
    Number(usize),
    Pipeline(Box<Pipeline>),
    /// Fields to follow, from a base.
    Path(Base, Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Base {
    /// The whole data.
    Data,
    /// The current value of `with` or `range`.
    Dot,
    Variable(String),
}

/// A position in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct TemplatePosition {
    line: usize,
    column: usize,
}

impl fmt::Display for TemplatePosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
