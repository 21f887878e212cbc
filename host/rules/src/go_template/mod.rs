//! Go's text templates, with the delimiters `<<` and `>>`.
//!
//! A template is checked as far as it can be when it is parsed: functions,
//! the number of their arguments and the fields of the data are known then.

mod ast;
mod command;
mod functions;
mod item;
mod lex;
mod literal;
mod parse;
mod print;
mod quote;
mod run;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use ast::{Node, Operand};

/// The most bytes that a template, or one text in it, may come to.
const MAX_OUTPUT: usize = 1 << 20;

/// A piece of the data that a template is rendered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A Go `string`.
    Text(String),
    /// A Go `[]string`.
    List(Vec<Value>),
    /// A Go struct when it is the whole data, else a Go `map[string]string`.
    Map(BTreeMap<String, Value>),
    /// A Go `nil`.
    Nil,
}

/// A parsed Go template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct GoTemplate {
    nodes: Vec<Node>,
    fields: Vec<String>,
    uses: BTreeSet<String>,
}

impl GoTemplate {
    /// Parses a template for data with the given fields, in Go's order.
    ///
    /// # Errors
    ///
    /// The template is wrong or uses what is not supported; the error says
    /// what and where.
    pub(super) fn parse(text: &str, fields: &[&str]) -> Result<Self, String> {
        let (nodes, uses) = parse::parse(text, fields)?;
        Ok(Self { nodes, fields: fields.iter().map(|&field| field.to_owned()).collect(), uses })
    }

    /// Renders the template with data, a map that has its fields.
    ///
    /// # Errors
    ///
    /// Go would give an error too, or the template does too much.
    pub(super) fn render(&self, data: &Value) -> Result<String, String> {
        let Value::Map(data) = data else {
            return Err("the data of a template must be a map of its fields".to_owned());
        };
        run::run(&self.nodes, &self.fields, data)
    }

    /// The fields of the data that the template uses anywhere.
    #[must_use]
    pub(super) fn uses(&self) -> BTreeSet<String> {
        self.uses.clone()
    }

    /// Whether the template is only text and substitutions such as
    /// `<<.Field>>`.
    #[must_use]
    pub(super) fn is_plain(&self) -> bool {
        self.nodes.iter().all(is_plain)
    }
}

fn is_plain(node: &Node) -> bool {
    let pipeline = match node {
        Node::Text(_) => return true,
        Node::Action(pipeline) if pipeline.variables.is_empty() => pipeline,
        _ => return false,
    };
    let [command] = pipeline.commands.as_slice() else {
        return false;
    };
    match &command.first {
        Operand::Fields(base, names) => **base == Operand::Dot && names.len() == 1,
        _ => false,
    }
}
