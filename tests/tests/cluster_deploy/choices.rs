//! All combinations of the chart's values, and the objects that each renders.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::site::mappings;

/// Values for each kind of certificate, by its name.
pub(super) fn certificates() -> [(&'static str, Value); 6] {
    let secret = json!({"name": "serving", "caBundle": "PEM"});
    let unseen = json!({"name": "serving"});
    let existing = |secret: Value| json!({"type": "existingSecret", "existingSecret": secret});
    let given = json!({"enable": true, "ca": "PEM", "certificate": "PEM", "key": "PEM"});
    [
        ("self", json!({})),
        ("helm", json!({"tls": {"type": "helm"}})),
        ("cert-manager", json!({"tls": {"type": "cert-manager"}})),
        ("secret", json!({"tls": existing(secret)})),
        ("unseen", json!({"tls": existing(unseen), "apiService": {"insecureSkipTLSVerify": true}})),
        ("given", json!({"tls": given})),
    ]
}

/// One of all combinations of certificates, API groups, network and monitoring.
pub(super) struct Choice {
    pub(super) certificate: &'static str,
    custom: bool,
    external: bool,
    resource: bool,
    monitored: bool,
    pub(super) values: Value,
}

/// Each group alone, all of them, and none: custom, external, resource.
const GROUPS: [[bool; 3]; 5] = [
    [true, true, true],
    [true, false, false],
    [false, true, false],
    [false, false, true],
    [false, false, false],
];

pub(super) fn choices() -> Vec<Choice> {
    let mut all = Vec::new();
    for (certificate, values) in certificates() {
        for [custom, external, resource] in GROUPS {
            for [host_network, monitored] in [[false, false], [true, true]] {
                let mut values = values.clone();
                values["apiService"]["custom"] = json!(custom);
                values["apiService"]["external"] = json!(external);
                values["apiService"]["resource"] = json!(resource);
                values["hostNetwork"] = json!({"enabled": host_network});
                let options = ["serviceMonitor", "prometheusRule", "dashboard", "teams"];
                for option in options.iter().chain(&["networkPolicy", "flowSchema"]) {
                    values[*option] = json!({"enabled": monitored});
                }
                values["workloads"] = json!({"read": monitored, "activate": monitored});
                values["events"] = json!({"autoscalers": monitored});
                if monitored {
                    values["traces"] = json!({"endpoint": "http://collector:4318"});
                }
                values["scaler"] = json!({
                    "enabled": monitored,
                    "tlsSecret": "scaler",
                    "clientCaSecret": "clients",
                    "acrossNamespaces": true,
                });
                values["config"] = json!({"mappings": mappings()});
                all.push(Choice { certificate, custom, external, resource, monitored, values });
            }
        }
    }
    all
}

impl Choice {
    /// The objects that the chart's README lists.
    pub(super) fn expected(&self) -> BTreeSet<String> {
        let mut all = vec![
            "Deployment/leadsman",
            "Service/leadsman",
            "ServiceAccount/leadsman",
            "ConfigMap/leadsman",
            "Role/leadsman-config",
            "RoleBinding/leadsman-config",
            "RoleBinding/leadsman-auth-reader",
            "ClusterRoleBinding/leadsman-auth-delegator",
            "ClusterRole/leadsman-objects",
            "ClusterRoleBinding/leadsman-objects",
            "PodDisruptionBudget/leadsman",
        ];
        let mut add = |wanted: bool, names: &[&'static str]| {
            if wanted {
                all.extend(names);
            }
        };
        add(
            self.custom,
            &[
                "APIService/v1beta1.custom.metrics.k8s.io",
                "APIService/v1beta2.custom.metrics.k8s.io",
            ],
        );
        add(self.external, &["APIService/v1beta1.external.metrics.k8s.io"]);
        add(
            self.resource,
            &[
                "APIService/v1beta1.metrics.k8s.io",
                "APIService/v1.metrics.k8s.io",
                "ClusterRole/leadsman-usage-reader",
            ],
        );
        let own = self.certificate == "self";
        add(own, &["Role/leadsman-ca", "RoleBinding/leadsman-ca"]);
        let patches = own && (self.custom || self.external || self.resource);
        add(patches, &["ClusterRole/leadsman-apiservices"]);
        add(patches, &["ClusterRoleBinding/leadsman-apiservices"]);
        add(["helm", "given"].contains(&self.certificate), &["Secret/leadsman-tls"]);
        let issued = self.certificate == "cert-manager";
        add(issued, &["Issuer/leadsman-selfsigned", "Issuer/leadsman-root"]);
        add(issued, &["Certificate/leadsman-root", "Certificate/leadsman-tls"]);
        add(self.monitored, &["ServiceMonitor/leadsman", "PrometheusRule/leadsman"]);
        add(self.monitored, &["ConfigMap/leadsman-dashboard"]);
        add(self.monitored, &["NetworkPolicy/leadsman", "FlowSchema/leadsman"]);
        add(self.monitored, &["ClusterRole/leadsman-teams", "ClusterRoleBinding/leadsman-teams"]);
        add(self.monitored, &super::kustomize::ACTIVATION);
        add(
            self.monitored,
            &[
                "ClusterRole/leadsman-autoscaler-events",
                "ClusterRoleBinding/leadsman-autoscaler-events",
            ],
        );
        all.into_iter().map(str::to_owned).collect()
    }
}
