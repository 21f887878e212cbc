//! Credentials of a registry, as a pull secret holds them.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::entries::entry_for;
use leadsman_model::reference::Reference;

/// Credentials for one registry. They are sent only to that registry and to the token service that it
/// names.
#[derive(Clone, PartialEq, Eq)]
pub struct RegistryCredentials {
    registry: String,
    pub(super) kind: CredentialKind,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum CredentialKind {
    Password {
        user: String,
        password: String,
    },
    /// Is exchanged for a token at the registry's token service.
    IdentityToken(String),
    /// Is sent as it is.
    RegistryToken(String),
}

/// A pull secret has no usable credentials. No message contains any part of a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// It is not JSON.
    #[error("is not valid JSON (line {line}, column {column})")]
    Json {
        /// The line.
        line: usize,
        /// The column.
        column: usize,
    },
    /// It is not an object with `auths`.
    #[error(
        "has no object \"auths\" at its top: write the content of a secret of the type \
         kubernetes.io/dockerconfigjson"
    )]
    NoAuths,
    /// An entry is malformed.
    #[error("auths[{entry:?}]: {reason}")]
    Entry {
        /// The entry.
        entry: String,
        /// The fault.
        reason: &'static str,
    },
    /// It has no entry for this registry.
    #[error("has no entry for {registry}; it has: {}", list(.entries))]
    NoEntry {
        /// The registry.
        registry: String,
        /// The entries it has.
        entries: Vec<String>,
    },
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

impl RegistryCredentials {
    /// Selects the entry for an artifact in a dockerconfigjson. Entries match as in the kubelet, and
    /// the longest match wins.
    pub fn for_registry(json: &str, reference: &Reference) -> Result<Self, CredentialsError> {
        let document: Value = serde_json::from_str(json).map_err(|error| {
            CredentialsError::Json { line: error.line(), column: error.column() }
        })?;
        let auths = document.get("auths").and_then(Value::as_object);
        let auths = auths.ok_or(CredentialsError::NoAuths)?;
        let Some(key) = entry_for(auths.keys(), reference) else {
            return Err(CredentialsError::NoEntry {
                registry: reference.registry().to_owned(),
                entries: auths.keys().cloned().collect(),
            });
        };
        let kind = auths[key]
            .as_object()
            .ok_or("is not an object")
            .and_then(CredentialKind::read)
            .map_err(|reason| CredentialsError::Entry { entry: key.clone(), reason })?;
        Ok(Self { registry: reference.registry().to_owned(), kind })
    }

    /// Whether they may be sent to the registry of this artifact.
    pub(super) fn are_for(&self, reference: &Reference) -> bool {
        self.registry == reference.registry()
    }
}

impl fmt::Debug for RegistryCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RegistryCredentials")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}

impl CredentialKind {
    fn read(entry: &Map<String, Value>) -> Result<Self, &'static str> {
        let text = |field: &str| match entry.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err("a field is not a string"),
        };
        if let Some(token) = text("registrytoken")? {
            return Ok(Self::RegistryToken(token.to_owned()));
        }
        if let Some(token) = text("identitytoken")? {
            return Ok(Self::IdentityToken(token.to_owned()));
        }
        if let Some(auth) = text("auth")? {
            let bytes = BASE64.decode(auth.trim()).map_err(|_| "auth is not base64")?;
            let pair = String::from_utf8(bytes).map_err(|_| "auth is not base64 of a text")?;
            let pair = pair.trim_end_matches('\0').split_once(':');
            let (user, password) = pair.ok_or("auth is not base64 of user:password")?;
            return Ok(Self::Password { user: user.to_owned(), password: password.to_owned() });
        }
        match (text("username")?, text("password")?) {
            (Some(user), Some(password)) => {
                Ok(Self::Password { user: user.to_owned(), password: password.to_owned() })
            }
            (Some(_), None) => Err("has a username and no password"),
            (None, Some(_)) => Err("has a password and no username"),
            (None, None) => {
                Err("has none of auth, username and password, identitytoken, registrytoken")
            }
        }
    }
}

fn list(entries: &[String]) -> String {
    if entries.is_empty() { "none".to_owned() } else { entries.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn find(auths: &Value, reference: &str) -> Result<RegistryCredentials, CredentialsError> {
        let text = json!({"auths": auths}).to_string();
        RegistryCredentials::for_registry(&text, &reference.parse().unwrap())
    }

    #[test]
    fn every_kind_of_entry_is_read() {
        let pair = |user: &str, password: &str| CredentialKind::Password {
            user: user.to_owned(),
            password: password.to_owned(),
        };
        for (entry, wanted) in [
            (json!({"auth": "YTpiOmM="}), pair("a", "b:c")),
            (json!({"auth": "YTpiOmM"}), pair("a", "b:c")),
            (json!({"auth": "YTpi", "username": "x", "password": "y"}), pair("a", "b")),
            (json!({"username": "x", "password": "y", "email": "z"}), pair("x", "y")),
            (
                json!({"auth": "YTo=", "identitytoken": "t"}),
                CredentialKind::IdentityToken("t".to_owned()),
            ),
            (
                json!({"auth": "", "registrytoken": "t"}),
                CredentialKind::RegistryToken("t".to_owned()),
            ),
        ] {
            let found = find(&json!({"r.example": entry}), "r.example/a:1");
            assert!(found.is_ok_and(|found| found.kind == wanted), "{entry}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_a_secret() {
        for (entry, wanted) in [
            (json!("hunter2"), "is not an object"),
            (json!({"auth": "hunter2!"}), "auth is not base64"),
            (json!({"auth": "aHVudGVyMg=="}), "auth is not base64 of user:password"),
            (json!({"auth": "/////w=="}), "auth is not base64 of a text"),
            (json!({"username": "hunter2"}), "has a username and no password"),
            (json!({"password": "hunter2"}), "has a password and no username"),
            (json!({"auth": ["hunter2"]}), "a field is not a string"),
            (json!({}), "has none of auth"),
        ] {
            let error = find(&json!({"r.example": entry}), "r.example/a:1").unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains(wanted) && text.contains("r.example"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
        let reference = "r.example/a:1".parse().unwrap();
        for (text, wanted) in [
            (r#"{"auths": "hunter2"}"#, "has no object \"auths\""),
            (r#"{"r.example": {"auth": "hunter2"}}"#, "has no object \"auths\""),
            ("{\"auths\":\n hunter2}", "is not valid JSON (line 2, column 2)"),
            (r#"{"auths": {"s.example": {}, "t.example": {}}}"#, "it has: s.example, t.example"),
            (r#"{"auths": {}}"#, "it has: none"),
        ] {
            let error =
                RegistryCredentials::for_registry(text, &reference).unwrap_err().to_string();
            assert!(error.contains(wanted) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn credentials_are_not_shown() {
        let auths = json!({"r.example": {"username": "x", "password": "hunter2"}});
        let found = find(&auths, "r.example/a:1").unwrap();
        assert!(!format!("{found:?}").contains("hunter2"));
    }
}
