//! The HTTP client, made anew when a certificate file changes.

use std::path::{Path, PathBuf};

use reqwest::{Certificate, Identity, redirect};

use super::super::SourceError;
use super::CONNECT_TIMEOUT;
use crate::settings::TlsSettings;
use leadsman_runtime::files::FromFiles;

pub(super) struct Client {
    tls: TlsSettings,
    made: FromFiles<reqwest::Client>,
}

impl Client {
    pub(super) fn new(tls: &TlsSettings) -> Result<Self, SourceError> {
        let identity = tls.identity.iter().flat_map(|(cert, key)| [cert.clone(), key.clone()]);
        let paths: Vec<PathBuf> = tls.ca_file.iter().cloned().chain(identity).collect();
        Ok(Self { tls: tls.clone(), made: FromFiles::new(paths, || make(tls))? })
    }

    pub(super) fn get(&self) -> reqwest::Client {
        let (client, error) = self.made.get(|| make(&self.tls));
        if let Some(error) = error {
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                error,
                "a certificate file changed into one that cannot be used; the last good one stays"
            );
        }
        reqwest::Client::clone(&client)
    }
}

fn make(tls: &TlsSettings) -> Result<reqwest::Client, SourceError> {
    leadsman_runtime::tls::install_provider();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("leadsman/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        // A redirect would carry credentials to an address that the configuration does not name.
        .redirect(redirect::Policy::none())
        .tls_danger_accept_invalid_certs(tls.insecure_skip_verify);
    if let Some(path) = &tls.ca_file {
        let pem = |_| SourceError::Pem { path: path.clone(), wanted: "certificate" };
        let certificates = Certificate::from_pem_bundle(&read(path)?).map_err(pem)?;
        if certificates.is_empty() {
            return Err(SourceError::Pem { path: path.clone(), wanted: "certificate" });
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let Some((cert, key)) = &tls.identity {
        let mut pem = read(cert)?;
        pem.push(b'\n');
        pem.extend(read(key)?);
        let wanted = "certificate with its key (in the file beside it)";
        let identity = Identity::from_pem(&pem)
            .map_err(|_| SourceError::Pem { path: cert.clone(), wanted })?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(SourceError::Client)
}

fn read(path: &Path) -> Result<Vec<u8>, SourceError> {
    std::fs::read(path).map_err(|source| SourceError::Read { path: path.to_owned(), source })
}
