//! The stream of a client: its first bytes, which show the protocol, and the moment of the last ones.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use super::connections::Activity;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const TLS_HANDSHAKE: u8 = 0x16;

/// The protocol of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
    Tls,
}

/// A stream of which the first bytes may be read already.
#[derive(Debug)]
pub(super) struct Incoming<S> {
    stream: S,
    /// The first bytes, without those that were read again.
    first: Vec<u8>,
    activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> Incoming<S> {
    pub(super) fn new(stream: S, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            first: Vec::new(),
            activity,
        }
    }

    /// Waits until the protocol of the client is known. `None` if the client disconnects. The HTTP server has no
    /// timeout for the preface of HTTP/2.
    pub(super) async fn protocol(&mut self) -> Option<Protocol> {
        loop {
            match &*self.first {
                [] => {}
                [TLS_HANDSHAKE, ..] => return Some(Protocol::Tls),
                first if first.starts_with(PREFACE) => return Some(Protocol::Http2),
                first if PREFACE.starts_with(first) => {}
                _ => return Some(Protocol::Http1),
            }
            let read = self.stream.read_buf(&mut self.first).await.ok()?;
            if read == 0 {
                return None;
            }
            self.activity.hear();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Incoming<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.first.is_empty() {
            let length = self.first.len().min(buffer.remaining());
            buffer.put_slice(&self.first[..length]);
            self.first.drain(..length);
            return Poll::Ready(Ok(()));
        }
        match ready!(Pin::new(&mut self.stream).poll_read(context, buffer)) {
            // Many clients end TLS without notice. HTTP shows if something is missing.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
            read => read?,
        }
        self.activity.hear();
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Incoming<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
