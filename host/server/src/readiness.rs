//! Whether the process is ready to serve.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// Not ready before everything is there that is needed, and not any more once it is ending.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<ArcSwap<State>>);

#[derive(Debug)]
enum State {
    Waiting(String),
    Ready,
}

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(ArcSwap::from_pointee(State::Waiting("starting".to_owned()))))
    }
}

impl Readiness {
    /// Not ready, and why not.
    pub fn waiting(&self, why: impl Into<String>) {
        self.0.store(Arc::new(State::Waiting(why.into())));
    }

    /// Everything that is needed is there.
    pub fn ready(&self) {
        self.0.store(Arc::new(State::Ready));
    }

    /// Whether it is; an error says what is waited for.
    pub fn check(&self) -> Result<(), String> {
        match &**self.0.load() {
            State::Waiting(why) => Err(why.clone()),
            State::Ready => Ok(()),
        }
    }
}
