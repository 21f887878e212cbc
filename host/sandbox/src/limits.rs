//! Structural limits on components, checked before compilation.
//!
//! The cost of compiling a small component can be very large: every local can become an argument of
//! every block, nested instantiation multiplies the number of instances, and nested types are read
//! by recursion. [`check`] counts the quantities that these costs grow with, in one pass over the
//! bytes. It neither validates nor compiles, needs memory proportional to the input, and does not
//! recurse, so it is safe for any input.
//!
//! A component within these limits can still be expensive. The limits refuse crafted components
//! early; the limits on the compiler's time and memory cover the rest.

mod code;
mod component;
mod exceeded;
mod module;
mod types;

#[cfg(test)]
mod tests;

use wasmparser::{Encoding, Parser, Payload};

use component::ComponentStack;
pub use exceeded::ExceededLimit;
use exceeded::{Measure, at_most};
use module::Module;

/// The structural limits of a component. Unless stated otherwise, a limit applies to the sum over
/// all nested modules and components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StructuralLimits {
    /// The size of the component, in bytes.
    pub bytes: u64,
    /// Core modules.
    pub modules: u64,
    /// Nested components.
    pub components: u64,
    /// The nesting depth of components, and of the types of components and instances.
    pub nesting: u64,
    /// Core functions, without imports.
    pub functions: u64,
    /// Locals of one function.
    pub locals: u64,
    /// The size of the body of one function, in bytes.
    pub function_bytes: u64,
    /// The nesting depth of blocks in one function.
    pub block_nesting: u64,
    /// The nesting depth of loops in one function. Every local can become an argument of every
    /// loop.
    pub loop_nesting: u64,
    /// Block arguments in one function: an upper bound of the SSA values that its blocks and
    /// branches pass to their targets.
    pub block_arguments: u64,
    /// Targets of the branch tables of one function.
    pub branch_targets: u64,
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
    /// Memories of one core module, including imports.
    pub memories: u64,
    /// Memories, without imports. To copy between two memories, wasmtime generates adapter modules
    /// that use both. With the multi-memory feature disabled, that makes it panic.
    pub defined_memories: u64,
    /// Tables.
    pub tables: u64,
    /// The sum of the initial sizes of all tables, in elements.
    pub table_elements: u64,
    /// Element segments.
    pub element_segments: u64,
    /// Functions in element segments.
    pub elements: u64,
    /// Data segments. They become one image of the memory, so many of them cost nothing; a compiler that
    /// leaves out every zero writes tens of thousands.
    pub data_segments: u64,
    /// The sum of the memory images, in bytes. The image of a memory spans all of its data
    /// segments, including the gaps between them.
    pub memory_image: u64,
    /// Component types, including nested types.
    pub component_types: u64,
    /// Fields, cases, names and parameters of all component types.
    pub members: u64,
    /// Imports and exports of components.
    pub names: u64,
    /// Functions that are lifted or lowered, after instantiation of all components.
    pub lifted_functions: u64,
    /// Instances, after instantiation of all components.
    pub instances: u64,
    /// Aliases, imports, exports and other definitions, after instantiation of all components.
    pub items: u64,
}

impl StructuralLimits {
    /// Many times the needs of plugins in compiled languages.
    pub const DEFAULT: Self = Self {
        bytes: 8 << 20,
        modules: 64,
        components: 64,
        nesting: 8,
        functions: 30_000,
        locals: 2_000,
        function_bytes: 512 << 10,
        block_nesting: 4_000,
        loop_nesting: 32,
        block_arguments: 250_000,
        branch_targets: 65_536,
        parameters: 128,
        results: 16,
        types: 20_000,
        imports: 30_000,
        exports: 30_000,
        globals: 30_000,
        memories: 1,
        defined_memories: 1,
        tables: 64,
        table_elements: 200_000,
        element_segments: 10_000,
        elements: 200_000,
        data_segments: 100_000,
        memory_image: 64 << 20,
        component_types: 10_000,
        members: 20_000,
        names: 2_000,
        lifted_functions: 200,
        instances: 256,
        items: 20_000,
    };

    /// Limits for plugins that include an interpreter.
    pub const INTERPRETER: Self = Self {
        bytes: 32 << 20,
        function_bytes: 1 << 20,
        block_arguments: 1_000_000,
        modules: 128,
        components: 128,
        lifted_functions: 1_000,
        instances: 1_000,
        items: 100_000,
        ..Self::DEFAULT
    };
}

impl Default for StructuralLimits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Checks a component against the limits.
///
/// Refuses malformed input only as far as counting notices it. The compiler validates components.
pub fn check(bytes: &[u8], limits: &StructuralLimits) -> Result<(), ExceededLimit> {
    at_most(Measure::Bytes, bytes.len(), limits.bytes)?;
    let (components, totals) = (ComponentStack::default(), Totals::default());
    let mut walk = Walk { bytes, limits, components, module: None, totals };
    for payload in Parser::new(0).parse_all(bytes) {
        walk.payload(payload?)?;
    }
    Ok(())
}

/// The maximum size of any component, in bytes.
pub const MAX_BYTES: u64 = StructuralLimits::INTERPRETER.bytes;

/// The counts so far, over all modules and components.
#[derive(Debug, Default)]
struct Totals {
    modules: u64,
    components: u64,
    functions: u64,
    types: u64,
    imports: u64,
    exports: u64,
    globals: u64,
    defined_memories: u64,
    tables: u64,
    table_elements: u64,
    element_segments: u64,
    elements: u64,
    data_segments: u64,
    memory_image: u64,
    component_types: u64,
    members: u64,
    names: u64,
}

/// Adds to a count and checks it against its limit.
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
    limits: &'a StructuralLimits,
    components: ComponentStack,
    /// The core module that is being read. Modules do not nest.
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
                if self.components.depth() > 0 {
                    add(&mut totals.components, 1_u32, Measure::Components, limits.components)?;
                }
                self.components.enter(limits)
            }
            Payload::End(_) => match self.module.take() {
                Some(module) => module.end(totals, limits),
                None => {
                    self.components.leave();
                    Ok(())
                }
            },
            Payload::ComponentTypeSection(section) => {
                let section = self.bytes.get(section.range()).unwrap_or_default();
                types::component_types(section, totals, limits)
            }
            other => match &mut self.module {
                Some(module) => module.section(other, totals, limits),
                None => self.components.section(other, totals, limits),
            },
        }
    }
}
