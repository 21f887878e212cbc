//! Small plugins that are very expensive to compile.

use std::fmt::Write as _;

use super::by_hand::TextPlugin;
use super::parse;

/// A plugin with a function of 900 nested loops and 1,000 locals: every local is an argument of
/// every loop, which makes nearly a million SSA values of a few kilobytes. Exceeds a structural
/// limit.
pub fn nested_loops() -> Vec<u8> {
    let (loops, locals) = (900, 1_000);
    let mut more = format!("(func (param i32) (local {})", "i32 ".repeat(locals));
    more.push_str(&"(loop ".repeat(loops));
    for local in 1..=locals {
        let _ = write!(more, "(local.set {local} (i32.add (local.get {local}) (i32.const 1)))");
    }
    more.push_str(&"(br_if 0 (local.get 0)))".repeat(loops));
    more.push(')');
    TextPlugin { more: &more, ..TextPlugin::default() }.plugin()
}

/// A plugin of 500 KiB within all structural limits: eight functions with 240 locals and 31 times
/// 32 nested loops. Exceeds the compiler's time limit, even on fast machines.
pub fn slow_to_compile() -> Vec<u8> {
    let (functions, repeats, loops, locals) = (8, 31, 32, 240);
    let mut body = "(loop ".repeat(loops);
    for local in 1..=locals {
        let _ = write!(body, "(local.set {local} (i32.add (local.get {local}) (i32.const 1)))");
    }
    body.push_str(&"(br_if 0 (local.get 0)))".repeat(loops));
    let locals = "i32 ".repeat(locals);
    let function = format!("(func (param i32) (local {locals}) {})", body.repeat(repeats));
    TextPlugin { more: &function.repeat(functions), ..TextPlugin::default() }.plugin()
}

/// A component that contains only nested instance types, 300,000 deep. They overflow the stack of a
/// recursive parser.
pub fn nested_types() -> Vec<u8> {
    let depth = 300_000;
    // The section has one type. Each type except the innermost contains one declaration of a type.
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

/// A component of 2 kB with a billion instances: each nested component instantiates the previous
/// one twice.
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
        for bomb in [nested_loops, slow_to_compile, instances_of_instances, nested_types] {
            assert!(bomb().len() < 1 << 20);
        }
    }
}
