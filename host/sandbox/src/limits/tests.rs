//! Each limit, reached exactly and exceeded by one, and malformed input, which must not panic.

mod components;
mod malformed;
mod modules;

use wasm_encoder::{
    CodeSection, Component, ConstExpr, DataSection, Function, FunctionSection, MemorySection,
    MemoryType, Module, ModuleSection, RefType, TableSection, TableType, TypeSection, ValType,
};

use super::*;

/// A limit of three for most counts, and no limit on the size.
const THREE: StructuralLimits = StructuralLimits {
    bytes: u64::MAX,
    modules: 3,
    components: 3,
    nesting: 3,
    functions: 3,
    locals: 3,
    function_bytes: 100,
    block_nesting: 3,
    loop_nesting: 3,
    block_arguments: 30,
    branch_targets: 3,
    parameters: 3,
    results: 3,
    types: 3,
    imports: 3,
    exports: 3,
    globals: 3,
    memories: 3,
    defined_memories: 3,
    tables: 3,
    table_elements: 3,
    element_segments: 3,
    elements: 3,
    data_segments: 3,
    memory_image: 3,
    component_types: 3,
    members: 3,
    names: 3,
    lifted_functions: 3,
    instances: 3,
    items: 30,
};

fn component_of(module: &Module) -> Vec<u8> {
    let mut component = Component::new();
    component.section(&ModuleSection(module));
    component.finish()
}

/// Asserts that a component at the limit passes, and that one above it is refused with this text.
fn assert_limit(
    make: impl Fn(usize) -> Vec<u8>,
    limits: &StructuralLimits,
    limit: usize,
    text: &str,
) {
    assert_eq!(check(&make(limit), limits), Ok(()), "{text}");
    let refused = check(&make(limit + 1), limits).expect_err(text);
    assert_eq!(refused.to_string(), text);
}

fn assert_limit_3(make: impl Fn(usize) -> Vec<u8>, text: &str) {
    assert_limit(make, &THREE, 3, text);
}

fn code(functions: usize, locals: u32, body: &[u8]) -> Module {
    let mut types = TypeSection::new();
    types.ty().function([], []);
    let (mut list, mut code) = (FunctionSection::new(), CodeSection::new());
    for _ in 0..functions {
        list.function(0);
        let mut function = Function::new([(locals, ValType::I32)]);
        function.raw(body.iter().copied()).raw([0x0b]);
        code.function(&function);
    }
    let mut module = Module::new();
    module.section(&types).section(&list).section(&code);
    module
}

fn memories(count: usize) -> MemorySection {
    let mut memories = MemorySection::new();
    for _ in 0..count {
        memories.memory(MemoryType {
            minimum: 1,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
    }
    memories
}

fn tables(count: usize, minimum: u64) -> Module {
    let mut tables = TableSection::new();
    for _ in 0..count {
        tables.table(TableType {
            element_type: RefType::FUNCREF,
            minimum,
            maximum: None,
            table64: false,
            shared: false,
        });
    }
    let mut module = Module::new();
    module.section(&tables);
    module
}

fn assert_refused(checked: Result<(), ExceededLimit>, text: &str) {
    assert_eq!(checked.expect_err(text).to_string(), text);
}

/// Go writes a segment for each run of bytes between zeros: 37,488 for a small plugin.
#[test]
fn a_compiler_that_leaves_out_each_zero_fits() {
    let mut data = DataSection::new();
    for at in 0..40_000 {
        data.active(0, &ConstExpr::i32_const(at), [1]);
    }
    let mut module = Module::new();
    module.section(&memories(1)).section(&data);
    assert!(check(&module.finish(), &StructuralLimits::DEFAULT).is_ok());
}
