//! Clients that connect without a front proxy: scalers of KEDA.
//!
//! They are authenticated by a client certificate or a bearer token, and never anonymous. Certificates are
//! issued by the cluster's authority for clients, or by one that the operator names.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request, Uri};
use rustls::server::danger::ClientCertVerifier;

use super::authorities::verifier;
use super::error::{Denied, Forbidden, Unauthenticated};
use super::peer::Peer;
use super::{Auth, MASTERS, UserId, attributes, authenticated};
use leadsman_cluster::{ANONYMOUS, Identity, ReviewDecision};
use leadsman_runtime::files::{self, ReloadingFile};

/// Users and groups whose names begin so are the cluster's own.
const RESERVED: &str = "system:";

/// Authenticates and authorizes clients.
pub struct Clients {
    auth: Arc<Auth>,
    own: Option<OwnFile>,
}

/// Somebody who has shown who they are.
#[derive(Debug, Clone)]
pub struct Client {
    identity: Identity,
}

/// Why an authority of clients cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientAuthorityError {
    /// The file cannot be read.
    #[error("cannot read {path}, the authority of clients")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// It has no authority in it.
    #[error("{path} cannot be used as the authority of clients: {reason}")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The file of an authority, read again when it changes.
struct OwnFile {
    path: PathBuf,
    loaded: ReloadingFile<OwnAuthority>,
}

/// An authority that is not the cluster's.
#[derive(Debug)]
pub(super) struct OwnAuthority(Arc<dyn ClientCertVerifier>);

impl Clients {
    /// Trusts the cluster's authority for clients, and that of a file if one is named.
    pub fn new(auth: Arc<Auth>, own: Option<PathBuf>) -> Result<Self, ClientAuthorityError> {
        Ok(Self { auth, own: own.map(OwnFile::new).transpose()? })
    }

    /// Who the client of a request is. `authorization` is the header of this name.
    pub async fn authenticate(
        &self,
        peer: &Peer,
        authorization: Option<&HeaderValue>,
    ) -> Result<Client, Denied> {
        let mut claimed = None;
        if let Some(own) = &self.own {
            match peer.identify_by(&own.authority()) {
                Some(Ok(identity)) => return Ok(Client::of(identity)),
                Some(Err(reserved @ Unauthenticated::Reserved(_))) => claimed = Some(reserved),
                // Another authority may have signed it.
                Some(Err(_)) | None => {}
            }
        }
        match (self.by_cluster(peer, authorization).await, claimed) {
            (Ok(identity), _) => Ok(Client::of(identity)),
            (Err(Denied::Unauthenticated(_)), Some(claimed)) => {
                Err(Denied::Unauthenticated(claimed))
            }
            (Err(denied), _) => Err(denied),
        }
    }

    /// The identity by what the cluster trusts: that of the client's certificate, or of its bearer token.
    async fn by_cluster(
        &self,
        peer: &Peer,
        authorization: Option<&HeaderValue>,
    ) -> Result<Identity, Denied> {
        // Only this header: what a front proxy would assert is not looked at.
        let (mut request, ()) = Request::new(()).into_parts();
        if let Some(value) = authorization {
            request.headers.insert(AUTHORIZATION, value.clone());
        }
        let by_certificate = match &self.auth.authorities.load_full() {
            Some(authorities) => peer.identify(authorities, &mut request.headers),
            None => peer.unverified(),
        };
        let _counted = self.auth.unproven.admit(&by_certificate, peer)?;
        let (identity, _) = self.auth.authenticate(by_certificate, &request).await?;
        match identity.user == ANONYMOUS {
            true => Err(Denied::Unauthenticated(Unauthenticated::Nobody)),
            false => Ok(identity),
        }
    }

    /// Whether a client may GET this path of the metrics APIs.
    pub async fn authorize(&self, peer: &Peer, client: &Client, read: &Uri) -> Result<(), Denied> {
        if !client.identity.groups.iter().any(|group| group == MASTERS) {
            let asked = attributes(&Method::GET, read);
            let decided = self.auth.decisions.of(client.identity.clone(), asked).await;
            let (identity, attributes, decision) = decided;
            if let ReviewDecision::Denied(reason) = decision.map_err(Denied::Unknown)? {
                let forbidden = Forbidden { identity, attributes, reason };
                return Err(Denied::Forbidden(Box::new(forbidden)));
            }
        }
        peer.set_authorized();
        Ok(())
    }
}

impl Client {
    fn of(identity: Identity) -> Self {
        Self { identity: authenticated(identity) }
    }

    /// Tells this user from others.
    pub fn id(&self) -> UserId {
        UserId::of(&self.identity)
    }

    /// Its name.
    pub fn user(&self) -> &str {
        &self.identity.user
    }
}

impl OwnFile {
    fn new(path: PathBuf) -> Result<Self, ClientAuthorityError> {
        let loaded = ReloadingFile::new(vec![path.clone()], || OwnAuthority::read(&path))?;
        Ok(Self { path, loaded })
    }

    fn authority(&self) -> Arc<OwnAuthority> {
        let (authority, error) = self.loaded.get(|| OwnAuthority::read(&self.path));
        if let Some(error) = error {
            let error: &dyn std::error::Error = &error;
            tracing::error!(
                error,
                "the authority of clients changed into one that cannot be used; the last good one stays"
            );
        }
        authority
    }
}

impl OwnAuthority {
    fn read(path: &Path) -> Result<Self, ClientAuthorityError> {
        let text = files::read_text(path, files::MAX_CREDENTIALS)
            .map_err(|source| ClientAuthorityError::Read { path: path.to_owned(), source })?;
        let verifier = verifier(&text)
            .map_err(|reason| ClientAuthorityError::Unusable { path: path.to_owned(), reason })?;
        Ok(Self(verifier))
    }

    pub(super) fn verifier(&self) -> &dyn ClientCertVerifier {
        self.0.as_ref()
    }

    /// Names that this authority may give. Those of the cluster's own users and groups have rights that
    /// nobody granted to whoever holds its key; one of the groups has all.
    pub(super) fn accepted(identity: Identity) -> Result<Identity, Unauthenticated> {
        if identity.user.is_empty() {
            return Err(Unauthenticated::Nameless);
        }
        let mut names = std::iter::once(&identity.user).chain(&identity.groups);
        match names.find(|name| name.starts_with(RESERVED)) {
            Some(reserved) => Err(Unauthenticated::Reserved(reserved.clone())),
            None => Ok(identity),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::CertificateDer;

    use super::*;

    struct Authority {
        params: rcgen::CertificateParams,
        key: rcgen::KeyPair,
        pem: String,
    }

    fn authority() -> Authority {
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = rcgen::KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Authority { params, key, pem }
    }

    fn peer(authority: &Authority, user: &str, group: &str) -> Peer {
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, user);
        params.distinguished_name.push(rcgen::DnType::OrganizationName, group);
        params.extended_key_usages.push(rcgen::ExtendedKeyUsagePurpose::ClientAuth);
        let key = rcgen::KeyPair::generate().unwrap();
        let issuer = rcgen::Issuer::from_params(&authority.params, &authority.key);
        let signed = params.signed_by(&key, &issuer).unwrap();
        Peer::new(vec![CertificateDer::from(signed.der().to_vec())])
    }

    fn own(authority: &Authority) -> Arc<OwnAuthority> {
        Arc::new(OwnAuthority(verifier(&authority.pem).unwrap()))
    }

    #[test]
    fn the_subject_names_the_user_and_the_groups() {
        let authority = authority();
        let own = own(&authority);
        let identity = peer(&authority, "keda", "scalers").identify_by(&own).unwrap().unwrap();
        assert_eq!((identity.user.as_str(), identity.groups), ("keda", vec!["scalers".to_owned()]));
        assert!(Peer::default().identify_by(&own).is_none());
    }

    #[test]
    fn nobody_gets_a_name_of_the_cluster_from_another_authority() {
        let authority = authority();
        let own = own(&authority);
        for (user, group) in [
            ("keda", "system:masters"),
            ("system:kube-controller-manager", "scalers"),
            ("system:anonymous", "scalers"),
        ] {
            let refused = peer(&authority, user, group).identify_by(&own).unwrap().unwrap_err();
            assert!(matches!(refused, Unauthenticated::Reserved(_)), "{user} {group}: {refused}");
        }
    }

    #[test]
    fn what_another_authority_has_signed_is_not_trusted() {
        let (one, other) = (authority(), authority());
        let peer = peer(&other, "keda", "scalers");
        let refused = peer.identify_by(&own(&one)).unwrap().unwrap_err();
        assert!(matches!(refused, Unauthenticated::Certificate(_)), "{refused}");
        assert!(peer.identify_by(&own(&other)).unwrap().is_ok(), "nothing is kept of the first");
    }

    #[test]
    fn a_file_without_an_authority_says_so() {
        let folder = std::env::temp_dir().join(format!("leadsman-clients-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let missing = OwnAuthority::read(&folder.join("missing.crt")).unwrap_err();
        assert!(matches!(missing, ClientAuthorityError::Read { .. }));
        let empty = folder.join("empty.crt");
        std::fs::write(&empty, "no certificate").unwrap();
        let reported = OwnAuthority::read(&empty).unwrap_err().to_string();
        assert!(reported.contains("there is no certificate in it"), "{reported}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
