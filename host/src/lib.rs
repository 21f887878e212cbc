//! Leadsman: a Kubernetes metrics adapter whose every metric mapping is a sandboxed WebAssembly
//! plugin. The library behind the binary `leadsman`; ARCHITECTURE.md has the picture.

pub mod admin;
pub mod api;
pub mod app;
pub mod artifact;
pub mod auth;
mod clock;
pub mod cluster;
pub mod config;
pub mod control;
pub mod demo;
pub mod doctor;
pub mod document;
pub mod evaluation;
pub mod files;
pub mod inspection;
pub mod model;
pub mod objects;
pub mod plugin;
pub mod promql;
pub mod provider;
pub mod registration;
pub mod rules;
pub mod server;
pub mod snapshot;
pub mod source;
pub mod telemetry;
pub mod tls;
