//! Many reads on one connection of HTTP/1.1, of which some are under way at once: more than a client of a
//! library can make, at the cost of a few bytes each.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How many requests are under way.
const AT_ONCE: usize = 50;

/// How much is read at once.
const BUFFER: usize = 64 << 10;

/// What each answer begins with; no body has it.
const STATUS: &[u8] = b"HTTP/1.1 ";

/// Reads a path so many times. Each read is to be successful.
///
/// # Panics
/// If one is not, or the connection ends.
pub async fn read_pipelined(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    path: &str,
    reads: usize,
) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut pending = Vec::with_capacity(BUFFER);
    for first in (0..reads).step_by(AT_ONCE) {
        let count = AT_ONCE.min(reads - first);
        stream.write_all(request.repeat(count).as_bytes()).await.expect("an open connection");
        stream.flush().await.expect("an open connection");
        let mut answered = 0;
        while answered < count {
            let read = stream.read_buf(&mut pending).await.expect("an open connection");
            assert!(read > 0, "closed after {} answers", first + answered);
            answered += statuses(&mut pending);
        }
    }
}

/// Counts the answers that begin in what was read, and drops it but for a rest in which another one may
/// begin.
fn statuses(pending: &mut Vec<u8>) -> usize {
    // With the code.
    let whole = STATUS.len() + 3;
    let (mut count, mut from) = (0, 0);
    while let Some(at) = pending[from..].windows(STATUS.len()).position(|part| part == STATUS) {
        let Some(code) = pending.get(from + at + STATUS.len()..from + at + whole) else { break };
        assert_eq!(code, b"200", "{}", String::from_utf8_lossy(&pending[from + at..]));
        count += 1;
        from += at + whole;
    }
    pending.drain(..pending.len().saturating_sub(whole - 1).max(from));
    count
}

#[cfg(test)]
mod tests {
    use super::statuses;

    #[test]
    fn answers_are_counted_wherever_a_read_ends() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        let three = answer.repeat(3);
        for cut in 0..=three.len() {
            let mut pending = three[..cut].to_vec();
            let first = statuses(&mut pending);
            pending.extend_from_slice(&three[cut..]);
            assert_eq!(first + statuses(&mut pending), 3, "cut at {cut}");
        }
    }
}
