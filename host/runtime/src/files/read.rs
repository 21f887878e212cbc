//! Reading files that may be anything: a FIFO without a writer, a volume that hangs, far too much.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How long a file may take to be read: far longer than any volume that works.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest certificate, key, token or password, in bytes.
pub const MAX_CREDENTIALS: u64 = 1 << 20;

/// Opens a file for reading. Never waits for a writer.
pub fn open(path: &Path) -> io::Result<File> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(nonblocking).open(path)
}

/// Opens a file for reading, if it is a regular one. Never waits for a writer.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_file() {
        return Ok(file);
    }
    let found = match kind {
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a named pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    };
    let message = format!("it is not a regular file but {found}");
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

/// Reads a regular file of at most so many bytes. Blocks for as long as the volume takes.
pub fn read_regular(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // The size may be another one by the time the file is read.
    open_regular(path)?.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        let message = format!("it is larger than {max_bytes} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// Reads a regular text file of at most so many bytes. Blocks for as long as the volume takes.
pub fn read_text(path: &Path, max_bytes: u64) -> io::Result<String> {
    let bytes = read_regular(path, max_bytes)?;
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text"))
}

/// Paths whose last read was given up on, for as long as its thread still waits for the volume.
static HANGING: LazyLock<Mutex<HashMap<PathBuf, Weak<()>>>> = LazyLock::new(Mutex::default);

/// Does something with the file at a path on a thread for blocking work, and gives up on it after
/// `READ_TIMEOUT`. The thread goes on for as long as the volume hangs; until then the same path
/// fails at once, so that there is one such thread for each path at most.
pub async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    blocking_within(READ_TIMEOUT, path, work).await
}

async fn blocking_within<T: Send + 'static>(
    timeout: Duration,
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let hangs = || {
        let message = format!("reading it did not end within {timeout:?}: its volume hangs");
        io::Error::new(io::ErrorKind::TimedOut, message)
    };
    let hanging = || HANGING.lock().unwrap_or_else(PoisonError::into_inner);
    if hanging().get(path).is_some_and(|thread| thread.strong_count() > 0) {
        return Err(hangs());
    }
    let thread = Arc::new(());
    let alive = Arc::downgrade(&thread);
    let task = tokio::task::spawn_blocking(move || {
        let _thread = thread;
        work()
    });
    match tokio::time::timeout(timeout, task).await {
        Ok(done) => done.unwrap_or_else(|panic| Err(io::Error::other(panic))),
        Err(_) => {
            let mut hanging = hanging();
            hanging.retain(|_, thread| thread.strong_count() > 0);
            hanging.insert(path.to_owned(), alive);
            Err(hangs())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn fifo(folder: &Path) -> PathBuf {
        let path = folder.join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o600))
            .unwrap();
        path
    }

    #[test]
    fn what_is_no_regular_file_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let error = read_regular(&fifo(folder.path()), 10).unwrap_err().to_string();
        assert_eq!(error, "it is not a regular file but a named pipe");
        let error = read_regular(folder.path(), 10).unwrap_err().to_string();
        assert_eq!(error, "it is not a regular file but a directory");
        let error = read_regular(Path::new("/dev/zero"), 10).unwrap_err().to_string();
        assert_eq!(error, "it is not a regular file but a device");
    }

    #[test]
    fn a_large_file_is_not_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "12345");
        let error = read_regular(&path, 4).unwrap_err().to_string();
        assert_eq!(error, "it is larger than 4 bytes");
    }

    #[tokio::test]
    async fn a_volume_that_hangs_takes_one_thread_for_each_path() {
        let path = Path::new("/volume/that/hangs");
        let (release, held) = mpsc::sync_channel::<()>(0);
        let (started, begun) = tokio::sync::oneshot::channel();
        let work = move || {
            let _ = started.send(());
            let _ = held.recv();
            Ok(())
        };
        let timeout = Duration::from_millis(10);
        let error = blocking_within(timeout, path, work).await.unwrap_err();
        assert_eq!(error.to_string(), "reading it did not end within 10ms: its volume hangs");
        begun.await.unwrap();
        let again = blocking(path, || Ok(())).await.unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::TimedOut);
        blocking(Path::new("/another"), || Ok(())).await.unwrap();
        drop(release);
        let alive =
            || HANGING.lock().unwrap().get(path).is_some_and(|thread| thread.strong_count() > 0);
        while alive() {
            tokio::task::yield_now().await;
        }
        blocking(path, || Ok(())).await.unwrap();
    }
}
