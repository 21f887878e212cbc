//! Names, validated when they are parsed.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// An invalid name, with the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(String);

impl InvalidName {
    /// With the reason.
    pub(super) fn new(reason: String) -> Self {
        Self(reason)
    }
}

/// The name of a namespace: a DNS label, so it needs no escaping in a query.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespace(Arc<str>);

impl FromStr for Namespace {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        if is_dns_label(text) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName(format!(
                "\"{}\" is not the name of a namespace: at most 63 lower-case letters, digits \
                 and \"-\", with a letter or digit at both ends",
                text.escape_debug()
            )))
        }
    }
}

impl Namespace {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text is a DNS label (RFC 1123), as Kubernetes defines it.
pub fn is_dns_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.iter().all(|&byte| inner(byte) || byte == b'-')
        && bytes.first().copied().is_some_and(inner)
        && bytes.last().copied().is_some_and(inner)
}

/// The name of an object in a request: a valid path segment name of Kubernetes, without the
/// characters that quote or delimit parts of a query. A rule's query that is not widened contains
/// the name, and no kind with metrics uses these characters in names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectName<'a>(&'a str);

impl<'a> TryFrom<&'a str> for ObjectName<'a> {
    type Error = InvalidName;

    fn try_from(text: &'a str) -> Result<Self, InvalidName> {
        let reason = match text {
            "" => "it is empty",
            "." | ".." => "it has another meaning in a path",
            _ if text.len() > 253 => "it is longer than 253 bytes",
            _ if text.contains(['/', '%']) => "\"/\" and \"%\" do not survive in a path",
            _ if text.contains(['"', '\'', '`', '\\', '{', '}']) => {
                "quotes, braces and \"\\\" are in no such name"
            }
            _ if text.chars().any(|c| c.is_control() || c.is_whitespace()) => {
                "it has white space or control characters"
            }
            _ => return Ok(Self(text)),
        };
        Err(InvalidName(format!("\"{}\" cannot name an object: {reason}", text.escape_debug())))
    }
}

impl<'a> ObjectName<'a> {
    /// The name.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

impl fmt::Display for ObjectName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The name of a served metric: one segment of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricName(Arc<str>);

impl FromStr for MetricName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = |reason: &str| {
            Err(InvalidName(format!("\"{}\" cannot name a metric: {reason}", text.escape_debug())))
        };
        match text {
            "" => invalid("it is empty"),
            "." | ".." | "*" => invalid("it has another meaning in a path"),
            _ if text.len() > 253 => invalid("it is longer than 253 bytes"),
            _ if text.contains(['/', '%', '\\', '?', '#']) => {
                invalid("\"/\", \"%\", \"\\\", \"?\" and \"#\" do not survive in a path")
            }
            _ if text.chars().any(|c| c.is_control() || c.is_whitespace()) => {
                invalid("it has white space or control characters")
            }
            _ => Ok(Self(text.into())),
        }
    }
}

impl MetricName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for MetricName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// The objects that an evaluation covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The objects of one namespace.
    Namespace(Namespace),
    /// The objects of the whole cluster.
    Cluster,
}

impl Scope {
    /// The namespace; `None` for the whole cluster.
    pub fn namespace(&self) -> Option<&Namespace> {
        match self {
            Self::Namespace(namespace) => Some(namespace),
            Self::Cluster => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Namespace(namespace) => write!(f, "namespace {namespace}"),
            Self::Cluster => f.write_str("the cluster"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_are_dns_labels() {
        for good in ["a", "kube-system", "ns0", &"a".repeat(63)] {
            assert!(good.parse::<Namespace>().is_ok(), "{good}");
        }
        for bad in ["", "-a", "a-", "A", "a.b", "a\"}", "*", &"a".repeat(64)] {
            assert!(bad.parse::<Namespace>().is_err(), "{bad}");
        }
    }

    #[test]
    fn object_names_are_path_segments_without_quotes() {
        for good in ["web-0", "node-a.example", "system:admin", "v1.apps", "Ä", &"a".repeat(253)] {
            assert_eq!(ObjectName::try_from(good).unwrap().as_str(), good);
        }
        let injected = "x\"}) or secret{namespace=\"bank\"} #";
        let (space, long) = ("a b", &"a".repeat(254));
        for bad in
            ["", ".", "..", "a/b", "a%2Fb", "a\n", "a\0", "a\\", "a'b", space, injected, long]
        {
            assert!(ObjectName::try_from(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn metric_names_survive_a_path() {
        for good in ["http_requests_per_second", "l4_server.avg_open_conns", "job:x:rate5m"] {
            assert!(good.parse::<MetricName>().is_ok(), "{good}");
        }
        for bad in ["", "a/b", "a b", "*", "..", "a%2Fb", "a?b", "a\n"] {
            assert!(bad.parse::<MetricName>().is_err(), "{bad}");
        }
    }
}
