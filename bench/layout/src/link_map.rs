//! The functions of a program, from the link map that lld writes.

/// Sections of C with many functions.
const SHARED: [&str; 4] = [".text.exit", ".text.hot", ".text.startup", ".text.unlikely"];

/// A function that was linked, in a section of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its first byte, from the start of the program.
    pub(crate) address: u64,
    pub(crate) size: u64,
    /// The crate whose code it was compiled with, unless that is the program's own, or C.
    pub(crate) unit: Option<String>,
    /// The name of its section, without what changes from build to build.
    pub(crate) section: String,
}

/// All functions of a link map.
pub(crate) fn functions(map: &str) -> Vec<Function> {
    map.lines().filter_map(function).collect()
}

/// Of a line `VMA LMA SIZE ALIGN FILE:(SECTION)`, all numbers in hexadecimal except the alignment.
fn function(line: &str) -> Option<Function> {
    let mut rest = line;
    let mut number = || {
        let (number, after) = rest.trim_start().split_once(' ')?;
        rest = after;
        u64::from_str_radix(number, 16).ok()
    };
    let (address, _, size, _) = (number()?, number()?, number()?, number()?);
    let (file, section) = rest.trim().strip_suffix(')')?.rsplit_once(":(")?;
    // What is not in a section of its own has no name to be placed by.
    let is_named = section.starts_with(".text.") && !SHARED.contains(&section);
    (is_named && address > 0 && size > 0).then(|| Function {
        address,
        size,
        unit: unit(file),
        section: stable(section).to_owned(),
    })
}

/// The crate of an object file that link-time optimization wrote: `PROGRAM-HASH.CRATE-HASH.…`.
fn unit(file: &str) -> Option<String> {
    let name = file.rsplit('/').next()?;
    let (_, rest) = name.split_once('.')?;
    let (unit, hash) = rest.split_once('.')?.0.rsplit_once('-')?;
    let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_crate = unit.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_hash && is_crate).then(|| unit.to_owned())
}

/// The name of a section without the hash of its types, and without what makes it unique between units. In
/// names of the newer mangling, each crate has a hash: they end before the first.
fn stable(section: &str) -> &str {
    let section = section.split_once(".llvm.").map_or(section, |(name, _)| name);
    if section.contains("._R") {
        return section.split_once("Cs").map_or(section, |(name, _)| name);
    }
    let Some(name) = section.strip_suffix('E') else { return section };
    match name.len().checked_sub(16 + 3).and_then(|at| name.split_at_checked(at)) {
        Some((name, hash)) if hash.starts_with("17h") => name,
        _ => section,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_its_crate_and_a_name_without_hashes() {
        let line = "         144bf00          144bf00      190    16         \
                    /target/deps/leadsman-11f156b59f137dc6.hyper_util-102bf401689ec95c.hyper_util.65c6-cgu.0.rcgu.o.rcgu.o:\
                    (.text._ZN5tokio4sync7oneshot15Sender$LT$T$GT$4send17h56bc9d493fd854dbE.llvm.14224030364)";
        assert_eq!(
            function(line),
            Some(Function {
                address: 0x144_bf00,
                size: 0x190,
                unit: Some("hyper_util".to_owned()),
                section: ".text._ZN5tokio4sync7oneshot15Sender$LT$T$GT$4send".to_owned(),
            })
        );
    }

    #[test]
    fn a_name_of_the_newer_mangling_ends_before_the_hash_of_its_crate() {
        let section = ".text._RNvNtNtCslNYArtu3iFV_5alloc5alloc18handle_alloc_error";
        assert_eq!(stable(section), ".text._RNvNtNt");
    }

    #[test]
    fn what_link_time_optimization_did_not_write_is_of_no_crate() {
        let own = "/deps/leadsman-11f156b59f137dc6.61318wkgmrxr4f3kkoxeiv7zk.rcgu.o";
        let c = "/deps/libtikv_jemalloc_sys-acae1b7b2c3e24f3.rlib(arena.pic.o)";
        let linked = "/lib/libcompiler_builtins-27cfc16bdf3bb694.rlib(compiler_builtins-27cfc16bdf3bb694.rcgu.o)";
        assert_eq!((unit(own), unit(c), unit(linked)), (None, None, None));
    }

    #[test]
    fn what_is_no_function_with_a_name_is_left_out() {
        let lines = "             VMA              LMA     Size Align Out     In      Symbol\n\
                     144bf00          144bf00      190    16 .text\n\
                     144bf00          144bf00      190    16         /crt1.o:(.text)\n\
                     144bf00          144bf00       10    16         /crt1.o:(.text.unlikely)\n\
                     144bf00          144bf00        0    16         /crt1.o:(.text.main)\n\
                     144bf00          144bf00      190    16         /a.o:(.rodata.x)\n\
                     144bf00          144bf00      190     1                 main\n";
        assert_eq!(functions(lines), []);
    }
}
