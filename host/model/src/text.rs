//! Texts for messages: untrusted ones, bounded, and numbers of things.

use std::borrow::Cow;

/// The beginning of a text, with an ellipsis if it is longer than this many characters.
pub fn excerpt(text: &str, max_chars: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max_chars) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// The beginning of a text, with an ellipsis if it is longer than this many bytes.
pub fn excerpt_bytes(text: &str, max_bytes: usize) -> Cow<'_, str> {
    if text.len() <= max_bytes {
        return text.into();
    }
    format!("{}…", &text[..text.floor_char_boundary(max_bytes)]).into()
}

/// The beginning of a text on one line, with spaces in place of control characters.
pub fn one_line(text: &str, max_chars: usize) -> String {
    excerpt(text, max_chars).replace(char::is_control, " ")
}

/// So many of something, whose plural ends in s.
pub fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_at_a_character() {
        assert_eq!(excerpt("ééé", 2), "éé…");
        assert_eq!(excerpt("ééé", 3), "ééé");
        assert_eq!(excerpt_bytes("ééé", 5), "éé…");
        assert_eq!(excerpt_bytes("ééé", 6), "ééé");
        assert_eq!(excerpt_bytes("é", 0), "…");
    }

    #[test]
    fn a_text_is_cut_and_stays_in_its_line() {
        assert_eq!(one_line("a\nb\tc", 5), "a b c");
        assert_eq!(one_line("ééé", 2), "éé…");
        assert_eq!(one_line("", 0), "");
    }

    #[test]
    fn one_thing_has_no_plural() {
        let told = [0, 1, 2].map(|count| counted(count, "measure"));
        assert_eq!(told, ["0 measures", "1 measure", "2 measures"]);
    }
}
