//! Certificates of servers and clients.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// A certificate authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// Its key.
    pub key: String,
}

impl Authority {
    /// A new authority.
    ///
    /// # Panics
    /// If no key can be generated.
    pub fn new(name: &str) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    /// Its own certificate in PEM.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for a server at 127.0.0.1.
    pub fn server(&self, name: &str) -> Identity {
        self.server_named(name, &[])
    }

    /// A certificate for a server at 127.0.0.1 that also has DNS names.
    ///
    /// # Panics
    /// If a DNS name is invalid.
    pub fn server_named(&self, name: &str, dns: &[&str]) -> Identity {
        let mut params = params(name);
        params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        for &name in dns {
            let name = name.try_into().expect("a DNS name");
            params.subject_alt_names.push(SanType::DnsName(name));
        }
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// A certificate for a server at this address alone.
    pub fn server_at(&self, name: &str, address: Ipv4Addr) -> Identity {
        let mut params = params(name);
        params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(address))];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.sign(&params)
    }

    /// A certificate for a server at 127.0.0.1 that expired years ago.
    pub fn expired_server(&self, name: &str) -> Identity {
        let mut params = params(name);
        params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(&params)
    }

    /// A certificate for a server at 127.0.0.1 with these DNS names that is a client of its like, too.
    ///
    /// # Panics
    /// If a DNS name is invalid.
    pub fn both_ends(&self, name: &str, dns: &[&str]) -> Identity {
        let mut params = params(name);
        params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        for &name in dns {
            let name = name.try_into().expect("a DNS name");
            params.subject_alt_names.push(SanType::DnsName(name));
        }
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    /// A certificate for a client.
    pub fn client(&self, name: &str) -> Identity {
        self.sign(&client(name))
    }

    /// A certificate for a client that Kubernetes identifies as this user in this group.
    pub fn member(&self, name: &str, group: &str) -> Identity {
        let mut params = client(name);
        params.distinguished_name.push(DnType::OrganizationName, group);
        self.sign(&params)
    }

    /// A certificate for a client that expired years ago.
    pub fn expired(&self, name: &str) -> Identity {
        let mut params = client(name);
        params.not_after = date_time_ymd(2020, 1, 1);
        self.sign(&params)
    }

    /// The TLS configuration of a client that trusts only this authority.
    ///
    /// # Panics
    /// If the certificate is invalid.
    pub fn client_config(&self) -> Arc<ClientConfig> {
        crate::crypto();
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("a certificate");
        let builder = ClientConfig::builder().with_root_certificates(roots);
        Arc::new(builder.with_no_client_auth())
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Identity {
    /// Writes certificate and key to files.
    ///
    /// # Panics
    /// If that fails.
    pub fn write(&self, certificate: &Path, key: &Path) {
        replace(certificate, &self.certificate);
        replace(key, &self.key);
    }

    /// The TLS configuration of a server with this identity that accepts clients of this authority.
    ///
    /// # Panics
    /// If the certificate or the key is invalid.
    pub fn server_config(&self, clients: Option<&Authority>) -> Arc<ServerConfig> {
        crate::crypto();
        let builder = ServerConfig::builder();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.0.der().clone()).expect("a certificate");
                let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build();
                builder.with_client_cert_verifier(verifier.expect("a verifier"))
            }
        };
        let chain = rustls::pki_types::CertificateDer::pem_slice_iter(self.certificate.as_bytes());
        let chain = chain.collect::<Result<Vec<_>, _>>().expect("a certificate");
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("a key");
        Arc::new(builder.with_single_cert(chain, key).expect("a key of the certificate"))
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn client(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// Writes a file atomically, as Kubernetes updates a mounted file.
///
/// # Panics
/// If that fails.
pub fn replace(path: &Path, text: &str) {
    let new = path.with_extension("new");
    std::fs::write(&new, text).expect("a new file");
    std::fs::rename(new, path).expect("a replaced file");
}
