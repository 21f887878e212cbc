//! A folder with a configuration and its plugins, which a test changes while Leadsman watches it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tempfile::TempDir;

/// A folder whose files a test changes. The file name of the configuration is fixed.
pub struct Folder {
    root: TempDir,
    mounted: bool,
    swaps: usize,
}

const CONFIG: &str = "leadsman.yaml";

/// The symbolic link that a mounted volume swaps.
const DATA: &str = "..data";

impl Folder {
    /// A folder of plain files.
    ///
    /// # Panics
    /// If it cannot be created.
    pub fn plain() -> Self {
        Self { root: TempDir::new().expect("a temporary folder"), mounted: false, swaps: 0 }
    }

    /// A folder like a mounted ConfigMap or Secret: each file is a symbolic link into a folder that
    /// is swapped as a whole.
    ///
    /// # Panics
    /// If it cannot be created.
    pub fn mounted() -> Self {
        Self { mounted: true, ..Self::plain() }
    }

    /// The path of a file, which need not exist.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// The path of the configuration.
    pub fn config(&self) -> PathBuf {
        self.path(CONFIG)
    }

    /// Changes the configuration atomically.
    ///
    /// # Panics
    /// If that fails.
    pub fn configure(&mut self, config: impl std::fmt::Display) {
        self.put(CONFIG, config.to_string());
    }

    /// Changes a file atomically.
    ///
    /// # Panics
    /// If that fails.
    pub fn put(&mut self, name: &str, content: impl AsRef<[u8]>) {
        self.put_all(&[(name, content.as_ref())]);
    }

    /// Changes several files: one after the other, or at once in a mounted folder.
    ///
    /// # Panics
    /// If that fails.
    pub fn put_all(&mut self, files: &[(&str, &[u8])]) {
        if self.mounted {
            return self.swap(files);
        }
        for (name, content) in files {
            let new = self.path(&format!(".{name}.new"));
            fs::write(&new, content).expect("a new file");
            fs::rename(new, self.path(name)).expect("a replaced file");
        }
    }

    /// Overwrites a file in place, as `cp` does: a reader may see a partial file.
    ///
    /// # Panics
    /// If that fails.
    pub fn overwrite(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("a file");
    }

    /// Removes a file.
    ///
    /// # Panics
    /// If it does not exist.
    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("a file");
    }

    fn swap(&mut self, files: &[(&str, &[u8])]) {
        let before = fs::read_link(self.path(DATA)).ok().map(|old| self.root.path().join(old));
        self.swaps += 1;
        let next = format!("..{}", self.swaps);
        fs::create_dir(self.path(&next)).expect("a folder");
        for old in before.iter().flat_map(|before| fs::read_dir(before).expect("the old folder")) {
            let old = old.expect("a file");
            fs::copy(old.path(), self.path(&next).join(old.file_name())).expect("a copy");
        }
        for (name, content) in files {
            fs::write(self.path(&next).join(name), content).expect("a file");
        }
        let link = self.path("..data_tmp");
        symlink(&next, &link).expect("a link");
        fs::rename(link, self.path(DATA)).expect("a swapped link");
        for (name, _) in files {
            if !self.path(name).exists() {
                symlink(format!("{DATA}/{name}"), self.path(name)).expect("a link");
            }
        }
        if let Some(before) = before {
            fs::remove_dir_all(before).expect("the old folder");
        }
    }
}
