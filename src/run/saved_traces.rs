//! Saves traces as OTLP/JSON, and finds those of earlier attempts that passed.

mod earlier;
mod file;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use self::earlier::Archive;
use self::file::About;
use crate::atomic_file::Readers;
#[cfg(feature = "cli")]
use crate::result::EarlierTrace;
use crate::result::{Attempt, StepReport, Trouble, Verdict};
use crate::secret::Secrets;
use crate::step::SaveTraces;
use crate::trace::Trace;

/// The saved trace of the last attempt in which a step passed. `number` is that of the step in the attempt,
/// from 0. It has no log records.
#[cfg(feature = "cli")]
pub(crate) fn passing_trace(
    folder: &Path,
    spec: &str,
    file: &str,
    number: usize,
) -> Option<EarlierTrace> {
    Archive::default().latest_passing(Some(folder), &About::of_step(spec, file, number))
}

/// The folder of saved traces.
pub(super) struct SavedTraces {
    save: SaveTraces,
    secrets: Secrets,
    archive: Archive,
    /// The reasons why traces could not be saved.
    errors: Mutex<BTreeSet<String>>,
}

/// The attempt of a spec whose traces are saved.
pub(super) struct SavedAttempt<'a> {
    /// The name of the spec, without secrets.
    pub(super) name: &'a str,
    pub(super) file: &'a str,
    pub(super) verdict: &'a Verdict,
    pub(super) started: jiff::Timestamp,
}

impl SavedTraces {
    pub(super) fn new(save: SaveTraces, secrets: Secrets) -> Self {
        Self {
            save,
            secrets,
            archive: Archive::default(),
            errors: Mutex::default(),
        }
    }

    /// Saves the traces of a step, whose number in the attempt is `number`, and sets their files.
    pub(super) fn save(&self, attempt: &SavedAttempt<'_>, number: usize, step: &mut StepReport) {
        self.save_trace(attempt, number, step);
        let Some(load) = step.load.as_mut().map(std::sync::Arc::make_mut) else {
            return;
        };
        let measured = load.measured.iter_mut();
        for one in measured.filter_map(|measured| measured.largest.as_mut()) {
            one.saved = self.write(&attempt.about(number, &one.trace), &one.trace);
        }
        for one in &mut load.other_failed {
            one.saved = self.write(&attempt.about(number, &one.trace), &one.trace);
        }
    }

    /// Saves the traces of all steps with a new verdict.
    pub(super) fn save_again(&self, name: &str, file: &str, attempt: &mut Attempt) {
        let saved = SavedAttempt {
            name,
            file,
            verdict: &attempt.verdict,
            started: attempt.started,
        };
        for (number, step) in attempt.steps.iter_mut().enumerate() {
            self.save_trace(&saved, number, step);
        }
    }

    /// The reasons why traces could not be saved.
    pub(super) fn troubles(&self) -> Vec<Trouble> {
        let errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        errors.iter().map(|error| Trouble::new(error)).collect()
    }

    fn save_trace(&self, attempt: &SavedAttempt<'_>, number: usize, step: &mut StepReport) {
        let Some(trace) = &step.trace else {
            return;
        };
        let about = attempt.about(number, trace);
        // Before the new file, which may replace the earlier one.
        if step.has_failed() && step.earlier.is_none() {
            step.earlier = self.archive.latest_passing(self.save.folder(), &about);
        }
        step.saved_trace = self.write(&about, trace);
    }

    fn write(&self, about: &About, trace: &Trace) -> Option<PathBuf> {
        let (folder, readers) = match &self.save {
            SaveTraces::All(folder) => (folder, Readers::Usual),
            // They have data of users, and were not asked for.
            SaveTraces::Failures(folder) if !about.has_passed() => (folder, Readers::Owner),
            SaveTraces::Failures(_) | SaveTraces::Never => return None,
        };
        if trace.is_empty() {
            return None;
        }
        file::write(folder, readers, about, trace, &self.secrets)
            .inspect_err(|error| {
                let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
                errors.insert(error.to_string());
            })
            .ok()
    }
}

impl SavedAttempt<'_> {
    fn about(&self, number: usize, trace: &Trace) -> About {
        About::new(
            self.name,
            self.file,
            number,
            self.verdict,
            self.started,
            trace,
        )
    }
}
