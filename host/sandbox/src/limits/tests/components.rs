//! Limits on components: nesting, instances, imports.

use wasm_encoder::{
    CanonicalFunctionSection, CanonicalOption, Component, ComponentAliasSection,
    ComponentImportSection, ComponentInstanceSection, ComponentTypeRef, ExportKind, Module,
    ModuleSection, NestedComponentSection,
};

use super::*;

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
pub(super) fn nested_types(depth: usize) -> Vec<u8> {
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

/// Nested components, each of which instantiates the one before it `each` times.
pub(super) fn exponential_instances(levels: usize, each: usize) -> Vec<u8> {
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
