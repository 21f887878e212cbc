//! Plugins in the WebAssembly text format, for behaviour that Rust cannot express.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::parse;

/// An infinite loop.
const INFINITE_LOOP: &str = "(loop $again (br $again))";

/// A plugin that grows a table until it is refused.
pub fn table_grower() -> Vec<u8> {
    let evaluate = "(loop $again (br_if $again
        (i32.ne (table.grow $t (ref.null func) (i32.const 100000)) (i32.const -1))))";
    TextPlugin { evaluate, ..TextPlugin::default() }.plugin()
}

/// A plugin that cannot be instantiated, since its start function does not end.
pub fn endless_start() -> Vec<u8> {
    let more = format!("(func $start {INFINITE_LOOP}) (start $start)");
    TextPlugin { more: &more, ..TextPlugin::default() }.plugin()
}

/// A plugin whose `describe` does not end.
pub fn endless_describe() -> Vec<u8> {
    TextPlugin { describe: INFINITE_LOOP, ..TextPlugin::default() }.plugin()
}

/// A plugin whose `describe` traps.
pub fn trapping_describe() -> Vec<u8> {
    TextPlugin { describe: "(unreachable)", ..TextPlugin::default() }.plugin()
}

/// A plugin whose configuration schema is not JSON.
pub fn schema_not_json() -> Vec<u8> {
    TextPlugin { schema: "{]", ..TextPlugin::default() }.plugin()
}

/// A plugin whose configuration schema has so many bytes: an empty object with spaces in it.
pub fn schema_of(bytes: u32) -> Vec<u8> {
    // Behind the two pages that the module begins with.
    let (begin, pages) = (2 << 16, bytes.div_ceil(1 << 16));
    let end = begin + bytes - 1;
    let describe = format!(
        "(drop (memory.grow (i32.const {pages})))
        (memory.fill (i32.const {begin}) (i32.const {space}) (i32.const {bytes}))
        (i32.store8 (i32.const {begin}) (i32.const {open}))
        (i32.store8 (i32.const {end}) (i32.const {close}))
        (i32.store (i32.const 4120) (i32.const {begin}))
        (i32.store (i32.const 4124) (i32.const {bytes}))",
        space = u32::from(b' '),
        open = u32::from(b'{'),
        close = u32::from(b'}'),
    );
    TextPlugin { describe: &describe, ..TextPlugin::default() }.plugin()
}

/// A plugin in the text format. It has the name `by hand`, accepts any configuration, plans no
/// queries, and returns no measures.
pub(super) struct TextPlugin<'a> {
    /// The instructions of `describe` before it returns.
    pub(super) describe: &'a str,
    /// The instructions of `evaluate` before it returns.
    pub(super) evaluate: &'a str,
    /// Additional fields of the module.
    pub(super) more: &'a str,
    /// The configuration schema, which must have two bytes.
    pub(super) schema: &'a str,
}

impl Default for TextPlugin<'_> {
    fn default() -> Self {
        Self { describe: "", evaluate: "", more: "", schema: "{}" }
    }
}

impl TextPlugin<'_> {
    /// Builds the component. `configure` and `evaluate` return zeros, which are empty lists.
    pub(super) fn plugin(&self) -> Vec<u8> {
        let Self { describe, evaluate, more, schema } = self;
        let mut module = parse(&format!(
            "(module
              (memory (export \"memory\") 2)
              (table $t 1 funcref)
              (global $free (mut i32) (i32.const 65536))
              (data (i32.const 2048) \"by hand{schema}\")
              ;; name, version and about are `by hand`, the schema follows it.
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
              (func (export \"describe\") (result i32) {describe} (i32.const 4096))
              (func (export \"configure\") (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
                (i32.const 1024))
              (func (export \"evaluate\") (param i32) (result i32) {evaluate} (i32.const 1024))
              {more})"
        ));
        let mut resolve = Resolve::default();
        let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
        let (package, _) = resolve.push_path(contract).expect("the contract");
        let world = resolve.select_world(&[package], Some("mapping")).expect("its world");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .expect("a core module");
        let encoder = ComponentEncoder::default().module(&module);
        let encoder = encoder.expect("a module of the contract");
        encoder.validate(true).encode().expect("a component")
    }
}
