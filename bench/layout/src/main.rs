//! Finds the functions of the adapter that run while it serves, so that the linker places them side by side.
//!
//! The kernel maps 64 KiB of a program's file around each page that is used. Functions that run are a seventh
//! of the program, and scattered over it they keep most of it in memory.
//!
//! `cargo xtask layout` runs this program in place of the adapter while tests do what operators do (the
//! variables below), and then with `write` to make a linker script of what it recorded.

mod link_map;
mod patterns;
#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), path = "no_recorder.rs")]
mod recorder;
mod records;
mod script;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use link_map::Function;

/// The adapter.
const PROGRAM: &str = "LEADSMAN_LAYOUT_PROGRAM";
/// What the linker says of it.
const LINK_MAP: &str = "LEADSMAN_LAYOUT_LINK_MAP";
/// The folder of the records, a file for each process.
const RECORDS: &str = "LEADSMAN_LAYOUT_RECORDS";

const USAGE: &str = "usage: leadsman-layout write LINK_MAP RECORDS SCRIPT, or the arguments of the adapter with \
                     LEADSMAN_LAYOUT_PROGRAM, LEADSMAN_LAYOUT_LINK_MAP and LEADSMAN_LAYOUT_RECORDS";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let path = |name: &str| std::env::var_os(name).map(PathBuf::from);
    match (path(PROGRAM), path(LINK_MAP), path(RECORDS)) {
        (Some(program), Some(link_map), Some(records)) => {
            let record = records.join(std::process::id().to_string());
            recorder::run(&program, &functions(&link_map)?, &record, &arguments)
        }
        _ => match arguments.as_slice() {
            [command, link_map, records, file] if command == "write" => {
                write(link_map.as_ref(), records.as_ref(), file.as_ref())?;
                Ok(ExitCode::SUCCESS)
            }
            _ => Err(USAGE.into()),
        },
    }
}

/// Writes the linker script for what was recorded.
fn write(link_map: &Path, records: &Path, file: &Path) -> Result<(), Box<dyn Error>> {
    let functions = functions(link_map)?;
    let records = records::Records::read(records)?;
    let (text, summary) = script::script(&functions, &records);
    std::fs::write(file, text).map_err(|error| named(file, &error))?;
    println!("{}: {summary}", file.display());
    Ok(())
}

fn functions(link_map: &Path) -> Result<Vec<Function>, Box<dyn Error>> {
    let text = std::fs::read_to_string(link_map).map_err(|error| named(link_map, &error))?;
    let functions = link_map::functions(&text);
    if functions.is_empty() {
        return Err(format!("{}: no functions: is it a map of lld?", link_map.display()).into());
    }
    Ok(functions)
}

fn named(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
