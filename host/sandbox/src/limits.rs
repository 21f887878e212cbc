//! What a component may consist of, checked before the compiler sees it.
//!
//! A compiler takes more time and memory than the bytes it is given suggest: values are passed on
//! through each loop around them, a component that is instantiated twice by one that is
//! instantiated twice stands there four times, and a type within a type is read by a function
//! within itself. This counts, in one pass over the bytes, what such costs grow with. It neither
//! validates nor compiles, needs no more memory than a few times the bytes, and does not call
//! itself, so that it can look at anything.
//!
//! What stays within the limits can still be expensive: they separate honest components from absurd
//! ones, and leave the rest to the limits on the compiler's time and memory.

mod code;
mod exceeded;
mod module;
mod scope;
mod types;

#[cfg(test)]
mod tests;

use wasmparser::{Encoding, Parser, Payload};

pub use exceeded::ExceededLimit;
use exceeded::{Measure, at_most};
use module::Module;
use scope::Scopes;

/// How much of everything a component may have. Where nothing else is said, all modules and
/// components within it count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Structure {
    /// Its bytes.
    pub bytes: u64,
    /// Core modules.
    pub modules: u64,
    /// Components within it.
    pub components: u64,
    /// How deep components, and the types of components and instances, lie within each other.
    pub nesting: u64,
    /// Core functions, without those that are imported.
    pub functions: u64,
    /// Locals of one function.
    pub locals: u64,
    /// Bytes of one function.
    pub body: u64,
    /// How deep blocks lie within each other, in one function.
    pub blocks: u64,
    /// How deep loops lie within each other, in one function: each may pass on each local.
    pub loops: u64,
    /// The values that its blocks and branches pass on at most, in one function: what is alive
    /// around a block, times the blocks.
    pub passed: u64,
    /// Targets of the branch tables of one function.
    pub targets: u64,
    /// Parameters of one core function type.
    pub parameters: u64,
    /// Results of one core function type.
    pub results: u64,
    /// Core types.
    pub types: u64,
    /// Imports of core modules.
    pub imports: u64,
    /// Exports of core modules.
    pub exports: u64,
    /// Globals.
    pub globals: u64,
    /// Memories of one core module, with those that it imports.
    pub memories: u64,
    /// Memories, without those that are imported. Between two, wasmtime copies by modules of its
    /// own that have both, and where a module may have but one it panics when it has made one.
    pub own_memories: u64,
    /// Tables.
    pub tables: u64,
    /// The elements that all tables begin with.
    pub table_elements: u64,
    /// Element segments.
    pub element_segments: u64,
    /// Functions in element segments.
    pub elements: u64,
    /// Data segments.
    pub data_segments: u64,
    /// The bytes that the data segments span, with the gaps between those of one memory.
    pub image: u64,
    /// Types of components, with those within types.
    pub component_types: u64,
    /// Fields, cases, names and parameters of all such types.
    pub members: u64,
    /// Imports and exports of components.
    pub names: u64,
    /// Functions that are lifted to a component's or lowered to a module's, once all components
    /// are instantiated.
    pub lifted: u64,
    /// Instances, once all components are instantiated.
    pub instances: u64,
    /// Aliases and everything else that an instance of a component consists of, once all
    /// components are instantiated.
    pub items: u64,
}

impl Structure {
    /// What a compiled language needs, many times over.
    pub const DEFAULT: Self = Self {
        bytes: 8 << 20,
        modules: 64,
        components: 64,
        nesting: 8,
        functions: 30_000,
        locals: 2_000,
        body: 512 << 10,
        blocks: 4_000,
        loops: 32,
        passed: 250_000,
        targets: 65_536,
        parameters: 128,
        results: 16,
        types: 20_000,
        imports: 30_000,
        exports: 30_000,
        globals: 30_000,
        memories: 1,
        own_memories: 1,
        tables: 64,
        table_elements: 200_000,
        element_segments: 10_000,
        elements: 200_000,
        data_segments: 10_000,
        image: 64 << 20,
        component_types: 10_000,
        members: 20_000,
        names: 2_000,
        lifted: 200,
        instances: 256,
        items: 20_000,
    };

    /// The same for a language that brings its interpreter.
    pub const INTERPRETER: Self = Self {
        bytes: 32 << 20,
        body: 1 << 20,
        passed: 1_000_000,
        data_segments: 50_000,
        modules: 128,
        components: 128,
        lifted: 1_000,
        instances: 1_000,
        items: 100_000,
        ..Self::DEFAULT
    };
}

impl Default for Structure {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Refuses a component that has more of anything than the limits say.
///
/// What is not well-formed is refused where that is seen in passing; a valid component is only
/// what the compiler finds to be one.
pub fn check(bytes: &[u8], limits: &Structure) -> Result<(), ExceededLimit> {
    at_most(Measure::Bytes, bytes.len(), limits.bytes)?;
    let (scopes, totals) = (Scopes::default(), Totals::default());
    let mut walk = Walk { bytes, limits, scopes, module: None, totals };
    for payload in Parser::new(0).parse_all(bytes) {
        walk.payload(payload?)?;
    }
    Ok(())
}

/// The maximum size of any component, in bytes.
pub const MAX_BYTES: u64 = Structure::INTERPRETER.bytes;

/// What was counted so far, over all modules and components.
#[derive(Debug, Default)]
struct Totals {
    modules: u64,
    components: u64,
    functions: u64,
    types: u64,
    imports: u64,
    exports: u64,
    globals: u64,
    own_memories: u64,
    tables: u64,
    table_elements: u64,
    element_segments: u64,
    elements: u64,
    data_segments: u64,
    image: u64,
    component_types: u64,
    members: u64,
    names: u64,
}

/// Adds to a count, and compares it.
fn add(
    total: &mut u64,
    more: impl TryInto<u64>,
    measure: Measure,
    limit: u64,
) -> Result<(), ExceededLimit> {
    *total = total.saturating_add(more.try_into().unwrap_or(u64::MAX));
    at_most(measure, *total, limit)
}

struct Walk<'a> {
    bytes: &'a [u8],
    limits: &'a Structure,
    scopes: Scopes,
    /// The core module that is being read: none lies within another.
    module: Option<Module>,
    totals: Totals,
}

impl<'a> Walk<'a> {
    fn payload(&mut self, payload: Payload<'a>) -> Result<(), ExceededLimit> {
        let Self { limits, totals, .. } = self;
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } => {
                add(&mut totals.modules, 1_u32, Measure::Modules, limits.modules)?;
                self.module = Some(Module::default());
                Ok(())
            }
            Payload::Version { encoding: Encoding::Component, .. } => {
                if self.scopes.depth() > 0 {
                    add(&mut totals.components, 1_u32, Measure::Components, limits.components)?;
                }
                self.scopes.enter(limits)
            }
            Payload::End(_) => match self.module.take() {
                Some(module) => module.end(totals, limits),
                None => {
                    self.scopes.leave();
                    Ok(())
                }
            },
            Payload::ComponentTypeSection(section) => {
                let section = self.bytes.get(section.range()).unwrap_or_default();
                types::component_types(section, totals, limits)
            }
            other => match &mut self.module {
                Some(module) => module.section(other, totals, limits),
                None => self.scopes.section(other, totals, limits),
            },
        }
    }
}
