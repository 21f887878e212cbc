//! How the program is linked, and that its allocator is configured.

use std::process::Command;

/// The first version of glibc that reads packed relocations.
const GLIBC: (u32, u32) = (2, 36);

/// What the allocator is configured with when it is compiled.
const ALLOCATOR: &str = "JEMALLOC_SYS_WITH_MALLOC_CONF";

/// The functions that run while the adapter serves, for the linker. `cargo xtask layout` writes it.
const LAYOUT: &str = "layout.ld";

/// Linkers that do not read linker scripts.
const WITHOUT_SCRIPTS: [&str; 3] = ["gold", "mold", "wild"];

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
    if reads_linker_scripts() {
        let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo::rustc-link-arg-bins=-T{folder}/{LAYOUT}");
    }
    if reads_packed_relocations() {
        // All addresses of functions and constants in tables are relocated at each start. Their list is
        // some MiB of the program, which stay in memory, and some KiB if it is packed.
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether the linker places functions as a script says. A build for development is linked often, and need
/// not be small in memory.
fn reads_linker_scripts() -> bool {
    let set = |name: &str| std::env::var(name).unwrap_or_default();
    let linker = set("RUSTC_LINKER") + &set("CARGO_ENCODED_RUSTFLAGS");
    set("PROFILE") == "release"
        && set("CARGO_CFG_TARGET_OS") == "linux"
        && !WITHOUT_SCRIPTS.iter().any(|name| linker.contains(name))
}

/// Whether what starts the program reads packed relocations. Linkers that cannot write them ignore the
/// argument.
fn reads_packed_relocations() -> bool {
    let set = |name: &str| std::env::var(name).unwrap_or_default();
    match (set("CARGO_CFG_TARGET_OS").as_str(), set("CARGO_CFG_TARGET_ENV").as_str()) {
        // Linked into the program: 1.2.5 of Rust's own since 1.93, and packed ones are read since 1.2.4.
        ("linux", "musl") => true,
        // That of other machines is not known.
        ("linux", "gnu") => {
            set("HOST") == set("TARGET") && glibc().is_some_and(|version| version >= GLIBC)
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
