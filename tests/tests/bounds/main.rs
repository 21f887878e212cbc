//! Stated bounds: nobody takes the adapter down, or another with it. Each test does what a bound is
//! there to withstand.

mod allocator;
mod budgets;
mod connections;
mod frames;
mod metrics;
mod objects;
mod reads;
mod scene;
mod shutdown;
