//! Keeps the end of the output of a process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::task::JoinHandle;

/// Time to wait for the end of an output after the process has ended. Only a process that left the
/// group can keep it open.
const STRAGGLERS: Duration = Duration::from_secs(1);

/// Reads a pipe in the background, and keeps the last bytes.
pub(crate) struct CapturedOutput {
    tail: Arc<Mutex<ByteTail>>,
    reader: JoinHandle<()>,
}

struct ByteTail {
    limit: usize,
    bytes: VecDeque<u8>,
    dropped: u64,
}

impl CapturedOutput {
    /// Starts to read. The last `limit` bytes are kept.
    pub(crate) fn start(mut pipe: impl AsyncRead + Unpin + Send + 'static, limit: usize) -> Self {
        let tail = Arc::new(Mutex::new(ByteTail::new(limit)));
        let shared = Arc::clone(&tail);
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0; 16 * 1024];
            while let Ok(count @ 1..) = pipe.read(&mut buffer).await {
                lock(&shared).push(&buffer[..count]);
            }
        });
        Self { tail, reader }
    }

    /// Waits for the end of the pipe. Returns its text and the number of discarded bytes, which the
    /// first line of the text mentions.
    pub(crate) async fn finish(mut self) -> (String, u64) {
        let _ = tokio::time::timeout(STRAGGLERS, &mut self.reader).await;
        let mut tail = lock(&self.tail);
        (tail.text(), tail.dropped)
    }
}

impl Drop for CapturedOutput {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl ByteTail {
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
            // The `…` shows that a secret may be cut here.
            dropped => format!("[the first {dropped} bytes were dropped]\n…{kept}"),
        }
    }
}

fn lock(tail: &Mutex<ByteTail>) -> std::sync::MutexGuard<'_, ByteTail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_kept_and_what_went_is_counted() {
        let mut tail = ByteTail::new(4);
        tail.push(b"ab");
        tail.push(b"cdef");
        assert_eq!(tail.text(), "[the first 2 bytes were dropped]\n…cdef");
    }
}
