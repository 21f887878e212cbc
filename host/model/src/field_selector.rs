//! Field selectors of Kubernetes: which objects, by name and namespace.

use std::str::FromStr;

/// What an object's name and namespace must be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSelector(Vec<Term>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    field: Field,
    value: String,
    equal: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Name,
    Namespace,
}

/// A field selector that cannot be read, in the words of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFieldSelector {
    /// A part is no comparison.
    #[error("invalid selector: '{whole}'; can't understand '{part}'")]
    NoComparison {
        /// The whole text.
        whole: String,
        /// The part.
        part: String,
    },
    /// A value has characters that must be escaped.
    #[error("invalid field selector: unescaped character in value: {0}")]
    Unescaped(char),
    /// A backslash stands before what needs none.
    #[error("invalid field selector: invalid escape sequence: {0}")]
    Escape(String),
    /// Objects cannot be picked by this.
    #[error(
        "\"{0}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
    )]
    Unknown(String),
}

impl FieldSelector {
    /// Whether objects of a namespace may be picked.
    pub fn admits_namespace(&self, namespace: &str) -> bool {
        self.holds(Field::Namespace, namespace)
    }

    /// Whether objects of a name may be picked.
    pub fn admits_name(&self, name: &str) -> bool {
        self.holds(Field::Name, name)
    }

    fn holds(&self, field: Field, value: &str) -> bool {
        let mut terms = self.0.iter().filter(|term| term.field == field);
        terms.all(|term| (term.value == value) == term.equal)
    }
}

impl FromStr for FieldSelector {
    type Err = InvalidFieldSelector;

    fn from_str(text: &str) -> Result<Self, InvalidFieldSelector> {
        let parts = split(text).into_iter().filter(|part| !part.is_empty());
        parts.map(|part| term(text, part)).collect::<Result<_, _>>().map(Self)
    }
}

/// Cuts at commas that no backslash stands before.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn term(whole: &str, part: &str) -> Result<Term, InvalidFieldSelector> {
    // Whichever comes first; where two begin at the same place, the longer one.
    let signs = [("!=", false), ("==", true), ("=", true)];
    let found = signs.iter().filter_map(|(sign, equal)| Some((part.find(sign)?, *sign, *equal)));
    let Some((at, sign, equal)) = found.min_by_key(|(at, ..)| *at) else {
        return Err(InvalidFieldSelector::NoComparison {
            whole: whole.to_owned(),
            part: part.to_owned(),
        });
    };
    let value = unescaped(&part[at + sign.len()..])?;
    let field = match &part[..at] {
        "metadata.name" => Field::Name,
        "metadata.namespace" => Field::Namespace,
        other => return Err(InvalidFieldSelector::Unknown(other.to_owned())),
    };
    Ok(Term { field, value, equal })
}

fn unescaped(text: &str) -> Result<String, InvalidFieldSelector> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => value.push(c),
                other => {
                    let sequence = std::iter::once('\\').chain(other).collect();
                    return Err(InvalidFieldSelector::Escape(sequence));
                }
            },
            ',' | '=' => return Err(InvalidFieldSelector::Unescaped(c)),
            c => value.push(c),
        }
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picks(selector: &str, namespace: &str, name: &str) -> bool {
        let selector: FieldSelector = selector.parse().unwrap();
        selector.admits_namespace(namespace) && selector.admits_name(name)
    }

    #[test]
    fn objects_are_picked_by_name_and_namespace() {
        for yes in [
            "",
            ",",
            "metadata.name=web",
            "metadata.name==web",
            "metadata.name!=db",
            "metadata.namespace=shop",
            "metadata.namespace=shop,metadata.name=web",
            "metadata.namespace!=bank,metadata.name!=db,metadata.name!=cache",
            r"metadata.name!=a\,b\=c\\d",
        ] {
            assert!(picks(yes, "shop", "web"), "{yes}");
        }
        for no in [
            "metadata.name=db",
            "metadata.name!=web",
            "metadata.name=",
            "metadata.namespace=shop,metadata.name=db",
            "metadata.namespace!=shop",
            "metadata.name=web,metadata.name=db",
        ] {
            assert!(!picks(no, "shop", "web"), "{no}");
        }
        assert!(picks("metadata.namespace=", "", "node-a"), "what lives in no namespace");
    }

    /// As k8s.io/apimachinery v0.34.1 puts it, which gives a character by its number.
    #[test]
    fn what_cannot_be_read_is_refused_in_the_words_of_kubernetes() {
        for (text, said) in [
            (
                "status.phase=Running",
                r#""status.phase" is not a known field selector: only "metadata.name", "metadata.namespace""#,
            ),
            (
                "metadata.name=a,web",
                "invalid selector: 'metadata.name=a,web'; can't understand 'web'",
            ),
            ("metadata.name=a=b", "invalid field selector: unescaped character in value: ="),
            (r"metadata.name=a\b", r"invalid field selector: invalid escape sequence: \b"),
            (r"metadata.name=a\", r"invalid field selector: invalid escape sequence: \"),
            (
                "metadata.name>a",
                "invalid selector: 'metadata.name>a'; can't understand 'metadata.name>a'",
            ),
        ] {
            assert_eq!(text.parse::<FieldSelector>().unwrap_err().to_string(), said, "{text}");
        }
    }
}
