//! The certificate authorities of the cluster: three independent ones, as recommended.

use std::path::{Path, PathBuf};

use rcgen::KeyPair;

use super::server::Folder;
use crate::certificates::{Authority, Identity};

/// The group with all rights.
const MASTERS: &str = "system:masters";
/// The common name of the aggregator's certificate, the only one that may impersonate users.
pub(super) const FRONT_PROXY: &str = "front-proxy-client";

/// The authorities of a cluster.
pub struct Authorities {
    /// Signs the certificate of kube-apiserver.
    pub servers: Authority,
    /// Signs the certificates of users.
    pub clients: Authority,
    /// Signs the certificate of the aggregator, which forwards requests with the name of their
    /// user.
    pub front_proxy: Authority,
    admin: Identity,
    aggregator: Identity,
    pub(super) files: Files,
}

/// The files that kube-apiserver and the controllers read. kube-apiserver reloads the authorities
/// and the certificate of the aggregator when they change.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) server_ca: PathBuf,
    pub(super) server: (PathBuf, PathBuf),
    pub(super) client_ca: PathBuf,
    pub(super) front_proxy_ca: PathBuf,
    pub(super) aggregator: (PathBuf, PathBuf),
    /// The private and public key of service account tokens.
    pub(super) accounts: (PathBuf, PathBuf),
}

impl Authorities {
    /// Creates authorities, with their files in this folder.
    pub(super) fn new(folder: &Folder) -> Self {
        let servers = Authority::new("server-ca");
        let clients = Authority::new("client-ca");
        let front_proxy = Authority::new("front-proxy-ca");
        let admin = clients.member("admin", MASTERS);
        let aggregator = front_proxy.client(FRONT_PROXY);
        let accounts = KeyPair::generate().expect("a key");
        let pair = |name: &str, identity: &Identity| {
            let certificate = folder.write(&format!("{name}.crt"), &identity.certificate);
            (certificate, folder.write(&format!("{name}.key"), &identity.key))
        };
        let files = Files {
            server_ca: folder.write("server-ca.crt", &servers.pem()),
            server: pair("server", &servers.server_named("kube-apiserver", &["localhost"])),
            client_ca: folder.write("client-ca.crt", &clients.pem()),
            front_proxy_ca: folder.write("front-proxy-ca.crt", &front_proxy.pem()),
            aggregator: pair("aggregator", &aggregator),
            accounts: (
                folder.write("accounts.key", &accounts.serialize_pem()),
                folder.write("accounts.pub", &accounts.public_key_pem()),
            ),
        };
        Self { servers, clients, front_proxy, admin, aggregator, files }
    }

    /// The certificate of a user with all rights.
    pub fn admin(&self) -> &Identity {
        &self.admin
    }

    /// The certificate that the aggregator presents.
    pub fn aggregator(&self) -> &Identity {
        &self.aggregator
    }

    /// The file with the front proxy authorities. kube-apiserver publishes its content in the
    /// ConfigMap `kube-system/extension-apiserver-authentication`, also after a change.
    pub fn front_proxy_file(&self) -> &Path {
        &self.files.front_proxy_ca
    }

    /// The file with the authorities of users, which is published as well.
    pub fn clients_file(&self) -> &Path {
        &self.files.client_ca
    }
}
