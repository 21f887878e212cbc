//! Files that are given to Leadsman as plugins.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// The file of the plugin that misbehaves as it is told to.
pub const HOSTILE: &str = concat!(env!("OUT_DIR"), "/hostile.wasm");
/// The file of the plugin that wants `acme:storage/keys` besides.
pub const REACHING: &str = concat!(env!("OUT_DIR"), "/reaching.wasm");

/// A core module that has nothing of the contract.
pub fn core_module() -> Vec<u8> {
    parse("(module (func (export \"evaluate\") (result i32) i32.const 1))")
}

/// A component of another world.
pub fn alien_component() -> Vec<u8> {
    parse(
        "(component
          (core module $m (func (export \"run\") (result i32) i32.const 1))
          (core instance $i (instantiate $m))
          (func (export \"run\") (result u32) (canon lift (core func $i \"run\"))))",
    )
}

/// A plugin that grows a table for as long as it may.
pub fn table_grower() -> Vec<u8> {
    let grow = "(loop $again (br_if $again
        (i32.ne (table.grow $t (ref.null func) (i32.const 100000)) (i32.const -1))))";
    plugin(grow)
}

/// A plugin of nine megabytes.
pub fn oversized() -> Vec<u8> {
    let mut bytes = plugin("");
    // A custom section: its number, its length in LEB128, the length of its name, its name.
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

/// A plugin written by hand, as Rust can do none of this. It is called `by hand`, takes any
/// configuration, plans nothing, and returns no measures: those results are zeros.
fn plugin(on_evaluate: &str) -> Vec<u8> {
    let mut module = parse(&format!(
        "(module
          (memory (export \"memory\") 2)
          (table $t 1 funcref)
          (global $free (mut i32) (i32.const 65536))
          (data (i32.const 2048) \"by hand{{}}\")
          ;; name, version and about are `by hand`, the schema is `{{}}`.
          (data (i32.const 4096)
            \"\\00\\08\\00\\00\\07\\00\\00\\00\" \"\\00\\08\\00\\00\\07\\00\\00\\00\"
            \"\\00\\08\\00\\00\\07\\00\\00\\00\" \"\\07\\08\\00\\00\\02\\00\\00\\00\")
          (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
            (global.set $free (i32.add (local.get $at) (local.get 3)))
            (block $enough
              (br_if $enough (i32.le_u (global.get $free)
                (i32.shl (memory.size) (i32.const 16))))
              (drop (memory.grow (i32.add (i32.const 1)
                (i32.shr_u (local.get 3) (i32.const 16))))))
            (local.get $at))
          (func (export \"describe\") (result i32) (i32.const 4096))
          (func (export \"configure\") (param i32 i32 i32 i32 i32) (result i32) (i32.const 1024))
          (func (export \"evaluate\") (param i32) (result i32) {on_evaluate} (i32.const 1024)))"
    ));
    let mut resolve = Resolve::default();
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let (package, _) = resolve.push_path(contract).expect("the contract");
    let world = resolve.select_world(&[package], Some("mapping")).expect("its world");
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .expect("a core module");
    let encoder = ComponentEncoder::default().module(&module).expect("a module of the contract");
    encoder.validate(true).encode().expect("a component")
}

fn parse(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("WebAssembly text")
}
