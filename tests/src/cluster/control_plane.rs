//! etcd, kube-apiserver and kube-controller-manager: a cluster without nodes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::{Mutex, OnceCell};

use super::arguments::{self, AUDIT_LOG, AUDIT_POLICY, Ports};
use super::authorities::Authorities;
use super::client::ApiClient;
use super::credentials::Credentials;
use super::programs::Programs;
use super::server::{Folder, Server};
use crate::caller::HttpClient;
use crate::process::free_port;

/// A running control plane.
pub struct ControlPlane {
    // Fields are dropped in this order.
    _controllers: Server,
    api_server: Mutex<Option<Server>>,
    _etcd: Server,
    authorities: Authorities,
    admin_kubeconfig: PathBuf,
    ports: Ports,
    programs: Programs,
    registration: Mutex<()>,
    folder: Folder,
}

/// The timeout for a server to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();

impl ControlPlane {
    /// The control plane that all tests of a program share. The first call starts it.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::start).await
    }

    /// Starts a control plane and waits until it is ready.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start() -> Self {
        let programs = Programs::find();
        let folder = Folder::new();
        let authorities = Authorities::new(&folder);
        let ports = Ports::free();
        let etcd = etcd(&programs, ports, &folder).await;
        folder.write("audit.yaml", AUDIT_POLICY);
        let api_server = api_server(&programs, ports, &authorities, &folder).await;
        let admin = Credentials::Certificate(authorities.admin().clone());
        let config = admin.kubeconfig(&url(ports), &authorities.servers.pem(), "default");
        let admin_kubeconfig = folder.write("admin.kubeconfig", &config);
        let arguments = arguments::controllers(&authorities.files, &admin_kubeconfig);
        let name = "kube-controller-manager";
        // Its start is not awaited, since tests wait for its effects.
        let controllers = Server::start(name, &programs.get(name), &arguments, &folder);
        Self {
            _controllers: controllers,
            api_server: Mutex::new(Some(api_server)),
            _etcd: etcd,
            authorities,
            admin_kubeconfig,
            ports,
            programs,
            registration: Mutex::new(()),
            folder,
        }
    }

    /// A client with all rights.
    pub fn admin(&self) -> ApiClient {
        self.client(&Credentials::Certificate(self.authorities.admin().clone()))
    }

    /// A client with these credentials.
    pub fn client(&self, credentials: &Credentials) -> ApiClient {
        ApiClient::new(credentials.caller(), &self.url())
    }

    /// The URL of kube-apiserver.
    pub fn url(&self) -> String {
        url(self.ports)
    }

    /// The certificate authorities.
    pub fn authorities(&self) -> &Authorities {
        &self.authorities
    }

    /// Writes a kubeconfig file of this name with these credentials and a default namespace.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn kubeconfig(&self, name: &str, credentials: &Credentials, namespace: &str) -> PathBuf {
        let authority = self.authorities.servers.pem();
        let config = credentials.kubeconfig(&self.url(), &authority, namespace);
        self.folder.write(&format!("{name}.kubeconfig"), &config)
    }

    /// The kubeconfig of a user with all rights.
    pub fn admin_kubeconfig(&self) -> &Path {
        &self.admin_kubeconfig
    }

    /// Kills kube-apiserver, which closes the connections of its clients.
    ///
    /// # Panics
    /// If it is stopped already.
    pub async fn stop_api_server(&self) {
        let server = self.api_server.lock().await.take();
        server.expect("a kube-apiserver that runs").kill().await;
    }

    /// Starts kube-apiserver again, at the same port and with the data in etcd.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn start_api_server(&self) {
        let mut server = self.api_server.lock().await;
        assert!(server.is_none(), "kube-apiserver runs");
        let (programs, authorities) = (&self.programs, &self.authorities);
        *server = Some(api_server(programs, self.ports, authorities, &self.folder).await);
    }

    /// The lock on the metrics APIServices, which exist once per cluster.
    pub(super) fn registration(&self) -> &Mutex<()> {
        &self.registration
    }

    pub(super) fn programs(&self) -> &Programs {
        &self.programs
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of servers, for further ones.
    pub(super) fn servers(&self) -> &Folder {
        &self.folder
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.folder.path().join(AUDIT_LOG)
    }
}

impl Ports {
    fn free() -> Self {
        Self { etcd: free_port(), etcd_peers: free_port(), api: free_port() }
    }
}

async fn etcd(programs: &Programs, ports: Ports, folder: &Folder) -> Server {
    let arguments = arguments::etcd(ports);
    let mut server = Server::start("etcd", &programs.get("etcd"), &arguments, folder);
    let health =
        ApiClient::new(HttpClient::anonymous(), &format!("http://127.0.0.1:{}", ports.etcd));
    server.wait_ready(READY_TIMEOUT, async || health.try_read("/health").await?.succeeded()).await;
    server
}

async fn api_server(
    programs: &Programs,
    ports: Ports,
    authorities: &Authorities,
    folder: &Folder,
) -> Server {
    let policy = folder.path().join("audit.yaml");
    let arguments = arguments::api_server(ports, &authorities.files, &policy);
    let name = "kube-apiserver";
    let mut server = Server::start(name, &programs.get(name), &arguments, folder);
    let client = ApiClient::new(HttpClient::with_certificate(authorities.admin()), &url(ports));
    server.wait_ready(READY_TIMEOUT, async || client.try_read("/readyz").await?.succeeded()).await;
    server
}

fn url(ports: Ports) -> String {
    format!("https://127.0.0.1:{}", ports.api)
}
