//! The cryptography that all connections use.

/// Makes ring the process's provider. Does nothing the second time.
pub fn install_provider() {
    // An error says that there is one already, which is ours.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
