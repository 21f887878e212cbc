//! Splits a Go template into tokens, as Go's own lexer does.

const OPEN: &str = "<<";
const CLOSE: &str = ">>";
/// The white space that Go knows inside of an action, and trims around one.
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Open,
    Close,
    Space,
    Assign,
    Declare,
    Pipe,
    Comma,
    Quoted,
    Raw,
    Character,
    Number,
    Field,
    Variable,
    Word,
    Dot,
    LeftParen,
    RightParen,
    /// Any other sign, which no action can use.
    Sign,
    End,
}

/// A token, and where it begins in the template.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) at: usize,
}

/// What went wrong, and where in the template.
pub(super) type Problem = (usize, String);

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token<'a>>,
}

/// Splits a whole template; the last token is always the end.
pub(super) fn lex(text: &str) -> Result<Vec<Token<'_>>, Problem> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new() };
    while let Some(length) = lexer.rest().find(OPEN) {
        lexer.open(length)?;
    }
    if !lexer.rest().is_empty() {
        lexer.push(Kind::Text, lexer.rest().len());
    }
    lexer.push(Kind::End, 0);
    Ok(lexer.tokens)
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, length: usize) {
        self.tokens.push(Token { kind, text: &self.text[self.at..self.at + length], at: self.at });
        self.at += length;
    }

    fn problem<T>(&self, what: impl Into<String>) -> Result<T, Problem> {
        Err((self.at, what.into()))
    }

    /// Takes the text up to an action, and then the action or comment.
    fn open(&mut self, length: usize) -> Result<(), Problem> {
        let inside = &self.rest()[length + OPEN.len()..];
        let trims = inside.starts_with('-') && inside[1..].starts_with(SPACES);
        let text = &self.rest()[..length];
        let kept = if trims { text.trim_end_matches(SPACES) } else { text };
        if !kept.is_empty() {
            self.push(Kind::Text, kept.len());
        }
        self.at += length - kept.len();
        let marker = if trims { 2 } else { 0 };
        if inside[marker..].starts_with("/*") {
            return self.comment(OPEN.len() + marker);
        }
        self.push(Kind::Open, OPEN.len());
        self.at += marker;
        self.action()
    }

    fn comment(&mut self, before: usize) -> Result<(), Problem> {
        let inside = &self.rest()[before..];
        let Some(length) = inside.find("*/") else {
            return self.problem("unclosed comment");
        };
        self.at += before + length + 2;
        let Some(trims) = self.at_close() else {
            return self.problem("comment ends before closing delimiter");
        };
        self.close(trims);
        Ok(())
    }

    /// Whether an action ends here, and if so, whether it trims the text
    /// that follows it.
    fn at_close(&self) -> Option<bool> {
        let rest = self.rest();
        if rest.starts_with(CLOSE) {
            return Some(false);
        }
        let marked = rest.strip_prefix(SPACES)?.strip_prefix('-')?;
        marked.starts_with(CLOSE).then_some(true)
    }

    fn close(&mut self, trims: bool) {
        if trims {
            self.at += 2;
        }
        self.at += CLOSE.len();
        if trims {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start_matches(SPACES).len();
        }
    }

    fn action(&mut self) -> Result<(), Problem> {
        let mut depth = 0_usize;
        loop {
            if let Some(trims) = self.at_close() {
                if depth > 0 {
                    return self.problem("unclosed left paren");
                }
                let at = self.at;
                self.close(trims);
                self.tokens.push(Token { kind: Kind::Close, text: CLOSE, at });
                return Ok(());
            }
            let Some(first) = self.rest().chars().next() else {
                return self.problem("unclosed action");
            };
            match first {
                '(' => depth += 1,
                ')' if depth == 0 => return self.problem("unexpected right paren"),
                ')' => depth -= 1,
                _ => {}
            }
            self.token(first)?;
        }
    }

    fn token(&mut self, first: char) -> Result<(), Problem> {
        match first {
            '=' => self.push(Kind::Assign, 1),
            ':' if self.rest().starts_with(":=") => self.push(Kind::Declare, 2),
            ':' => return self.problem("expected :="),
            '|' => self.push(Kind::Pipe, 1),
            ',' => self.push(Kind::Comma, 1),
            '(' => self.push(Kind::LeftParen, 1),
            ')' => self.push(Kind::RightParen, 1),
            '"' => return self.quoted(Kind::Quoted, '"', "quoted string"),
            '\'' => return self.quoted(Kind::Character, '\'', "character constant"),
            '`' => return self.raw(),
            '$' => return self.name(Kind::Variable, Kind::Variable, 1),
            '.' if !self.rest()[1..].starts_with(|next: char| next.is_ascii_digit()) => {
                return self.name(Kind::Field, Kind::Dot, 1);
            }
            '.' | '+' | '-' | '0'..='9' => return self.number(),
            _ if SPACES.contains(&first) => self.spaces(),
            _ if is_word(first) => return self.name(Kind::Word, Kind::Word, 0),
            _ if first.is_ascii_graphic() => self.push(Kind::Sign, 1),
            _ => return self.problem(format!("unrecognized character in action: {first:?}")),
        }
        Ok(())
    }

    /// Takes white space, but not the space of a closing trim marker.
    fn spaces(&mut self) {
        let rest = self.rest();
        let length = rest.len() - rest.trim_start_matches(SPACES).len();
        let after = &rest[length..];
        let marker = after.strip_prefix('-').is_some_and(|next| next.starts_with(CLOSE));
        // At least one space is left: the caller has looked for a marker here.
        self.push(Kind::Space, if marker { length - 1 } else { length });
    }

    fn quoted(&mut self, kind: Kind, quote: char, what: &str) -> Result<(), Problem> {
        let mut escaped = false;
        for (index, next) in self.rest().char_indices().skip(1) {
            if next == '\n' {
                break;
            }
            if next == quote && !escaped {
                self.push(kind, index + 1);
                return Ok(());
            }
            escaped = next == '\\' && !escaped;
        }
        self.problem(format!("unterminated {what}"))
    }

    fn raw(&mut self) -> Result<(), Problem> {
        let Some(length) = self.rest()[1..].find('`') else {
            return self.problem("unterminated raw quoted string");
        };
        self.push(Kind::Raw, length + 2);
        Ok(())
    }

    /// Takes a name after so many bytes of sign; without a name it is `bare`.
    fn name(&mut self, named: Kind, bare: Kind, sign: usize) -> Result<(), Problem> {
        let rest = self.rest();
        let length =
            rest[sign..].find(|next| !is_word(next)).map_or(rest.len(), |length| sign + length);
        let after = &rest[length..];
        let ends = after.starts_with(SPACES)
            || after.starts_with(['.', ',', '|', ':', ')', '('])
            || after.starts_with(CLOSE);
        if let (Some(next), false) = (after.chars().next(), ends) {
            self.at += length;
            return self.problem(format!("bad character {next:?}"));
        }
        self.push(if length == sign { bare } else { named }, length);
        Ok(())
    }

    /// Takes everything that looks like a number; whether it is one is seen
    /// when it is read.
    fn number(&mut self) -> Result<(), Problem> {
        let rest = self.rest();
        let unsigned = rest.trim_start_matches(['+', '-']);
        let sign = rest.len() - unsigned.len();
        let hexadecimal = unsigned.starts_with("0x") || unsigned.starts_with("0X");
        let mut previous = ' ';
        let length = unsigned
            .find(|next: char| {
                let exponent = !hexadecimal && matches!(previous, 'e' | 'E');
                let goes_on =
                    is_word(next) || next == '.' || (exponent && matches!(next, '+' | '-'));
                previous = next;
                !goes_on
            })
            .unwrap_or(unsigned.len());
        let length = sign + length;
        if sign > 1 || rest[length..].starts_with(['+', '-']) {
            return self.problem(format!("bad number syntax after {:?}", &rest[..length]));
        }
        self.push(Kind::Number, length);
        Ok(())
    }
}

/// Whether a character can be part of a name.
fn is_word(next: char) -> bool {
    next == '_' || next.is_alphanumeric()
}
