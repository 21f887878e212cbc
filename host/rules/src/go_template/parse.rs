//! Parses a template, and checks all that can be known before it runs.

use std::collections::BTreeSet;

use super::lex::{self, Kind, Problem, Token};
use super::literal;
use super::{Base, Branch, Command, Control, Node, Operand, Piece, Pipeline, Place};

/// How deep control structures and parentheses may be nested.
const MAX_DEPTH: usize = 100;

type Parsed<T> = Result<T, Problem>;

/// What ended a list of nodes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
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
    /// Whether the dot stands for the whole data where the parser is.
    dot_is_data: bool,
    depth: usize,
    /// How far places have been counted.
    counted: (usize, Place),
    /// Where the last `end` or `else` was.
    stopped_at: usize,
}

/// Parses a template and finds the fields that it uses.
pub(super) fn parse(text: &str, fields: &[&str]) -> Result<(Vec<Node>, BTreeSet<String>), String> {
    let start = (0, Place { line: 1, column: 1 });
    let problem = |(at, what): Problem| format!("{}: {what}", place(text, start, at));
    let mut parser = Parser {
        tokens: lex::lex(text).map_err(problem)?,
        next: 0,
        text,
        fields,
        uses: BTreeSet::new(),
        variables: Vec::new(),
        dot_is_data: true,
        depth: 0,
        counted: start,
        stopped_at: 0,
    };
    let (nodes, stop) = parser.nodes().map_err(problem)?;
    if stop != Stop::EndOfText {
        let what = "end or else without if, with or range".to_owned();
        return Err(problem((parser.stopped_at, what)));
    }
    Ok((nodes, parser.uses))
}

/// The place of an offset, counted on from one before it.
fn place(text: &str, (from, mut place): (usize, Place), at: usize) -> Place {
    for letter in text[from..at].chars() {
        place.column += 1;
        if letter == '\n' {
            place = Place { line: place.line + 1, column: 1 };
        }
    }
    place
}

fn fail<T>(token: Token<'_>, what: impl Into<String>) -> Parsed<T> {
    Err((token.at, what.into()))
}

fn unexpected<T>(token: Token<'_>, context: &str) -> Parsed<T> {
    match token.kind {
        Kind::End => fail(token, format!("unexpected end of the template in {context}")),
        _ => fail(token, format!("unexpected {:?} in {context}", token.text)),
    }
}

impl<'a> Parser<'a> {
    /// The next token; the end is never passed.
    fn peek(&self) -> Token<'a> {
        self.tokens[self.next]
    }

    fn take(&mut self) -> Token<'a> {
        let token = self.peek();
        if token.kind != Kind::End {
            self.next += 1;
        }
        token
    }

    fn close(&mut self, context: &str) -> Parsed<()> {
        match self.take() {
            Token { kind: Kind::Close, .. } => Ok(()),
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

    fn nodes(&mut self) -> Parsed<(Vec<Node>, Stop)> {
        let mut nodes = Vec::new();
        loop {
            let token = self.take();
            match token.kind {
                Kind::End => return Ok((nodes, Stop::EndOfText)),
                Kind::Text => nodes.push(Node::Text(token.text.to_owned())),
                _ => match self.stop()? {
                    Some(stop) => return Ok((nodes, stop)),
                    None => nodes.push(self.action()?),
                },
            }
        }
    }

    fn stop(&mut self) -> Parsed<Option<Stop>> {
        let first = self.peek();
        let stop = match (first.kind, first.text) {
            (Kind::Word, "end") => Stop::End,
            (Kind::Word, "else") => Stop::Else,
            _ => return Ok(None),
        };
        self.stopped_at = first.at;
        self.take();
        if stop == Stop::End || control(self.peek()).is_none() {
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
            Stop::End => Vec::new(),
            Stop::Else => self.otherwise(control)?,
            Stop::EndOfText => return fail(self.peek(), format!("{word} without end")),
        };
        self.variables.truncate(variables);
        Ok(Branch { control, pipeline, body, otherwise })
    }

    /// Parses what follows an `else`, which may go on with an `if` or `with` that shares the end.
    fn otherwise(&mut self, outer: Control) -> Parsed<Vec<Node>> {
        if let Some(inner) = control(self.peek()) {
            if inner != outer || inner == Control::Range {
                return unexpected(self.peek(), "else");
            }
            return Ok(vec![Node::Branch(self.deeper(|parser| parser.branch(inner))?)]);
        }
        let (nodes, stop) = self.nodes()?;
        match stop {
            Stop::End => Ok(nodes),
            _ => Err((self.stopped_at, "expected end after else".to_owned())),
        }
    }

    /// Parses what a control structure depends on, what an action prints (`None`), or what stands
    /// in parentheses.
    fn pipeline(&mut self, control: Option<Control>) -> Parsed<Pipeline> {
        let at = self.peek().at;
        self.counted = (at, place(self.text, self.counted, at));
        let place = self.counted.1;
        let declared = self.declared(control)?;
        let mut commands = vec![self.command(false)?];
        while self.peek().kind == Kind::Pipe {
            self.take();
            commands.push(self.command(true)?);
        }
        self.variables.extend(&declared);
        let variables = declared.into_iter().map(str::to_owned).collect();
        Ok(Pipeline { place, variables, commands })
    }

    /// Parses `$x :=` or, for a range, `$i, $x :=`, if it is there.
    fn declared(&mut self, control: Option<Control>) -> Parsed<Vec<&'a str>> {
        let kinds = self.tokens[self.next..].iter().take(4).map(|token| token.kind);
        let count = match kinds.collect::<Vec<_>>().as_slice() {
            [Kind::Variable, Kind::Declare, ..] => 1,
            [Kind::Variable, Kind::Comma, Kind::Variable, Kind::Declare] => 2,
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

    /// Parses a command. `piped` says whether it gets the result of another one.
    fn command(&mut self, piped: bool) -> Parsed<Command> {
        let first = self.peek();
        if first.kind != Kind::Word {
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
                if format.kind != Kind::Quoted && format.kind != Kind::Raw {
                    return fail(format, "printf needs a format in quotes");
                }
                let pieces =
                    literal::pieces(&constant(format)?).map_err(|what| (format.at, what))?;
                self.arguments(&mut arguments)?;
                let verbs = pieces.iter().filter(|p| !matches!(p, Piece::Text(_))).count();
                let count = arguments.len() + usize::from(piped);
                if verbs != count {
                    let what = format!("printf has {verbs} places and {count} values");
                    return fail(first, what);
                }
                Ok(Command::Printf(pieces, arguments))
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
            Kind::Quoted | Kind::Raw => return constant(token).map(Operand::Text),
            Kind::Number => {
                // As in Go, a number is an int; one that is written in another way is refused.
                let number: Option<i64> = token.text.parse().ok();
                let plain = number.filter(|number| number.to_string() == token.text);
                return match plain.and_then(|number| usize::try_from(number).ok()) {
                    Some(number) => Ok(Operand::Number(number)),
                    None => fail(token, format!("the number {} is not supported", token.text)),
                };
            }
            Kind::LeftParen => {
                let inner = self.deeper(|parser| parser.pipeline(None))?;
                if self.take().kind != Kind::RightParen {
                    return fail(token, "unclosed left parenthesis");
                }
                if !inner.variables.is_empty() {
                    return fail(token, "declaring a variable in parentheses is not supported");
                }
                return Ok(Operand::Pipeline(Box::new(inner)));
            }
            Kind::Field | Kind::Dot if self.dot_is_data => Base::Data,
            Kind::Field | Kind::Dot => Base::Dot,
            Kind::Variable if token.text == "$" => Base::Data,
            Kind::Variable if self.variables.contains(&token.text) => {
                Base::Variable(token.text.to_owned())
            }
            Kind::Variable => return fail(token, format!("undefined variable {:?}", token.text)),
            Kind::Word => return fail(token, unsupported(token.text)),
            _ => return unexpected(token, "command"),
        };
        let mut names = Vec::new();
        if token.kind == Kind::Field {
            names.push(token.text[1..].to_owned());
        }
        while token.kind != Kind::Dot && self.peek().kind == Kind::Field && !self.peek().spaced {
            names.push(self.take().text[1..].to_owned());
        }
        if base == Base::Data {
            self.note_use(token, names.first())?;
        }
        Ok(Operand::Path(base, names))
    }

    /// Notes which field of the data is used.
    fn note_use(&mut self, token: Token<'_>, name: Option<&String>) -> Parsed<()> {
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
        (Kind::Word, "if") => Some(Control::If),
        (Kind::Word, "with") => Some(Control::With),
        (Kind::Word, "range") => Some(Control::Range),
        _ => None,
    }
}

/// Whether a token ends a command.
fn ends(token: Token<'_>) -> bool {
    matches!(token.kind, Kind::Close | Kind::RightParen | Kind::Pipe)
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

/// Reads a string in quotes of either kind.
fn constant(token: Token<'_>) -> Parsed<String> {
    let inner = &token.text[1..token.text.len() - 1];
    match token.kind {
        Kind::Raw => Ok(inner.replace('\r', "")),
        _ => literal::unescaped(inner).map_err(|what| (token.at, what)),
    }
}
