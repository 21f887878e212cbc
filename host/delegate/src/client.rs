//! The HTTP client of a delegate, rebuilt when a certificate file changes.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::redirect;

use super::error::DelegateError;
use super::settings::{DelegateSettings, ForwardAuth};
use leadsman_runtime::files::ReloadingFile;
use leadsman_runtime::tls;

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
        if let ForwardAuth::FrontProxy { cert_file, key_file } = &settings.auth {
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
    tls::install_provider();
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
        builder = builder.tls_certs_only(tls::authorities(path)?);
    }
    if let ForwardAuth::FrontProxy { cert_file, key_file } = &settings.auth {
        builder = builder.identity(tls::identity(cert_file, key_file)?);
    }
    builder.build().map_err(DelegateError::Client)
}
