//! Files that are not plugins of this contract.

use super::by_hand::TextPlugin;
use super::{HOSTILE, parse};

/// A text file.
pub fn text() -> Vec<u8> {
    b"metric: not a plugin\n".to_vec()
}

/// A gzip file, such as an archive that was not unpacked.
pub fn gzip() -> Vec<u8> {
    // Header (deflate, no flags, no time, Unix), an empty block, and a zero checksum and length.
    vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
}

/// The first half of a plugin, as after an interrupted download.
///
/// # Panics
/// If the plugin was not built.
pub fn truncated() -> Vec<u8> {
    let mut bytes = std::fs::read(HOSTILE).expect("the hostile plugin");
    bytes.truncate(bytes.len() / 2);
    bytes
}

/// A core module without any part of the contract.
pub fn core_module() -> Vec<u8> {
    parse("(module (func (export \"evaluate\") (result i32) i32.const 1))")
}

/// A component of another world.
pub fn other_world_component() -> Vec<u8> {
    parse(
        "(component
          (core module $m (func (export \"run\") (result i32) i32.const 1))
          (core instance $i (instantiate $m))
          (func (export \"run\") (result u32) (canon lift (core func $i \"run\"))))",
    )
}

/// A component that was built for WASI, which the sandbox does not provide.
pub fn wasi_component() -> Vec<u8> {
    parse(
        "(component
          (import \"wasi:cli/environment@0.2.0\" (instance
            (export \"get-arguments\" (func (result (list string))))))
          (import \"wasi:random/random@0.2.0\" (instance
            (export \"get-random-u64\" (func (result u64))))))",
    )
}

/// A plugin of 9 MiB.
pub fn oversized() -> Vec<u8> {
    let mut bytes = TextPlugin::default().plugin();
    // A custom section: section id, length in LEB128, length of the name, name, data.
    let size: usize = 9 << 20;
    bytes.push(0);
    let mut rest = size + 4;
    while rest >= 0x80 {
        bytes.push(u8::try_from(rest & 0x7f).unwrap_or_default() | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap_or_default());
    bytes.extend(b"\x03pad");
    bytes.resize(bytes.len() + size, 0);
    bytes
}
