//! Keeps the end of what a process writes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;

/// How long to wait for the end of an output whose writer is gone. Only a process that left the
/// group can hold it open.
const STRAGGLERS: Duration = Duration::from_secs(1);

/// Reads a pipe in the background; only the last bytes are kept.
pub(crate) struct Capture {
    tail: Arc<Mutex<Tail>>,
    reader: JoinHandle<()>,
}

struct Tail {
    limit: usize,
    bytes: VecDeque<u8>,
    dropped: u64,
}

impl Capture {
    /// Starts reading; the last `limit` bytes are kept.
    pub(crate) fn start(mut pipe: impl AsyncRead + Unpin + Send + 'static, limit: usize) -> Self {
        let tail = Arc::new(Mutex::new(Tail::new(limit)));
        let shared = Arc::clone(&tail);
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
                lock(&shared).push(&buffer[..count]);
            }
        });
        Self { tail, reader }
    }

    /// What was written, once the pipe is closed, and how many bytes had to go; a first line says
    /// so.
    pub(crate) async fn finish(mut self) -> (String, u64) {
        let _ = tokio::time::timeout(STRAGGLERS, &mut self.reader).await;
        let mut tail = lock(&self.tail);
        (tail.text(), tail.dropped)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Tail {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            bytes: VecDeque::new(),
            dropped: 0,
        }
    }

    fn push(&mut self, new: &[u8]) {
        self.bytes.extend(new);
        let excess = self.bytes.len().saturating_sub(self.limit);
        self.bytes.drain(..excess);
        self.dropped += excess as u64;
    }

    fn text(&mut self) -> String {
        let kept = String::from_utf8_lossy(self.bytes.make_contiguous());
        match self.dropped {
            0 => kept.into_owned(),
            // The `…` shows that a secret may have been cut.
            dropped => format!("[the first {dropped} bytes were dropped]\n…{kept}"),
        }
    }
}

fn lock(tail: &Mutex<Tail>) -> std::sync::MutexGuard<'_, Tail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_what_went_is_counted() {
        let mut tail = Tail::new(4);
        tail.push(b"ab");
        tail.push(b"cdef");
        assert_eq!(tail.text(), "[the first 2 bytes were dropped]\n…cdef");
    }
}
