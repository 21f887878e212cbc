//! A self-signed serving certificate, where no other is configured. It is generated at each start and again
//! before it expires.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::sign::CertifiedKey;
use rustls_pki_types::PrivateKeyDer;
use time::OffsetDateTime;

use crate::certificate::{CertificateError, CertificateHandle, certified};
use crate::validity::{SERVING_VALIDITY, Validity};

/// How often it is looked whether it is time for a new one.
const CHECK_INTERVAL: Duration = Duration::from_secs(3600);

/// A certificate for `localhost` and an address that signs itself.
pub struct SelfSigned {
    handle: CertificateHandle,
    address: IpAddr,
    made: SelfSignedCertificate,
}

/// A certificate that was made here, with its key.
struct SelfSignedCertificate {
    key: Arc<CertifiedKey>,
    /// The certificate as PEM.
    pem: String,
    due: OffsetDateTime,
}

/// Whether the certificate is still this one's to renew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Renewal {
    NotDue,
    Renewed,
    /// Another one is served in its place, such as that of the cluster's authority.
    Replaced,
}

impl SelfSigned {
    /// Makes the first one.
    pub fn new(address: IpAddr) -> Result<Self, CertificateError> {
        let made = make(address, OffsetDateTime::now_utc())?;
        let handle = CertificateHandle::new(made.key.clone());
        Ok(Self { handle, address, made })
    }

    /// What is served: this one, or the one that replaced it.
    pub fn handle(&self) -> CertificateHandle {
        self.handle.clone()
    }

    /// The certificate as PEM, for clients that are to trust it.
    pub fn pem(&self) -> &str {
        &self.made.pem
    }

    /// Makes a new one whenever it is time to, until another one is served in its place. Never
    /// returns.
    pub async fn keep_valid(mut self) {
        loop {
            tokio::time::sleep(CHECK_INTERVAL).await;
            match self.renew(OffsetDateTime::now_utc()) {
                Ok(Renewal::NotDue) => {}
                Ok(Renewal::Renewed) => {
                    tracing::info!("serving with a new self-signed certificate")
                }
                Ok(Renewal::Replaced) => std::future::pending().await,
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, "the self-signed certificate cannot be renewed");
                }
            }
        }
    }

    fn renew(&mut self, now: OffsetDateTime) -> Result<Renewal, CertificateError> {
        if !self.handle.serves(&self.made.key) {
            return Ok(Renewal::Replaced);
        }
        if now < self.made.due {
            return Ok(Renewal::NotDue);
        }
        let new = make(self.address, now)?;
        if !self.handle.exchange(&self.made.key, new.key.clone()) {
            return Ok(Renewal::Replaced);
        }
        self.made = new;
        Ok(Renewal::Renewed)
    }
}

fn make(address: IpAddr, now: OffsetDateTime) -> Result<SelfSignedCertificate, CertificateError> {
    let validity = Validity::from_now(now, SERVING_VALIDITY);
    let names = vec!["localhost".to_owned(), address.to_string()];
    let mut params = rcgen::CertificateParams::new(names).map_err(CertificateError::Make)?;
    (params.not_before, params.not_after) = (validity.begin, validity.end);
    let key = rcgen::KeyPair::generate().map_err(CertificateError::Make)?;
    let certificate = params.self_signed(&key).map_err(CertificateError::Make)?;
    let der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let pem = certificate.pem();
    let key = certified(vec![certificate.der().clone()], der)?;
    Ok(SelfSignedCertificate { key, pem, due: validity.due() })
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use time::Duration;

    use super::*;
    use crate::Certificate;

    fn ends(of: &SelfSigned) -> i64 {
        Certificate::InMemory(of.handle()).not_after().unwrap()
    }

    #[test]
    fn it_is_valid_for_a_year_and_made_anew_after_two_thirds_of_it() {
        let begun = OffsetDateTime::now_utc();
        let mut own = SelfSigned::new(Ipv4Addr::LOCALHOST.into()).unwrap();
        let first = ends(&own);
        let year = (begun + Duration::days(365)).unix_timestamp();
        // The test may have been held up for a while.
        assert!((year..year + 3600).contains(&first), "{first}, and a year from now is {year}");
        let pem = own.pem().to_owned();
        let after = |days| begun + Duration::days(days);
        assert_eq!(own.renew(after(0)).unwrap(), Renewal::NotDue);
        assert_eq!(own.renew(after(243)).unwrap(), Renewal::NotDue);
        assert_eq!(ends(&own), first);
        assert_eq!(own.renew(after(244)).unwrap(), Renewal::Renewed);
        assert_eq!(ends(&own), (after(244 + 365)).unix_timestamp());
        assert_ne!(own.pem(), pem);
        assert_eq!(own.renew(after(244)).unwrap(), Renewal::NotDue);
        assert_eq!(own.renew(after(244 + 244)).unwrap(), Renewal::Renewed);
    }

    #[test]
    fn it_never_takes_the_place_of_one_that_replaced_it() {
        let mut own = SelfSigned::new(Ipv4Addr::LOCALHOST.into()).unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2031, 2, 3);
        let key = rcgen::KeyPair::generate().unwrap();
        let issued = params.self_signed(&key).unwrap().der().clone();
        let der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        own.handle().replace(vec![issued], der).unwrap();
        let years = OffsetDateTime::now_utc() + Duration::days(3650);
        assert_eq!(own.renew(years).unwrap(), Renewal::Replaced);
        assert_eq!(ends(&own), 1_927_843_200);
    }
}
