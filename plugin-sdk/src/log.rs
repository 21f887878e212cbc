//! Lines for the adapter's log. They carry the mapping's name; how many an evaluation may write is
//! limited by the adapter. In native tests they go to standard error.

/// Something only the author looks for.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Something worth knowing.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Something that may need attention.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Something that needs attention.
pub fn error(message: &str) {
    write(Level::Error, message);
}

use crate::bindings::leadsman::plugin::log::Level;

#[cfg(target_family = "wasm")]
fn write(level: Level, message: &str) {
    crate::bindings::leadsman::plugin::log::write(level, message);
}

#[cfg(not(target_family = "wasm"))]
fn write(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}

/// Logs a panic before it becomes a trap, so that the adapter can say what it was.
#[doc(hidden)]
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| error(&panic.to_string())));
}
