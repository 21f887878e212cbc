//! What all TLS connections share: the cryptography provider, and certificates from files.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use reqwest::{Certificate, Identity};

use super::files::{MAX_CREDENTIALS, read_regular};

/// Installs ring as the provider of the process. Further calls do nothing.
pub fn install_provider() {
    // Fails only if a provider is installed already, and only this function installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Whether a request failed because the certificate of its peer is not trusted, or is not for its
/// host.
pub fn is_untrusted(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref::<rustls::Error>() {
            return true;
        }
        // The source of an I/O error skips the error that it wraps.
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let wrapped = wrapped.map(|error| -> &(dyn Error + 'static) { error });
        cause = wrapped.or_else(|| error.source());
    }
    false
}

/// Why a file with certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    /// It cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// It has no certificate or key in it.
    #[error("{path} holds no {wanted} in PEM form")]
    Missing {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        wanted: &'static str,
    },
}

/// The certificates of a file with authorities: at least one.
pub fn authorities(path: &Path) -> Result<Vec<Certificate>, PemError> {
    match Certificate::from_pem_bundle(&read(path)?) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(PemError::Missing { path: path.to_owned(), wanted: "certificate" }),
    }
}

/// The certificate of a client, and its key.
pub fn identity(certificate: &Path, key: &Path) -> Result<Identity, PemError> {
    let mut pem = read(certificate)?;
    pem.push(b'\n');
    pem.extend(read(key)?);
    Identity::from_pem(&pem).map_err(|_| PemError::Missing {
        path: certificate.to_owned(),
        wanted: "certificate with its key (in the file beside it)",
    })
}

fn read(path: &Path) -> Result<Vec<u8>, PemError> {
    read_regular(path, MAX_CREDENTIALS)
        .map_err(|source| PemError::Read { path: path.to_owned(), source })
}
