//! A program that is linked, run and recorded for real.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs one of its functions, in a thread, and ends with a code of its own.
const PROGRAM: &str = r#"
#[inline(never)]
fn that_runs(arguments: usize) -> i32 { std::hint::black_box(arguments) as i32 }
#[inline(never)]
fn that_does_not(arguments: usize) -> i32 { std::hint::black_box(arguments) as i32 + 1 }
fn main() {
    let arguments = std::env::args().count();
    let thread = std::thread::spawn(move || match arguments {
        3 => that_runs(arguments),
        _ => that_does_not(arguments),
    });
    std::process::exit(thread.join().unwrap());
}
"#;

#[test]
fn what_a_program_runs_is_recorded_and_placed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (program, link_map) = linked(folder.path());
    let records = folder.path().join("records");
    fs::create_dir_all(records.join("test")).expect("a folder");
    let ended = layout(&["serve", "it"], |command| {
        command
            .env("LEADSMAN_LAYOUT_PROGRAM", &program)
            .env("LEADSMAN_LAYOUT_LINK_MAP", &link_map)
            .env("LEADSMAN_LAYOUT_RECORDS", records.join("test"));
    });
    assert_eq!(ended.status.code(), Some(3), "{ended:?}");
    let script = folder.path().join("layout.ld");
    let paths = [&link_map, &records, &script].map(|path| path.to_str().expect("UTF-8"));
    let ended = layout(&[&["write"], &paths[..]].concat(), |_| ());
    assert!(ended.status.success(), "{ended:?}");
    let script = fs::read_to_string(script).expect("a script");
    let picks = |name: &str| {
        let section = format!(".text._ZN7program{}{name}", name.len());
        script.lines().any(|line| {
            let pattern = line.split_once('(').and_then(|(_, rest)| rest.strip_suffix("*)"));
            pattern.is_some_and(|prefix| section.starts_with(prefix))
        })
    };
    assert!(picks("that_runs") && !picks("that_does_not"), "{script}");
}

/// The program, and its link map.
fn linked(folder: &Path) -> (PathBuf, PathBuf) {
    let (source, program) = (folder.join("program.rs"), folder.join("program"));
    let link_map = folder.join("link.map");
    fs::write(&source, PROGRAM).expect("a source");
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition", "2024", "--crate-name", "program", "-o"]).arg(&program).arg(&source);
    // By lld, which is Rust's own linker on this platform.
    rustc.args(["-C", &format!("link-arg=-Wl,-Map={}", link_map.display())]);
    let ended = rustc.output().expect("rustc");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    (program, link_map)
}

fn layout(arguments: &[&str], with: impl FnOnce(&mut Command)) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_leadsman-layout"));
    command.args(arguments);
    with(&mut command);
    command.output().expect("the program can be run")
}
