use super::*;
use wasm_encoder::{
    CodeSection, EntityType, ExportKind, ExportSection, Function, FunctionSection, ImportSection,
    MemorySection, MemoryType, Module, TypeSection, ValType,
};

/// The functions of WASI preview 1, as its specification names them.
const PREVIEW1: [&str; 46] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

/// A module with these imports, each a function without parameters, and with the contract's exports.
/// None of them is ever called.
fn module(imports: &[(&str, &str)], exported: &[&str]) -> Vec<u8> {
    let mut types = TypeSection::new();
    let i32s = |count| vec![ValType::I32; count];
    types.ty().function([], []);
    types.ty().function([], i32s(1));
    types.ty().function(i32s(8), i32s(1));
    types.ty().function(i32s(1), i32s(1));
    types.ty().function(i32s(4), i32s(1));
    let mut imported = ImportSection::new();
    for (module, name) in imports {
        let of = if *name == "fd_write" { 4 } else { 0 };
        imported.import(module, name, EntityType::Function(of));
    }
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut exports = ExportSection::new();
    let count = u32::try_from(imports.len()).unwrap();
    let all = [("describe", 1), ("configure", 2), ("evaluate", 3), ("cabi_realloc", 4)];
    for (index, (name, of)) in (count..).zip(all) {
        functions.function(of);
        let mut body = Function::new([]);
        body.instructions().unreachable().end();
        code.function(&body);
        if exported.contains(&name) {
            exports.export(name, ExportKind::Func, index);
        }
    }
    exports.export("memory", ExportKind::Memory, 0);
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 1,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut module = Module::new();
    module.section(&types).section(&imported).section(&functions).section(&memories);
    module.section(&exports).section(&code);
    module.finish()
}

const WHOLE: [&str; 4] = ["describe", "configure", "evaluate", "cabi_realloc"];

#[test]
fn the_stub_answers_every_function_of_preview_1() {
    let answered = stub_functions().unwrap();
    assert_eq!(answered, BTreeSet::from(PREVIEW1.map(str::to_owned)));
    assert!(PREVIEW1.is_sorted());
}

#[test]
fn a_module_becomes_a_component_that_imports_the_log_alone() {
    let plain = component_of_module(&module(&[], &WHOLE)).unwrap();
    assert!(plain.starts_with(&COMPONENT));
    let of_wasi = module(&[(WASI, "fd_write")], &WHOLE);
    let component = component_of_module(&of_wasi).unwrap();
    assert_eq!(component, component_of_module(&of_wasi).unwrap(), "not reproducible");
    let mut depth = 0;
    let mut imports = Vec::new();
    for payload in Parser::new(0).parse_all(&component) {
        match payload.unwrap() {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                imports
                    .extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
            }
            _ => {}
        }
    }
    assert!(imports.contains(&LOG.to_owned()), "{imports:?}");
    assert!(!imports.iter().any(|name| name.contains("wasi")), "{imports:?}");
}

#[test]
fn other_imports_are_named_with_what_helps() {
    for (import, says) in [
        (("env", "socket"), "imports env.socket, which plugins do not get"),
        (("env", "socket"), "link what defines it"),
        (("wasi:clocks/wall-clock@0.2.9", "now"), "not for preview 2"),
        (("wasi_unstable", "fd_write"), "build it for WASI preview 1"),
        (("gojs", "runtime.wasmExit"), "GOOS=wasip1, not with GOOS=js"),
        ((WASI, "thread_spawn"), "wasi_snapshot_preview1.thread_spawn"),
        ((LOG, "read"), "leadsman:plugin/log@0.1.0.read"),
    ] {
        let told = component_of_module(&module(&[import], &WHOLE)).unwrap_err().to_string();
        assert!(told.contains(says), "{told}");
    }
}

#[test]
fn a_program_and_a_component_are_told_from_a_library() {
    let program = component_of_module(&module(&[], &["cabi_realloc"])).unwrap_err().to_string();
    assert!(program.contains("does not export describe, configure, evaluate"), "{program}");
    assert!(program.contains("-buildmode=c-shared"), "{program}");
    let component = component_of_module(&module(&[], &WHOLE)).unwrap();
    let told = component_of_module(&component).unwrap_err();
    assert!(matches!(told, CoreModuleError::Component), "{told}");
    let told = component_of_module(b"no module").unwrap_err();
    assert!(matches!(told, CoreModuleError::Invalid(_)), "{told}");
}
