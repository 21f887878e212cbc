//! The activation of a mapping, with the activator's last result for it.

use std::sync::{Mutex, PoisonError};

use leadsman_model::activation::Activation;

/// An activation, with what it last came to, for the status page.
#[derive(Debug)]
pub struct ActivationStatus {
    /// What is to be activated, and when.
    pub activation: Activation,
    reported: Mutex<String>,
}

impl ActivationStatus {
    /// One that has come to nothing yet.
    pub fn new(activation: Activation) -> Self {
        Self { activation, reported: Mutex::default() }
    }

    /// Keeps what it has come to.
    pub fn report(&self, reported: String) {
        *self.reported.lock().unwrap_or_else(PoisonError::into_inner) = reported;
    }

    /// What it last came to, in words; empty if this process has not looked at it.
    pub fn reported(&self) -> String {
        self.reported.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
