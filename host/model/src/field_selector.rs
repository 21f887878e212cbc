//! Field selectors of Kubernetes, on the name and namespace of objects.

use std::str::FromStr;

/// Requirements on an object's name and namespace. All must hold.
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

/// An invalid field selector. The messages are those of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFieldSelector {
    /// A term has no comparison operator.
    #[error("invalid selector: '{whole}'; can't understand '{part}'")]
    NoComparison {
        /// The whole selector.
        whole: String,
        /// The term.
        part: String,
    },
    /// A value has an unescaped special character.
    #[error("invalid field selector: unescaped character in value: {0}")]
    Unescaped(char),
    /// A backslash is followed by a character that needs no escape.
    #[error("invalid field selector: invalid escape sequence: {0}")]
    Escape(String),
    /// The field is not supported.
    #[error(
        "\"{0}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
    )]
    Unknown(String),
}

impl FieldSelector {
    /// Whether objects of the namespace can match.
    pub fn admits_namespace(&self, namespace: &str) -> bool {
        self.admits(Field::Namespace, namespace)
    }

    /// Whether objects with the name can match.
    pub fn admits_name(&self, name: &str) -> bool {
        self.admits(Field::Name, name)
    }

    fn admits(&self, field: Field, value: &str) -> bool {
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

/// Splits at unescaped commas.
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
    // The first operator in the text counts. At the same position, the longer one comes first here.
    let operators = [("!=", false), ("==", true), ("=", true)];
    let found = operators
        .iter()
        .filter_map(|(operator, equal)| Some((part.find(operator)?, *operator, *equal)));
    let Some((at, operator, equal)) = found.min_by_key(|(at, ..)| *at) else {
        return Err(InvalidFieldSelector::NoComparison {
            whole: whole.to_owned(),
            part: part.to_owned(),
        });
    };
    let value = unescaped(&part[at + operator.len()..])?;
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

    fn matches(selector: &str, namespace: &str, name: &str) -> bool {
        let selector: FieldSelector = selector.parse().unwrap();
        selector.admits_namespace(namespace) && selector.admits_name(name)
    }

    #[test]
    fn objects_match_by_name_and_namespace() {
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
            assert!(matches(yes, "shop", "web"), "{yes}");
        }
        for no in [
            "metadata.name=db",
            "metadata.name!=web",
            "metadata.name=",
            "metadata.namespace=shop,metadata.name=db",
            "metadata.namespace!=shop",
            "metadata.name=web,metadata.name=db",
        ] {
            assert!(!matches(no, "shop", "web"), "{no}");
        }
        assert!(matches("metadata.namespace=", "", "node-a"), "a cluster-scoped object");
    }

    /// The messages of k8s.io/apimachinery v0.34.1, which prints the number of a character instead.
    #[test]
    fn invalid_selectors_are_refused_with_the_messages_of_kubernetes() {
        for (text, message) in [
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
            assert_eq!(text.parse::<FieldSelector>().unwrap_err().to_string(), message, "{text}");
        }
    }
}
