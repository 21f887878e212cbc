//! The lexer of templates, equivalent to Go's.

const OPEN: &str = "<<";
const CLOSE: &str = ">>";
/// The white space that Go allows within an action, and trims around it.
const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Text,
    Open,
    Close,
    Declare,
    Pipe,
    Comma,
    Quoted,
    Raw,
    Number,
    Field,
    Variable,
    Word,
    Dot,
    LeftParen,
    RightParen,
    End,
}

/// A token with its offset in the template.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Whether white space precedes it.
    pub(super) spaced: bool,
}

/// An error: the offset in the template, and the message.
pub(super) type Problem = (usize, String);

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token<'a>>,
}

/// Splits a template into tokens. The last one is always the end.
pub(super) fn lex(text: &str) -> Result<Vec<Token<'_>>, Problem> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new() };
    while let Some(length) = lexer.rest().find(OPEN) {
        lexer.open(length)?;
    }
    if !lexer.rest().is_empty() {
        lexer.push(TokenKind::Text, lexer.rest().len(), false);
    }
    lexer.push(TokenKind::End, 0, false);
    Ok(lexer.tokens)
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: TokenKind, length: usize, spaced: bool) {
        let text = &self.text[self.at..self.at + length];
        self.tokens.push(Token { kind, text, at: self.at, spaced });
        self.at += length;
    }

    fn problem<T>(&self, what: impl Into<String>) -> Result<T, Problem> {
        Err((self.at, what.into()))
    }

    /// Consumes the text before an action, and the action or comment.
    fn open(&mut self, length: usize) -> Result<(), Problem> {
        let inside = &self.rest()[length + OPEN.len()..];
        let trims = inside.starts_with('-') && inside[1..].starts_with(SPACES);
        let text = &self.rest()[..length];
        let kept = if trims { text.trim_end_matches(SPACES) } else { text };
        if !kept.is_empty() {
            self.push(TokenKind::Text, kept.len(), false);
        }
        self.at += length - kept.len();
        let marker = if trims { 2 } else { 0 };
        if inside[marker..].starts_with("/*") {
            return self.comment(OPEN.len() + marker);
        }
        self.push(TokenKind::Open, OPEN.len(), false);
        self.at += marker;
        loop {
            let spaces = self.skip_spaces();
            if self.close(spaces) {
                return Ok(());
            }
            self.token(spaces)?;
        }
    }

    fn comment(&mut self, before: usize) -> Result<(), Problem> {
        let Some(length) = self.rest()[before..].find("*/") else {
            return self.problem("unclosed comment");
        };
        self.at += before + length + 2;
        let spaces = self.skip_spaces();
        if self.close(spaces) {
            // A comment is not an action.
            self.tokens.pop();
            return Ok(());
        }
        self.problem("comment ends before closing delimiter")
    }

    fn skip_spaces(&mut self) -> bool {
        let before = self.at;
        self.at = self.text.len() - self.rest().trim_start_matches(SPACES).len();
        self.at > before
    }

    /// Consumes the end of an action, if it is here, and the white space that it trims.
    fn close(&mut self, spaced: bool) -> bool {
        if self.rest().starts_with(CLOSE) {
            self.push(TokenKind::Close, CLOSE.len(), spaced);
            return true;
        }
        let trims = spaced && self.rest().strip_prefix('-').is_some_and(|s| s.starts_with(CLOSE));
        if trims {
            self.push(TokenKind::Close, 1 + CLOSE.len(), spaced);
            self.skip_spaces();
        }
        trims
    }

    fn token(&mut self, spaced: bool) -> Result<(), Problem> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return self.problem("unclosed action") };
        let word = |from: usize| {
            rest[from..].find(|c| !is_word(c)).map_or(rest.len(), |length| from + length)
        };
        let (kind, length) = match first {
            '|' => (TokenKind::Pipe, 1),
            ',' => (TokenKind::Comma, 1),
            '(' => (TokenKind::LeftParen, 1),
            ')' => (TokenKind::RightParen, 1),
            ':' if rest.starts_with(":=") => (TokenKind::Declare, 2),
            '"' => (TokenKind::Quoted, self.quoted()?),
            '`' => match rest[1..].find('`') {
                Some(length) => (TokenKind::Raw, length + 2),
                None => return self.problem("unterminated raw quoted string"),
            },
            '$' => (TokenKind::Variable, word(1)),
            '.' if word(1) > 1 => (TokenKind::Field, word(1)),
            '.' => (TokenKind::Dot, 1),
            '0'..='9' => (TokenKind::Number, word(0)),
            _ if is_word(first) => (TokenKind::Word, word(0)),
            '\'' => return self.problem("a character constant is not supported"),
            '=' => return self.problem("setting a variable is not supported; declare one with :="),
            '+' | '-' => return self.problem("a number with a sign is not supported"),
            _ => return self.problem(format!("unexpected {first:?} in an action")),
        };
        self.push(kind, length, spaced);
        Ok(())
    }

    /// The length of a quoted string, including its quotes.
    fn quoted(&self) -> Result<usize, Problem> {
        let mut escaped = false;
        for (index, next) in self.rest().char_indices().skip(1) {
            match next {
                '\n' => break,
                '"' if !escaped => return Ok(index + 1),
                _ => escaped = next == '\\' && !escaped,
            }
        }
        self.problem("unterminated quoted string")
    }
}

/// Whether a character can be part of a name.
fn is_word(letter: char) -> bool {
    letter == '_' || letter.is_alphanumeric()
}
