//! The user name and password for a controller, from files that are reloaded when they change.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::SourceError;
use leadsman_runtime::files::{self, ReloadingFile};

/// A user with its secret. Not to be shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) secret: Secret,
}

/// What a user is known by.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Secret {
    Password(String),
    Token(String),
}

/// The files of a Secret of type `kubernetes.io/basic-auth`, or with a token instead.
pub(super) struct CredentialFiles {
    folder: PathBuf,
    current: ReloadingFile<Credentials>,
}

impl CredentialFiles {
    pub(super) fn new(folder: &Path) -> Result<Self, SourceError> {
        let paths = ["username", "password", "token"].map(|name| folder.join(name));
        let current = ReloadingFile::new(paths.to_vec(), || read(folder))?;
        Ok(Self { folder: folder.to_owned(), current })
    }

    /// The newest credentials. If the files cannot be used any more, the last good ones.
    pub(super) fn get(&self) -> Arc<Credentials> {
        let (credentials, error) = self.current.get(|| read(&self.folder));
        if let Some(error) = error {
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                error,
                "credentials changed into such that cannot be used; the last good ones stay"
            );
        }
        credentials
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

fn read(folder: &Path) -> Result<Credentials, SourceError> {
    let read = |name: &str| {
        let path = folder.join(name);
        match files::read_text(&path, files::MAX_CREDENTIALS) {
            // Editors and `echo` end a file with a line feed.
            Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
            Err(source) => Err(SourceError::Read { path, source }),
        }
    };
    let username = read("username")?;
    let secret = match read("token") {
        Err(SourceError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Secret::Password(read("password")?)
        }
        token => Secret::Token(token?),
    };
    Ok(Credentials { username, secret })
}

/// Without the secret.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_before_a_password_and_changes_are_seen() {
        let folder = std::env::temp_dir().join(format!("leadsman-alb-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
        put("username", "scaler\n");
        assert!(matches!(CredentialFiles::new(&folder), Err(SourceError::Read { .. })));
        put("password", "not-a-secret\n");
        let files = CredentialFiles::new(&folder).unwrap();
        let first = files.get();
        assert_eq!(first.username, "scaler");
        assert!(first.secret == Secret::Password("not-a-secret".to_owned()));
        assert!(!format!("{first:?}").contains("not-a-secret"));
        put("token", "an-api-token");
        assert!(files.get().secret == Secret::Token("an-api-token".to_owned()));
        std::fs::remove_file(folder.join("username")).unwrap();
        assert!(files.get().username == "scaler", "the last good ones");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
