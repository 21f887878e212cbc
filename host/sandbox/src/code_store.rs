//! Compiled code, kept on disk so that a start need not compile.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use super::compiled::Compiled;
use leadsman_runtime::files::{self, FolderError};

/// How many pieces of code are kept: more than any configuration has plugins.
const KEPT: usize = 200;

/// A folder of our own.
pub struct CodeStore(PathBuf);

impl CodeStore {
    /// Opens a folder, made if it is not there.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        files::private_folder(folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// The code under a key, if it is there and whole.
    pub(super) fn get(&self, key: &str) -> Option<Compiled> {
        let path = self.0.join(key);
        let mut bytes = fs::read(&path).ok()?;
        let at = bytes.len().checked_sub(32)?;
        let checksum = bytes.split_off(at);
        if Sha256::digest(&bytes)[..] != checksum[..] {
            tracing::warn!(file = %path.display(), "compiled code is damaged; it is made again");
            return None;
        }
        // What is used stays.
        let _ = fs::File::open(&path).and_then(|file| file.set_modified(SystemTime::now()));
        Some(Compiled::made_by_us(bytes))
    }

    /// Keeps code. Without room for it, it is made again the next time.
    pub(super) fn put(&self, key: &str, code: &Compiled) {
        let checksum = Sha256::digest(code.bytes());
        let written = files::write_whole(&self.0.join(key), &[code.bytes(), &checksum]);
        if let Err(error) = written.and_then(|()| files::keep_newest(&self.0, KEPT)) {
            let folder = self.0.display();
            tracing::warn!(%folder, %error, "compiled code cannot be kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_kept_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("code");
        let store = CodeStore::open(&folder).unwrap();
        assert!(store.get("a").is_none());
        store.put("a", &Compiled::made_by_us(b"code".to_vec()));
        assert_eq!(store.get("a").unwrap().bytes(), b"code");
        let mut damaged = fs::read(folder.join("a")).unwrap();
        damaged[1] ^= 1;
        fs::write(folder.join("a"), damaged).unwrap();
        assert!(store.get("a").is_none());
        fs::write(folder.join("a"), b"short").unwrap();
        assert!(store.get("a").is_none());
    }
}
