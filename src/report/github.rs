//! What GitHub's runner reads from a log: annotations at the lines of specs.
//!
//! [`Github`] lets another reporter write the log, and sees to it that the runner obeys nothing
//! that stands there: names and messages of the system under test may hold workflow commands.
//! Which annotations there are is decided in `annotation`.

mod annotation;

use std::io::{self, Write};

use super::Reporter;
use super::repository::Repository;
use crate::result::{Report, RunEvent};
use crate::secret::Format;

/// Whether lines of specs are annotated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Annotations {
    /// After the log.
    Shown,
    /// The log alone, which the runner is kept from obeying all the same.
    LeftOut,
}

/// Another reporter's log, and annotations after it.
pub struct Github<W, R> {
    log: R,
    out: W,
    annotations: Annotations,
    repository: Repository,
    /// Ends the part of the log that is not obeyed; nobody who writes there can guess it.
    token: String,
    has_begun: bool,
    /// The first error of writing, for nobody can be told before the end.
    error: Option<io::Error>,
}

impl<R: Reporter> Github<io::Stdout, R> {
    /// Writes to standard output, to which the log goes too.
    #[must_use]
    pub fn stdout(log: R, annotations: Annotations) -> Self {
        let token = format!("spanspec-{:032x}", rand::random::<u128>());
        let here = Repository::around_here();
        Self::new(io::stdout(), log, annotations, here, token)
    }
}

impl<W: Write, R: Reporter> Github<W, R> {
    fn new(
        out: W,
        log: R,
        annotations: Annotations,
        repository: Repository,
        token: String,
    ) -> Self {
        Self {
            log,
            out,
            annotations,
            repository,
            token,
            has_begun: false,
            error: None,
        }
    }

    /// From here on the runner obeys nothing.
    fn begin(&mut self) {
        if !self.has_begun {
            self.has_begun = true;
            self.write(&format!("::stop-commands::{}\n", self.token));
        }
    }

    fn write(&mut self, text: &str) {
        if self.error.is_some() {
            return;
        }
        let written = self.out.write_all(text.as_bytes());
        self.error = written.and_then(|()| self.out.flush()).err();
    }
}

impl<W: Write, R: Reporter> Reporter for Github<W, R> {
    fn on_event(&mut self, event: &RunEvent<'_>) {
        self.begin();
        self.log.on_event(event);
    }

    fn finish(&mut self, report: &Report) -> io::Result<()> {
        self.begin();
        let logged = self.log.finish(report);
        let mut text = format!("::{}::\n", self.token);
        if self.annotations == Annotations::Shown {
            text.push_str(&annotations(report, &self.repository));
        }
        self.write(&text);
        let written = match self.error.take() {
            // Whoever reads has seen enough.
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Some(error) => Err(error),
            None => Ok(()),
        };
        logged.and(written)
    }
}

/// Every annotation of a run, without secrets.
pub(super) fn annotations(report: &Report, repository: &Repository) -> String {
    let annotations = annotation::all(report, repository);
    report.secrets.written(Format::Text, &annotations)
}

#[cfg(test)]
mod tests;
