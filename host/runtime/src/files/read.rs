//! Reads files safely: a named pipe without a writer, a volume that hangs or a huge file does not
//! block or exhaust the process.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::Duration;

/// The timeout of a read: far longer than a working volume takes.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// The maximum size of a certificate, key, token or password file, in bytes.
pub const MAX_CREDENTIALS: u64 = 1 << 20;

/// Opens a file for reading. Does not wait for the writer of a named pipe.
pub fn open(path: &Path) -> io::Result<File> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(nonblocking).open(path)
}

/// Opens a file for reading. Fails if it is not a regular file, without waiting for a writer.
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

/// Reads a regular file. Fails if it has more than `max_bytes` bytes. Blocks on disk I/O.
pub fn read_regular(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // The size in the metadata may change before the file is read.
    open_regular(path)?.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        let message = format!("it is larger than {max_bytes} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// Reads a regular file as UTF-8. Fails if it has more than `max_bytes` bytes. Blocks on disk I/O.
pub fn read_text(path: &Path, max_bytes: u64) -> io::Result<String> {
    let bytes = read_regular(path, max_bytes)?;
    String::from_utf8(bytes)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text"))
}

/// Paths whose last read has timed out. Each entry is valid while the thread of the read blocks.
static HANGING: LazyLock<Mutex<HashMap<PathBuf, Weak<()>>>> = LazyLock::new(Mutex::default);

/// Runs `work` on the file at `path` on a thread for blocking work, with the timeout
/// `READ_TIMEOUT`. After a timeout, the thread stays blocked for as long as the volume hangs.
/// Meanwhile, calls for the same path fail immediately, so each path blocks at most one thread.
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
    let timed_out = || {
        let message = format!("reading it did not end within {timeout:?}: its volume hangs");
        io::Error::new(io::ErrorKind::TimedOut, message)
    };
    let lock = || HANGING.lock().unwrap_or_else(PoisonError::into_inner);
    if lock().get(path).is_some_and(|thread| thread.strong_count() > 0) {
        return Err(timed_out());
    }
    let thread = Arc::new(());
    let alive = Arc::downgrade(&thread);
    let task = tokio::task::spawn_blocking(move || {
        let _thread = thread;
        work()
    });
    match tokio::time::timeout(timeout, task).await {
        Ok(result) => result.unwrap_or_else(|panic| Err(io::Error::other(panic))),
        Err(_) => {
            let mut hanging = lock();
            hanging.retain(|_, thread| thread.strong_count() > 0);
            hanging.insert(path.to_owned(), alive);
            Err(timed_out())
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
    fn only_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let error = read_regular(&fifo(folder.path()), 10).unwrap_err().to_string();
        assert_eq!(error, "it is not a regular file but a named pipe");
        let error = read_regular(folder.path(), 10).unwrap_err().to_string();
        assert_eq!(error, "it is not a regular file but a directory");
        let error = read_regular(Path::new("/dev/zero"), 10).unwrap_err().to_string();
        assert_eq!(error, "it is not a regular file but a device");
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "12345");
        let error = read_regular(&path, 4).unwrap_err().to_string();
        assert_eq!(error, "it is larger than 4 bytes");
    }

    #[tokio::test]
    async fn a_volume_that_hangs_blocks_one_thread_for_each_path() {
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
        let is_blocked =
            || HANGING.lock().unwrap().get(path).is_some_and(|thread| thread.strong_count() > 0);
        while is_blocked() {
            tokio::task::yield_now().await;
        }
        blocking(path, || Ok(())).await.unwrap();
    }
}
