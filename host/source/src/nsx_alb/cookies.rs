//! The cookies of a session.

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};

/// How many cookies are kept, and how long one may be.
const MAX_COOKIES: usize = 16;
const MAX_LENGTH: usize = 4096;

/// Under which names a controller looks for its session.
const SESSION_NAMES: [&str; 2] = ["sessionid", "avi-sessionid"];

/// The name of the cookie with the token against forged requests.
const CSRF: &str = "csrftoken";

/// The cookies of a session, in the order in which they came.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Cookies(Vec<(String, String)>);

impl Cookies {
    /// Takes over what an answer sets: a cookie replaces the one of its name.
    pub(super) fn absorb(&mut self, headers: &HeaderMap) {
        for header in headers.get_all(SET_COOKIE) {
            let Ok(text) = header.to_str() else { continue };
            let pair = text.split(';').next().unwrap_or_default();
            let Some((name, value)) = pair.split_once('=') else { continue };
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if !name.is_empty() && !value.is_empty() && pair.len() <= MAX_LENGTH {
                self.set(name, value);
            }
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        if let Some((_, known)) = self.0.iter_mut().find(|(known, _)| known == name) {
            value.clone_into(known);
        } else if self.0.len() < MAX_COOKIES {
            self.0.push((name.to_owned(), value.to_owned()));
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Makes the session known under all names that the versions of controllers use. `name` is
    /// what the login's answer calls the cookie.
    pub(super) fn spread_session(&mut self, name: Option<&str>) {
        let name = name.filter(|name| name.len() <= MAX_LENGTH);
        let names = name.into_iter().chain(SESSION_NAMES);
        let Some(value) = names.clone().find_map(|name| self.get(name)).map(str::to_owned) else {
            return;
        };
        for name in names {
            if self.get(name).is_none() {
                self.set(name, &value);
            }
        }
    }

    /// The token against forged requests, as the header has it.
    pub(super) fn csrf(&self) -> Option<HeaderValue> {
        sensitive(self.get(CSRF)?)
    }

    /// All of them as a header.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let pairs: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { None } else { sensitive(&pairs.join("; ")) }
    }
}

/// A header that is never logged.
pub(super) fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(SET_COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        headers
    }

    #[test]
    fn a_new_token_replaces_the_one_before() {
        let mut cookies = Cookies::default();
        cookies.absorb(&headers(&["csrftoken=a; Path=/; Secure", "sessionid=s; HttpOnly"]));
        cookies.spread_session(Some("sessionid"));
        assert_eq!(cookies.csrf().unwrap(), "a");
        assert_eq!(cookies.header().unwrap(), "csrftoken=a; sessionid=s; avi-sessionid=s");
        cookies.absorb(&headers(&["csrftoken=b", "sessionid=", "nonsense"]));
        assert_eq!(cookies.csrf().unwrap(), "b");
        assert_eq!(cookies.header().unwrap(), "csrftoken=b; sessionid=s; avi-sessionid=s");
        assert!(cookies.header().unwrap().is_sensitive());
    }

    #[test]
    fn cookies_are_bounded() {
        let mut cookies = Cookies::default();
        let many: Vec<_> = (0..100).map(|number| format!("c{number}=x")).collect();
        cookies.absorb(&headers(&many.iter().map(String::as_str).collect::<Vec<_>>()));
        cookies.absorb(&headers(&[&format!("long={}", "x".repeat(MAX_LENGTH))]));
        assert_eq!(cookies.0.len(), MAX_COOKIES);
    }
}
