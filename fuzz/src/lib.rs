//! Shared code of the targets.

#[path = "../../host/rules/src/promql/shape.rs"]
mod shape;

pub use shape::shape;

use std::panic;
use std::sync::Once;
use std::thread;

static ONCE: Once = Once::new();

/// Keeps libFuzzer from ending at a panic of another thread, which the code that joins that thread
/// handles.
pub fn only_own_panics() {
    ONCE.call_once(|| {
        let (own, of_libfuzzer) = (thread::current().id(), panic::take_hook());
        panic::set_hook(Box::new(move |info| {
            if thread::current().id() == own {
                of_libfuzzer(info);
            }
        }));
    });
}
