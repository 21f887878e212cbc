//! Installation into a cluster: the chart and kustomize, rendered by the real helm and kubectl,
//! accepted by a real kube-apiserver, and run as pods would run it.

mod chart;
mod choices;
mod install;
mod kustomize;
mod manifests;
mod others;
mod refused;
mod resource_metrics;
mod rights;
mod security;
mod site;
