//! Standard output and error of the command. Secrets are masked, and lines that a CI system would
//! execute are made inert.

use std::io::{self, Stderr, Stdout, Write};
use std::sync::LazyLock;

use crate::report::inert;
use crate::secret::{MaskedWriter, Secrets};
use anstream::AutoStream;

/// The secrets of this process.
static SECRETS: LazyLock<Secrets> = LazyLock::new(Secrets::default);

/// A stream for text.
pub(super) type Output<S> = MaskedWriter<Inert<AutoStream<S>>>;

/// The secrets of this process: what is added is masked from then on.
pub(super) fn secrets() -> Secrets {
    SECRETS.clone()
}

/// Standard output.
pub(super) fn stdout() -> Output<Stdout> {
    MaskedWriter::new(Inert(anstream::stdout()), secrets())
}

/// Standard error.
pub(super) fn stderr() -> Output<Stderr> {
    MaskedWriter::new(Inert(anstream::stderr()), secrets())
}

/// Passes on lines that a CI system would take for commands as text.
pub(super) struct Inert<W>(W);

impl<W: Write> Write for Inert<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(inert(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
