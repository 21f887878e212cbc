//! Whether the process is ready to serve.

use std::sync::Arc;

use arc_swap::ArcSwap;

/// Not ready before everything is there that is needed, and never again once it shuts down.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<ArcSwap<ReadinessState>>);

#[derive(Debug)]
enum ReadinessState {
    Waiting(String),
    Ready,
    ShuttingDown,
}

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(ArcSwap::from_pointee(ReadinessState::Waiting("starting".to_owned()))))
    }
}

impl Readiness {
    /// Not ready, and why not.
    pub fn waiting(&self, why: impl Into<String>) {
        self.set(ReadinessState::Waiting(why.into()));
    }

    /// Everything that is needed is there.
    pub fn ready(&self) {
        self.set(ReadinessState::Ready);
    }

    /// Not ready any more, whatever else is said afterwards.
    pub fn shut_down(&self) {
        self.set(ReadinessState::ShuttingDown);
    }

    /// The first shutdown holds: what is still starting must not undo it.
    fn set(&self, next: ReadinessState) {
        let next = Arc::new(next);
        self.0.rcu(|now| match **now {
            ReadinessState::ShuttingDown => now.clone(),
            ReadinessState::Waiting(_) | ReadinessState::Ready => next.clone(),
        });
    }

    /// Whether it is; an error says what is waited for.
    pub fn check(&self) -> Result<(), String> {
        match &**self.0.load() {
            ReadinessState::Waiting(why) => Err(why.clone()),
            ReadinessState::Ready => Ok(()),
            ReadinessState::ShuttingDown => Err("shutting down".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_shuts_down_is_never_ready_again() {
        let readiness = Readiness::default();
        assert!(readiness.check().is_err());
        readiness.ready();
        assert!(readiness.check().is_ok());
        readiness.shut_down();
        readiness.ready();
        readiness.waiting("waiting for the list of pods");
        assert_eq!(readiness.check(), Err("shutting down".to_owned()));
    }
}
