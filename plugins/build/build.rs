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
    const TREES: [Tree; 10] = [
        Tree {
            name: "TEMPLATES",
            folder: "plugin-sdk/templates",
            without: &["README.md"],
            beside: &[],
        },
        Tree {
            name: "GO_SDK",
            folder: "plugin-sdk/go",
            without: &[
                "BUILD.md",
                "config_test.go",
                "examples",
                "pack",
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
            without: &[
                "Cargo.toml",
                "go",
                "javascript",
                "python",
                "rust-template",
                "templates",
                "wit",
            ],
            beside: &[("LICENSE", "LICENSE"), ("wit/plugin.wit", "wit/plugin.wit")],
        },
        Tree {
            name: "RUST_TEMPLATE",
            folder: "plugin-sdk/rust-template",
            without: &[],
            beside: &[],
        },
        Tree {
            name: "JAVASCRIPT_SDK",
            folder: "plugin-sdk/javascript",
            without: &[
                ".gitignore",
                "BUILD.md",
                "LICENSE",
                "examples",
                "package-lock.json",
                "runtime",
                "template",
                "test",
                "tests",
                "tsconfig.json",
                "wit",
            ],
            // Where the package looks for them when it is packed, too.
            beside: &[("LICENSE", "LICENSE"), ("wit/plugin.wit", "wit/plugin.wit")],
        },
        Tree {
            name: "JAVASCRIPT_TEMPLATE",
            folder: "plugin-sdk/javascript/template/javascript",
            without: &[],
            beside: &[],
        },
        Tree {
            name: "TYPESCRIPT_TEMPLATE",
            folder: "plugin-sdk/javascript/template/typescript",
            without: &[],
            beside: &[],
        },
        Tree {
            name: "PYTHON_SDK",
            folder: "plugin-sdk/python",
            without: &[".gitignore", "BUILD.md", "examples", "template", "tests"],
            beside: &[("LICENSE", "LICENSE")],
        },
        Tree {
            name: "PYTHON_TEMPLATE",
            folder: "plugin-sdk/python/template",
            without: &[],
            beside: &[],
        },
    ];

    /// What the languages' tools leave in a folder: megabytes, and nothing of the SDK.
    const OF_TOOLS: [&str; 7] = [
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".venv",
        "__pycache__",
        "dist",
        "node_modules",
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
        let text = fs::read_to_string(&stub)?;
        fs::write(out.join("preview1-stub.wasm"), wat::parse_str(&text)?)?;
        let [added, of_go] =
            [0, 4096].map(|at| format!("(global $page (mut i32) (i32.const {at}))"));
        if !text.contains(&added) {
            return Err(format!("{} has no {added}", stub.display()).into());
        }
        let text = text.replacen(&added, &of_go, 1);
        fs::write(out.join("preview1-stub-go.wasm"), wat::parse_str(&text)?)?;
        let repository = here.join("../..").canonicalize()?;
        let mut code = String::new();
        for tree in TREES {
            let root = repository.join(tree.folder);
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
            let of_tools = OF_TOOLS.contains(&name.as_str())
                || name.ends_with(".wasm")
                || name.ends_with(".tgz");
            if of_tools || prefix.is_empty() && without.contains(&name.as_str()) {
                continue;
            }
            if prefix.is_empty() {
                // Not the tree's own folder: cargo would look into what is left out, too.
                println!("cargo::rerun-if-changed={}", path.display());
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
