//! The fixtures of a plugin, in a custom section of its component.

use wasmparser::{Parser, Payload};

/// The custom section with a JSON array of `{"name": …, "fixture": …}`.
const SECTION: &str = "leadsman:fixtures";

/// The content of the section, if there is one.
pub(super) fn section(component: &[u8]) -> Option<Box<[u8]>> {
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload.ok()? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            // The custom sections of nested modules and components do not count.
            Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                return Some(section.data().into());
            }
            _ => {}
        }
    }
    None
}
