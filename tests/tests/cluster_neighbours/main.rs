//! Leadsman and the real prometheus-adapter at once on one API group of the real control plane.

mod autoscalers;
mod moves;
mod resources;
mod scene;
mod takeover;
mod users;
