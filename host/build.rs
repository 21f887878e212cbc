//! How the program is linked, and that its allocator is configured.

use std::process::Command;

/// The first version of glibc that reads packed relocations.
const GLIBC: (u32, u32) = (2, 36);

/// What the allocator is configured with when it is compiled.
const ALLOCATOR: &str = "JEMALLOC_SYS_WITH_MALLOC_CONF";

/// The functions that run while the adapter serves, for the linker. `cargo xtask layout` writes it.
const LAYOUT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/layout.ld");

/// `off` is for linkers that cannot read it and whose names do not say so.
const LAYOUT_SWITCH: &str = "LEADSMAN_LAYOUT";

/// Linkers that do not know the command INSERT of linker scripts.
const WITHOUT_INSERT: [&str; 3] = ["gold", "mold", "wild"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={ALLOCATOR}");
    if std::env::var_os(ALLOCATOR).is_none() {
        println!(
            "cargo::error={ALLOCATOR} is not set. It is in .cargo/config.toml, which cargo finds from a \
             folder of the workspace: build there"
        );
    }
    println!("cargo::rerun-if-changed={LAYOUT}");
    println!("cargo::rerun-if-env-changed={LAYOUT_SWITCH}");
    if is_placed() {
        match linker_without_insert() {
            Some(linker) => println!(
                "cargo::warning={linker} cannot place functions: the adapter will take a quarter more memory"
            ),
            None => println!("cargo::rustc-link-arg-bins=-T{LAYOUT}"),
        }
    }
    if reads_packed_relocations() {
        // All addresses of functions and constants in tables are relocated at each start. Their list is
        // some MiB of the program, which stay in memory, and some KiB if it is packed.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether functions are placed. A build for development is linked often, and need not be small in memory.
fn is_placed() -> bool {
    variable("PROFILE") == "release"
        && variable("CARGO_CFG_TARGET_OS") == "linux"
        && variable(LAYOUT_SWITCH) != "off"
}

/// The linker, if it is one of those that cannot.
fn linker_without_insert() -> Option<&'static str> {
    let (flags, linker) = (variable("CARGO_ENCODED_RUSTFLAGS"), variable("RUSTC_LINKER"));
    let chosen = flags.split('\u{1f}').filter_map(|flag| {
        flag.split_once("fuse-ld=").or_else(|| flag.split_once("linker=")).map(|(_, name)| name)
    });
    let mut names = chosen.chain([&*linker]).filter_map(|path| path.rsplit('/').next());
    names.find_map(|name| WITHOUT_INSERT.into_iter().find(|linker| name.contains(linker)))
}

/// Whether what starts the program reads packed relocations. Linkers that cannot write them ignore the
/// argument.
fn reads_packed_relocations() -> bool {
    match (&*variable("CARGO_CFG_TARGET_OS"), &*variable("CARGO_CFG_TARGET_ENV")) {
        // Linked into the program: 1.2.5 of Rust's own since 1.93, and packed ones are read since 1.2.4.
        ("linux", "musl") => true,
        // That of other machines is not known.
        ("linux", "gnu") => {
            variable("HOST") == variable("TARGET")
                && glibc().is_some_and(|version| version >= GLIBC)
        }
        _ => false,
    }
}

/// The version of this machine's glibc.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let mut numbers = text.trim().strip_prefix("glibc ")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// A variable of the environment, empty where it is not set.
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_default()
}
