//! The adapter's own certificate authority, and the certificates that it issues.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::Service;
use crate::validity::{SERVING_VALIDITY, Validity};

/// The validity of an authority.
const AUTHORITY_VALIDITY: Duration = Duration::days(3650);

/// A certificate authority. It signs with the newest of the trusted certificates.
pub(super) struct Authority {
    /// The signing certificate, as PEM.
    pub(super) certificate: String,
    /// Its key, as PEM.
    pub(super) key: String,
    /// All trusted certificates, as PEM, the signing one first.
    pub(super) bundle: String,
    due: OffsetDateTime,
}

/// Why an authority cannot be generated or used.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The Secret has no valid authority in it.
    #[error("{what} is not usable: {reason}")]
    Unusable {
        /// The part.
        what: &'static str,
        /// The cause.
        reason: String,
    },
    /// A certificate cannot be generated.
    #[error("a certificate cannot be made: {0}")]
    Make(#[from] rcgen::Error),
}

/// The serving certificate in use.
pub(super) struct ServingCertificate {
    authority: String,
    due: OffsetDateTime,
}

impl Authority {
    /// Reads an authority from the Secret's data.
    pub(super) fn read(
        certificate: String,
        key: String,
        bundle: String,
    ) -> Result<Self, AuthorityError> {
        let unusable = |what| move |reason: String| AuthorityError::Unusable { what, reason };
        let due = validity(&certificate).map(Validity::due).map_err(unusable("tls.crt"))?;
        let keys =
            KeyPair::from_pem(&key).map_err(|error| unusable("tls.key")(error.to_string()))?;
        Issuer::from_ca_cert_pem(&certificate, &keys)
            .map_err(|error| unusable("tls.crt")(error.to_string()))?;
        if !bundle.contains(certificate.trim()) {
            return Err(unusable("ca.crt")("it does not hold the certificate of tls.crt".into()));
        }
        Ok(Self { certificate, key, bundle, due })
    }

    /// Generates a new authority. Its bundle keeps trusting the old one, and the one whose certificate
    /// is served now.
    pub(super) fn generate(
        service: &Service,
        old: Option<&Self>,
        current: Option<&str>,
    ) -> Result<Self, AuthorityError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, format!("{service} authority"));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let now = OffsetDateTime::now_utc();
        let valid = Validity::from_now(now, AUTHORITY_VALIDITY);
        (params.not_before, params.not_after) = (valid.begin, valid.end);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?.pem();
        let mut bundle = certificate.clone();
        let mut add = |pem: &str| {
            let holds = validity(pem).is_ok_and(|validity| validity.end > now);
            if holds && !bundle.contains(pem.trim()) {
                bundle.push_str(pem.trim());
                bundle.push('\n');
            }
        };
        // One before the last is enough: certificates live shorter than authorities.
        old.map(|old| old.certificate.as_str()).into_iter().chain(current).for_each(&mut add);
        Ok(Self { certificate, key: key.serialize_pem(), bundle, due: valid.due() })
    }

    /// Whether it is time to renew it.
    pub(super) fn is_due(&self) -> bool {
        OffsetDateTime::now_utc() >= self.due
    }

    /// Whether a client with this bundle trusts a serving certificate.
    pub(super) fn trusts(&self, serving: &ServingCertificate) -> bool {
        self.bundle.contains(serving.authority.trim())
    }

    /// Issues a serving certificate for a Service, with its key.
    pub(super) fn issue(
        &self,
        service: &Service,
    ) -> Result<
        (ServingCertificate, Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
        AuthorityError,
    > {
        let Service { namespace, name } = service;
        let mut params = CertificateParams::new([
            format!("{name}.{namespace}.svc"),
            format!("{name}.{namespace}.svc.cluster.local"),
            format!("{name}.{namespace}"),
            "localhost".to_owned(),
            "127.0.0.1".to_owned(),
        ])?;
        params.distinguished_name.push(DnType::CommonName, format!("{name}.{namespace}.svc"));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let valid = Validity::from_now(OffsetDateTime::now_utc(), SERVING_VALIDITY);
        (params.not_before, params.not_after) = (valid.begin, valid.end);
        let issuer = Issuer::from_ca_cert_pem(&self.certificate, KeyPair::from_pem(&self.key)?)?;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.signed_by(&key, &issuer)?;
        let chain = vec![certificate.der().clone()];
        let serving = ServingCertificate { authority: self.certificate.clone(), due: valid.due() };
        Ok((serving, chain, PrivateKeyDer::Pkcs8(key.serialize_der().into())))
    }
}

impl ServingCertificate {
    /// The certificate of the authority that issued it.
    pub(super) fn authority(&self) -> &str {
        &self.authority
    }

    /// Whether this authority issued it.
    pub(super) fn is_from(&self, authority: &Authority) -> bool {
        self.authority == authority.certificate
    }

    /// Whether it is time to renew it.
    pub(super) fn is_due(&self) -> bool {
        OffsetDateTime::now_utc() >= self.due
    }
}

/// The validity of a certificate.
fn validity(pem: &str) -> Result<Validity, String> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| error.to_string())?;
    let (_, certificate) = X509Certificate::from_der(&der).map_err(|error| error.to_string())?;
    let validity = certificate.validity();
    Ok(Validity { begin: validity.not_before.to_datetime(), end: validity.not_after.to_datetime() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service() -> Service {
        Service { namespace: "metrics".into(), name: "leadsman".into() }
    }

    fn read(authority: &Authority) -> Result<Authority, AuthorityError> {
        let Authority { certificate, key, bundle, .. } = authority;
        Authority::read(certificate.clone(), key.clone(), bundle.clone())
    }

    #[test]
    fn what_is_written_is_read() {
        let made = Authority::generate(&service(), None, None).unwrap();
        let known = read(&made).unwrap();
        assert!(!known.is_due());
        let (serving, chain, _) = known.issue(&service()).unwrap();
        assert!(serving.is_from(&made) && !serving.is_due());
        let (_, parsed) = X509Certificate::from_der(&chain[0]).unwrap();
        let names = format!("{:?}", parsed.subject_alternative_name().unwrap());
        assert!(names.contains("leadsman.metrics.svc"), "{names}");
        let (_, root) = x509_parser::pem::parse_x509_pem(made.certificate.as_bytes()).unwrap();
        assert_eq!(parsed.issuer(), root.parse_x509().unwrap().subject());
    }

    #[test]
    fn a_new_authority_trusts_what_is_served() {
        let old = Authority::generate(&service(), None, None).unwrap();
        let (serving, ..) = old.issue(&service()).unwrap();
        for (known, current) in [(Some(&old), None), (None, Some(serving.authority()))] {
            let new = Authority::generate(&service(), known, current).unwrap();
            assert!(new.trusts(&serving) && !serving.is_from(&new));
            assert_eq!(new.bundle.matches("BEGIN").count(), 2);
        }
        let unrelated = Authority::generate(&service(), None, None).unwrap();
        assert!(!unrelated.trusts(&serving));
    }

    #[test]
    fn what_does_not_go_together_is_told() {
        let one = Authority::generate(&service(), None, None).unwrap();
        let other = Authority::generate(&service(), None, None).unwrap();
        let swapped = Authority { bundle: other.bundle.clone(), ..read(&one).unwrap() };
        assert!(read(&swapped).err().unwrap().to_string().contains("ca.crt"));
        let broken = Authority { key: "no key".into(), ..read(&one).unwrap() };
        assert!(read(&broken).err().unwrap().to_string().contains("tls.key"));
    }
}
