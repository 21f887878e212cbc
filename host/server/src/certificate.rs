//! The serving certificate: from files, which are read again when they change, or in memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::auth::AnyClient;
use leadsman_runtime::files::ReloadingFile;

/// The source of the serving certificate.
#[derive(Clone)]
pub enum Certificate {
    /// Files with the certificate chain and the private key.
    Files(Arc<CertificateFiles>),
    /// In memory.
    InMemory(CertificateHandle),
}

/// A certificate in memory that can be replaced while it is served.
#[derive(Clone)]
pub struct CertificateHandle(Arc<ArcSwap<CertifiedKey>>);

/// A certificate in files.
pub struct CertificateFiles {
    cert: PathBuf,
    key: PathBuf,
    loaded: ReloadingFile<CertifiedKey>,
}

/// Why no certificate can be served.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file has no certificate or no key in it.
    #[error("cannot use {path} as the {what} of the server")]
    File {
        /// The file.
        path: PathBuf,
        /// The part that it should have.
        what: &'static str,
        /// The cause.
        source: rustls_pki_types::pem::Error,
    },
    /// Certificate and key do not match, or their algorithm is not supported.
    #[error("the certificate in {cert} cannot be used with the key in {key}")]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// The cause.
        source: rustls::Error,
    },
    /// A certificate could not be generated.
    #[error("cannot make a certificate")]
    Make(#[source] rcgen::Error),
    /// The generated certificate cannot be used.
    #[error("cannot use the certificate that was made")]
    Made(#[source] rustls::Error),
    /// TLS cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
}

impl Certificate {
    /// Loads it from two files.
    pub fn files(cert: PathBuf, key: PathBuf) -> Result<Self, CertificateError> {
        let loaded = ReloadingFile::new(vec![cert.clone(), key.clone()], || read(&cert, &key))?;
        Ok(Self::Files(Arc::new(CertificateFiles { cert, key, loaded })))
    }

    /// When it expires, in seconds since the epoch; `None` if it does not say so.
    pub fn not_after(&self) -> Option<i64> {
        let current = self.current();
        let (_, parsed) = X509Certificate::from_der(current.cert.first()?).ok()?;
        Some(parsed.validity().not_after.timestamp())
    }

    fn current(&self) -> Arc<CertifiedKey> {
        match self {
            Self::InMemory(handle) => handle.0.load_full(),
            Self::Files(files) => files.current(),
        }
    }

    /// The configuration of a server: TLS 1.2 and later, HTTP/2 and 1.1.
    pub fn server_config(self) -> Result<ServerConfig, CertificateError> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(CertificateError::Tls)?
            .with_client_cert_verifier(Arc::new(AnyClient::default()))
            .with_cert_resolver(Arc::new(Resolver(self)));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

impl CertificateFiles {
    fn current(&self) -> Arc<CertifiedKey> {
        let (key, error) = self.loaded.get(|| read(&self.cert, &self.key));
        if let Some(error) = error {
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                error,
                "the serving certificate changed into one that cannot be used; the last good one stays"
            );
        }
        key
    }
}

impl CertificateHandle {
    /// Serves this one at first.
    pub(crate) fn new(first: Arc<CertifiedKey>) -> Self {
        Self(Arc::new(ArcSwap::new(first)))
    }

    /// Whether this one is served now.
    pub(crate) fn serves(&self, key: &Arc<CertifiedKey>) -> bool {
        Arc::ptr_eq(key, &self.0.load())
    }

    /// Serves a new one in the place of an old one; `false` if another one than that is served.
    pub(crate) fn exchange(&self, old: &Arc<CertifiedKey>, new: Arc<CertifiedKey>) -> bool {
        let before = self.0.compare_and_swap(old, new);
        Arc::ptr_eq(old, &before)
    }

    /// Serves another certificate from the next handshake on.
    pub fn replace(
        &self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<(), CertificateError> {
        self.0.store(certified(chain, key)?);
        Ok(())
    }
}

/// A certificate with its key, as it is served.
pub(crate) fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<Arc<CertifiedKey>, CertificateError> {
    CertifiedKey::from_der(chain, key, &ring::default_provider())
        .map(Arc::new)
        .map_err(CertificateError::Made)
}

fn read(cert: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let file = |path: &Path, what| {
        let path = path.to_owned();
        move |source| CertificateError::File { path, what, source }
    };
    let chain = CertificateDer::pem_file_iter(cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(file(cert, "certificate"))?;
    let private = PrivateKeyDer::from_pem_file(key).map_err(file(key, "key"))?;
    CertifiedKey::from_der(chain, private, &ring::default_provider()).map_err(|source| {
        CertificateError::Mismatch { cert: cert.to_owned(), key: key.to_owned(), source }
    })
}

struct Resolver(Certificate);

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Two files are checked for each handshake; connections are long-lived.
        Some(self.0.current())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::SelfSigned;

    #[test]
    fn the_end_of_a_certificate_is_that_of_the_one_that_is_served() {
        let handle = SelfSigned::new(Ipv4Addr::LOCALHOST.into()).unwrap().handle();
        let certificate = Certificate::InMemory(handle.clone());
        let first = certificate.not_after().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2031, 2, 3);
        let key = rcgen::KeyPair::generate().unwrap();
        let made = params.self_signed(&key).unwrap();
        let der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        handle.replace(vec![made.der().clone()], der).unwrap();
        assert_ne!(certificate.not_after(), Some(first));
        assert_eq!(certificate.not_after(), Some(1_927_843_200));
    }
}
