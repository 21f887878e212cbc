//! A folder with a configuration, and the plugins beside it, that changes while it is followed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tempfile::TempDir;

/// A folder whose files a test changes. What its configuration is called is always the same.
pub struct Folder {
    root: TempDir,
    mounted: bool,
    swaps: usize,
}

const CONFIG: &str = "leadsman.yaml";

/// What links of a mounted volume go through.
const DATA: &str = "..data";

impl Folder {
    /// One whose files are files.
    ///
    /// # Panics
    /// If none can be made.
    pub fn plain() -> Self {
        Self { root: TempDir::new().expect("a temporary folder"), mounted: false, swaps: 0 }
    }

    /// One as a ConfigMap or Secret is mounted: each file is a link into a folder that is swapped as
    /// a whole.
    ///
    /// # Panics
    /// If none can be made.
    pub fn mounted() -> Self {
        Self { mounted: true, ..Self::plain() }
    }

    /// Where a file is, or will be.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Where the configuration is.
    pub fn config(&self) -> PathBuf {
        self.path(CONFIG)
    }

    /// Changes the configuration. Nobody ever sees half of it.
    ///
    /// # Panics
    /// If that fails.
    pub fn configure(&mut self, config: impl std::fmt::Display) {
        self.put(CONFIG, config.to_string());
    }

    /// Changes a file. Nobody ever sees half of it.
    ///
    /// # Panics
    /// If that fails.
    pub fn put(&mut self, name: &str, content: impl AsRef<[u8]>) {
        self.put_all(&[(name, content.as_ref())]);
    }

    /// Changes several files: one by one, or where they are mounted all at once.
    ///
    /// # Panics
    /// If that fails.
    pub fn put_all(&mut self, files: &[(&str, &[u8])]) {
        if self.mounted {
            return self.swap(files);
        }
        for (name, content) in files {
            let beside = self.path(&format!(".{name}.new"));
            fs::write(&beside, content).expect("a file beside it");
            fs::rename(beside, self.path(name)).expect("the file's place");
        }
    }

    /// Writes over a file as `cp` does: whoever reads meanwhile sees half of it.
    ///
    /// # Panics
    /// If that fails.
    pub fn write_over(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("a file");
    }

    /// Takes a file away.
    ///
    /// # Panics
    /// If there is none.
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
        fs::rename(link, self.path(DATA)).expect("its place");
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
