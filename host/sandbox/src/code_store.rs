//! An on-disk cache of compiled code, which spares a restart the compilation. Files are mapped into
//! memory.
//!
//! A file is named `KEY.SHA256`: the cache key, and the digest of the code.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::compile::MAX_CODE;
use super::compiled::Compiled;
use leadsman_model::reference::{Digest, Digester};
use leadsman_runtime::files::{self, FolderError};

/// The maximum number of files: more than any configuration has plugins.
const MAX_FILES: usize = 200;

/// A private folder of compiled code.
pub struct CodeStore {
    folder: PathBuf,
    max_files: usize,
}

impl CodeStore {
    /// Opens a folder, and creates it if needed. Fails if others may write to it.
    pub fn open(folder: &Path) -> Result<Self, FolderError> {
        files::private_folder(folder)?;
        Ok(Self { folder: folder.to_owned(), max_files: MAX_FILES })
    }

    /// Keeps at most so many files.
    pub(super) fn keeping(self, max_files: usize) -> Self {
        Self { max_files, ..self }
    }

    /// The code of a key, if it is stored and undamaged.
    pub(super) async fn get(&self, key: &str) -> Option<Compiled> {
        let (folder, prefix) = (self.folder.clone(), format!("{key}."));
        let found = files::blocking(&self.folder.join(key), move || find(&folder, &prefix)).await;
        found.unwrap_or_else(|error| {
            self.warn("compiled code cannot be read; compiling it again", &error);
            None
        })
    }

    /// Stores code and returns it as a mapped file. If that fails, returns the code in memory, and
    /// the next start compiles it again.
    pub(super) async fn put(&self, key: &str, code: Compiled) -> Compiled {
        let Some(bytes) = code.bytes() else { return code };
        let (folder, key, max_files) = (self.folder.clone(), key.to_owned(), self.max_files);
        let path = self.folder.join(&key);
        match files::blocking(&path, move || write(&folder, &key, &bytes, max_files)).await {
            Ok(path) => Compiled::from_store(path),
            Err(error) => {
                self.warn("compiled code cannot be stored", &error);
                code
            }
        }
    }

    fn warn(&self, message: &str, error: &io::Error) {
        tracing::warn!(folder = %self.folder.display(), %error, "{message}");
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
            Ok(found) if found.hex() == digest => return Ok(Some(Compiled::from_store(path))),
            Ok(_) => {
                tracing::warn!(file = %path.display(), "compiled code is damaged; compiling it again");
            }
            Err(error) => {
                let file = path.display();
                tracing::warn!(%file, %error, "compiled code cannot be read; compiling it again");
            }
        }
        // Removed so that it is not checked again. A failure to remove it does no harm.
        let _ = fs::remove_file(&path);
    }
    Ok(None)
}

/// The digest of a file. Updates its modification time, so that the least recently used files are
/// evicted first.
fn digest_of(path: &Path) -> io::Result<Digest> {
    let mut file = files::open_regular(path)?;
    let mut digester = Digester::new();
    let mut chunk = vec![0; 64 << 10];
    let mut length: u64 = 0;
    loop {
        let read = file.read(&mut chunk)?;
        length += read as u64;
        if read == 0 || length > MAX_CODE {
            break;
        }
        digester.update(&chunk[..read]);
    }
    file.set_modified(SystemTime::now())?;
    Ok(digester.finish())
}

fn write(folder: &Path, key: &str, code: &[u8], max_files: usize) -> io::Result<PathBuf> {
    let path = folder.join(format!("{key}.{}", Digest::of(code).hex()));
    files::write_read_only(&path, code)?;
    files::keep_newest(folder, max_files)?;
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
    async fn damaged_code_is_not_returned() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("code");
        let store = CodeStore::open(&folder).unwrap();
        assert!(store.get("a").await.is_none());
        let stored = store.put("a", Compiled::from_compiler(b"code".to_vec())).await;
        assert!(stored.bytes().is_none(), "it is mapped");
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
    async fn it_keeps_no_more_files_than_it_may() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("code");
        let store = CodeStore::open(&folder).unwrap().keeping(2);
        for key in ["a", "b", "c"] {
            store.put(key, Compiled::from_compiler(key.into())).await;
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn a_named_pipe_does_not_block() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("code");
        let store = CodeStore::open(&folder).unwrap();
        store.put("a", Compiled::from_compiler(b"code".to_vec())).await;
        let file = only_file(&folder);
        fs::remove_file(&file).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mkfifoat(rustix::fs::CWD, &file, mode).unwrap();
        assert!(store.get("a").await.is_none());
        store.put("a", Compiled::from_compiler(b"code".to_vec())).await;
        assert!(store.get("a").await.is_some());
    }
}
