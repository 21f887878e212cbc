//! Each limit, reached exactly and exceeded by one, and malformed input, which must not panic.

use std::time::{Duration, Instant};

use wasm_encoder::{
    CanonicalFunctionSection, CanonicalOption, CodeSection, Component, ComponentAliasSection,
    ComponentImportSection, ComponentInstanceSection, ComponentTypeRef, ComponentTypeSection,
    ConstExpr, DataSection, ElementSection, Elements, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, MemorySection, MemoryType, Module,
    ModuleSection, NestedComponentSection, PrimitiveValType, RefType, TableSection, TableType,
    TypeSection, ValType,
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

#[test]
fn bytes_modules_and_components_are_counted() {
    let empty = Component::new().finish();
    let limits = StructuralLimits { bytes: 8, ..THREE };
    let longer = |bytes: usize| [&empty[..], &vec![0; bytes - 8][..]].concat();
    assert_refused(check(&longer(9), &limits), "a component of 9 bytes; the limit is 8");
    assert_eq!(check(&empty, &limits), Ok(()));
    let modules = |count| {
        let mut component = Component::new();
        for _ in 0..count {
            component.section(&ModuleSection(&Module::new()));
        }
        component.finish()
    };
    assert_limit_3(modules, "a component with 4 core modules; the limit is 3");
    let components = |count| {
        let mut component = Component::new();
        for _ in 0..count {
            component.section(&NestedComponentSection(&Component::new()));
        }
        component.finish()
    };
    assert_limit_3(components, "a component with 4 components within it; the limit is 3");
}

fn assert_refused(checked: Result<(), ExceededLimit>, text: &str) {
    assert_eq!(checked.expect_err(text).to_string(), text);
}

#[test]
fn nesting_is_limited() {
    let nested = |depth| {
        let mut component = Component::new();
        for _ in 0..depth {
            let mut outer = Component::new();
            outer.section(&NestedComponentSection(&component));
            component = outer;
        }
        component.finish()
    };
    let limits = StructuralLimits { components: 9, component_types: 9, ..THREE };
    let text = "components or their types within each other, 4 deep; the limit is 3";
    assert_limit(nested, &limits, 3, text);
    assert_limit(nested_types, &limits, 3, text);
}

/// Nested instance types.
fn nested_types(depth: usize) -> Vec<u8> {
    let section = [&[1][..], &[0x42, 1, 1].repeat(depth - 1)[..], &[0x42, 0][..]].concat();
    let mut bytes = Component::new().finish();
    bytes.push(7);
    let mut rest = section.len();
    while rest >= 0x80 {
        bytes.push(u8::try_from(rest & 0x7f).unwrap() | 0x80);
        rest >>= 7;
    }
    bytes.push(u8::try_from(rest).unwrap());
    [bytes, section].concat()
}

#[test]
fn nesting_needs_no_stack() {
    let refused = check(&nested_types(1_000_000), &StructuralLimits::DEFAULT).unwrap_err();
    assert!(refused.to_string().contains("9 deep"), "{refused}");
    let all = StructuralLimits {
        nesting: u64::MAX,
        component_types: u64::MAX,
        ..StructuralLimits::DEFAULT
    };
    assert_eq!(check(&nested_types(1_000_000), &all), Ok(()));
}

#[test]
fn functions_are_measured() {
    assert_limit_3(
        |n| component_of(&code(n, 0, &[])),
        "a component with 4 core functions; the limit is 3",
    );
    let locals = |n| component_of(&code(1, u32::try_from(n).unwrap(), &[]));
    assert_limit_3(locals, "a function with 4 locals; the limit is 3");
    let limits = StructuralLimits { locals: 2_000, ..THREE };
    assert_refused(
        check(&component_of(&code(1, 50_000, &[])), &limits),
        "a function with 50,000 locals; the limit is 2,000",
    );
    // One group of locals takes three bytes, the end of the function one.
    let body = |n: usize| component_of(&code(1, 0, &vec![0x01; n - 4]));
    assert_limit(body, &THREE, 100, "a function of 101 bytes; the limit is 100");
    let nested = |kind: u8| {
        move |n: usize| {
            component_of(&code(1, 0, &[[kind, 0x40].repeat(n), [0x0b].repeat(n)].concat()))
        }
    };
    let limits = StructuralLimits { block_arguments: 99, ..THREE };
    let text = "a function with blocks within each other, 4 deep; the limit is 3";
    assert_limit(nested(0x02), &limits, 3, text);
    let limits = StructuralLimits { block_nesting: 9, ..limits };
    let text = "a function with loops within each other, 4 deep; the limit is 3";
    assert_limit(nested(0x03), &limits, 3, text);
    // A branch table with n targets has a default target as well.
    let targets = |n: usize| {
        component_of(&code(
            1,
            0,
            &[&[0x41, 0, 0x0e, u8::try_from(n).unwrap() - 1][..], &vec![0; n]].concat(),
        ))
    };
    assert_limit_3(targets, "a function with 4 targets of branch tables; the limit is 3");
}

#[test]
fn every_local_counts_as_an_argument_of_every_block() {
    // Three blocks with two locals have 3 × (8 + 2) arguments, and each branch adds one.
    let body = |branches: usize| {
        let blocks = [0x02, 0x40, 0x0b].repeat(3);
        component_of(&code(1, 2, &[blocks, [0x0c, 0].repeat(branches)].concat()))
    };
    let limits = StructuralLimits { block_arguments: 33, ..THREE };
    assert_limit(body, &limits, 3, "a function whose blocks pass on 34 values; the limit is 33");
}

#[test]
fn types_are_measured() {
    let types = |count: usize, parameters: usize, results: usize| {
        let mut types = TypeSection::new();
        for _ in 0..count {
            types.ty().function(vec![ValType::I32; parameters], vec![ValType::I32; results]);
        }
        let mut module = Module::new();
        module.section(&types);
        component_of(&module)
    };
    assert_limit_3(|n| types(n, 0, 0), "a component with 4 core types; the limit is 3");
    assert_limit_3(|n| types(1, n, 0), "a core function type with 4 parameters; the limit is 3");
    assert_limit_3(|n| types(1, 0, n), "a core function type with 4 results; the limit is 3");
    let defined = |count: usize, fields: usize| {
        let mut types = ComponentTypeSection::new();
        for _ in 0..count {
            let field = wasm_encoder::ComponentValType::Primitive(PrimitiveValType::Bool);
            types.defined_type().tuple(vec![field; fields]);
        }
        let mut component = Component::new();
        component.section(&types);
        component.finish()
    };
    assert_limit_3(|n| defined(n, 1), "a component with 4 component types; the limit is 3");
    let text = "component types with 4 fields, cases and parameters; the limit is 3";
    assert_limit_3(|n| defined(1, n), text);
}

#[test]
fn the_parts_of_a_module_are_counted() {
    let imports = |n| {
        let mut imports = ImportSection::new();
        for _ in 0..n {
            imports.import("a", "b", wasm_encoder::EntityType::Function(0));
        }
        let mut module = Module::new();
        module.section(&imports);
        component_of(&module)
    };
    assert_limit_3(imports, "core modules with 4 imports; the limit is 3");
    let exports = |n| {
        let mut exports = ExportSection::new();
        for _ in 0..n {
            exports.export("a", ExportKind::Func, 0);
        }
        let mut module = Module::new();
        module.section(&exports);
        component_of(&module)
    };
    assert_limit_3(exports, "core modules with 4 exports; the limit is 3");
    let globals = |n| {
        let mut globals = GlobalSection::new();
        for _ in 0..n {
            let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
            globals.global(ty, &ConstExpr::i32_const(0));
        }
        let mut module = Module::new();
        module.section(&globals);
        component_of(&module)
    };
    assert_limit_3(globals, "a component with 4 globals; the limit is 3");
    assert_limit_3(|n| component_of(&tables(n, 0)), "a component with 4 tables; the limit is 3");
    assert_limit_3(|n| component_of(&tables(1, n as u64)), "tables of 4 elements; the limit is 3");
}

#[test]
fn memories_and_segments_are_counted() {
    let module = |n: usize| {
        let mut module = Module::new();
        module.section(&memories(n));
        module
    };
    let text = "a core module with 4 memories; the limit is 3";
    assert_limit_3(|n| component_of(&module(n)), text);
    let separate = |n: usize| {
        let mut component = Component::new();
        for _ in 0..n {
            component.section(&ModuleSection(&module(1)));
        }
        component.finish()
    };
    let limits = StructuralLimits { modules: 9, ..THREE };
    assert_limit(separate, &limits, 3, "a component with 4 memories; the limit is 3");
    let data = |segments: usize, distance: i32| {
        let mut data = DataSection::new();
        for at in 0..segments {
            data.active(0, &ConstExpr::i32_const(1000 + if at == 0 { 0 } else { distance }), [1]);
        }
        let mut module = Module::new();
        module.section(&data);
        component_of(&module)
    };
    assert_limit_3(|n| data(n, 0), "a component with 4 data segments; the limit is 3");
    let text = "data segments that span 4 bytes; the limit is 3";
    assert_limit_3(|n| data(2, i32::try_from(n).unwrap() - 1), text);
    let elements = |segments: usize, each: usize| {
        let mut elements = ElementSection::new();
        for _ in 0..segments {
            let functions = Elements::Functions(vec![0; each].into());
            elements.active(None, &ConstExpr::i32_const(0), functions);
        }
        let mut module = Module::new();
        module.section(&elements);
        component_of(&module)
    };
    assert_limit_3(|n| elements(n, 1), "a component with 4 element segments; the limit is 3");
    assert_limit_3(|n| elements(1, n), "element segments of 4 elements; the limit is 3");
}

/// Nested components, each of which instantiates the one before it `each` times.
fn exponential_instances(levels: usize, each: usize) -> Vec<u8> {
    let mut component = Component::new();
    component.section(&NestedComponentSection(&Component::new()));
    for level in 1..levels {
        let mut inner = Component::new();
        let mut aliases = ComponentAliasSection::new();
        aliases.alias(wasm_encoder::Alias::Outer {
            kind: wasm_encoder::ComponentOuterAliasKind::Component,
            count: 1,
            index: u32::try_from(level - 1).unwrap(),
        });
        inner.section(&aliases);
        inner.section(&instances(0, each));
        component.section(&NestedComponentSection(&inner));
    }
    component.section(&instances(u32::try_from(levels - 1).unwrap(), each));
    component.finish()
}

fn instances(of: u32, count: usize) -> ComponentInstanceSection {
    let mut instances = ComponentInstanceSection::new();
    for _ in 0..count {
        let none: [(&str, wasm_encoder::ComponentExportKind, u32); 0] = [];
        instances.instantiate(of, none);
    }
    instances
}

#[test]
fn every_instance_counts() {
    let text = "components of 4 instances when they are instantiated; the limit is 3";
    assert_limit_3(|n| exponential_instances(1, n), text);
    // Thirty levels with two instances each are about a billion.
    let refused = check(&exponential_instances(30, 2), &StructuralLimits::DEFAULT).unwrap_err();
    assert!(refused.to_string().contains("instances when they are instantiated"), "{refused}");
    let aliases = |n: usize| {
        let mut aliases = ComponentAliasSection::new();
        for _ in 0..n {
            aliases.alias(wasm_encoder::Alias::CoreInstanceExport {
                instance: 0,
                kind: ExportKind::Func,
                name: "f",
            });
        }
        let mut component = Component::new();
        component.section(&aliases);
        component.finish()
    };
    let text = "components of 31 items when they are instantiated; the limit is 30";
    assert_limit(aliases, &THREE, 30, text);
    let lifted = |n: usize| {
        let mut functions = CanonicalFunctionSection::new();
        for _ in 0..n {
            functions.lower(0, [CanonicalOption::UTF8]);
        }
        let mut component = Component::new();
        component.section(&functions);
        component.finish()
    };
    let text =
        "components that lift or lower 4 functions when they are instantiated; the limit is 3";
    assert_limit_3(lifted, text);
}

#[test]
fn components_as_arguments_are_refused() {
    let imports = |n: usize, ty: ComponentTypeRef| {
        let mut imports = ComponentImportSection::new();
        for at in 0..n {
            imports.import(format!("a{at}").as_str(), ty);
        }
        let mut component = Component::new();
        component.section(&imports);
        component.finish()
    };
    let text = "components with 4 imports and exports; the limit is 3";
    assert_limit_3(|n| imports(n, ComponentTypeRef::Func(0)), text);
    let argument = check(&imports(1, ComponentTypeRef::Component(0)), &THREE);
    assert_eq!(argument, Err(ExceededLimit::ComponentArgument));
}

/// A component with most kinds of sections.
fn varied() -> Vec<u8> {
    let body = [0x03, 0x40, 0x20, 0, 0x0d, 0, 0x41, 1, 0x0e, 2, 0, 0, 0, 0x0b];
    let mut component = Component::new();
    component.section(&ModuleSection(&code(3, 2, &body)));
    component.section(&ModuleSection(&tables(2, 7)));
    let mut memory = Module::new();
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(64), *b"some data");
    memory.section(&memories(1)).section(&data);
    component.section(&ModuleSection(&memory));
    let mut types = ComponentTypeSection::new();
    let text = wasm_encoder::ComponentValType::Primitive(PrimitiveValType::String);
    types.defined_type().record([("a", text), ("b", text)]);
    types.function().params([("x", text)]).result(Some(text));
    component.section(&types);
    [component.finish(), nested_types(3)[8..].to_vec(), exponential_instances(3, 2)[8..].to_vec()]
        .concat()
}

#[test]
fn malformed_input_does_not_panic() {
    let whole = varied();
    check(&whole, &StructuralLimits::DEFAULT).expect("within the limits");
    for end in 0..whole.len() {
        let _ = check(&whole[..end], &StructuralLimits::DEFAULT);
    }
    // xorshift with a fixed seed: the same bytes in each run.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..20_000 {
        let mut changed = whole.clone();
        for _ in 0..=random() % 4 {
            let at = usize::try_from(random()).unwrap() % changed.len();
            changed[at] = random().to_le_bytes()[0];
        }
        let _ = check(&changed, &StructuralLimits::DEFAULT);
        let noise: Vec<u8> = (0..64).flat_map(|_| random().to_le_bytes()).collect();
        let start = &whole[..usize::try_from(random()).unwrap() % whole.len()];
        let _ = check(&[start, &noise].concat(), &StructuralLimits::DEFAULT);
    }
}

/// A section can claim any count, which must not be trusted.
#[test]
fn claimed_counts_cost_nothing() {
    let begun = Instant::now();
    for section in 1..=11 {
        let module = [b"\0asm\x01\0\0\0", &[section, 5, 0xff, 0xff, 0xff, 0xff, 0x0f][..]].concat();
        let mut component = Component::new().finish();
        component.extend([1, u8::try_from(module.len()).unwrap()]);
        component.extend(module);
        let _ = check(&component, &StructuralLimits::DEFAULT);
        let outer =
            [&Component::new().finish()[..], &[section, 5, 0xff, 0xff, 0xff, 0xff, 0x0f][..]];
        let _ = check(&outer.concat(), &StructuralLimits::DEFAULT);
    }
    assert!(begun.elapsed() < Duration::from_secs(1));
}
