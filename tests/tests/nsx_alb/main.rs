//! NSX ALB as a source: values straight from a controller, without a Prometheus.

mod cadence;
mod check;
mod doctor;
mod entities;
mod failover;
mod faults;
mod labels;
mod plugin_queries;
mod pools;
mod recorded;
mod scene;
mod sessions;
mod status;
mod text;
mod values;
