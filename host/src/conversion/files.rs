//! Manifests of files, folders and the standard input.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use leadsman_convert::{MAX_TEXT_BYTES, Manifests};
use leadsman_runtime::files::read_text;

/// The most files of folders, how deep folders go, and the most bytes of all files.
const MAX_FILES: usize = 20_000;
const MAX_DEPTH: usize = 32;
const MAX_BYTES: usize = 512 << 20;

/// The endings of files that are read in a folder.
const ENDINGS: [&str; 3] = ["yaml", "yml", "json"];

/// Reads all of them. What cannot be read is a fault, and the rest is read.
pub(super) fn read(paths: &[PathBuf], manifests: &mut Manifests) {
    let mut reader = Reader { manifests, files: 0, bytes: 0 };
    for path in paths {
        if path.as_os_str() == "-" {
            reader.standard_input();
        } else if path.is_dir() {
            reader.folder(path, 0);
        } else {
            reader.file(path);
        }
    }
}

struct Reader<'m> {
    manifests: &'m mut Manifests,
    files: usize,
    bytes: usize,
}

impl Reader<'_> {
    fn standard_input(&mut self) {
        let mut text = String::new();
        // One byte more shows that a text is too long.
        let limit = u64::try_from(MAX_TEXT_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        match io::stdin().lock().take(limit).read_to_string(&mut text) {
            Ok(_) => self.text("standard input", &text),
            Err(error) => self.fault("standard input", &error),
        }
    }

    fn file(&mut self, path: &Path) {
        let limit = u64::try_from(MAX_TEXT_BYTES).unwrap_or(u64::MAX);
        match read_text(path, limit) {
            Ok(text) => self.text(&path.display().to_string(), &text),
            Err(error) => self.fault(&path.display().to_string(), &error),
        }
    }

    /// The files of a folder, in the order of their names. Links to folders are not followed: they may lead
    /// back.
    fn folder(&mut self, folder: &Path, depth: usize) {
        let name = folder.display().to_string();
        if depth > MAX_DEPTH {
            self.manifests.fault(format!("{name}: folders are read {MAX_DEPTH} deep"));
            return;
        }
        let entries =
            fs::read_dir(folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => return self.fault(&name, &error),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
            let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && !is_hidden => self.folder(&path, depth + 1),
                Ok(kind) if !kind.is_dir() && ENDINGS.contains(&ending.as_str()) => {
                    if self.files >= MAX_FILES {
                        self.manifests
                            .fault(format!("{name}: more than {MAX_FILES} files are not read"));
                        return;
                    }
                    self.file(&path);
                }
                Ok(_) => {}
                Err(error) => self.fault(&path.display().to_string(), &error),
            }
        }
    }

    fn text(&mut self, name: &str, text: &str) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > MAX_BYTES {
            self.manifests
                .fault(format!("{name}: more than {MAX_BYTES} bytes in all are not read"));
        } else {
            self.manifests.read(name, text);
        }
    }

    fn fault(&mut self, name: &str, error: &io::Error) {
        self.manifests.fault(format!("{name}: cannot be read: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OBJECT: &str = "apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nmetadata: {name: NAME}\n\
                          spec: {scaleTargetRef: {name: NAME}, triggers: []}\n";

    fn names(paths: &[PathBuf]) -> (Vec<String>, Vec<String>) {
        let mut manifests = Manifests::new("default");
        read(paths, &mut manifests);
        let conversion =
            leadsman_convert::convert(&manifests, &leadsman_convert::ConversionSettings::default());
        let names = conversion.objects.into_iter().map(|object| object.name).collect();
        (names, conversion.faults)
    }

    #[test]
    fn folders_are_read_with_those_below_them() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("below");
        fs::create_dir_all(folder.path().join(".git")).unwrap();
        fs::create_dir_all(&below).unwrap();
        for (file, name) in
            [("b.yaml", "b"), ("below/a.yml", "a"), ("c.txt", "c"), (".git/d.yaml", "d")]
        {
            fs::write(folder.path().join(file), OBJECT.replace("NAME", name)).unwrap();
        }
        std::os::unix::fs::symlink(folder.path(), below.join("back")).unwrap();
        std::os::unix::fs::symlink(folder.path().join("c.txt"), below.join("e.yaml")).unwrap();
        let (names, faults) = names(&[folder.path().to_owned()]);
        assert_eq!(names, ["a", "b", "c"], "{faults:?}");
        assert_eq!(faults, Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_read_does_not_hide_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), [0xff, 0xfe]).unwrap();
        fs::write(folder.path().join("b.yaml"), OBJECT.replace("NAME", "b")).unwrap();
        let (names, faults) = names(&[folder.path().to_owned(), folder.path().join("none.yaml")]);
        assert_eq!(names, ["b"]);
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].contains("it is no text"), "{faults:?}");
        assert!(faults[1].contains("none.yaml: cannot be read"), "{faults:?}");
    }
}
