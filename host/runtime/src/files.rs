//! Files that are read again when they change (credentials and certificates are rotated), and
//! files that are written whole.

mod read;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

pub use read::{MAX_CREDENTIALS, blocking, open, open_regular, read_regular, read_text};

/// What tells that a file is another one now. Mounted secrets are swapped by link, which changes
/// the inode; files that are written in place change their time or size.
#[derive(Debug, Clone, PartialEq, Eq)]
struct FileState {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

/// A value made from files, made anew when one of them changes.
pub struct ReloadingFile<T> {
    paths: Vec<PathBuf>,
    made: Mutex<(Vec<Option<FileState>>, Arc<T>)>,
}

impl<T> ReloadingFile<T> {
    /// Makes the first value, which must succeed.
    pub fn new<E>(paths: Vec<PathBuf>, make: impl FnOnce() -> Result<T, E>) -> Result<Self, E> {
        // The fingerprints are taken first: a change while the files are read is seen the next time.
        let fingerprints = states(&paths);
        let made = Mutex::new((fingerprints, Arc::new(make()?)));
        Ok(Self { paths, made })
    }

    /// The newest value. If the files changed into something unusable, the last good value stays
    /// and the error is given along, once.
    pub fn get<E>(&self, make: impl FnOnce() -> Result<T, E>) -> (Arc<T>, Option<E>) {
        let found = states(&self.paths);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if made.0 == found {
            return (made.1.clone(), None);
        }
        made.0 = found;
        match make() {
            Ok(value) => {
                made.1 = Arc::new(value);
                (made.1.clone(), None)
            }
            Err(error) => (made.1.clone(), Some(error)),
        }
    }
}

fn states(paths: &[PathBuf]) -> Vec<Option<FileState>> {
    paths.iter().map(|path| FileState::of(path)).collect()
}

impl FileState {
    /// `None` if there is no file.
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = std::fs::metadata(path).ok()?;
        let modified = metadata.modified().ok();
        Some(Self { modified, size: metadata.len(), inode: metadata.ino() })
    }
}

/// A file as it was at some time, to tell whether it has changed since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFingerprint {
    path: PathBuf,
    /// `None` if it was not there.
    state: Option<FileState>,
}

impl FileFingerprint {
    /// The file as it is now.
    pub fn of(path: PathBuf) -> Self {
        let state = FileState::of(&path);
        Self { path, state }
    }

    /// Whether it is another one by now.
    pub fn has_changed(&self) -> bool {
        FileState::of(&self.path) != self.state
    }
}

/// Why a folder cannot be one of our own.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made or looked at.
    #[error("cannot use the folder {folder}")]
    Unusable {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What lies in it could be somebody else's.
    #[error(
        "the folder {folder} may be written to by others, and what lies in it would be run and \
         served; make it a folder of this user alone (mode 0700)"
    )]
    OpenToOthers {
        /// The folder.
        folder: PathBuf,
    },
}

/// A folder that only this user may write to, made if it is not there.
pub fn private_folder(folder: &Path) -> Result<(), FolderError> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    let unusable = |source| FolderError::Unusable { folder: folder.to_owned(), source };
    let made = std::fs::DirBuilder::new().mode(0o700).recursive(true).create(folder);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(unusable(error)),
        _ => {}
    }
    let metadata = std::fs::symlink_metadata(folder).map_err(unusable)?;
    let ours = metadata.uid() == rustix::process::geteuid().as_raw();
    if metadata.is_dir() && ours && metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(FolderError::OpenToOthers { folder: folder.to_owned() })
}

/// Writes a file that is there as a whole or not at all, and that only this user may read.
pub fn write_whole(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Writes a file that is there as a whole or not at all, and that nobody may write to again.
pub fn write_read_only(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(content)?;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o400))?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Drops the oldest files of a folder over a number.
pub fn keep_newest(folder: &Path, most: usize) -> io::Result<()> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort();
    let over = files.len().saturating_sub(most);
    for (_, path) in &files[..over] {
        match std::fs::remove_file(path) {
            // Another process may have been faster.
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
    fn a_change_is_seen_and_a_bad_one_keeps_the_last_good() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        let make = || std::fs::read_to_string(&path).unwrap().trim().parse::<u32>();
        std::fs::write(&path, "1").unwrap();
        let file = ReloadingFile::new(vec![path.clone()], make).unwrap();
        assert_eq!(*file.get(make).0, 1);
        std::fs::write(&path, "twenty").unwrap();
        let (value, error) = file.get(make);
        assert_eq!((*value, error.is_some()), (1, true));
        assert!(file.get(make).1.is_none(), "told once");
        std::fs::write(&path, "22").unwrap();
        assert_eq!(*file.get(make).0, 22);
    }
}
