//! Writes single values as Go does: quoted texts and fractions.

use std::fmt::Write as _;

/// Quotes a text as Go does.
pub(super) fn quote(text: &str, mark: char) -> String {
    let mut out = String::from(mark);
    for letter in text.chars() {
        escape(&mut out, letter, mark);
    }
    out.push(mark);
    out
}

fn escape(out: &mut String, letter: char, mark: char) {
    let short = match letter {
        '\\' => '\\',
        '\x07' => 'a',
        '\x08' => 'b',
        '\x0c' => 'f',
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\x0b' => 'v',
        _ if letter == mark => mark,
        _ if is_printed(letter) => {
            out.push(letter);
            return;
        }
        _ => {
            // Writing to a string cannot fail.
            let _ = match u32::from(letter) {
                code @ 0..0x80 => write!(out, "\\x{code:02x}"),
                code @ 0x80..0x1_0000 => write!(out, "\\u{code:04x}"),
                code => write!(out, "\\U{code:08x}"),
            };
            return;
        }
    };
    out.extend(['\\', short]);
}

/// Whether a character is printed as it is: letters, marks, digits, signs
/// and the plain space are.
fn is_printed(letter: char) -> bool {
    // Rust leaves the same ones alone, a mark only where it follows a letter.
    let after_letter = ['a', letter];
    let text = String::from_iter(after_letter);
    matches!(letter, '\'' | '"') || text.escape_debug().eq(after_letter)
}

/// Prints a floating point number with as few digits as tell it apart.
pub(super) fn floating(float: f64) -> String {
    let written = format!("{float:e}");
    let Some((digits, exponent)) = written.split_once('e') else {
        return written;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return float.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
