//! The file of a saved trace: OTLP/JSON with facts about its spec.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::atomic_file::{Readers, replace_for};
use crate::result::Verdict;
use crate::secret::{Format, Secrets};
use crate::source::otlp::write_json_with;
use crate::trace::{Origin, Trace};

/// Maximum number of characters of a spec's name in a file name. Some file systems permit at most
/// 255 bytes.
const MAX_NAME: usize = 80;

/// The key of [`About`] in a file. Readers of OTLP/JSON ignore unknown keys.
const KEY: &str = "spanspec";

/// `verdict` of an attempt that passed.
const PASSED: &str = "passed";

/// The facts about a saved trace, which its file contains in addition to the spans.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct About {
    /// The name of the spec, with the case.
    pub(super) spec: String,
    file: String,
    /// The number of the step within its attempt, from 0.
    step: usize,
    verdict: String,
    /// The start of the attempt.
    pub(super) started: String,
    pub(super) trace_id: String,
    /// The span id that the trigger sent. No file contains this span.
    pub(super) caller: Option<String>,
}

impl About {
    pub(super) fn new(
        spec: &str,
        file: &str,
        step: usize,
        verdict: &Verdict,
        started: jiff::Timestamp,
        trace: &Trace,
    ) -> Self {
        let verdict = match verdict {
            Verdict::Passed => PASSED,
            Verdict::Failed => "failed",
            Verdict::Errored | Verdict::Skipped(_) | Verdict::NotRun(_) => "errored",
        };
        Self {
            spec: spec.to_owned(),
            file: file.to_owned(),
            step,
            verdict: verdict.to_owned(),
            started: started.to_string(),
            trace_id: trace.id().to_string(),
            caller: match trace.origin() {
                Origin::Injected(caller) => Some(caller.to_string()),
                Origin::Foreign => None,
            },
        }
    }

    /// The facts by which the traces of a step are found.
    pub(super) fn of_step(spec: &str, file: &str, step: usize) -> Self {
        Self {
            spec: spec.to_owned(),
            file: file.to_owned(),
            step,
            verdict: String::new(),
            started: String::new(),
            trace_id: String::new(),
            caller: None,
        }
    }

    pub(super) fn has_passed(&self) -> bool {
        self.verdict == PASSED
    }

    /// Returns `true` if both belong to the same step of the same spec. Compares only the names of
    /// their files, since the paths depend on the working directory.
    pub(super) fn is_same_step(&self, other: &Self) -> bool {
        let name = |about: &Self| Path::new(&about.file).file_name().map(ToOwned::to_owned);
        self.spec == other.spec && self.step == other.step && name(self) == name(other)
    }
}

/// Writes the file of a trace, and returns its path.
///
/// # Errors
/// The folder or the file cannot be written; the text contains its name.
pub(super) fn write(
    folder: &Path,
    readers: Readers,
    about: &About,
    trace: &Trace,
    secrets: &Secrets,
) -> io::Result<PathBuf> {
    let path = folder.join(format!("{}-{}.json", stem(&about.spec), trace.id().short()));
    let text = write_json_with(trace, KEY, about);
    let text = secrets.written(Format::Json, &text);
    replace_for(readers, &path, text.as_bytes()).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot save traces in {}: {error}", folder.display()),
        )
    })?;
    Ok(path)
}

/// The start of the file names of a spec, before the start of the trace id.
pub(super) fn stem(spec: &str) -> String {
    let plain: String = spec
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .take(MAX_NAME)
        .collect();
    plain.trim_matches('-').to_lowercase()
}
