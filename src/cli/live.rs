//! Progress on standard error, and lines that stay, beside one another.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use crate::report::{Progress, Reporter, text};
use crate::result::RunEvent;
use crate::session::Listener;

use super::exit::note;
use super::output;

/// The progress of runs that only measure.
#[derive(Clone)]
pub(super) struct Live {
    progress: Arc<Mutex<Progress>>,
    is_verbose: bool,
}

impl Live {
    /// Also prints the output of services if `is_verbose`.
    pub(super) fn new(is_verbose: bool) -> Self {
        Self {
            progress: Arc::new(Mutex::new(Progress::stderr())),
            is_verbose,
        }
    }

    /// Sets the number of runs.
    pub(super) fn expect(&self, runs: usize) {
        self.with(|progress| progress.on_event(&RunEvent::Selected { specs: runs }));
    }

    /// A listener for a session; `prefix` goes before the names of its services.
    pub(super) fn listener(&self, prefix: &str) -> Listener {
        let (this, prefix) = (self.clone(), prefix.to_owned());
        Arc::new(move |event| match event {
            // Each run selects one; we know how many there will be.
            RunEvent::Selected { .. } => {}
            RunEvent::Output { service, line } if this.is_verbose => {
                let line = text::output(&format!("{prefix}{service}"), line);
                this.with(|progress| progress.suspend(|| note(&line)));
            }
            event => this.with(|progress| progress.on_event(event)),
        })
    }

    /// Writes to standard output.
    pub(super) fn print(&self, text: &str) {
        self.with(|progress| {
            progress.suspend(|| {
                // Without a reader, the exit code is all that is left.
                let _ = output::stdout().write_all(text.as_bytes());
            });
        });
    }

    /// Takes the progress off the screen.
    pub(super) fn clear(&self) {
        self.with(Progress::clear);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Progress) -> T) -> T {
        act(&mut self.progress.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
