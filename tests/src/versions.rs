//! Versions of a plugin whose values identify the version.

use serde_json::Value;

const BUILT: &str = concat!(env!("OUT_DIR"), "/versioned.wasm");

/// The marker in front of the version's digits.
const MARK: &[u8] = b"version of a test ";

/// The component of a version. Its value for each pod is 1000 times the version, plus the `edition`
/// in its configuration.
///
/// # Panics
/// If the plugin was not built, or the version has more than six digits.
pub fn version(number: u32) -> Vec<u8> {
    let mut bytes = std::fs::read(BUILT).expect("the versioned plugin");
    let digits = format!("{number:06}");
    assert_eq!(digits.len(), 6, "no version {number}");
    let marks: Vec<_> =
        bytes.windows(MARK.len()).enumerate().filter(|(_, at)| *at == MARK).collect();
    assert_eq!(marks.len(), 1, "the version must occur once");
    let at = marks[0].0 + MARK.len();
    bytes[at..at + 6].copy_from_slice(digits.as_bytes());
    bytes
}

/// A version that accepts the same configuration and panics in each evaluation.
///
/// # Panics
/// If the plugin was not built.
pub fn broken_version() -> Vec<u8> {
    version(666_666)
}

/// The same with fixtures: a JSON array of names and fixtures.
///
/// # Panics
/// If the plugin was not built, or the version has more than six digits.
pub fn version_with_fixtures(number: u32, fixtures: &Value) -> Vec<u8> {
    with_section(version(number), "leadsman:fixtures", fixtures.to_string().as_bytes())
}

/// The same with this many bytes of padding.
///
/// # Panics
/// If the plugin was not built, or the version has more than six digits.
pub fn version_padded(number: u32, bytes: usize) -> Vec<u8> {
    with_section(version(number), "padding", &vec![0; bytes])
}

/// Appends a custom section: section id, length, length of the name, name, data.
fn with_section(mut component: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
    let mut section = leb128(name.len());
    section.extend(name.as_bytes());
    section.extend(data);
    component.push(0);
    component.extend(leb128(section.len()));
    component.extend(section);
    component
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).unwrap_or_default() | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or_default());
    bytes
}

/// Parses a quantity with one of the suffixes that these tests use.
///
/// # Panics
/// If it is not such a quantity.
pub fn parse_quantity(quantity: &str) -> f64 {
    let (digits, factor) = match quantity.as_bytes().last() {
        Some(b'm') => (&quantity[..quantity.len() - 1], 0.001),
        Some(b'k') => (&quantity[..quantity.len() - 1], 1000.0),
        Some(b'M') => (&quantity[..quantity.len() - 1], 1_000_000.0),
        _ => (quantity, 1.0),
    };
    let digits: f64 = digits.parse().unwrap_or_else(|error| panic!("{quantity:?}: {error}"));
    digits * factor
}
