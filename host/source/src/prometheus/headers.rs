//! The headers of requests, with credentials from files.

use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::QueryError;
use crate::settings::{Credentials, Username};

/// The headers of a request. Files are read anew for each.
pub(crate) fn request_headers(
    headers: &HeaderMap,
    header_files: &[(http::HeaderName, std::path::PathBuf)],
    credentials: &Credentials,
) -> Result<HeaderMap, QueryError> {
    let mut headers = headers.clone();
    for (name, path) in header_files {
        headers.insert(name, secret(path, read(path)?)?);
    }
    let (path, value) = match credentials {
        Credentials::None => return Ok(headers),
        Credentials::BearerFile(path) => (path, format!("Bearer {}", read(path)?)),
        Credentials::Basic { username, password_file } => {
            use base64::Engine as _;
            let username = match username {
                Username::Written(name) => name.clone(),
                Username::File(path) => read(path)?,
            };
            let pair = format!("{username}:{}", read(password_file)?);
            let pair = base64::engine::general_purpose::STANDARD.encode(pair);
            (password_file, format!("Basic {pair}"))
        }
    };
    headers.insert(AUTHORIZATION, secret(path, value)?);
    Ok(headers)
}

/// Reads a credential for each query: tokens of service accounts are replaced every hour.
fn read(path: &std::path::Path) -> Result<String, QueryError> {
    match leadsman_runtime::files::read_text(path, leadsman_runtime::files::MAX_CREDENTIALS) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(source) => Err(QueryError::Credential { path: path.to_owned(), source }),
    }
}

/// The value of a header that is from a file, and is logged nowhere.
fn secret(path: &std::path::Path, value: String) -> Result<HeaderValue, QueryError> {
    let mut value = HeaderValue::try_from(value)
        .map_err(|_| QueryError::UnusableCredential { path: path.to_owned() })?;
    value.set_sensitive(true);
    Ok(value)
}
