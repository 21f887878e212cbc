//! The command lines of the control plane's servers.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use super::authorities::{FRONT_PROXY, Files};

/// The ports that the servers of a control plane listen on, all on the loopback.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ports {
    pub(super) etcd: u16,
    pub(super) etcd_peers: u16,
    pub(super) api: u16,
}

/// The audit log of review requests, one JSON object per line.
pub(super) const AUDIT_LOG: &str = "audit.log";

/// The audit policy: reviews are logged with their content.
pub(super) const AUDIT_POLICY: &str = r#"
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Request
    resources:
      - {group: authorization.k8s.io, resources: [subjectaccessreviews]}
      - {group: authentication.k8s.io, resources: [tokenreviews]}
  - level: None
"#;

/// The command line of etcd.
pub(super) fn etcd(ports: Ports) -> Vec<String> {
    let (clients, peers) = (local(ports.etcd), local(ports.etcd_peers));
    Flags::default()
        .with("name", "default")
        .with("data-dir", "etcd")
        .with("listen-client-urls", &clients)
        .with("advertise-client-urls", &clients)
        .with("listen-peer-urls", &peers)
        .with("initial-advertise-peer-urls", &peers)
        .with("initial-cluster", format!("default={peers}"))
        // The data need not survive a power failure.
        .with("unsafe-no-fsync", true)
        .with("log-level", "warn")
        .0
}

/// The command line of kube-apiserver.
pub(super) fn api_server(ports: Ports, files: &Files, audit_policy: &Path) -> Vec<String> {
    Flags::default()
        .with("etcd-servers", local(ports.etcd))
        .with("bind-address", "127.0.0.1")
        .with("secure-port", ports.api)
        // The address is unused, but kube-apiserver refuses a loopback address. With the
        // reconciler it would publish the address, and could refuse to start.
        .with("advertise-address", "192.0.2.1")
        .with("endpoint-reconciler-type", "none")
        .with("service-cluster-ip-range", "10.96.0.0/16")
        .pair(["tls-cert-file", "tls-private-key-file"], &files.server)
        .file("client-ca-file", &files.client_ca)
        .file("requestheader-client-ca-file", &files.front_proxy_ca)
        .with("requestheader-allowed-names", FRONT_PROXY)
        .with("requestheader-username-headers", "X-Remote-User")
        .with("requestheader-uid-headers", "X-Remote-Uid")
        .with("requestheader-group-headers", "X-Remote-Group")
        .with("requestheader-extra-headers-prefix", "X-Remote-Extra-")
        .pair(["proxy-client-cert-file", "proxy-client-key-file"], &files.aggregator)
        .file("service-account-signing-key-file", &files.accounts.0)
        .file("service-account-key-file", &files.accounts.1)
        .with("service-account-issuer", "https://kubernetes.default.svc")
        .with("authorization-mode", "RBAC")
        // No controller creates the default service accounts that this plugin requires for pods.
        .with("disable-admission-plugins", "ServiceAccount")
        .with("feature-gates", GATES)
        .with("audit-log-path", AUDIT_LOG)
        .file("audit-policy-file", audit_policy)
        // A review is in the log before its response is sent.
        .with("audit-log-mode", "blocking-strict")
        .0
}

/// The command line of kube-controller-manager.
pub(super) fn controllers(files: &Files, kubeconfig: &Path) -> Vec<String> {
    Flags::default()
        .file("kubeconfig", kubeconfig)
        .with("controllers", "horizontal-pod-autoscaler-controller,namespace-controller")
        // Each controller has its own service account with the rights of a real cluster.
        .with("use-service-account-credentials", true)
        .file("service-account-private-key-file", &files.accounts.0)
        .file("root-ca-file", &files.server_ca)
        .with("horizontal-pod-autoscaler-sync-period", "2s")
        .with("horizontal-pod-autoscaler-downscale-stabilization", "2s")
        // Resource metrics of a pod count as soon as it is ready.
        .with("horizontal-pod-autoscaler-cpu-initialization-period", "0s")
        .with("feature-gates", GATES)
        // By default its requests are so limited that it looks at ten autoscalers a second at most.
        .with("kube-api-qps", 200)
        .with("kube-api-burst", 400)
        .with("leader-elect", false)
        // Tests send no requests to it.
        .with("secure-port", 0)
        .0
}

const GATES: &str = "HPAScaleToZero=true,HPAConfigurableTolerance=true";

#[derive(Default)]
struct Flags(Vec<String>);

impl Flags {
    fn with(mut self, name: &str, value: impl Display) -> Self {
        self.0.push(format!("--{name}={value}"));
        self
    }

    fn file(self, name: &str, path: &Path) -> Self {
        self.with(name, path.display())
    }

    /// A certificate and its key.
    fn pair(self, names: [&str; 2], files: &(PathBuf, PathBuf)) -> Self {
        self.file(names[0], &files.0).file(names[1], &files.1)
    }
}

fn local(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}
