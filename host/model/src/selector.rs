//! Label selectors of Kubernetes.

use std::fmt;
use std::str::FromStr;

/// A list of requirements. All must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Selector(Vec<Requirement>);

/// A requirement on one label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Requirement {
    /// The label's key.
    pub key: String,
    /// The condition.
    pub operator: Operator,
}

/// A condition on the value of a label.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operator {
    /// It has one of these values. A single value is printed with `=`.
    In(Vec<String>),
    /// It has none of these values, or is not set.
    NotIn(Vec<String>),
    /// It is set.
    Exists,
    /// It is not set.
    DoesNotExist,
    /// It is an integer above this.
    GreaterThan(i64),
    /// It is an integer below this.
    LessThan(i64),
}

/// An invalid selector, with its invalid part and the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the selector \"{selector}\" cannot be read at \"{part}\": {reason}")]
pub struct InvalidSelector {
    selector: String,
    part: String,
    reason: &'static str,
}

impl Selector {
    /// Whether there is no requirement.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The approximate size in memory, in bytes.
    pub fn bytes(&self) -> usize {
        let values = |values: &[String]| values.iter().map(|value| value.len() + 24).sum();
        let requirement_bytes = |requirement: &Requirement| {
            let operands: usize = match &requirement.operator {
                Operator::In(list) | Operator::NotIn(list) => values(list),
                _ => 0,
            };
            size_of::<Requirement>() + requirement.key.len() + operands
        };
        self.0.iter().map(requirement_bytes).sum()
    }

    /// The requirements, sorted by key.
    pub fn requirements(&self) -> &[Requirement] {
        &self.0
    }

    /// The labels that series are expected to have: the keys of all requirements but
    /// `DoesNotExist`.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(|requirement| !matches!(requirement.operator, Operator::DoesNotExist))
            .map(|requirement| requirement.key.as_str())
    }

    /// Whether all requirements hold. `label` looks up the value of a label.
    pub fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|requirement| requirement.operator.matches(label(&requirement.key)))
    }
}

impl Operator {
    fn matches(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|value| value.parse::<i64>().ok());
        match self {
            Self::In(values) => value.is_some_and(|value| values.iter().any(|v| v == value)),
            Self::NotIn(values) => !value.is_some_and(|value| values.iter().any(|v| v == value)),
            Self::Exists => value.is_some(),
            Self::DoesNotExist => value.is_none(),
            Self::GreaterThan(limit) => number().is_some_and(|number| number > *limit),
            Self::LessThan(limit) => number().is_some_and(|number| number < *limit),
        }
    }
}

impl FromStr for Selector {
    type Err = InvalidSelector;

    fn from_str(text: &str) -> Result<Self, InvalidSelector> {
        let mut requirements = Vec::new();
        if !text.trim().is_empty() {
            for part in split(text) {
                requirements.push(requirement(part).map_err(|reason| InvalidSelector {
                    selector: text.escape_debug().to_string(),
                    part: part.trim().escape_debug().to_string(),
                    reason,
                })?);
            }
        }
        // Equal selectors must share an evaluation, however they are written.
        requirements.sort();
        requirements.dedup();
        Ok(Self(requirements))
    }
}

/// Splits at commas outside of parentheses.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        c == ',' && depth == 0
    })
}

/// Parses the operand of an operator.
type ParseOperand = fn(&str) -> Result<Operator, &'static str>;

fn requirement(part: &str) -> Result<Requirement, &'static str> {
    let part = part.trim();
    if let Some(key) = part.strip_prefix('!') {
        return Ok(Requirement { key: checked_key(key)?, operator: Operator::DoesNotExist });
    }
    let operators: [(&str, ParseOperand); 6] = [
        ("!=", |value| Ok(Operator::NotIn(vec![checked_value(value)?]))),
        ("==", |value| Ok(Operator::In(vec![checked_value(value)?]))),
        ("=", |value| Ok(Operator::In(vec![checked_value(value)?]))),
        (">", |value| Ok(Operator::GreaterThan(integer(value)?))),
        ("<", |value| Ok(Operator::LessThan(integer(value)?))),
        ("(", |_| Err("expected `key in (a,b)` or `key notin (a,b)`")),
    ];
    if let Some((key, rest)) = part.split_once(char::is_whitespace) {
        let rest = rest.trim_start();
        let set = |word: &str| {
            let rest = rest.strip_prefix(word)?.trim_start();
            rest.starts_with('(').then_some(rest)
        };
        if let Some(values) = set("in") {
            return Ok(Requirement {
                key: checked_key(key)?,
                operator: Operator::In(list(values)?),
            });
        }
        if let Some(values) = set("notin") {
            let operator = Operator::NotIn(list(values)?);
            return Ok(Requirement { key: checked_key(key)?, operator });
        }
    }
    for (operator, parse) in operators {
        if let Some((key, value)) = part.split_once(operator) {
            return Ok(Requirement { key: checked_key(key)?, operator: parse(value)? });
        }
    }
    Ok(Requirement { key: checked_key(part)?, operator: Operator::Exists })
}

fn list(text: &str) -> Result<Vec<String>, &'static str> {
    let inner = text
        .strip_prefix('(')
        .and_then(|rest| rest.trim_end().strip_suffix(')'))
        .ok_or("the list of values has no closing parenthesis")?;
    let mut values: Vec<_> = inner.split(',').map(checked_value).collect::<Result<_, _>>()?;
    values.sort();
    values.dedup();
    Ok(values)
}

fn integer(text: &str) -> Result<i64, &'static str> {
    text.trim().parse().map_err(|_| "expected a whole number")
}

fn checked_value(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() || (text.len() <= 63 && is_label_text(text)) {
        Ok(text.to_owned())
    } else {
        Err(
            "a value has at most 63 letters, digits, \"-\", \"_\" and \".\", and begins and ends with a letter or digit",
        )
    }
}

/// Accepts a label key of Kubernetes, or a label name of Prometheus (which may begin or end with
/// "_").
fn checked_key(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    let (prefix, name) = match text.rsplit_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    let prometheus = |name: &str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') && name.len() <= 253
    };
    let fits = !name.is_empty()
        && ((name.len() <= 63 && is_label_text(name)) || (prefix.is_none() && prometheus(name)))
        && prefix.is_none_or(|prefix| {
            !prefix.is_empty()
                && prefix.len() <= 253
                && prefix.split('.').all(crate::names::is_dns_label)
        });
    if fits { Ok(text.to_owned()) } else { Err("expected the name of a label here") }
}

fn is_label_text(text: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|&b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, Requirement { key, operator }) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            match operator {
                Operator::In(values) if values.len() == 1 => write!(f, "{key}={}", values[0])?,
                Operator::NotIn(values) if values.len() == 1 => write!(f, "{key}!={}", values[0])?,
                Operator::In(values) => write!(f, "{key} in ({})", values.join(","))?,
                Operator::NotIn(values) => write!(f, "{key} notin ({})", values.join(","))?,
                Operator::Exists => f.write_str(key)?,
                Operator::DoesNotExist => write!(f, "!{key}")?,
                Operator::GreaterThan(limit) => write!(f, "{key}>{limit}")?,
                Operator::LessThan(limit) => write!(f, "{key}<{limit}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(selector: &str, labels: &[(&str, &str)]) -> bool {
        let selector: Selector = selector.parse().unwrap();
        selector.matches(|key| labels.iter().find(|(k, _)| *k == key).map(|(_, v)| *v))
    }

    #[test]
    fn selectors_match_as_in_kubernetes() {
        let labels = [("app", "web"), ("tier", "front"), ("size", "5")];
        for yes in [
            "",
            "app=web",
            "app==web",
            "app = web",
            "app!=api",
            "missing!=x",
            "app in (api, web)",
            "app notin (api)",
            "missing notin (x)",
            "app,tier",
            "!missing",
            "app=web,tier in (front),size>4,size<6",
            "app.kubernetes.io/name!=x",
        ] {
            assert!(matches(yes, &labels), "{yes}");
        }
        for no in ["app=api", "missing", "!app", "app notin (web,x)", "app in (a,b)", "size>5"] {
            assert!(!matches(no, &labels), "{no}");
        }
    }

    #[test]
    fn errors_name_the_invalid_part() {
        for bad in ["a=b=c d", "=x", "a in b", "a in (b", "a,,b", "!a b", "a=\"b\"", "a>x", "(a)"] {
            let error = bad.parse::<Selector>().unwrap_err().to_string();
            assert!(error.contains("cannot be read at"), "{bad}: {error}");
        }
    }

    #[test]
    fn spellings_of_one_selector_are_equal() {
        let one: Selector = "b==2,a in (y,x,y)".parse().unwrap();
        let two: Selector = "a in (x,y), b=2".parse().unwrap();
        assert_eq!(one, two);
        assert_eq!(one.to_string(), "a in (x,y),b=2");
        assert_eq!(one.to_string().parse::<Selector>().unwrap(), one);
    }
}
