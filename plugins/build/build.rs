//! Assembles the stub of WASI, and collects the SDKs and templates that `leadsman plugin new` writes.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "build")]
    if let Err(error) = embedded::write() {
        eprintln!("\n{error}\n");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

#[cfg(feature = "build")]
mod embedded {
    use std::error::Error;
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};
    use std::{env, fs};

    /// The constants of the generated file: each with a folder, what of it is left out, and the
    /// files that come beside it.
    const TREES: [Tree; 4] = [
        Tree {
            name: "GO_SDK",
            folder: "plugin-sdk/go",
            without: &[
                "BUILD.md",
                "config_test.go",
                "examples",
                "plugin_test.go",
                "readme_test.go",
                "template",
                "tests",
            ],
            beside: &[("LICENSE", "LICENSE")],
        },
        Tree { name: "GO_TEMPLATE", folder: "plugin-sdk/go/template", without: &[], beside: &[] },
        Tree {
            name: "RUST_SDK",
            folder: "plugin-sdk",
            // The manifest takes versions from the workspace: a project has one that stands alone.
            without: &["Cargo.toml", "go", "javascript", "python", "rust-template", "wit"],
            beside: &[("LICENSE", "LICENSE"), ("wit/plugin.wit", "wit/plugin.wit")],
        },
        Tree {
            name: "RUST_TEMPLATE",
            folder: "plugin-sdk/rust-template",
            without: &[],
            beside: &[],
        },
    ];

    struct Tree {
        name: &'static str,
        folder: &'static str,
        without: &'static [&'static str],
        /// Where each stands in the project, and in the repository.
        beside: &'static [(&'static str, &'static str)],
    }

    pub(super) fn write() -> Result<(), Box<dyn Error>> {
        let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
        let out = PathBuf::from(env::var("OUT_DIR")?);
        let stub = here.join("wasi/preview1-stub.wat");
        println!("cargo::rerun-if-changed={}", stub.display());
        fs::write(out.join("preview1-stub.wasm"), wat::parse_file(&stub)?)?;
        let repository = here.join("../..").canonicalize()?;
        let mut code = String::new();
        for tree in TREES {
            let root = repository.join(tree.folder);
            println!("cargo::rerun-if-changed={}", root.display());
            let mut files = Vec::new();
            collect(&root, "", tree.without, &mut files)?;
            for (name, path) in tree.beside {
                let path = repository.join(path);
                println!("cargo::rerun-if-changed={}", path.display());
                files.push(((*name).to_owned(), path));
            }
            files.sort();
            writeln!(code, "pub(super) const {}: Files = &[", tree.name)?;
            for (name, path) in files {
                writeln!(code, "    ({name:?}, include_bytes!({path:?})),")?;
            }
            writeln!(code, "];")?;
        }
        fs::write(out.join("embedded.rs"), code)?;
        Ok(())
    }

    fn collect(
        folder: &Path,
        prefix: &str,
        without: &[&str],
        files: &mut Vec<(String, PathBuf)>,
    ) -> Result<(), Box<dyn Error>> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if prefix.is_empty() && without.contains(&name.as_str()) {
                continue;
            }
            let name = format!("{prefix}{name}");
            if path.is_dir() {
                collect(&path, &format!("{name}/"), without, files)?;
            } else {
                files.push((name, path));
            }
        }
        Ok(())
    }
}
