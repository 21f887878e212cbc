//! The headers in which a front proxy asserts the user's identity.

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;

use leadsman_cluster::Identity;

/// The names of these headers.
#[derive(Debug, Clone, Default)]
pub(super) struct Headers {
    pub(super) user: Vec<HeaderName>,
    pub(super) uid: Vec<HeaderName>,
    pub(super) groups: Vec<HeaderName>,
    /// In lower case.
    pub(super) extra_prefixes: Vec<String>,
}

impl Headers {
    /// The asserted identity; `None` without a user. To be trusted from a verified front proxy only.
    pub(super) fn identity(&self, headers: &HeaderMap) -> Option<Identity> {
        let first =
            |names: &[HeaderName]| names.iter().filter_map(|name| headers.get(name)).find_map(text);
        let user = first(&self.user)?;
        let groups = self.groups.iter().flat_map(|name| headers.get_all(name)).filter_map(text);
        let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in headers {
            let key = self.extra_prefixes.iter().find_map(|p| name.as_str().strip_prefix(&**p));
            if let (Some(key), Ok(value)) = (key, value.to_str()) {
                let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
                extra.entry(key).or_default().push(value.to_owned());
            }
        }
        Some(Identity { user, uid: first(&self.uid), groups: groups.collect(), extra })
    }

    /// Removes them, so that no later code can trust them.
    pub(super) fn strip(&self, headers: &mut HeaderMap) {
        for name in self.user.iter().chain(&self.uid).chain(&self.groups) {
            headers.remove(name);
        }
        let extra: Vec<_> = headers
            .keys()
            .filter(|name| self.extra_prefixes.iter().any(|p| name.as_str().starts_with(&**p)))
            .cloned()
            .collect();
        for name in extra {
            headers.remove(name);
        }
    }
}

fn text(value: &http::HeaderValue) -> Option<String> {
    value.to_str().ok().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Headers {
        let names = |name: &'static str| vec![HeaderName::from_static(name)];
        Headers {
            user: names("x-remote-user"),
            uid: Vec::new(),
            groups: names("x-remote-group"),
            extra_prefixes: vec!["x-remote-extra-".to_owned()],
        }
    }

    #[test]
    fn all_that_the_headers_say() {
        let mut headers = HeaderMap::new();
        assert_eq!(usual().identity(&headers), None);
        for (name, value) in [
            ("x-remote-user", "jane"),
            ("x-remote-uid", "7"),
            ("x-remote-group", "a"),
            ("x-remote-group", "b"),
            ("x-remote-extra-acme.com%2fproject", "one"),
            ("x-remote-extra-acme.com%2fproject", "two"),
            ("accept", "*/*"),
        ] {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        let identity = usual().identity(&headers).unwrap();
        assert_eq!((identity.user.as_str(), &identity.uid), ("jane", &None));
        assert_eq!(identity.groups, ["a", "b"]);
        assert_eq!(identity.extra["acme.com/project"], ["one", "two"]);
        usual().strip(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "x-remote-uid"], "the uid is not among what is read here");
    }
}
