//! Parses a Go template, and checks all that can be known before it runs.

use std::collections::BTreeSet;

use super::ast::{Branch, Command, Node, Operand, Pipeline, Place};
use super::lex::{self, Kind, Problem, Token};

/// How deep control structures and parentheses may be nested.
const MAX_DEPTH: usize = 100;

/// What was parsed, or what is wrong and where.
pub(super) type Parsed<T> = Result<T, Problem>;

/// What ended a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    EndOfText,
    End,
    Else,
}

pub(super) struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    text: &'a str,
    pub(super) fields: &'a [&'a str],
    pub(super) uses: BTreeSet<String>,
    variables: Vec<&'a str>,
    /// Whether the dot stands for the whole data where the parser is.
    pub(super) dot_is_data: bool,
    ranges: usize,
    depth: usize,
    /// How far commands have been read, and where that is.
    read: (usize, Place),
    /// Where the last `end` or `else` was.
    stopped_at: usize,
}

/// Parses a template and finds the fields it uses.
pub(super) fn parse(text: &str, fields: &[&str]) -> Result<(Vec<Node>, BTreeSet<String>), String> {
    let problem = |(at, what): Problem| format!("{}: {what}", place(text, at));
    let mut parser = Parser {
        tokens: lex::lex(text).map_err(problem)?,
        next: 0,
        text,
        fields,
        uses: BTreeSet::new(),
        variables: vec!["$"],
        dot_is_data: true,
        ranges: 0,
        depth: 0,
        read: (0, Place { line: 1, column: 1 }),
        stopped_at: 0,
    };
    let (nodes, stop) = parser.nodes().map_err(problem)?;
    if stop != Stop::EndOfText {
        return Err(problem((
            parser.stopped_at,
            "end or else without if, with or range".to_owned(),
        )));
    }
    Ok((nodes, parser.uses))
}

fn place(text: &str, at: usize) -> Place {
    let before = &text[..at];
    let line = before.rsplit('\n').next().unwrap_or_default();
    Place { line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
}

pub(super) fn fail<T>(token: Token<'_>, what: impl Into<String>) -> Parsed<T> {
    Err((token.at, what.into()))
}

pub(super) fn unexpected<T>(token: Token<'_>, context: &str) -> Parsed<T> {
    let found = match token.kind {
        Kind::End => "end of the template".to_owned(),
        _ => format!("{:?}", token.text),
    };
    fail(token, format!("unexpected {found} in {context}"))
}

impl<'a> Parser<'a> {
    /// Finds the place of a command, counting on from the one before it.
    pub(super) fn place(&mut self, at: usize) -> Place {
        let (read, mut place) = self.read;
        let added = &self.text[read.min(at)..at];
        for letter in added.chars() {
            place.column += 1;
            if letter == '\n' {
                place.line += 1;
                place.column = 1;
            }
        }
        self.read = (at, place);
        place
    }

    /// The next token; the end is never passed.
    pub(super) fn peek(&self) -> Token<'a> {
        self.tokens[self.next]
    }

    pub(super) fn take(&mut self) -> Token<'a> {
        let token = self.peek();
        if token.kind != Kind::End {
            self.next += 1;
        }
        token
    }

    pub(super) fn peek_past_space(&mut self) -> Token<'a> {
        while self.peek().kind == Kind::Space {
            self.next += 1;
        }
        self.peek()
    }

    pub(super) fn take_past_space(&mut self) -> Token<'a> {
        self.peek_past_space();
        self.take()
    }

    fn close(&mut self, context: &str) -> Parsed<()> {
        let token = self.take_past_space();
        if token.kind == Kind::Close {
            return Ok(());
        }
        unexpected(token, context)
    }

    pub(super) fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return fail(self.peek(), format!("nested deeper than {MAX_DEPTH}"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn nodes(&mut self) -> Parsed<(Vec<Node>, Stop)> {
        let mut nodes = Vec::new();
        loop {
            let token = self.take();
            match token.kind {
                Kind::End => return Ok((nodes, Stop::EndOfText)),
                Kind::Text => nodes.push(Node::Text(token.text.to_owned())),
                _ => {
                    let first = self.peek_past_space();
                    match self.stop(first)? {
                        Some(stop) => return Ok((nodes, stop)),
                        None => nodes.push(self.action(first)?),
                    }
                }
            }
        }
    }

    fn stop(&mut self, first: Token<'a>) -> Parsed<Option<Stop>> {
        let stop = match (first.kind, first.text) {
            (Kind::Word, "end") => Stop::End,
            (Kind::Word, "else") => Stop::Else,
            _ => return Ok(None),
        };
        self.stopped_at = first.at;
        self.take();
        let next = self.peek_past_space();
        let goes_on = stop == Stop::Else && matches!(next.text, "if" | "with");
        if !goes_on {
            self.close(first.text)?;
        }
        Ok(Some(stop))
    }

    fn action(&mut self, first: Token<'a>) -> Parsed<Node> {
        let word = if first.kind == Kind::Word { first.text } else { "" };
        match word {
            "if" | "with" | "range" => {
                self.take();
                self.deeper(|parser| parser.control(word))
            }
            "break" | "continue" => {
                self.take();
                self.close(word)?;
                if self.ranges == 0 {
                    return fail(first, format!("{word} outside range"));
                }
                Ok(if word == "break" { Node::Break } else { Node::Continue })
            }
            _ => Ok(Node::Action(self.pipeline("command", Kind::Close)?)),
        }
    }

    fn control(&mut self, word: &'a str) -> Parsed<Node> {
        let variables = self.variables.len();
        let pipeline = self.pipeline(word, Kind::Close)?;
        let outer_dot = self.dot_is_data;
        match word {
            "with" => self.dot_is_data = outer_dot && is_data(&pipeline, outer_dot),
            "range" => {
                self.dot_is_data = false;
                self.ranges += 1;
            }
            _ => {}
        }
        let (body, stop) = self.nodes()?;
        self.dot_is_data = outer_dot;
        if word == "range" {
            self.ranges -= 1;
        }
        let otherwise = match stop {
            Stop::End => Vec::new(),
            Stop::Else => self.otherwise(word)?,
            Stop::EndOfText => return fail(self.peek(), format!("{word} without end")),
        };
        self.variables.truncate(variables);
        let branch = Branch { pipeline, body, otherwise };
        Ok(match word {
            "if" => Node::If(branch),
            "with" => Node::With(branch),
            _ => Node::Range(branch),
        })
    }

    /// Parses what follows an `else`, which may go on with an `if` or `with`
    /// that shares the end.
    fn otherwise(&mut self, word: &str) -> Parsed<Vec<Node>> {
        let next = self.peek();
        if next.kind == Kind::Word {
            if next.text != word {
                return unexpected(next, &format!("else of {word}"));
            }
            self.take();
            return Ok(vec![self.deeper(|parser| parser.control(next.text))?]);
        }
        let (nodes, stop) = self.nodes()?;
        if stop != Stop::End {
            let what = format!("expected end for the else of {word}");
            return Err((self.stopped_at, what));
        }
        Ok(nodes)
    }

    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Parsed<Pipeline> {
        let first = self.peek_past_space();
        let (variables, assigns) = self.targets(context)?;
        let mut commands: Vec<Command> = Vec::new();
        loop {
            let token = self.peek_past_space();
            if token.kind == end {
                self.take();
                break;
            }
            let previous = !commands.is_empty();
            commands.push(self.command(context, previous)?);
        }
        if commands.is_empty() {
            return fail(first, format!("missing value for {context}"));
        }
        Ok(Pipeline { variables, assigns, commands })
    }

    /// Parses `$x :=`, `$x =` or, for a range, `$i, $x :=`, if it is there.
    fn targets(&mut self, context: &str) -> Parsed<(Vec<String>, bool)> {
        let start = self.next;
        let mut names: Vec<&'a str> = Vec::new();
        loop {
            let name = self.peek_past_space();
            if name.kind != Kind::Variable {
                break;
            }
            self.take();
            let sign = self.peek_past_space();
            if !matches!(sign.kind, Kind::Assign | Kind::Declare | Kind::Comma) {
                break;
            }
            self.take();
            names.push(name.text);
            if sign.kind == Kind::Comma {
                if context == "range" && names.len() < 2 {
                    continue;
                }
                return fail(sign, format!("too many declarations in {context}"));
            }
            let assigns = sign.kind == Kind::Assign;
            if assigns {
                for declared in &names {
                    self.check_variable(name, declared)?;
                }
            } else {
                self.variables.extend(&names);
            }
            return Ok((names.into_iter().map(str::to_owned).collect(), assigns));
        }
        if !names.is_empty() {
            return fail(self.peek(), "range can only initialize variables");
        }
        self.next = start;
        Ok((Vec::new(), false))
    }

    pub(super) fn check_variable(&self, token: Token<'_>, name: &str) -> Parsed<()> {
        if self.variables.contains(&name) {
            return Ok(());
        }
        fail(token, format!("undefined variable {name:?}"))
    }
}

/// Whether an operand stands for the whole data.
pub(super) fn stands_for_data(operand: &Operand, dot_is_data: bool) -> bool {
    match operand {
        Operand::Dot => dot_is_data,
        Operand::Variable(name) => name == "$",
        _ => false,
    }
}

fn is_data(pipeline: &Pipeline, dot_is_data: bool) -> bool {
    match pipeline.commands.as_slice() {
        [command] => stands_for_data(&command.first, dot_is_data),
        _ => false,
    }
}
