//! Texts from outside, as messages may show them.

/// The beginning of a text as one readable line: at most so many characters, and none for control.
pub fn one_line(text: &str, max_chars: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let mut line: String = text.chars().take(max_chars).map(plain).collect();
    if text.chars().nth(max_chars).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn a_text_is_cut_and_stays_in_its_line() {
        assert_eq!(one_line("a\nb\tc", 5), "a b c");
        assert_eq!(one_line("ééé", 2), "éé…");
        assert_eq!(one_line("", 0), "");
    }
}
