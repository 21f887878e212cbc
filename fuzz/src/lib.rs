//! What several targets need.

use std::panic;
use std::sync::Once;
use std::thread;

static ONCE: Once = Once::new();

/// Lets a panic of another thread be what it is outside of fuzzing: something that whoever waits
/// for that thread deals with. libFuzzer ends at every panic, wherever it is.
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
