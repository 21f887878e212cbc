//! Label selectors as matchers of PromQL.

use std::borrow::Cow;

use super::quote::{escape, escape_pattern, is_label_name};
use leadsman_model::selector::{Operator, Requirement, Selector};

/// The matchers for a selector, comma-separated. The error says what PromQL cannot express.
pub fn matchers(selector: &Selector) -> Result<String, &'static str> {
    let matchers: Result<Vec<_>, _> = selector.requirements().iter().map(requirement).collect();
    Ok(matchers?.join(","))
}

/// The matcher for one requirement. The error says what PromQL cannot express.
pub(crate) fn requirement(requirement: &Requirement) -> Result<String, &'static str> {
    if requirement.key.is_empty() {
        return Err("its key is no label name of Prometheus");
    }
    let key = label_name(&requirement.key);
    match &requirement.operator {
        Operator::In(values) => Ok(matcher(&requirement.key, values)),
        Operator::NotIn(values) => match values.as_slice() {
            [value] => Ok(format!("{key}!=\"{}\"", escape(value))),
            values => Ok(format!("{key}!~\"{}\"", any_of(values))),
        },
        Operator::Exists => Ok(format!("{key}!=\"\"")),
        Operator::DoesNotExist => Ok(format!("{key}=\"\"")),
        Operator::GreaterThan(_) | Operator::LessThan(_) => {
            Err("PromQL cannot compare a label with a number")
        }
    }
}

/// The name of a label as a query writes it: quoted, as Prometheus 3 accepts it, unless every version
/// accepts it unquoted.
pub fn label_name(label: &str) -> Cow<'_, str> {
    match is_label_name(label) {
        true => label.into(),
        false => format!("\"{}\"", escape(label)).into(),
    }
}

/// The matcher for a label with one of these values.
pub fn matcher(label: &str, values: &[impl AsRef<str>]) -> String {
    let label = label_name(label);
    match values {
        [] => format!("{label}=\"\""),
        [value] => format!("{label}=\"{}\"", escape(value.as_ref())),
        values => format!("{label}=~\"{}\"", any_of(values)),
    }
}

fn any_of(values: &[impl AsRef<str>]) -> String {
    let patterns: Vec<_> = values.iter().map(|value| escape_pattern(value.as_ref())).collect();
    patterns.join("|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_of_promql() {
        for (selector, expected) in [
            ("a=b", r#"a="b""#),
            ("a!=b", r#"a!="b""#),
            ("a in (b,c.d)", r#"a=~"b|c\\.d""#),
            ("a notin (b,c)", r#"a!~"b|c""#),
            ("a", r#"a!="""#),
            ("!a", r#"a="""#),
            ("b=2,a=1", r#"a="1",b="2""#),
        ] {
            assert_eq!(matchers(&selector.parse::<Selector>().unwrap()).unwrap(), expected);
        }
    }

    #[test]
    fn names_that_need_quotes_are_quoted() {
        for (selector, expected) in [
            ("a.b/c=d", r#""a.b/c"="d""#),
            ("1a!=b", r#""1a"!="b""#),
            ("a-b in (c,d)", r#""a-b"=~"c|d""#),
            ("a.b", r#""a.b"!="""#),
        ] {
            assert_eq!(matchers(&selector.parse::<Selector>().unwrap()).unwrap(), expected);
        }
        assert_eq!(matcher("k8s.pod.name", &["a"]), r#""k8s.pod.name"="a""#);
        assert_eq!(matcher("a\"}", &["b"]), "\"a\\x22}\"=\"b\"");
    }
}
