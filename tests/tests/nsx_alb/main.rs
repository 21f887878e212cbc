//! NSX ALB as a source: values straight from a controller, without a Prometheus.

mod cadence;
mod check;
mod failover;
mod faults;
mod scene;
mod sessions;
mod text;
mod values;
