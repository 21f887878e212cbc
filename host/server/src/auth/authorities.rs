//! The trusted authorities of the cluster: the data of the ConfigMap
//! `kube-system/extension-apiserver-authentication`.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderName;
use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use super::front_proxy::Headers;

/// The trusted authorities of the cluster.
#[derive(Debug, Clone, Default)]
pub struct Authorities {
    /// Verifies certificates of clients.
    pub(super) clients: Option<Arc<dyn ClientCertVerifier>>,
    /// Verifies front proxies.
    pub(super) front_proxy: Option<FrontProxy>,
}

/// How a front proxy is verified, and the headers that it sends.
#[derive(Debug, Clone)]
pub(super) struct FrontProxy {
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
    /// Allowed common names; any if there are none.
    pub(super) names: Vec<String>,
    pub(super) headers: Headers,
}

impl Authorities {
    /// Parses the data. For a part that is invalid it returns a fault and keeps the previous value.
    pub fn read(data: &BTreeMap<String, String>, before: Option<&Self>) -> (Self, Vec<String>) {
        let mut faults = Vec::new();
        let clients = match data.get("client-ca-file").map(|pem| verifier(pem)) {
            None => None,
            Some(Ok(verifier)) => Some(verifier),
            Some(Err(fault)) => {
                faults.push(format!("client-ca-file: {fault}"));
                before.and_then(|before| before.clients.clone())
            }
        };
        let front_proxy = match front_proxy(data) {
            Ok(front_proxy) => front_proxy,
            Err(fault) => {
                faults.push(fault);
                before.and_then(|before| before.front_proxy.clone())
            }
        };
        (Self { clients, front_proxy }, faults)
    }
}

fn front_proxy(data: &BTreeMap<String, String>) -> Result<Option<FrontProxy>, String> {
    let Some(pem) = data.get("requestheader-client-ca-file") else { return Ok(None) };
    let verifier =
        verifier(pem).map_err(|fault| format!("requestheader-client-ca-file: {fault}"))?;
    let list = |key: &str| -> Result<Vec<String>, String> {
        match data.get(key).map(|text| text.trim()) {
            None | Some("") => Ok(Vec::new()),
            Some(text) => serde_json::from_str(text)
                .map_err(|error| format!("{key}: this is no list of texts in JSON: {error}")),
        }
    };
    let names = |key: &str| -> Result<Vec<HeaderName>, String> {
        let header = |name: String| {
            HeaderName::try_from(&name)
                .map_err(|_| format!("{key}: \"{}\" is no name of a header", name.escape_debug()))
        };
        list(key)?.into_iter().map(header).collect()
    };
    let headers = Headers {
        user: names("requestheader-username-headers")?,
        uid: names("requestheader-uid-headers")?,
        groups: names("requestheader-group-headers")?,
        extra_prefixes: list("requestheader-extra-headers-prefix")?
            .iter()
            .map(|prefix| prefix.to_ascii_lowercase())
            .collect(),
    };
    Ok(Some(FrontProxy { verifier, names: list("requestheader-allowed-names")?, headers }))
}

/// A verifier of client certificates that are signed by one of these authorities and valid now.
pub(super) fn verifier(pem: &str) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("this is not PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("a certificate cannot be used: {error}"))?;
    }
    if roots.is_empty() {
        return Err("there is no certificate in it".to_owned());
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
    verifier.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority() -> String {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
    }

    fn data(parts: &[(&str, &str)]) -> BTreeMap<String, String> {
        parts.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn what_kube_apiserver_writes_is_read() {
        let pem = authority();
        let (authorities, faults) = Authorities::read(
            &data(&[
                ("client-ca-file", &pem),
                ("requestheader-client-ca-file", &pem),
                ("requestheader-allowed-names", r#"["front-proxy-client"]"#),
                ("requestheader-username-headers", r#"["X-Remote-User"]"#),
                ("requestheader-group-headers", r#"["X-Remote-Group"]"#),
                ("requestheader-extra-headers-prefix", r#"["X-Remote-Extra-"]"#),
            ]),
            None,
        );
        assert_eq!(faults, [""; 0]);
        let front_proxy = authorities.front_proxy.unwrap();
        assert!(authorities.clients.is_some());
        assert_eq!(front_proxy.names, ["front-proxy-client"]);
        assert_eq!(front_proxy.headers.user, ["x-remote-user"]);
        assert_eq!(front_proxy.headers.extra_prefixes, ["x-remote-extra-"]);
        assert!(front_proxy.headers.uid.is_empty());
    }

    #[test]
    fn a_part_that_cannot_be_used_stays_as_it_was() {
        let pem = authority();
        let good = data(&[("client-ca-file", &pem), ("requestheader-client-ca-file", &pem)]);
        let (before, _) = Authorities::read(&good, None);
        let bad = data(&[
            ("client-ca-file", "no certificate"),
            ("requestheader-client-ca-file", &pem),
            ("requestheader-allowed-names", "front-proxy-client"),
        ]);
        let (after, faults) = Authorities::read(&bad, Some(&before));
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(after.clients.is_some() && after.front_proxy.is_some());
        let (never, _) = Authorities::read(&bad, None);
        assert!(never.clients.is_none() && never.front_proxy.is_none());
        let (taken_away, faults) = Authorities::read(&data(&[]), Some(&before));
        assert!(taken_away.clients.is_none() && faults.is_empty());
    }
}
