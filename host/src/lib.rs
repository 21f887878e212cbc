//! Leadsman: a Kubernetes metrics adapter whose every metric mapping is a sandboxed WebAssembly
//! plugin. The library behind the binary `leadsman`; see ARCHITECTURE.md.

pub mod app;
pub mod conversion;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod inspection;
pub mod plugin_tools;
pub mod takeover;
