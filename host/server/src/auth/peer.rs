//! The peer of a connection: its certificate, and the identity in it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderMap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::authorities::Authorities;
use super::clients::OwnAuthority;
use super::credentials::Outcome;
use super::error::Unauthenticated;
use leadsman_cluster::Identity;

/// How often it is verified again: a certificate may expire during a connection.
const VERIFICATION_INTERVAL: Duration = Duration::from_secs(60);

/// The peer of a connection.
#[derive(Debug, Default)]
pub struct Peer {
    /// Its certificate, then intermediate ones. The handshake has proven that it has the key.
    certificates: Vec<CertificateDer<'static>>,
    verified: Mutex<Option<Arc<Verified>>>,
    /// The same by an authority that is not the cluster's.
    by_own: Mutex<Option<VerifiedByOwn>>,
    /// Whether a request of this connection was authorized by credentials.
    authorized: AtomicBool,
}

/// The result of a verification.
#[derive(Debug)]
struct Verified {
    authorities: Arc<Authorities>,
    at: Instant,
    front_proxy: Result<(), Unauthenticated>,
    client: Result<Identity, Unauthenticated>,
}

/// The result of a verification by an authority that is not the cluster's.
#[derive(Debug)]
struct VerifiedByOwn {
    authority: Arc<OwnAuthority>,
    at: Instant,
    client: Result<Identity, Unauthenticated>,
}

impl Peer {
    /// A peer that presented these certificates, or none.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Self {
        Self { certificates, ..Self::default() }
    }

    /// Whether a request of this connection was authorized by credentials. Such a connection is not
    /// closed in favor of one that has shown none.
    pub fn is_authorized(&self) -> bool {
        self.authorized.load(Ordering::Relaxed)
    }

    /// A request of this connection was authorized by credentials.
    pub(crate) fn set_authorized(&self) {
        self.authorized.store(true, Ordering::Relaxed);
    }

    /// The outcome while the trusted authorities are not known.
    pub(super) fn unverified(&self) -> Outcome {
        match self.certificates.is_empty() {
            true => Outcome::Absent,
            false => Outcome::Refused(Unauthenticated::Unknown),
        }
    }

    /// The identity of a request: asserted by the peer if it is a front proxy, or of the peer itself.
    /// The headers of a front proxy are removed in any case.
    pub(super) fn identify(
        &self,
        authorities: &Arc<Authorities>,
        headers: &mut HeaderMap,
    ) -> Outcome {
        let front_proxy = authorities.front_proxy.as_ref();
        if self.certificates.is_empty() {
            if let Some(front_proxy) = front_proxy {
                front_proxy.headers.strip(headers);
            }
            return Outcome::Absent;
        }
        let verified = self.verified(authorities);
        let mut by_proxy = None;
        if let Some(front_proxy) = front_proxy {
            if verified.front_proxy.is_ok() {
                by_proxy = front_proxy.headers.identity(headers);
            }
            front_proxy.headers.strip(headers);
        }
        if let Some(identity) = by_proxy {
            return Outcome::Proxied(identity);
        }
        match (&verified.client, &verified.front_proxy) {
            (Ok(identity), _) => Outcome::Identified(identity.clone()),
            // More precise than that it is no client's certificate.
            (Err(_), Err(reason @ Unauthenticated::NotAFrontProxy(_))) => {
                Outcome::Refused(reason.clone())
            }
            (Err(reason), _) => Outcome::Refused(reason.clone()),
        }
    }

    /// The identity in the peer's certificate, if it has one and this authority has signed it.
    pub(super) fn identify_by(
        &self,
        authority: &Arc<OwnAuthority>,
    ) -> Option<Result<Identity, Unauthenticated>> {
        if self.certificates.is_empty() {
            return None;
        }
        let mut known = self.by_own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*known
            && Arc::ptr_eq(&known.authority, authority)
            && known.at.elapsed() < VERIFICATION_INTERVAL
        {
            return Some(known.client.clone());
        }
        let client = self.verify_by(authority.verifier()).and_then(OwnAuthority::accepted);
        let authority = authority.clone();
        *known = Some(VerifiedByOwn { authority, at: Instant::now(), client: client.clone() });
        Some(client)
    }

    /// Verifies once per connection, and again when authorities change or after the interval.
    fn verified(&self, authorities: &Arc<Authorities>) -> Arc<Verified> {
        let mut known = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*known
            && Arc::ptr_eq(&known.authorities, authorities)
            && known.at.elapsed() < VERIFICATION_INTERVAL
        {
            return known.clone();
        }
        let verified = Arc::new(self.verify(authorities));
        *known = Some(verified.clone());
        verified
    }

    fn verify(&self, authorities: &Arc<Authorities>) -> Verified {
        let front_proxy = match &authorities.front_proxy {
            None => Err(Unauthenticated::Unknown),
            Some(front_proxy) => self.verify_by(front_proxy.verifier.as_ref()).and_then(|name| {
                let name = name.user;
                let any = front_proxy.names.is_empty();
                if any || front_proxy.names.contains(&name) {
                    Ok(())
                } else {
                    Err(Unauthenticated::NotAFrontProxy(name))
                }
            }),
        };
        let client = match &authorities.clients {
            None => Err(Unauthenticated::Certificate("no authority for clients is known".into())),
            Some(clients) => self.verify_by(clients.as_ref()).and_then(|identity| {
                if identity.user.is_empty() { Err(Unauthenticated::Nameless) } else { Ok(identity) }
            }),
        };
        Verified { authorities: authorities.clone(), at: Instant::now(), front_proxy, client }
    }

    /// The identity in a certificate that a verifier accepts.
    fn verify_by(&self, verifier: &dyn ClientCertVerifier) -> Result<Identity, Unauthenticated> {
        let refused = |reason: String| Unauthenticated::Certificate(reason);
        let Some((own, between)) = self.certificates.split_first() else {
            return Err(refused("there is none".to_owned()));
        };
        verifier
            .verify_client_cert(own, between, UnixTime::now())
            .map_err(|error| refused(error.to_string()))?;
        let (_, parsed) =
            X509Certificate::from_der(own).map_err(|error| refused(error.to_string()))?;
        let texts = |attributes: &mut dyn Iterator<
            Item = &x509_parser::x509::AttributeTypeAndValue<'_>,
        >| {
            attributes
                .filter_map(|attribute| attribute.as_str().ok().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        let subject = parsed.subject();
        let user = texts(&mut subject.iter_common_name()).into_iter().next().unwrap_or_default();
        let groups = texts(&mut subject.iter_organization());
        Ok(Identity { user, groups, ..Identity::default() })
    }
}

/// Requests a client certificate and accepts any whose key the client has. It is verified per
/// request, because a failed handshake could not tell the client the reason.
#[derive(Debug)]
pub struct AnyClient {
    algorithms: WebPkiSupportedAlgorithms,
}

impl Default for AnyClient {
    fn default() -> Self {
        Self { algorithms: ring::default_provider().signature_verification_algorithms }
    }
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _own: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
