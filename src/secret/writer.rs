//! A writer that masks secrets.

use std::io::{self, Write};

use super::{Format, Secrets};

/// Masks text and passes it to another writer. Buffers each line until it ends or is flushed, so
/// that a secret in two writes is found.
#[derive(Debug)]
pub struct MaskedWriter<W: Write> {
    out: W,
    secrets: Secrets,
    held: Vec<u8>,
}

impl<W: Write> MaskedWriter<W> {
    /// Creates a writer to `out` that masks these secrets.
    pub fn new(out: W, secrets: Secrets) -> Self {
        Self {
            out,
            secrets,
            held: Vec::new(),
        }
    }

    fn pass(&mut self, length: usize) -> io::Result<()> {
        let held: Vec<u8> = self.held.drain(..length).collect();
        let text = String::from_utf8_lossy(&held);
        let masked = self.secrets.written(Format::Text, &text);
        self.out.write_all(masked.as_bytes())
    }
}

impl<W: Write> Write for MaskedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend_from_slice(bytes);
        if let Some(end) = self.held.iter().rposition(|byte| *byte == b'\n') {
            self.pass(end + 1)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass(self.held.len())?;
        self.out.flush()
    }
}

impl<W: Write> Drop for MaskedWriter<W> {
    fn drop(&mut self) {
        // An error cannot be reported: this writer is the last one.
        let _ = self.flush();
    }
}
