//! How a Prometheus is asked: in which form, and at which of several addresses.

mod addresses;
mod sent;
