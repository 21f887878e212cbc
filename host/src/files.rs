//! Files that are read again when they change (credentials and certificates are rotated), and
//! files that are written whole.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// What tells that a file is another one now. Mounted secrets are swapped by link, which changes
/// the inode; files that are written in place change their time or size.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    size: u64,
    inode: u64,
}

/// A value made from files, made anew when one of them changes.
pub(crate) struct FromFiles<T> {
    paths: Vec<PathBuf>,
    made: Mutex<(Vec<Option<Stamp>>, Arc<T>)>,
}

impl<T> FromFiles<T> {
    /// Makes the first value, which must succeed.
    pub(crate) fn new<E>(
        paths: Vec<PathBuf>,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Self, E> {
        // The stamps are taken first: a change while the files are read is seen the next time.
        let stamps = stamps(&paths);
        let made = Mutex::new((stamps, Arc::new(make()?)));
        Ok(Self { paths, made })
    }

    /// The newest value. If the files changed into something unusable, the last good value stays
    /// and the error is given along, once.
    pub(crate) fn get<E>(&self, make: impl FnOnce() -> Result<T, E>) -> (Arc<T>, Option<E>) {
        let found = stamps(&self.paths);
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

fn stamps(paths: &[PathBuf]) -> Vec<Option<Stamp>> {
    use std::os::unix::fs::MetadataExt;
    let stamp = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        let modified = metadata.modified().ok();
        Some(Stamp { modified, size: metadata.len(), inode: metadata.ino() })
    };
    paths.iter().map(stamp).collect()
}

/// Writes a file that is there as a whole or not at all, and that only this user may read.
pub(crate) fn write_whole(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    for part in parts {
        file.write_all(part)?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_and_a_bad_one_keeps_the_last_good() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        let make = || std::fs::read_to_string(&path).unwrap().trim().parse::<u32>();
        std::fs::write(&path, "1").unwrap();
        let file = FromFiles::new(vec![path.clone()], make).unwrap();
        assert_eq!(*file.get(make).0, 1);
        std::fs::write(&path, "twenty").unwrap();
        let (value, error) = file.get(make);
        assert_eq!((*value, error.is_some()), (1, true));
        assert!(file.get(make).1.is_none(), "told once");
        std::fs::write(&path, "22").unwrap();
        assert_eq!(*file.get(make).0, 22);
    }
}
