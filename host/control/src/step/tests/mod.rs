//! The machine, driven by sequences of events: without sockets, clocks and tasks.

mod ages;
mod failures;
mod generated;
mod handover;
mod loads;
mod start;
mod world;
