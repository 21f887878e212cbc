//! Small plugins that are very expensive to compile.

use std::fmt::Write as _;

use super::by_hand::ByHand;
use super::parse;

/// A plugin with a function of 900 nested loops, each of which passes on 1,000 locals: nearly a
/// million values from a few kilobytes. This exceeds a structural limit.
pub fn values_through_loops() -> Vec<u8> {
    let (loops, locals) = (900, 1_000);
    let mut more = format!("(func (param i32) (local {})", "i32 ".repeat(locals));
    more.push_str(&"(loop ".repeat(loops));
    for local in 1..=locals {
        let _ = write!(more, "(local.set {local} (i32.add (local.get {local}) (i32.const 1)))");
    }
    more.push_str(&"(br_if 0 (local.get 0)))".repeat(loops));
    more.push(')');
    ByHand { more: &more, ..ByHand::default() }.plugin()
}

/// A plugin of 500 KiB within all structural limits: eight functions of 240 locals, with at most 32
/// nested loops, 31 times. It exceeds the compiler's time limit, also on fast machines.
pub fn dear_to_compile() -> Vec<u8> {
    let (functions, times, loops, locals) = (8, 31, 32, 240);
    let mut body = "(loop ".repeat(loops);
    for local in 1..=locals {
        let _ = write!(body, "(local.set {local} (i32.add (local.get {local}) (i32.const 1)))");
    }
    body.push_str(&"(br_if 0 (local.get 0)))".repeat(loops));
    let locals = "i32 ".repeat(locals);
    let function = format!("(func (param i32) (local {locals}) {})", body.repeat(times));
    ByHand { more: &function.repeat(functions), ..ByHand::default() }.plugin()
}

/// A component of nothing but nested instance types, 300,000 deep: a recursive parser would
/// overflow its stack.
pub fn nested_types() -> Vec<u8> {
    let depth = 300_000;
    // The section has one type. Each but the innermost has one declaration, which is a type.
    let mut section = vec![1];
    section.extend([0x42, 1, 1].repeat(depth));
    section.extend([0x42, 0]);
    let mut bytes = vec![0, b'a', b's', b'm', 0x0d, 0, 1, 0, 7];
    let mut length = section.len();
    while length >= 0x80 {
        bytes.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap_or_default());
    bytes.extend(section);
    bytes
}

/// A component of two kilobytes and a billion instances: each component in it instantiates the
/// previous one twice.
pub fn instances_of_instances() -> Vec<u8> {
    let mut text = String::from(
        "(component (component $c0 (core module $m) (core instance (instantiate $m)))",
    );
    let levels = 30;
    for level in 1..=levels {
        let before = level - 1;
        let _ = write!(
            text,
            "(component $c{level} (alias outer 1 $c{before} (component $b))
               (instance (instantiate $b)) (instance (instantiate $b)))"
        );
    }
    let _ = write!(text, "(instance (instantiate $c{levels})))");
    parse(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bombs_are_small() {
        for bomb in [values_through_loops, dear_to_compile, instances_of_instances, nested_types] {
            assert!(bomb().len() < 1 << 20);
        }
    }
}
