//! The part of Go's text templates that rules use, with the delimiters `<<` and `>>`.
//!
//! There are fields, variables, texts and numbers, `index`, `printf` of `%s` and `%v`, pipes,
//! parentheses, `if`, `with`, `range`, comments and trim markers. Everything else that Go has is
//! refused by its name when a template is parsed.

mod lex;
mod literal;
mod parse;
mod run;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A piece of the data that a template is rendered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A Go `string`.
    Text(String),
    /// A Go `[]string`.
    List(Vec<Value>),
    /// A Go struct when it is the whole data, else a Go `map[string]string`.
    Map(BTreeMap<String, Value>),
}

/// A parsed template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct GoTemplate {
    nodes: Vec<Node>,
    uses: BTreeSet<String>,
}

impl GoTemplate {
    /// Parses a template for data with the given fields. An error says what is wrong and where.
    pub(super) fn parse(text: &str, fields: &[&str]) -> Result<Self, String> {
        let (nodes, uses) = parse::parse(text, fields)?;
        Ok(Self { nodes, uses })
    }

    /// Renders the template with data by field. An error says where Go would fail, too, or that
    /// the template does too much.
    pub(super) fn render(&self, data: &BTreeMap<String, Value>) -> Result<String, String> {
        run::run(&self.nodes, data)
    }

    /// The fields of the data that the template uses anywhere.
    pub(super) fn uses(&self) -> &BTreeSet<String> {
        &self.uses
    }

    /// Whether the template is only text and substitutions such as `<<.Field>>`.
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

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Node {
    Text(String),
    Action(Pipeline),
    Branch(Branch),
}

/// A control structure: what it depends on, and its two bodies.
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

/// Commands that hand their results on, and the variables that are declared for the last one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Pipeline {
    place: Place,
    variables: Vec<String>,
    commands: Vec<Command>,
}

/// One command of a pipeline, which has the result of the one before it as its last argument.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Command {
    Operand(Operand),
    Index(Vec<Operand>),
    Printf(Vec<Piece>, Vec<Operand>),
}

/// A piece of a format.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Piece {
    Text(String),
    /// `%s`: a text.
    String,
    /// `%v`: any value.
    Value,
}

/// A value as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Operand {
    Text(String),
    Number(usize),
    Pipeline(Box<Pipeline>),
    /// Names to follow, from a value on.
    Path(Base, Vec<String>),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Base {
    /// The whole data.
    Data,
    /// What a `with` or `range` is at.
    Dot,
    Variable(String),
}

/// Where something begins in a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    line: usize,
    column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}
