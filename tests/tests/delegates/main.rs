//! Delegates: another adapter gets the requests for what is not served here, and whatever it does wrong
//! costs its own metrics alone.

mod check;
mod faults;
mod last_good;
mod loops;
mod moves;
mod passing;
mod scene;
