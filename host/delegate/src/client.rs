//! The HTTP client of a delegate, rebuilt when a certificate file changes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Certificate, Identity, redirect};

use super::error::DelegateError;
use super::settings::{Auth, DelegateSettings};
use leadsman_runtime::files::{self, ReloadingFile};

/// How long a connection may take.
const MAX_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The most headers of an answer by HTTP/1.1, and the most bytes of them by HTTP/2.
const MAX_HEADERS: usize = 64;
const MAX_HEADER_BYTES: u32 = 32 << 10;

pub(super) struct Client {
    settings: DelegateSettings,
    current: ReloadingFile<reqwest::Client>,
}

impl Client {
    pub(super) fn new(settings: &DelegateSettings) -> Result<Self, DelegateError> {
        let mut paths: Vec<PathBuf> = settings.ca_file.iter().cloned().collect();
        if let Auth::FrontProxy { cert_file, key_file } = &settings.auth {
            paths.extend([cert_file.clone(), key_file.clone()]);
        }
        let current = ReloadingFile::new(paths, || build(settings))?;
        Ok(Self { settings: settings.clone(), current })
    }

    pub(super) fn get(&self) -> reqwest::Client {
        let (client, error) = self.current.get(|| build(&self.settings));
        if let Some(error) = error {
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                delegate = self.settings.name,
                error,
                "a certificate file changed into one that cannot be used; the last good one stays"
            );
        }
        reqwest::Client::clone(&client)
    }
}

fn build(settings: &DelegateSettings) -> Result<reqwest::Client, DelegateError> {
    leadsman_runtime::tls::install_provider();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("leadsman/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(MAX_CONNECT_TIMEOUT.min(settings.timeout))
        // A redirect would carry credentials to an address that the configuration does not name.
        .redirect(redirect::Policy::none())
        .no_proxy()
        .http1_max_headers(MAX_HEADERS)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .tls_danger_accept_invalid_certs(settings.insecure_skip_tls_verify);
    if let Some(path) = &settings.ca_file {
        let pem = |_| DelegateError::Pem { path: path.clone(), wanted: "certificate" };
        let certificates = Certificate::from_pem_bundle(&read(path)?).map_err(pem)?;
        if certificates.is_empty() {
            return Err(DelegateError::Pem { path: path.clone(), wanted: "certificate" });
        }
        builder = builder.tls_certs_only(certificates);
    }
    if let Auth::FrontProxy { cert_file, key_file } = &settings.auth {
        let mut pem = read(cert_file)?;
        pem.push(b'\n');
        pem.extend(read(key_file)?);
        let wanted = "certificate with its key (in the file beside it)";
        let identity = Identity::from_pem(&pem)
            .map_err(|_| DelegateError::Pem { path: cert_file.clone(), wanted })?;
        builder = builder.identity(identity);
    }
    builder.build().map_err(DelegateError::Client)
}

fn read(path: &Path) -> Result<Vec<u8>, DelegateError> {
    files::read_regular(path, files::MAX_CREDENTIALS)
        .map_err(|source| DelegateError::Read { path: path.to_owned(), source })
}
