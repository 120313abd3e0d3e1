//! Finds requests that the HTTP/2 library refuses without a notice to the receiver.
//!
//! The library answers a request with an invalid `:authority` or another malformed header with
//! `RST_STREAM` and PROTOCOL_ERROR, and the connection goes on. The frames that it writes show this.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Length of the header of a frame: length (3), type, flags, stream (4).
const HEADER: usize = 9;

const RST_STREAM: u8 = 0x3;

/// The payload of `RST_STREAM` with this code.
const PROTOCOL_ERROR: [u8; 4] = [0, 0, 0, 1];

/// A connection of HTTP/2. Calls `on_reset` for each stream that is reset with PROTOCOL_ERROR.
pub(super) struct WatchedResets<S, F> {
    stream: S,
    frames: Frames,
    on_reset: F,
}

impl<S, F> WatchedResets<S, F> {
    pub(super) fn new(stream: S, on_reset: F) -> Self {
        Self {
            stream,
            frames: Frames::default(),
            on_reset,
        }
    }
}

/// The position in a sequence of frames.
#[derive(Default)]
struct Frames {
    /// The beginning of a frame, at most up to the payload of `RST_STREAM`.
    begun: Vec<u8>,
    /// Bytes of a payload that are left to skip.
    skipped: usize,
}

impl Frames {
    /// Reads the next bytes. Returns the number of streams that were reset with PROTOCOL_ERROR.
    fn resets(&mut self, mut bytes: &[u8]) -> usize {
        let mut resets = 0;
        while !bytes.is_empty() {
            let skipped = self.skipped.min(bytes.len());
            self.skipped -= skipped;
            bytes = &bytes[skipped..];
            let wanted = match self.begun.get(3) {
                Some(&RST_STREAM) => HEADER + PROTOCOL_ERROR.len(),
                _ => HEADER,
            };
            let taken = (wanted - self.begun.len()).min(bytes.len());
            self.begun.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            if self.begun.len() < HEADER {
                continue;
            }
            let is_reset = self.begun[3] == RST_STREAM;
            if is_reset && self.begun.len() < HEADER + PROTOCOL_ERROR.len() {
                continue;
            }
            if is_reset {
                resets += usize::from(self.begun[HEADER..] == PROTOCOL_ERROR);
            } else {
                let length = [0, self.begun[0], self.begun[1], self.begun[2]];
                self.skipped = u32::from_be_bytes(length) as usize;
            }
            self.begun.clear();
        }
        resets
    }
}

impl<S: AsyncRead + Unpin, F: Unpin> AsyncRead for WatchedResets<S, F> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin, F: FnMut() + Unpin> AsyncWrite for WatchedResets<S, F> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
        for _ in 0..self.frames.resets(&bytes[..written]) {
            (self.on_reset)();
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, 0, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn resets_are_found_however_the_frames_are_cut() {
        let frames = [
            frame(4, &[]),
            frame(0, &[RST_STREAM; 30]),
            frame(RST_STREAM, &PROTOCOL_ERROR),
            frame(RST_STREAM, &[0, 0, 0, 8]),
            frame(RST_STREAM, &PROTOCOL_ERROR),
            frame(6, &[0; 8]),
        ];
        let bytes = frames.concat();
        for size in 1..bytes.len() {
            let mut frames = Frames::default();
            let resets: usize = bytes.chunks(size).map(|part| frames.resets(part)).sum();
            assert_eq!(resets, 2, "in pieces of {size}");
        }
    }
}
