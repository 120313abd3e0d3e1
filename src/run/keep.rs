//! Saving traces, so that what a spec saw can be looked at again.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::atomic_file::replace;
use crate::result::Verdict;
use crate::secret::{Format, Secrets};
use crate::source::otlp::write_json_with;
use crate::step::SaveTraces;
use crate::trace::{Origin, Trace};

/// File names are cut to this many characters; some file systems allow no more than 255 bytes.
const LONGEST_NAME: usize = 80;

/// The key of [`About`] in a file. Readers of OTLP/JSON pass over keys that they do not know.
const KEY: &str = "spanspec";

/// What the verdict of a passing attempt is called.
const PASSED: &str = "passed";

/// Whose trace it is, and how it went: a file has this beside the spans.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct About {
    /// The spec's name, with the case.
    pub(super) spec: String,
    file: String,
    /// The number of the step within its attempt, from 0.
    step: usize,
    verdict: String,
    /// When the attempt began.
    pub(super) started: String,
    pub(super) trace_id: String,
    /// The span id that we sent; its span is in no file.
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

    pub(super) fn has_passed(&self) -> bool {
        self.verdict == PASSED
    }

    /// Whether both are of the same step of the same spec. Of the file the name counts, for its
    /// path depends on where the user stands.
    pub(super) fn is_same_step(&self, other: &Self) -> bool {
        let name = |about: &Self| Path::new(&about.file).file_name().map(ToOwned::to_owned);
        self.spec == other.spec && self.step == other.step && name(self) == name(other)
    }
}

/// Saves the trace if it is to be kept, and tells where.
///
/// # Errors
/// If the folder or the file cannot be written; the text names it.
pub(super) fn keep(
    save: &SaveTraces,
    about: &About,
    trace: &Trace,
    secrets: &Secrets,
) -> io::Result<Option<PathBuf>> {
    let folder = match save {
        SaveTraces::All(folder) => folder,
        SaveTraces::Failures(folder) if !about.has_passed() => folder,
        SaveTraces::Failures(_) | SaveTraces::Never => return Ok(None),
    };
    if trace.is_empty() {
        return Ok(None);
    }
    let path = folder.join(format!("{}-{}.json", stem(&about.spec), trace.id().short()));
    let text = write_json_with(trace, KEY, about);
    let text = secrets.written(Format::Json, &text);
    replace(&path, text.as_bytes()).map_err(|error| {
        io::Error::new(
            error.kind(),
            format!("cannot save traces in {}: {error}", folder.display()),
        )
    })?;
    Ok(Some(path))
}

/// What the names of a spec's files begin with; the start of the trace id follows.
pub(super) fn stem(spec: &str) -> String {
    let plain: String = spec
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .take(LONGEST_NAME)
        .collect();
    plain.trim_matches('-').to_lowercase()
}
