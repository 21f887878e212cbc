//! Limits on core modules: functions, types, memories, segments.

use wasm_encoder::{
    Component, ComponentTypeSection, ConstExpr, DataSection, ElementSection, Elements, ExportKind,
    ExportSection, GlobalSection, GlobalType, ImportSection, Module, ModuleSection,
    PrimitiveValType, TypeSection, ValType,
};

use super::*;

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
