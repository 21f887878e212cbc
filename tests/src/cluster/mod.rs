//! A real Kubernetes control plane on the loopback, and substitutes for the rest of a cluster.
//!
//! [`ControlPlane`] runs etcd, kube-apiserver and kube-controller-manager with the controllers for
//! HorizontalPodAutoscalers and namespaces. There are no nodes: a [`Workload`] creates pods in
//! place of a kubelet, and a [`Registration`] points the aggregator to a port of this machine.
//! Tests use the API through [`ApiClient`] or the real kubectl.

mod account;
mod adapter;
mod arguments;
mod authorities;
mod balancer;
mod client;
mod config_map;
mod control_plane;
mod credentials;
mod explaining;
mod hpa;
mod keda;
mod metrics;
mod objects;
mod pod;
mod programs;
mod prometheus_adapter;
mod rbac;
mod readers;
mod registration;
mod reviews;
mod server;
mod stage;
mod tools;
pub mod users;
mod workload;

pub use account::{
    ACTIVATOR_LEASE, API_SERVICES, Account, RESOURCE_METRICS_API_SERVICE,
    RESOURCE_METRICS_V1_API_SERVICE,
};
pub use adapter::Adapter;
pub use authorities::Authorities;
pub use balancer::Balancer;
pub use client::ApiClient;
pub use config_map::{ConfigMap, EventRecord};
pub use control_plane::ControlPlane;
pub use credentials::Credentials;
pub use hpa::{Condition, Hpa};
pub use keda::{Keda, ScaledObject};
pub use metrics::{Metric, Target};
pub use objects::path_of;
pub use prometheus_adapter::PrometheusAdapter;
pub use rbac::{Rule, Subject};
pub use readers::Readers;
pub use registration::{Registration, Trust};
pub use reviews::Review;
pub use stage::ClusterStack;
pub use tools::CommandOutput;
pub use workload::Workload;
