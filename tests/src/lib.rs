//! The shared code of the black-box tests in `tests/`.
//!
//! The binary runs as a process between a source and a client that reads like Kubernetes. The
//! source is a real Prometheus that scrapes an [`Exporter`], or an [`Upstream`], which can fail on
//! the wire in ways that a real one cannot. All ports are free ports of the loopback, all files are
//! in temporary folders, and every process ends when its value is dropped.
//!
//! [`cluster`] adds a real control plane.

mod alb;
mod answer;
mod author_tools;
mod awaited;
mod browser;
mod built;
mod caller;
mod certificates;
pub mod cluster;
mod collector;
mod compiling;
mod config;
mod controller_process;
mod events;
mod examples;
mod exporter;
mod exposition;
mod folder;
mod frames;
mod guests;
mod history;
mod leadsman;
mod live;
mod load;
mod load_balancer;
pub mod paths;
mod pipelined;
mod process;
mod prometheus;
mod reading;
mod recorder;
pub mod registry;
mod reply;
pub mod rules;
mod scaler;
mod signing;
mod stack;
mod traffic;
mod unreachable;
mod upstream;
mod versions;
mod waiting;
mod wire;

pub use alb::{Alb, Pool, recorded_controller};
pub use answer::{Answer, Failure, contains_all};
pub use author_tools::AuthorTools;
pub use browser::Browser;
pub use caller::HttpClient;
pub use certificates::{Authority, Identity, replace};
pub use collector::{Collector, Span};
pub use compiling::compile;
pub use config::{Config, Mapping};
pub use controller_process::RecordedController;
pub use events::Events;
pub use examples::Example;
pub use exporter::Exporter;
pub use exposition::{Exposition, Sample};
pub use folder::Folder;
pub use frames::Flood;
pub use guests::{
    EXTRA_IMPORT, HOSTILE, core_module, endless_describe, endless_start, gzip,
    instances_of_instances, nested_loops, nested_types, other_world_component, oversized,
    schema_not_json, schema_of, slow_to_compile, table_grower, text, trapping_describe, truncated,
    wasi_component,
};
pub use history::History;
pub use leadsman::{CheckReport, Exited, Followed, Leadsman};
pub use live::Rejection;
pub use load::{Load, Others, Read, assert_monotonic, percentile};
pub use load_balancer::LoadBalancer;
pub use pipelined::read_pipelined;
pub use process::free_port;
pub use prometheus::Prometheus;
pub use recorder::Recorder;
pub use registry::Registry;
pub use reply::Reply;
pub use scaler::{Pushes, Refused, ScalerClient, Spec, Trigger};
pub use signing::SigningKey;
pub use stack::Stack;
pub use traffic::Traffic;
pub use unreachable::Unreachable;
pub use upstream::Upstream;
pub use versions::{
    broken_version, parse_quantity, version, version_padded, version_with_fixtures,
};
pub use waiting::eventually;
pub use wire::{Request, Response};

/// Installs the TLS provider of this process.
fn crypto() {
    // Fails if an earlier test has installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
