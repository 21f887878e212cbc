//! Parses the commands of a template and their operands.

use super::ast::{Command, Operand};
use super::functions::Function;
use super::lex::{Kind, Token};
use super::literal::{self, Number};
use super::parse::{Parsed, Parser, fail, stands_for_data, unexpected};
use super::print;

/// Actions of Go that stand for templates by name, of which there are none.
const NOT_SUPPORTED: [&str; 3] = ["template", "define", "block"];

impl<'a> Parser<'a> {
    /// Parses a command and the pipe sign after it, if there is one.
    pub(super) fn command(&mut self, context: &str, previous: bool) -> Parsed<Command> {
        let start = self.peek();
        let place = self.place(start.at);
        let mut operands = Vec::new();
        loop {
            self.peek_past_space();
            operands.extend(self.operand()?);
            let token = self.peek();
            match token.kind {
                Kind::Space => {}
                Kind::Close | Kind::RightParen => break,
                Kind::Pipe => {
                    self.take();
                    break;
                }
                _ => return unexpected(token, context),
            }
        }
        if operands.is_empty() {
            return fail(start, "empty command");
        }
        let first = operands.remove(0);
        let command = Command { place, first, arguments: operands };
        check(&command, previous).map_err(|what| (start.at, what))?;
        Ok(command)
    }

    /// Parses one operand and its fields; other tokens are left alone.
    fn operand(&mut self) -> Parsed<Option<Operand>> {
        let token = self.peek();
        let base = match token.kind {
            Kind::Field => Operand::Dot,
            _ => match self.term(token)? {
                Some(term) => term,
                None => return Ok(None),
            },
        };
        let mut names = Vec::new();
        while self.peek().kind == Kind::Field {
            names.push(self.take().text[1..].to_owned());
        }
        let has_fields =
            matches!(base, Operand::Variable(_) | Operand::Function(_) | Operand::Pipeline(_));
        if !names.is_empty() && !has_fields && token.kind != Kind::Field {
            return fail(token, format!("unexpected . after term {:?}", token.text));
        }
        self.note(token, &base, &names)?;
        Ok(Some(if names.is_empty() { base } else { Operand::Fields(Box::new(base), names) }))
    }

    /// Notes which fields of the data an operand uses.
    fn note(&mut self, token: Token<'_>, base: &Operand, names: &[String]) -> Parsed<()> {
        if !stands_for_data(base, self.dot_is_data) {
            return Ok(());
        }
        let Some(name) = names.first() else {
            self.uses.extend(self.fields.iter().map(|&field| field.to_owned()));
            return Ok(());
        };
        if !self.fields.contains(&name.as_str()) {
            let known = self.fields.join(", ");
            return fail(token, format!("there is no field {name:?}; there are {known}"));
        }
        self.uses.insert(name.clone());
        Ok(())
    }

    fn term(&mut self, token: Token<'a>) -> Parsed<Option<Operand>> {
        let at = |what: String| (token.at, what);
        let term = match token.kind {
            Kind::Dot => Operand::Dot,
            Kind::Variable => {
                self.check_variable(token, token.text)?;
                Operand::Variable(token.text.to_owned())
            }
            Kind::Quoted => Operand::Text(literal::quoted(token.text).map_err(at)?),
            Kind::Raw => Operand::Text(literal::raw(token.text)),
            Kind::Character => constant(literal::character(token.text).map_err(at)?),
            Kind::Number => constant(literal::number(token.text).map_err(at)?),
            Kind::Word => word(token)?,
            Kind::LeftParen => {
                self.take();
                let inner = self
                    .deeper(|parser| parser.pipeline("parenthesized pipeline", Kind::RightParen))?;
                return Ok(Some(Operand::Pipeline(Box::new(inner))));
            }
            _ => return Ok(None),
        };
        self.take();
        Ok(Some(term))
    }
}

fn constant(number: Number) -> Operand {
    match number {
        Number::Int(int) => Operand::Int(int),
        Number::Float(bits) => Operand::Float(bits),
    }
}

fn word(token: Token<'_>) -> Parsed<Operand> {
    Ok(match token.text {
        "true" => Operand::Bool(true),
        "false" => Operand::Bool(false),
        "nil" => Operand::Nil,
        "if" | "else" | "end" | "with" | "range" | "break" | "continue" => {
            return unexpected(token, "command");
        }
        name if NOT_SUPPORTED.contains(&name) => {
            return fail(
                token,
                format!(
                    "{name} is not supported; there are if, else, with, range, break, continue and end"
                ),
            );
        }
        name => match Function::find(name) {
            Some(function) => Operand::Function(function),
            None => return fail(token, unknown(name)),
        },
    })
}

fn unknown(name: &str) -> String {
    let known = Function::names();
    format!("function {name:?} is not supported; there are {known}")
}

/// Checks that a command can be run with its arguments, of which the result
/// of a previous command is the last.
fn check(command: &Command, previous: bool) -> Result<(), String> {
    for argument in &command.arguments {
        if let Operand::Function(function) = argument {
            function.check_count(0)?;
        }
    }
    let count = command.arguments.len() + usize::from(previous);
    match &command.first {
        Operand::Function(function) => {
            function.check_count(count)?;
            match (function, command.arguments.first()) {
                (Function::Printf, Some(Operand::Text(format))) => print::check(format),
                _ => Ok(()),
            }
        }
        Operand::Nil => Err("nil is not a command".to_owned()),
        _ if count > 0 => Err("only a function can be given arguments".to_owned()),
        _ => Ok(()),
    }
}
