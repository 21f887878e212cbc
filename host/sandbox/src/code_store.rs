//! Compiled code, kept on disk so that a start need not compile, and mapped from there.
//!
//! A file is named `KEY.SHA256`: what the code was made of, and the digest of the code itself.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::compile::MAX_CODE;
use super::compiled::Compiled;
use leadsman_model::reference::{Digest, Digester};
use leadsman_runtime::files::{self, FolderError};

/// How many pieces of code are kept: more than any configuration has plugins.
const MAX_FILES: usize = 200;

/// A private folder of compiled code.
pub struct CodeStore(PathBuf);

impl CodeStore {
    /// Opens a folder, made if it is not there.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        files::private_folder(folder)?;
        Ok(Self(folder.to_owned()))
    }

    /// The code under a key, if it is there and whole.
    pub(super) async fn get(&self, key: &str) -> Option<Compiled> {
        let (folder, prefix) = (self.0.clone(), format!("{key}."));
        let found = files::blocking(&self.0.join(key), move || find(&folder, &prefix)).await;
        found.unwrap_or_else(|error| {
            self.warn("compiled code cannot be read; it is made again", &error);
            None
        })
    }

    /// Keeps code, and gives it as it lies on disk. Where that is not possible, it stays in memory
    /// and is made again at the next start.
    pub(super) async fn put(&self, key: &str, code: Compiled) -> Compiled {
        let Some(bytes) = code.bytes() else { return code };
        let (folder, key) = (self.0.clone(), key.to_owned());
        let path = self.0.join(&key);
        match files::blocking(&path, move || write(&folder, &key, &bytes)).await {
            Ok(path) => Compiled::in_store(path),
            Err(error) => {
                self.warn("compiled code cannot be kept", &error);
                code
            }
        }
    }

    fn warn(&self, message: &str, error: &io::Error) {
        tracing::warn!(folder = %self.0.display(), %error, "{message}");
    }
}

fn find(folder: &Path, prefix: &str) -> io::Result<Option<Compiled>> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let Some(digest) = name.to_str().and_then(|name| name.strip_prefix(prefix)) else {
            continue;
        };
        let path = folder.join(&name);
        match digest_of(&path) {
            Ok(found) if found.hex() == digest => return Ok(Some(Compiled::in_store(path))),
            Ok(_) => {
                tracing::warn!(file = %path.display(), "compiled code is damaged; it is made again");
            }
            Err(error) => {
                let file = path.display();
                tracing::warn!(%file, %error, "compiled code cannot be read; it is made again");
            }
        }
        // So that it is not looked at each time. What cannot be removed is in nobody's way.
        let _ = fs::remove_file(&path);
    }
    Ok(None)
}

/// The digest of a file, which is marked as used: the files that were not are dropped first.
fn digest_of(path: &Path) -> io::Result<Digest> {
    let mut file = files::open_regular(path)?;
    let mut digester = Digester::new();
    let mut piece = vec![0; 64 << 10];
    let mut length: u64 = 0;
    loop {
        let read = file.read(&mut piece)?;
        length += read as u64;
        if read == 0 || length > MAX_CODE {
            break;
        }
        digester.update(&piece[..read]);
    }
    file.set_modified(SystemTime::now())?;
    Ok(digester.finish())
}

fn write(folder: &Path, key: &str, code: &[u8]) -> io::Result<PathBuf> {
    let path = folder.join(format!("{key}.{}", Digest::of(code).hex()));
    files::write_read_only(&path, code)?;
    files::keep_newest(folder, MAX_FILES)?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only_file(folder: &Path) -> PathBuf {
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().collect();
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0).unwrap().path()
    }

    #[tokio::test]
    async fn code_is_kept_whole_or_not_at_all() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("code");
        let store = CodeStore::open(&folder).unwrap();
        assert!(store.get("a").await.is_none());
        let kept = store.put("a", Compiled::made_here(b"code".to_vec())).await;
        assert!(kept.bytes().is_none(), "it is mapped");
        let file = only_file(&folder);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o400);
        assert!(store.get("a").await.is_some());
        assert!(store.get("").await.is_none() && store.get("aa").await.is_none());
        let mut damaged = fs::read(&file).unwrap();
        damaged[1] ^= 1;
        for content in [damaged.as_slice(), b"", b"short"] {
            let _ = fs::remove_file(&file);
            fs::write(&file, content).unwrap();
            assert!(store.get("a").await.is_none());
        }
    }

    #[tokio::test]
    async fn what_is_no_file_blocks_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("code");
        let store = CodeStore::open(&folder).unwrap();
        store.put("a", Compiled::made_here(b"code".to_vec())).await;
        let file = only_file(&folder);
        fs::remove_file(&file).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, &file, mode).unwrap();
        assert!(store.get("a").await.is_none());
        store.put("a", Compiled::made_here(b"code".to_vec())).await;
        assert!(store.get("a").await.is_some());
    }
}
