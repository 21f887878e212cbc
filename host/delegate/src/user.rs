//! States the requester to a delegate: the headers of a front proxy, or of impersonation.

use std::collections::BTreeMap;

use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::error::ForwardError;
use super::settings::ForwardAuth;
use leadsman_runtime::files;

/// The requester.
#[derive(Debug, Clone, Copy)]
pub struct ForwardedUser<'a> {
    /// The name.
    pub name: &'a str,
    /// The unique id.
    pub uid: Option<&'a str>,
    /// The groups.
    pub groups: &'a [String],
    /// Further attributes for the authorizer.
    pub extra: &'a BTreeMap<String, Vec<String>>,
}

/// The user of the adapter's own requests, where a front proxy states the requester. Every cluster
/// grants discovery to authenticated users.
const OWN_NAME: &str = "leadsman";
const AUTHENTICATED: &str = "system:authenticated";

/// The names of the headers that state the requester.
struct Names {
    user: HeaderName,
    uid: HeaderName,
    group: HeaderName,
    extra: &'static str,
}

static FRONT_PROXY: Names = Names {
    user: HeaderName::from_static("x-remote-user"),
    uid: HeaderName::from_static("x-remote-uid"),
    group: HeaderName::from_static("x-remote-group"),
    extra: "x-remote-extra-",
};

static IMPERSONATION: Names = Names {
    user: HeaderName::from_static("impersonate-user"),
    uid: HeaderName::from_static("impersonate-uid"),
    group: HeaderName::from_static("impersonate-group"),
    extra: "impersonate-extra-",
};

/// Characters that are escaped in the name of a header, as kube-apiserver's own front proxy escapes them.
const KEY: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'(')
    .add(b')')
    .add(b',')
    .add(b'/')
    .add(b':')
    .add(b';')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'@')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'{')
    .add(b'}')
    .add(b'%');

impl ForwardAuth {
    /// The headers of a request of this user; `None` for the adapter's own requests.
    pub(super) async fn headers(
        &self,
        user: Option<&ForwardedUser<'_>>,
    ) -> Result<HeaderMap, ForwardError> {
        let mut headers = HeaderMap::new();
        match self {
            Self::FrontProxy { .. } => match user {
                Some(user) => FRONT_PROXY.write(user, &mut headers)?,
                None => {
                    headers.insert(FRONT_PROXY.user.clone(), HeaderValue::from_static(OWN_NAME));
                    headers
                        .insert(FRONT_PROXY.group.clone(), HeaderValue::from_static(AUTHENTICATED));
                }
            },
            Self::Impersonate { token_file } => {
                headers.insert(AUTHORIZATION, token(token_file).await?);
                if let Some(user) = user {
                    IMPERSONATION.write(user, &mut headers)?;
                }
            }
            Self::ServiceAccount { token_file } => {
                headers.insert(AUTHORIZATION, token(token_file).await?);
            }
        }
        Ok(headers)
    }
}

impl Names {
    fn write(&self, user: &ForwardedUser<'_>, headers: &mut HeaderMap) -> Result<(), ForwardError> {
        // Without a name the delegate would take the request for the adapter's own.
        if user.name.is_empty() {
            return Err(ForwardError::User);
        }
        headers.insert(self.user.clone(), value(user.name)?);
        if let Some(uid) = user.uid {
            headers.insert(self.uid.clone(), value(uid)?);
        }
        for group in user.groups {
            headers.append(self.group.clone(), value(group)?);
        }
        for (key, values) in user.extra {
            let name = format!("{}{}", self.extra, utf8_percent_encode(key, KEY));
            let name =
                HeaderName::try_from(name.to_ascii_lowercase()).map_err(|_| ForwardError::User)?;
            for text in values {
                headers.append(name.clone(), value(text)?);
            }
        }
        Ok(())
    }
}

/// Whoever receives a header cuts off the space around its value, which would make another name of this
/// one.
fn value(text: &str) -> Result<HeaderValue, ForwardError> {
    if text.trim_matches([' ', '\t']) != text {
        return Err(ForwardError::User);
    }
    HeaderValue::from_bytes(text.as_bytes()).map_err(|_| ForwardError::User)
}

/// Read anew for each request: kubelet replaces it before it expires.
async fn token(path: &std::path::Path) -> Result<HeaderValue, ForwardError> {
    let failed = |source| ForwardError::Token { path: path.to_owned(), source };
    let file = path.to_owned();
    let text = files::blocking(path, move || files::read_text(&file, files::MAX_CREDENTIALS)).await;
    let text = text.map_err(failed)?;
    let mut value = HeaderValue::try_from(format!("Bearer {}", text.trim())).map_err(|_| {
        failed(std::io::Error::new(std::io::ErrorKind::InvalidData, "it holds no token"))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(headers: &HeaderMap) -> Vec<String> {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let mut all: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
        all.sort();
        all
    }

    #[tokio::test]
    async fn a_front_proxy_says_who_asks() {
        let extra = BTreeMap::from([
            ("acme.com/Project".to_owned(), vec!["one".to_owned(), "two".to_owned()]),
            ("scopes".to_owned(), vec!["a".to_owned()]),
        ]);
        let groups = ["a".to_owned(), "system:authenticated".to_owned()];
        let user = ForwardedUser { name: "jané", uid: Some("7"), groups: &groups, extra: &extra };
        let auth = ForwardAuth::FrontProxy { cert_file: "c".into(), key_file: "k".into() };
        let expected = [
            "x-remote-extra-acme.com%2fproject: one",
            "x-remote-extra-acme.com%2fproject: two",
            "x-remote-extra-scopes: a",
            "x-remote-group: a",
            "x-remote-group: system:authenticated",
            "x-remote-uid: 7",
            "x-remote-user: jané",
        ];
        assert_eq!(shown(&auth.headers(Some(&user)).await.unwrap()), expected);
        let own = shown(&auth.headers(None).await.unwrap());
        assert_eq!(own, ["x-remote-group: system:authenticated", "x-remote-user: leadsman"]);
        let broken = ForwardedUser { name: "jane\r\nx-remote-group: system:masters", ..user };
        assert!(matches!(auth.headers(Some(&broken)).await, Err(ForwardError::User)));
    }

    /// On the way they would become no user, which is the adapter itself, or another one.
    #[tokio::test]
    async fn names_that_the_way_would_change_are_not_sent() {
        let extra = BTreeMap::new();
        let sound = ForwardedUser { name: "jane", uid: None, groups: &[], extra: &extra };
        let spaced = BTreeMap::from([("scopes".to_owned(), vec!["all\t".to_owned()])]);
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        std::fs::write(&token_file, "one").unwrap();
        for auth in [
            ForwardAuth::FrontProxy { cert_file: "c".into(), key_file: "k".into() },
            ForwardAuth::Impersonate { token_file },
        ] {
            assert!(auth.headers(Some(&sound)).await.is_ok());
            for user in [
                ForwardedUser { name: "", ..sound },
                ForwardedUser { name: " ", ..sound },
                ForwardedUser { name: "system:admin ", ..sound },
                ForwardedUser { uid: Some(" 7"), ..sound },
                ForwardedUser { groups: &[" system:masters".to_owned()], ..sound },
                ForwardedUser { extra: &spaced, ..sound },
            ] {
                let refused = auth.headers(Some(&user)).await;
                assert!(matches!(refused, Err(ForwardError::User)), "{user:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_token_is_read_anew() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "one\n").unwrap();
        let (groups, extra) = (["a".to_owned()], BTreeMap::new());
        let user = ForwardedUser { name: "jane", uid: None, groups: &groups, extra: &extra };
        let auth = ForwardAuth::Impersonate { token_file: file.clone() };
        let headers = auth.headers(Some(&user)).await.unwrap();
        let expected =
            ["authorization: Bearer one", "impersonate-group: a", "impersonate-user: jane"];
        assert_eq!(shown(&headers), expected);
        std::fs::write(&file, "two").unwrap();
        assert_eq!(shown(&auth.headers(None).await.unwrap()), ["authorization: Bearer two"]);
        let own = ForwardAuth::ServiceAccount { token_file: file.clone() };
        let headers = own.headers(Some(&user)).await.unwrap();
        assert_eq!(shown(&headers), ["authorization: Bearer two"], "the user is not passed on");
        std::fs::remove_file(&file).unwrap();
        assert!(matches!(own.headers(None).await, Err(ForwardError::Token { .. })));
    }
}
