//! etcd, kube-apiserver and kube-controller-manager: a cluster without nodes.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::{Mutex, OnceCell};

use super::arguments::{self, AUDIT_LOG, AUDIT_POLICY, Ports};
use super::authorities::Authorities;
use super::client::ApiClient;
use super::credentials::Credentials;
use super::programs::Programs;
use super::server::{Folder, Server};
use crate::caller::Caller;

/// A running control plane.
pub struct ControlPlane {
    // In the order in which they are stopped.
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

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();

impl ControlPlane {
    /// The control plane that all tests of a program share, started by the first of them.
    ///
    /// # Panics
    /// If it does not start.
    pub async fn shared() -> &'static Self {
        SHARED.get_or_init(Self::start).await
    }

    /// Starts a control plane and waits until it serves.
    ///
    /// # Panics
    /// If it does not.
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
        // Its start is not awaited: tests wait for the effects.
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

    /// A kubeconfig file of this name with these credentials and a default namespace.
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

    /// Kills kube-apiserver; clients notice that their connections are closed.
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
        let mut place = self.api_server.lock().await;
        assert!(place.is_none(), "kube-apiserver runs");
        let (programs, authorities) = (&self.programs, &self.authorities);
        *place = Some(api_server(programs, self.ports, authorities, &self.folder).await);
    }

    /// A cluster has one set of metrics APIServices: whoever uses them holds this lock.
    pub(super) fn registration(&self) -> &Mutex<()> {
        &self.registration
    }

    pub(super) fn programs(&self) -> &Programs {
        &self.programs
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.folder.path().join(AUDIT_LOG)
    }
}

impl Ports {
    /// Another process could take them before the servers do; this has not been observed.
    fn free() -> Self {
        let bind = || TcpListener::bind("127.0.0.1:0").expect("a free port");
        // All at once: a port that was closed again could be assigned twice.
        let listeners = [bind(), bind(), bind()];
        let [etcd, etcd_peers, api] =
            listeners.map(|listener| listener.local_addr().expect("a bound address").port());
        Self { etcd, etcd_peers, api }
    }
}

async fn etcd(programs: &Programs, ports: Ports, folder: &Folder) -> Server {
    let arguments = arguments::etcd(ports);
    let mut server = Server::start("etcd", &programs.get("etcd"), &arguments, folder);
    let health = ApiClient::new(Caller::anonymous(), &format!("http://127.0.0.1:{}", ports.etcd));
    server.wait_ready(PATIENCE, async || serves(&health, "/health").await).await;
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
    let client = ApiClient::new(Caller::certified(authorities.admin()), &url(ports));
    server.wait_ready(PATIENCE, async || serves(&client, "/readyz").await).await;
    server
}

async fn serves(client: &ApiClient, path: &str) -> Result<(), String> {
    let answer = client.try_read(path).await?;
    if answer.is_success() { Ok(()) } else { Err(answer.body) }
}

fn url(ports: Ports) -> String {
    format!("https://127.0.0.1:{}", ports.api)
}
