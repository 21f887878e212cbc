//! Files that are reloaded when they change, such as rotated credentials and certificates, and
//! atomic writes.

mod read;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

pub use read::{MAX_CREDENTIALS, blocking, open, open_regular, read_regular, read_text};

/// The metadata that reveals a change of a file. An update of a mounted Secret swaps a link, which
/// changes the inode; a write in place changes time or size.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileState {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

/// A value that is built from files, and rebuilt when one of them changes.
pub struct ReloadingFile<T> {
    paths: Vec<PathBuf>,
    current: Mutex<(Vec<Option<FileState>>, Arc<T>)>,
}

impl<T> ReloadingFile<T> {
    /// Builds the first value. Fails if that fails.
    pub fn new<E>(paths: Vec<PathBuf>, build: impl FnOnce() -> Result<T, E>) -> Result<Self, E> {
        // The states are taken first, so that a change during the build is noticed by the next
        // `get`.
        let states = states(&paths);
        let current = Mutex::new((states, Arc::new(build()?)));
        Ok(Self { paths, current })
    }

    /// The current value, rebuilt if the files have changed. If that fails, the last good value
    /// stays in use, and its error is returned once.
    pub fn get<E>(&self, build: impl FnOnce() -> Result<T, E>) -> (Arc<T>, Option<E>) {
        let states = states(&self.paths);
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.0 == states {
            return (current.1.clone(), None);
        }
        current.0 = states;
        match build() {
            Ok(value) => {
                current.1 = Arc::new(value);
                (current.1.clone(), None)
            }
            Err(error) => (current.1.clone(), Some(error)),
        }
    }
}

fn states(paths: &[PathBuf]) -> Vec<Option<FileState>> {
    paths.iter().map(|path| FileState::of(path)).collect()
}

impl FileState {
    /// `None` if the file does not exist.
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        let modified = metadata.modified().ok();
        Some(Self { modified, size: metadata.len(), inode: metadata.ino() })
    }
}

/// The state of a file at one time, to detect later changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFingerprint {
    path: PathBuf,
    /// `None` if the file did not exist.
    state: Option<FileState>,
}

impl FileFingerprint {
    /// The current state of the file.
    pub fn of(path: PathBuf) -> Self {
        let state = FileState::of(&path);
        Self { path, state }
    }

    /// Whether the file has changed since.
    pub fn has_changed(&self) -> bool {
        FileState::of(&self.path) != self.state
    }
}

/// Why a folder cannot be used as a private folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be created, or its metadata cannot be read.
    #[error("cannot use the folder {folder}")]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Other users can write to it.
    #[error(
        "the folder {folder} may be written to by others, and what lies in it would be run and \
         served; make it a folder of this user alone (mode 0700)"
    )]
    OpenToOthers {
        /// The folder.
        folder: PathBuf,
    },
}

/// Checks that only this user can write to a folder. Creates the folder if needed.
pub fn private_folder(folder: &Path) -> Result<(), FolderError> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    let unusable = |source| FolderError::Unusable { folder: folder.to_owned(), source };
    let created = std::fs::DirBuilder::new().mode(0o700).recursive(true).create(folder);
    match created {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(unusable(error)),
        _ => {}
    }
    let metadata = std::fs::symlink_metadata(folder).map_err(unusable)?;
    let is_owner = metadata.uid() == rustix::process::geteuid().as_raw();
    if metadata.is_dir() && is_owner && metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(FolderError::OpenToOthers { folder: folder.to_owned() })
}

/// Writes a file atomically. Only this user can read it.
pub fn write_whole(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Writes a read-only file atomically. Only this user can read it.
pub fn write_read_only(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o400))?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Removes the oldest files of a folder, so that at most `max_files` remain.
pub fn keep_newest(folder: &Path, max_files: usize) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    let excess = files.len().saturating_sub(max_files);
    for (_, path) in &files[..excess] {
        match std::fs::remove_file(path) {
            // Another process may have removed it already.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_others_may_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        private_folder(&folder.path().join("a/b")).unwrap();
        private_folder(&folder.path().join("a/b")).unwrap();
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path(), open).unwrap();
        assert!(matches!(private_folder(folder.path()), Err(FolderError::OpenToOthers { .. })));
    }

    #[test]
    fn a_change_is_loaded_and_an_unusable_one_keeps_the_last_good_value() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        let build = || std::fs::read_to_string(&path).unwrap().trim().parse::<u32>();
        std::fs::write(&path, "1").unwrap();
        let file = ReloadingFile::new(vec![path.clone()], build).unwrap();
        assert_eq!(*file.get(build).0, 1);
        std::fs::write(&path, "twenty").unwrap();
        let (value, error) = file.get(build);
        assert_eq!((*value, error.is_some()), (1, true));
        assert!(file.get(build).1.is_none(), "the error is returned once");
        std::fs::write(&path, "22").unwrap();
        assert_eq!(*file.get(build).0, 22);
    }
}
