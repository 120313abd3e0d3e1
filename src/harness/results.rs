//! Results of tests as JSON reports, which `spanspec exec` and `spanspec merge` join.

use std::path::PathBuf;
use std::time::Duration;

use super::environment::Settings;
use crate::report::{Json, Reporter, TestAttempt};
use crate::result::{Report, SpecReport, Telemetry, Verdict};
use crate::secret::Secrets;
use crate::spec::Spec;

/// The folder of results, if the environment names one.
#[derive(Clone, Debug)]
pub(super) struct Results {
    folder: Option<PathBuf>,
    test: TestAttempt,
}

impl Results {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            folder: settings.results.clone(),
            test: settings.test.clone(),
        }
    }

    /// Writes a report. Without a folder, nothing.
    ///
    /// # Errors
    /// If it cannot be written; the text names the file.
    pub(super) fn write(&self, report: &Report) -> std::io::Result<()> {
        match &mut self.file() {
            Some(file) => file.finish(report),
            None => Ok(()),
        }
    }

    /// A new file of results, which may be written more than once.
    pub(super) fn file(&self) -> Option<Json> {
        let file = Json::in_folder(self.folder.as_ref()?);
        Some(file.of_test(self.test.clone()))
    }

    /// Writes a report of specs that are skipped: no test runs them.
    ///
    /// # Errors
    /// If it cannot be written; the text names the file.
    pub(super) fn write_skipped(&self, specs: &[Spec]) -> std::io::Result<()> {
        let skipped: Vec<SpecReport> = specs.iter().filter_map(skipped).collect();
        if skipped.is_empty() {
            return Ok(());
        }
        self.write(&Report {
            started: jiff::Timestamp::now(),
            duration: Duration::ZERO,
            specs: skipped,
            trouble: Vec::new(),
            notices: Vec::new(),
            telemetry: Telemetry::default(),
            interrupted: false,
            without_specs: None,
            fail_flaky: false,
            secrets: Secrets::new(specs.iter().flat_map(|spec| spec.scope().secrets())),
        })
    }
}

fn skipped(spec: &Spec) -> Option<SpecReport> {
    Some(SpecReport {
        name: spec.name.clone(),
        at: spec.at.clone(),
        tags: spec.tags.clone(),
        verdict: Verdict::Skipped(spec.skip.clone()?),
        attempts: Vec::new(),
        duration: Duration::ZERO,
    })
}
