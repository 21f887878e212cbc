//! Scraping without a Prometheus: pages of metrics as a source.

mod agreement;
mod check;
mod doctor;
mod faults;
mod pages;
mod scene;
mod values;
