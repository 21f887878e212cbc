//! The HTTP client, rebuilt when a certificate file changes.

use std::path::PathBuf;
use std::time::Duration;

use reqwest::redirect;

use super::SourceError;
use crate::settings::TlsSettings;
use leadsman_runtime::files::ReloadingFile;
use leadsman_runtime::tls;

/// How long a connection may take.
const MAX_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

pub(crate) struct Client {
    tls: TlsSettings,
    connect_timeout: Duration,
    current: ReloadingFile<reqwest::Client>,
}

impl Client {
    /// `timeout` is that of a query. A connection may take less, so that one that is never made is
    /// distinguished from an answer that does not come.
    pub(crate) fn new(tls: &TlsSettings, timeout: Duration) -> Result<Self, SourceError> {
        let connect_timeout = MAX_CONNECT_TIMEOUT.min(timeout * 9 / 10);
        let identity = tls.identity.iter().flat_map(|(cert, key)| [cert.clone(), key.clone()]);
        let paths: Vec<PathBuf> = tls.ca_file.iter().cloned().chain(identity).collect();
        let current = ReloadingFile::new(paths, || build(tls, connect_timeout))?;
        Ok(Self { tls: tls.clone(), connect_timeout, current })
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    pub(crate) fn get(&self) -> reqwest::Client {
        let (client, error) = self.current.get(|| build(&self.tls, self.connect_timeout));
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

fn build(
    settings: &TlsSettings,
    connect_timeout: Duration,
) -> Result<reqwest::Client, SourceError> {
    tls::install_provider();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("leadsman/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_timeout)
        // A redirect would carry credentials to an address that the configuration does not name.
        .redirect(redirect::Policy::none())
        .tls_danger_accept_invalid_certs(settings.insecure_skip_verify);
    if let Some(path) = &settings.ca_file {
        builder = builder.tls_certs_only(tls::authorities(path)?);
    }
    if let Some((cert, key)) = &settings.identity {
        builder = builder.identity(tls::identity(cert, key)?);
    }
    builder.build().map_err(SourceError::Client)
}
