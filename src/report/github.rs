//! Annotations at the lines of specs, as GitHub's runner reads them from a log.
//!
//! [`Github`] wraps the reporter that writes the log, and disables workflow commands in it: names
//! and messages of the system under test may contain some. `annotation` selects the annotations.

mod annotation;

use std::io::{self, Write};

use super::Reporter;
use super::repository::Repository;
use crate::result::{Report, RunEvent};
use crate::secret::Format;

/// An annotation without a place.
pub(crate) struct PlainAnnotation {
    /// `error`, `warning` or `notice`.
    pub(crate) level: &'static str,
    pub(crate) title: &'static str,
    pub(crate) lines: Vec<String>,
}

/// A text in which workflow commands are disabled, followed by annotations.
pub(crate) fn with_annotations(log: &str, annotations: &[PlainAnnotation]) -> String {
    let token = new_token();
    let annotations = annotation::plain(annotations, &Repository::around_here());
    format!("::stop-commands::{token}\n{log}::{token}::\n{annotations}")
}

/// A word that a log cannot contain.
fn new_token() -> String {
    format!("spanspec-{:032x}", rand::random::<u128>())
}

/// Annotations after the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Annotations {
    /// Write annotations.
    Shown,
    /// Write only the log, with workflow commands disabled.
    LeftOut,
}

/// The log of another reporter, followed by annotations.
pub struct Github<W, R> {
    log: R,
    out: W,
    annotations: Annotations,
    repository: Repository,
    /// Re-enables workflow commands after the log; random, so that the log cannot contain it.
    token: String,
    has_begun: bool,
    /// The first write error, which [`Reporter::finish`] returns.
    error: Option<io::Error>,
}

impl<R: Reporter> Github<io::Stdout, R> {
    /// Writes to standard output, as the log does.
    #[must_use]
    pub fn stdout(log: R, annotations: Annotations) -> Self {
        let token = new_token();
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

    /// Disables workflow commands.
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
            // The reader closed the pipe on purpose.
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            Some(error) => Err(error),
            None => Ok(()),
        };
        logged.and(written)
    }
}

/// All annotations of a run, without secrets.
pub(super) fn annotations(report: &Report, repository: &Repository) -> String {
    let annotations = annotation::all(report, repository);
    report.secrets.written(Format::Text, &annotations)
}

#[cfg(test)]
mod tests;
