//! The parser of templates. It checks all that can be checked before a template runs.

use std::collections::BTreeSet;

use super::lex::{self, Problem, Token, TokenKind};
use super::literal;
use super::{
    Base, Branch, Command, Control, FormatPart, Node, Operand, Pipeline, TemplatePosition,
};

/// How deep control structures and parentheses may be nested.
const MAX_DEPTH: usize = 100;

type Parsed<T> = Result<T, Problem>;

/// What ends a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Terminator {
    EndOfText,
    End,
    Else,
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    next: usize,
    text: &'a str,
    fields: &'a [&'a str],
    uses: BTreeSet<String>,
    variables: Vec<&'a str>,
    /// Whether the dot is the whole data at this point.
    dot_is_data: bool,
    depth: usize,
    /// The last offset whose position was computed.
    last_position: (usize, TemplatePosition),
    /// The offset of the last `end` or `else`.
    terminated_at: usize,
}

/// Parses a template. Returns its nodes and the fields that it uses.
pub(super) fn parse(text: &str, fields: &[&str]) -> Result<(Vec<Node>, BTreeSet<String>), String> {
    let start = (0, TemplatePosition { line: 1, column: 1 });
    let problem = |(at, what): Problem| format!("{}: {what}", position(text, start, at));
    let mut parser = Parser {
        tokens: lex::lex(text).map_err(problem)?,
        next: 0,
        text,
        fields,
        uses: BTreeSet::new(),
        variables: Vec::new(),
        dot_is_data: true,
        depth: 0,
        last_position: start,
        terminated_at: 0,
    };
    let (nodes, stop) = parser.nodes().map_err(problem)?;
    if stop != Terminator::EndOfText {
        let what = "end or else without if, with or range".to_owned();
        return Err(problem((parser.terminated_at, what)));
    }
    Ok((nodes, parser.uses))
}

/// The position of an offset, computed from an earlier one.
fn position(
    text: &str,
    (from, mut position): (usize, TemplatePosition),
    at: usize,
) -> TemplatePosition {
    for letter in text[from..at].chars() {
        position.column += 1;
        if letter == '\n' {
            position = TemplatePosition { line: position.line + 1, column: 1 };
        }
    }
    position
}

fn fail<T>(token: Token<'_>, what: impl Into<String>) -> Parsed<T> {
    Err((token.at, what.into()))
}

fn unexpected<T>(token: Token<'_>, context: &str) -> Parsed<T> {
    match token.kind {
        TokenKind::End => fail(token, format!("unexpected end of the template in {context}")),
        _ => fail(token, format!("unexpected {:?} in {context}", token.text)),
    }
}

impl<'a> Parser<'a> {
    /// The next token. The end is never consumed.
    fn peek(&self) -> Token<'a> {
        self.tokens[self.next]
    }

    fn take(&mut self) -> Token<'a> {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.next += 1;
        }
        token
    }

    fn close(&mut self, context: &str) -> Parsed<()> {
        match self.take() {
            Token { kind: TokenKind::Close, .. } => Ok(()),
            token => unexpected(token, context),
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return fail(self.peek(), format!("nested deeper than {MAX_DEPTH}"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn nodes(&mut self) -> Parsed<(Vec<Node>, Terminator)> {
        let mut nodes = Vec::new();
        loop {
            let token = self.take();
            match token.kind {
                TokenKind::End => return Ok((nodes, Terminator::EndOfText)),
                TokenKind::Text => nodes.push(Node::Text(token.text.to_owned())),
                _ => match self.stop()? {
                    Some(stop) => return Ok((nodes, stop)),
                    None => nodes.push(self.action()?),
                },
            }
        }
    }

    fn stop(&mut self) -> Parsed<Option<Terminator>> {
        let first = self.peek();
        let stop = match (first.kind, first.text) {
            (TokenKind::Word, "end") => Terminator::End,
            (TokenKind::Word, "else") => Terminator::Else,
            _ => return Ok(None),
        };
        self.terminated_at = first.at;
        self.take();
        if stop == Terminator::End || control(self.peek()).is_none() {
            self.close(first.text)?;
        }
        Ok(Some(stop))
    }

    fn action(&mut self) -> Parsed<Node> {
        let Some(control) = control(self.peek()) else {
            let pipeline = self.pipeline(None)?;
            self.close("command")?;
            return Ok(Node::Action(pipeline));
        };
        self.deeper(|parser| parser.branch(control)).map(Node::Branch)
    }

    fn branch(&mut self, control: Control) -> Parsed<Branch> {
        let word = self.take().text;
        let variables = self.variables.len();
        let pipeline = self.pipeline(Some(control))?;
        self.close(word)?;
        let outer_dot = self.dot_is_data;
        self.dot_is_data &= control == Control::If;
        let (body, stop) = self.nodes()?;
        self.dot_is_data = outer_dot;
        let otherwise = match stop {
            Terminator::End => Vec::new(),
            Terminator::Else => self.otherwise(control)?,
            Terminator::EndOfText => return fail(self.peek(), format!("{word} without end")),
        };
        self.variables.truncate(variables);
        Ok(Branch { control, pipeline, body, otherwise })
    }

    /// Parses what follows an `else`, which may be an `if` or `with` that shares its `end`.
    fn otherwise(&mut self, outer: Control) -> Parsed<Vec<Node>> {
        if let Some(inner) = control(self.peek()) {
            if inner != outer || inner == Control::Range {
                return unexpected(self.peek(), "else");
            }
            return Ok(vec![Node::Branch(self.deeper(|parser| parser.branch(inner))?)]);
        }
        let (nodes, stop) = self.nodes()?;
        match stop {
            Terminator::End => Ok(nodes),
            _ => Err((self.terminated_at, "expected end after else".to_owned())),
        }
    }

    /// Parses the pipeline of a control structure, or (`None`) of an action or of parentheses.
    fn pipeline(&mut self, control: Option<Control>) -> Parsed<Pipeline> {
        let at = self.peek().at;
        self.last_position = (at, position(self.text, self.last_position, at));
        let position = self.last_position.1;
        let declared = self.declared(control)?;
        let mut commands = vec![self.command(false)?];
        while self.peek().kind == TokenKind::Pipe {
            self.take();
            commands.push(self.command(true)?);
        }
        self.variables.extend(&declared);
        let variables = declared.into_iter().map(str::to_owned).collect();
        Ok(Pipeline { position, variables, commands })
    }

    /// Parses `$x :=` or, for a range, `$i, $x :=`, if present.
    fn declared(&mut self, control: Option<Control>) -> Parsed<Vec<&'a str>> {
        let kinds = self.tokens[self.next..].iter().take(4).map(|token| token.kind);
        let count = match kinds.collect::<Vec<_>>().as_slice() {
            [TokenKind::Variable, TokenKind::Declare, ..] => 1,
            [TokenKind::Variable, TokenKind::Comma, TokenKind::Variable, TokenKind::Declare] => 2,
            _ => return Ok(Vec::new()),
        };
        if count == 2 && control != Some(Control::Range) {
            return fail(self.peek(), "only a range declares two variables");
        }
        let names: Vec<_> = (0..count)
            .map(|_| {
                let name = self.take();
                self.take();
                name
            })
            .collect();
        match names.iter().find(|name| name.text == "$") {
            Some(name) => fail(*name, "$ is the whole data and cannot be declared"),
            None => Ok(names.into_iter().map(|name| name.text).collect()),
        }
    }

    /// Parses a command. `piped` says whether it gets the result of another command.
    fn command(&mut self, piped: bool) -> Parsed<Command> {
        let first = self.peek();
        if first.kind != TokenKind::Word {
            let operand = self.operand()?;
            let next = self.peek();
            if piped || !ends(next) {
                return fail(next, "only a function can be given arguments");
            }
            return Ok(Command::Operand(operand));
        }
        self.take();
        let mut arguments = Vec::new();
        match first.text {
            "index" => {
                self.arguments(&mut arguments)?;
                if arguments.len() + usize::from(piped) < 2 {
                    return fail(first, "index needs a map or list, and a key or number");
                }
                Ok(Command::Index(arguments))
            }
            "printf" => {
                let format = self.take();
                if format.kind != TokenKind::Quoted && format.kind != TokenKind::Raw {
                    return fail(format, "printf needs a format in quotes");
                }
                let parts = literal::parts(&constant(format)?).map_err(|what| (format.at, what))?;
                self.arguments(&mut arguments)?;
                let verbs = parts.iter().filter(|p| !matches!(p, FormatPart::Text(_))).count();
                let count = arguments.len() + usize::from(piped);
                if verbs != count {
                    let what = format!("printf has {verbs} places and {count} values");
                    return fail(first, what);
                }
                Ok(Command::Printf(parts, arguments))
            }
            word => fail(first, unsupported(word)),
        }
    }

    fn arguments(&mut self, arguments: &mut Vec<Operand>) -> Parsed<()> {
        while !ends(self.peek()) {
            if !self.peek().spaced {
                return unexpected(self.peek(), "command");
            }
            arguments.push(self.operand()?);
        }
        Ok(())
    }

    fn operand(&mut self) -> Parsed<Operand> {
        let token = self.take();
        let base = match token.kind {
            TokenKind::Quoted | TokenKind::Raw => return constant(token).map(Operand::Text),
            TokenKind::Number => {
                // As in Go, a number is an int. Other notations are refused.
                let number: Option<i64> = token.text.parse().ok();
                let plain = number.filter(|number| number.to_string() == token.text);
                return match plain.and_then(|number| usize::try_from(number).ok()) {
                    Some(number) => Ok(Operand::Number(number)),
                    None => fail(token, format!("the number {} is not supported", token.text)),
                };
            }
            TokenKind::LeftParen => {
                let inner = self.deeper(|parser| parser.pipeline(None))?;
                if self.take().kind != TokenKind::RightParen {
                    return fail(token, "unclosed left parenthesis");
                }
                if !inner.variables.is_empty() {
                    return fail(token, "declaring a variable in parentheses is not supported");
                }
                return Ok(Operand::Pipeline(Box::new(inner)));
            }
            TokenKind::Field | TokenKind::Dot if self.dot_is_data => Base::Data,
            TokenKind::Field | TokenKind::Dot => Base::Dot,
            TokenKind::Variable if token.text == "$" => Base::Data,
            TokenKind::Variable if self.variables.contains(&token.text) => {
                Base::Variable(token.text.to_owned())
            }
            TokenKind::Variable => {
                return fail(token, format!("undefined variable {:?}", token.text));
            }
            TokenKind::Word => return fail(token, unsupported(token.text)),
            _ => return unexpected(token, "command"),
        };
        let mut names = Vec::new();
        if token.kind == TokenKind::Field {
            names.push(token.text[1..].to_owned());
        }
        while token.kind != TokenKind::Dot
            && self.peek().kind == TokenKind::Field
            && !self.peek().spaced
        {
            names.push(self.take().text[1..].to_owned());
        }
        if base == Base::Data {
            self.record_use(token, names.first())?;
        }
        Ok(Operand::Path(base, names))
    }

    /// Records that a field of the data is used.
    fn record_use(&mut self, token: Token<'_>, name: Option<&String>) -> Parsed<()> {
        let known = self.fields.join(", ");
        match name {
            None => fail(token, format!("the whole data is not supported; there are {known}")),
            Some(name) if !self.fields.contains(&name.as_str()) => {
                fail(token, format!("there is no field {name:?}; there are {known}"))
            }
            Some(name) => {
                self.uses.insert(name.clone());
                Ok(())
            }
        }
    }
}

fn control(token: Token<'_>) -> Option<Control> {
    match (token.kind, token.text) {
        (TokenKind::Word, "if") => Some(Control::If),
        (TokenKind::Word, "with") => Some(Control::With),
        (TokenKind::Word, "range") => Some(Control::Range),
        _ => None,
    }
}

/// Whether a token ends a command.
fn ends(token: Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Close | TokenKind::RightParen | TokenKind::Pipe)
}

fn unsupported(word: &str) -> String {
    match word {
        "if" | "else" | "end" | "with" | "range" => format!("unexpected {word:?} in command"),
        "template" | "define" | "block" | "break" | "continue" => {
            format!("{word} is not supported; there are if, else, with, range and end")
        }
        "true" | "false" | "nil" => format!("{word} is not supported"),
        _ => format!("function {word:?} is not supported; there are index and printf"),
    }
}

/// Parses a quoted or raw string.
fn constant(token: Token<'_>) -> Parsed<String> {
    let inner = &token.text[1..token.text.len() - 1];
    match token.kind {
        TokenKind::Raw => Ok(inner.replace('\r', "")),
        _ => literal::unescaped(inner).map_err(|what| (token.at, what)),
    }
}
