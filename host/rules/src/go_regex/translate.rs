//! Translates a regular expression of Go to one of Rust.
//!
//! Flags are resolved here and written at each part that they apply to, so the result does not depend
//! on the scope that Rust gives to a flag.

use super::repeat::{self, Repeat};
use super::{class, escape};

/// How deep groups may be nested. A group can take five levels in Rust, whose limit is 250 because of
/// its stack. Go's limit is 1000.
const MAX_DEPTH: usize = 40;

/// The current flags. Go has no others.
#[derive(Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "Go has these four flags")]
struct Flags {
    ignore_case: bool,
    lines: bool,
    dot_is_all: bool,
    lazy: bool,
}

/// A part that a repetition operator can apply to.
struct Atom {
    text: String,
    /// The maximum number of copies that it makes of its parts.
    copies: u32,
    repeated: bool,
}

/// A group that is still open, or the whole expression.
struct Group {
    opening: String,
    /// The flags to return to when the group closes.
    outer: Flags,
    /// The complete alternatives, each with the bar that follows.
    finished: String,
    copies: u32,
    atoms: Vec<Atom>,
}

impl Group {
    fn new(opening: String, outer: Flags) -> Self {
        Self { opening, outer, finished: String::new(), copies: 1, atoms: Vec::new() }
    }

    fn push(&mut self, text: String) {
        self.atoms.push(Atom { text, copies: 1, repeated: false });
    }

    fn finish_alternative(&mut self) {
        for atom in self.atoms.drain(..) {
            self.copies = self.copies.max(atom.copies);
            self.finished.push_str(&atom.text);
        }
    }
}

struct Translator<'a> {
    whole: &'a str,
    rest: &'a str,
    flags: Flags,
    outer: Vec<Group>,
    group: Group,
    names: Vec<&'a str>,
    /// Where the last repetition operator began, if nothing follows it yet.
    last_repeat: Option<&'a str>,
}

/// Translates a whole pattern.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let flags = Flags::default();
    let mut translator = Translator {
        whole: pattern,
        rest: pattern,
        flags,
        outer: Vec::new(),
        group: Group::new(String::new(), flags),
        names: Vec::new(),
        last_repeat: None,
    };
    while let Some((first, after)) = escape::split_first(translator.rest) {
        translator.step(first, after)?;
    }
    if !translator.outer.is_empty() {
        return Err(format!("missing closing ): `{pattern}`"));
    }
    translator.group.finish_alternative();
    Ok(translator.group.finished)
}

impl<'a> Translator<'a> {
    fn step(&mut self, first: char, after: &'a str) -> Result<(), String> {
        let start = self.rest;
        let repeat_before = self.last_repeat.take();
        self.rest = after;
        match first {
            '(' if after.starts_with('?') => self.open_special(start)?,
            '(' => self.open("(".to_owned())?,
            ')' => self.close()?,
            '|' => {
                self.group.finish_alternative();
                self.group.finished.push('|');
            }
            '^' => self.push_if(self.flags.lines, "(?m:^)", "^"),
            '$' => self.push_if(self.flags.lines, "(?m:$)", "$"),
            '.' => self.push_if(self.flags.dot_is_all, "(?s:.)", "."),
            '[' => {
                let (text, rest) = class::bracketed(start)?;
                self.push_letters(text);
                self.rest = rest;
            }
            '*' => self.repeat(start, repeat_before, &Repeat::simple("*", 0, None))?,
            '+' => self.repeat(start, repeat_before, &Repeat::simple("+", 1, None))?,
            '?' => self.repeat(start, repeat_before, &Repeat::simple("?", 0, Some(1)))?,
            '{' => match repeat::count(after) {
                Some((repeat, rest)) => {
                    self.rest = rest;
                    let counted = Repeat::checked(repeat, &start[..start.len() - rest.len()])?;
                    self.repeat(start, repeat_before, &counted)?;
                }
                None => self.push_literal('{'.into()),
            },
            '\\' => self.backslash(start)?,
            _ => self.push_literal(first.into()),
        }
        Ok(())
    }

    fn push_if(&mut self, condition: bool, yes: &str, no: &str) {
        self.group.push(if condition { yes } else { no }.to_owned());
    }

    fn push_literal(&mut self, value: u32) {
        self.push_letters(class::literal(value));
    }

    /// Adds a part that the flag `i` applies to.
    fn push_letters(&mut self, text: String) {
        self.group.push(if self.flags.ignore_case { format!("(?i:{text})") } else { text });
    }

    fn open(&mut self, opening: String) -> Result<(), String> {
        if self.outer.len() >= MAX_DEPTH {
            return Err(format!("expression nests too deeply: `{}`", self.whole));
        }
        let group = Group::new(opening, self.flags);
        self.outer.push(std::mem::replace(&mut self.group, group));
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(outer) = self.outer.pop() else {
            return Err(format!("unexpected ): `{}`", self.whole));
        };
        let mut closed = std::mem::replace(&mut self.group, outer);
        closed.finish_alternative();
        self.flags = closed.outer;
        self.group.atoms.push(Atom {
            text: format!("{}{})", closed.opening, closed.finished),
            copies: closed.copies,
            repeated: false,
        });
        Ok(())
    }

    /// Parses what begins with `(?`: a named group, or flags.
    fn open_special(&mut self, start: &'a str) -> Result<(), String> {
        match start.strip_prefix("(?P<").or_else(|| start.strip_prefix("(?<")) {
            Some(inner) if !inner.is_empty() => self.open_named(start, inner),
            _ => self.open_flags(start),
        }
    }

    fn open_named(&mut self, start: &'a str, inner: &'a str) -> Result<(), String> {
        let Some((name, rest)) = inner.split_once('>') else {
            return Err(format!("invalid named capture: `{start}`"));
        };
        let written = &start[..start.len() - rest.len()];
        let word = |letter: u8| letter == b'_' || letter.is_ascii_alphanumeric();
        if name.is_empty() || !name.bytes().all(word) {
            return Err(format!("invalid named capture: `{written}`"));
        }
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(format!(
                "the name of a group must not start with a digit here: `{written}`"
            ));
        }
        if self.names.contains(&name) {
            return Err(format!("two groups must not have the same name here: `{written}`"));
        }
        self.names.push(name);
        self.open(format!("(?P<{name}>"))?;
        self.rest = rest;
        Ok(())
    }

    /// Parses `(?im-s)` or `(?im-s:`, with Go's flags only.
    fn open_flags(&mut self, start: &'a str) -> Result<(), String> {
        let mut flags = self.flags;
        let mut value = true;
        let mut seen = false;
        let mut rest = &start[2..];
        while let Some((flag, after)) = escape::split_first(rest) {
            rest = after;
            match flag {
                'i' => flags.ignore_case = value,
                'm' => flags.lines = value,
                's' => flags.dot_is_all = value,
                'U' => flags.lazy = value,
                '-' if value => {
                    value = false;
                    seen = false;
                    continue;
                }
                ':' | ')' if value || seen => {
                    if flag == ':' {
                        self.open("(?:".to_owned())?;
                    }
                    self.flags = flags;
                    self.rest = rest;
                    return Ok(());
                }
                _ => break,
            }
            seen = true;
        }
        let end = start.len() - rest.len();
        Err(format!("invalid or unsupported Perl syntax: `{}`", &start[..end]))
    }

    fn backslash(&mut self, start: &'a str) -> Result<(), String> {
        if let Some(quoted) = start.strip_prefix(r"\Q") {
            let (text, rest) = quoted.split_once(r"\E").unwrap_or((quoted, ""));
            text.chars().for_each(|plain| self.push_literal(plain.into()));
            self.rest = rest;
            return Ok(());
        }
        for (go, rust) in
            [(r"\A", r"\A"), (r"\z", r"\z"), (r"\b", r"(?-u:\b)"), (r"\B", r"(?-u:\B)")]
        {
            if let Some(rest) = start.strip_prefix(go) {
                self.group.push(rust.to_owned());
                self.rest = rest;
                return Ok(());
            }
        }
        if let Some((text, rest)) = class::unicode(start)?.or_else(|| class::perl(start)) {
            self.push_letters(text);
            self.rest = rest;
            return Ok(());
        }
        let (value, rest) = escape::read(start)?;
        self.push_literal(value);
        self.rest = rest;
        Ok(())
    }

    fn repeat(
        &mut self,
        start: &'a str,
        before: Option<&'a str>,
        repeat: &Repeat,
    ) -> Result<(), String> {
        let mut lazy = self.flags.lazy;
        if let Some(rest) = self.rest.strip_prefix('?') {
            self.rest = rest;
            lazy = !lazy;
        }
        let written = &start[..start.len() - self.rest.len()];
        if let Some(before) = before {
            let both = &before[..before.len() - self.rest.len()];
            return Err(format!("invalid nested repetition operator: `{both}`"));
        }
        let Some(atom) = self.group.atoms.last_mut() else {
            return Err(format!("missing argument to repetition operator: `{written}`"));
        };
        if repeat.counted {
            atom.copies = repeat.multiply(atom.copies, written)?;
        }
        if atom.repeated {
            atom.text = format!("(?:{})", atom.text);
        }
        atom.repeated = true;
        atom.text.push_str(&repeat.written);
        if lazy {
            atom.text.push('?');
        }
        self.last_repeat = Some(start);
        Ok(())
    }
}
