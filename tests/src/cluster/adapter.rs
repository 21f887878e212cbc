//! Leadsman, installed in the control plane: account, certificate and APIServices.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::account::{API_SERVICES, Account};
use super::control_plane::ControlPlane;
use super::registration::{Registration, Trust};
use crate::certificates::{Authority, Identity};
use crate::leadsman::{Exited, Leadsman};
use crate::waiting::eventually;

/// An installation of Leadsman in a namespace. Tests start its replicas one by one. Its account and
/// its Service are named `leadsman`.
pub struct Adapter<'a> {
    plane: &'a ControlPlane,
    account: Account,
    kubeconfig: PathBuf,
    authority: Authority,
    folder: TempDir,
}

/// The name of the account and of the Service.
const NAME: &str = "leadsman";
const TRUST_TIMEOUT: Duration = Duration::from_secs(40);

impl<'a> Adapter<'a> {
    /// Creates an installation in a new namespace, with the right to watch these kinds (`plural` or
    /// `plural.group`).
    ///
    /// # Panics
    /// If it is refused.
    pub async fn new(plane: &'a ControlPlane, namespace: &str, resources: &[&str]) -> Self {
        let account = Account::adapter(&plane.admin(), namespace, NAME, resources).await;
        let kubeconfig = account.kubeconfig(plane).await;
        let folder = TempDir::new().expect("a temporary folder");
        Self { plane, account, kubeconfig, authority: Authority::new("adapter-ca"), folder }
    }

    /// Starts a replica with a certificate of [`Self::authority`].
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start(&self, config: impl Display) -> Leadsman {
        let files = self.serving_certificate("tls", &self.authority);
        let files = [&files.0, &files.1].map(|path| text(path));
        let arguments = ["--tls-cert-file", files[0], "--tls-private-key-file", files[1]];
        self.start_with(config, &arguments).await
    }

    /// Starts a replica with these arguments, which determine its certificate.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start_with(&self, config: impl Display, arguments: &[&str]) -> Leadsman {
        let common = ["--bind-address", "127.0.0.1", "--kubeconfig", text(&self.kubeconfig)];
        Leadsman::start_with(config, &[&common, arguments].concat()).await
    }

    /// Starts a replica with a configuration file, and with these arguments, which determine its
    /// certificate.
    ///
    /// # Panics
    /// If it does not become ready.
    pub async fn start_file(&self, file: &Path, arguments: &[&str]) -> Leadsman {
        let common = ["--bind-address", "127.0.0.1", "--kubeconfig", text(&self.kubeconfig)];
        Leadsman::start_file(file, &[&common, arguments].concat()).await
    }

    /// Starts a replica with the configuration in a ConfigMap (`namespace/name`), without waiting
    /// until it is ready.
    ///
    /// # Panics
    /// If it neither serves nor ends in time.
    pub async fn launch_config_map(
        &self,
        config_map: &str,
        arguments: &[&str],
    ) -> Result<Leadsman, Exited> {
        let common = ["--bind-address", "127.0.0.1", "--kubeconfig", text(&self.kubeconfig)];
        let all = [&common[..], &["--config-map", config_map], arguments].concat();
        Leadsman::serve(&all, TempDir::new().expect("a temporary folder")).await
    }

    /// The kubeconfig of its replicas.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Writes a certificate for the Service into files of this name and returns their paths.
    ///
    /// # Panics
    /// If that fails.
    pub fn serving_certificate(&self, name: &str, authority: &Authority) -> (PathBuf, PathBuf) {
        let path = |extension: &str| self.folder.path().join(format!("{name}.{extension}"));
        let (certificate, key) = (path("crt"), path("key"));
        self.identity(authority).write(&certificate, &key);
        (certificate, key)
    }

    /// A certificate for the Service.
    pub fn identity(&self, authority: &Authority) -> Identity {
        let name = format!("{NAME}.{}.svc", self.account.namespace);
        authority.server_named(NAME, &[&name])
    }

    /// Registers the metrics APIs at a port and waits until they are available.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn register(&self, port: u16, trust: Trust<'_>) -> Registration<'a> {
        let namespace = &self.account.namespace;
        let registration = Registration::new(self.plane, namespace, NAME, port, trust).await;
        registration.wait_available().await;
        registration
    }

    /// The adapter's own certificate authority, if it was created: its certificate, and all trusted
    /// certificates.
    ///
    /// # Panics
    /// If its Secret is invalid.
    pub async fn own_authority(&self) -> Option<[String; 2]> {
        let namespace = &self.account.namespace;
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{NAME}-ca");
        let secret = self.plane.admin().find(&path).await?;
        Some(["tls.crt", "ca.crt"].map(|key| {
            let encoded = secret["data"][key].as_str().unwrap_or_default();
            let decoded = STANDARD.decode(encoded).expect("data in base64");
            String::from_utf8(decoded).expect("PEM")
        }))
    }

    /// Waits until the aggregator trusts the adapter's own authority, and returns it.
    ///
    /// # Panics
    /// After a timeout.
    pub async fn wait_trusted(&self, registration: &Registration<'_>) -> String {
        eventually("its own authority in the APIServices", TRUST_TIMEOUT, async || {
            let [_, bundle] = self.own_authority().await.ok_or("there is no Secret")?;
            for name in API_SERVICES {
                let trusted = registration.authority(name).await;
                if trusted.as_ref() != Some(&bundle) {
                    return Err(format!("{name} trusts {trusted:?}, not {bundle}"));
                }
            }
            Ok(bundle)
        })
        .await
    }

    /// The authority of the certificates of [`Self::start`].
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The service account of its replicas.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The user name of the account, which identifies its reviews.
    pub fn user(&self) -> String {
        format!("system:serviceaccount:{}:{NAME}", self.account.namespace)
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}
