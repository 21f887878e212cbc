//! Malformed input, which must neither panic nor cost anything.

use std::time::{Duration, Instant};

use wasm_encoder::{
    Component, ComponentTypeSection, ConstExpr, DataSection, Module, ModuleSection,
    PrimitiveValType,
};

use super::components::{exponential_instances, nested_types};
use super::*;

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
