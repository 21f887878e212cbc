//! What is printed is for people, and a terminal obeys control characters: texts of plugins, teams and
//! sources are part of it.

use std::fmt::{self, Write};

/// A text without control characters but line breaks and tabs; others are replaced by `�`.
pub(super) struct Plain<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Replacing(f), "{}", self.0)
    }
}

struct Replacing<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Replacing<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_obeyed = |sign: char| sign.is_control() && !matches!(sign, '\n' | '\t');
        let mut rest = text;
        while let Some(at) = rest.find(is_obeyed) {
            let (plain, from) = rest.split_at(at);
            self.0.write_str(plain)?;
            self.0.write_char(char::REPLACEMENT_CHARACTER)?;
            let mut signs = from.chars();
            signs.next();
            rest = signs.as_str();
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::Plain;

    #[test]
    fn a_terminal_is_told_nothing() {
        let text = "a\u{1b}[2J\u{1b}]0;title\u{7}b\r\u{9b}1m\tc\nd é";
        let plain = Plain(format_args!("<{text}>")).to_string();
        assert_eq!(plain, "<a�[2J�]0;title�b��1m\tc\nd é>");
        assert_eq!(Plain("").to_string(), "");
    }
}
