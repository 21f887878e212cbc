//! The cryptography provider of all TLS connections.

/// Installs ring as the provider of the process. Further calls do nothing.
pub fn install_provider() {
    // Fails only if a provider is installed already, and only this function installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
