//! Decodes answers of sources and delegates: small ones in place, large ones on threads for blocking work, so
//! that they do not delay reads of other metrics.

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Answers up to this size are decoded where they arrive, which takes less than a millisecond.
const MAX_INLINE_BYTES: usize = 64 << 10;

/// Large answers that are decoded at once, of all sources and delegates.
const MAX_DECODERS: usize = 4;

static DECODERS: Semaphore = Semaphore::const_new(MAX_DECODERS);

/// Decoding panicked. The log says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the adapter failed while it decoded the answer")]
pub struct Panicked;

/// Decodes an answer of a size.
pub async fn decode<T: Send + 'static>(
    bytes: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Panicked> {
    if bytes <= MAX_INLINE_BYTES {
        return Ok(work());
    }
    // Never closed, so there is always a permit to wait for. It belongs to the work, which goes on
    // when nobody waits for it any more.
    let permit = DECODERS.acquire().await.ok();
    let decoded = spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    decoded.await.map_err(|error| {
        tracing::error!(%error, "decoding an answer panicked");
        Panicked
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    const LARGE: usize = MAX_INLINE_BYTES + 1;

    #[tokio::test]
    async fn a_large_answer_does_not_hold_the_thread_that_serves_reads() {
        let (sender, receiver) = mpsc::sync_channel(1);
        let decoding = decode(LARGE, move || receiver.recv_timeout(Duration::from_secs(20)));
        // This runtime has one thread: were it held, nobody would send.
        let (received, ()) = tokio::join!(decoding, async { sender.send(7).unwrap() });
        assert_eq!(received.unwrap(), Ok(7));
    }

    #[tokio::test]
    async fn few_large_answers_are_decoded_at_once() {
        static NOW: AtomicUsize = AtomicUsize::new(0);
        static PEAK: AtomicUsize = AtomicUsize::new(0);
        let work = || {
            PEAK.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            let mut sum = 0_u64;
            for number in 0..2_000_000 {
                sum = std::hint::black_box(sum ^ number);
            }
            NOW.fetch_sub(1, Ordering::SeqCst);
        };
        futures_util::future::join_all((0..50).map(|_| decode(LARGE, work))).await;
        assert!(PEAK.load(Ordering::SeqCst) <= MAX_DECODERS);
    }
}
