//! The JSON report, for tools.
//!
//! `docs/report.schema.json` describes it. The types here define the format, independently of the
//! types of a run. Every key is always present, and `null` if it has no value. New keys do not
//! change `schema_version`; removed keys and changed meanings do.

mod conformance;
pub(super) mod load;
pub(super) mod parts;
mod traffic;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::look::Look;
use super::text::{self, Detail};
use super::{Reporter, file};
use crate::result::{Report, SpecReport, Telemetry, Verdict};
use crate::secret::Format;
use parts::{JsonAttempt, JsonLocation, JsonTrouble, millis};

/// The version of the format.
pub const SCHEMA_VERSION: u32 = 1;

/// Writes the JSON report.
#[derive(Clone, Debug)]
pub struct Json {
    /// `None` for standard output.
    path: Option<PathBuf>,
    test: Option<TestAttempt>,
}

/// The test that ran the specs of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TestAttempt {
    /// The same for all attempts of a test; `None` if the test runner does not retry tests.
    pub id: Option<String>,
    /// The number of the attempt, from 1.
    pub attempt: u64,
}

impl Json {
    /// Writes to a file, atomically.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            path: Some(path.into()),
            test: None,
        }
    }

    /// Marks the report as that of a test, which may be retried: merging keeps one result.
    #[must_use]
    pub fn of_test(self, test: TestAttempt) -> Self {
        Self {
            test: Some(test),
            ..self
        }
    }

    /// Writes to a file in this folder that no other process writes to.
    #[must_use]
    pub fn in_folder(folder: &Path) -> Self {
        let name = format!(
            "{}-{}-{:016x}.json",
            jiff::Timestamp::now().as_millisecond(),
            std::process::id(),
            rand::random::<u64>()
        );
        Self::file(folder.join(name))
    }

    /// Writes to standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self {
            path: None,
            test: None,
        }
    }
}

impl Reporter for Json {
    fn finish(&mut self, report: &Report) -> io::Result<()> {
        let text = rendered(report, self.test.as_ref());
        match &self.path {
            Some(path) => file::write(path, &text, Format::Json, &report.secrets),
            None => match io::stdout()
                .lock()
                .write_all(report.secrets.written(Format::Json, &text).as_bytes())
            {
                // The reader closed the pipe on purpose.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                written => written,
            },
        }
    }
}

/// The report as indented JSON with a final newline.
#[cfg(any(test, feature = "_fuzzing"))]
pub(crate) fn render(report: &Report) -> String {
    rendered(report, None)
}

fn rendered(report: &Report, test: Option<&TestAttempt>) -> String {
    let document = JsonReport {
        test,
        ..JsonReport::from(report)
    };
    let mut text = serde_json::to_string_pretty(&document)
        .expect("the format has text keys only, and writing to a string cannot fail");
    text.push('\n');
    text
}

/// The result of a spec that an API client sent, as JSON, with the text of the terminal.
#[must_use]
pub(crate) fn render_judgement(spec: &SpecReport) -> String {
    let step = spec.decisive_step();
    let (verdict, reason) = parts::verdict(&spec.verdict);
    let judgement = JsonJudgement {
        verdict,
        reason,
        name: &spec.name,
        text: text::spec(spec, &Look::plain(), Detail::Normal),
        step: step.map(parts::JsonStep::from),
    };
    serde_json::to_string(&judgement).expect("the format has text keys only")
}

#[derive(Serialize)]
struct JsonJudgement<'a> {
    verdict: &'static str,
    reason: Option<&'a str>,
    name: &'a str,
    text: String,
    step: Option<parts::JsonStep<'a>>,
}

#[derive(Serialize)]
struct JsonReport<'a> {
    schema_version: u32,
    tool: JsonTool,
    started: String,
    duration_ms: f64,
    exit_code: u8,
    interrupted: bool,
    counts: JsonCounts,
    specs: Vec<JsonSpec<'a>>,
    trouble: Vec<JsonTrouble<'a>>,
    notices: &'a [String],
    telemetry: JsonTelemetry<'a>,
    test: Option<&'a TestAttempt>,
}

#[derive(Serialize)]
struct JsonTool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct JsonCounts {
    passed: usize,
    failed: usize,
    errored: usize,
    skipped: usize,
    not_run: usize,
    flaky: usize,
}

#[derive(Serialize)]
struct JsonSpec<'a> {
    name: &'a str,
    location: JsonLocation<'a>,
    tags: &'a [String],
    verdict: &'static str,
    reason: Option<&'a str>,
    flaky: bool,
    fails_as_flaky: bool,
    duration_ms: f64,
    text: Option<String>,
    attempts: Vec<JsonAttempt<'a>>,
}

#[derive(Serialize)]
struct JsonTelemetry<'a> {
    listened: Vec<String>,
    spans: u64,
    log_records: u64,
    metric_points: u64,
    refused_count: u64,
    refused: &'a [String],
    late_spans: u64,
}

impl<'a> From<&'a Report> for JsonReport<'a> {
    fn from(report: &'a Report) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            tool: JsonTool {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
            },
            started: report.started.to_string(),
            duration_ms: millis(report.duration),
            exit_code: report.exit_code(),
            interrupted: report.interrupted,
            counts: JsonCounts::from(report),
            specs: report
                .specs
                .iter()
                .map(|spec| JsonSpec::of(spec, report))
                .collect(),
            trouble: report.trouble.iter().map(JsonTrouble::from).collect(),
            notices: &report.notices,
            telemetry: JsonTelemetry::from(&report.telemetry),
            test: None,
        }
    }
}

impl From<&Report> for JsonCounts {
    fn from(report: &Report) -> Self {
        Self {
            passed: report.count(|is| *is == Verdict::Passed),
            failed: report.count(|is| *is == Verdict::Failed),
            errored: report.count(|is| *is == Verdict::Errored),
            skipped: report.count(|is| matches!(is, Verdict::Skipped(_))),
            not_run: report.count(|is| matches!(is, Verdict::NotRun(_))),
            flaky: report.specs.iter().filter(|spec| spec.is_flaky()).count(),
        }
    }
}

impl<'a> JsonSpec<'a> {
    fn of(spec: &'a SpecReport, report: &Report) -> Self {
        let (verdict, reason) = parts::verdict(&spec.verdict);
        let fails_as_flaky = report.fails_as_flaky(spec);
        Self {
            name: &spec.name,
            location: JsonLocation::from(&spec.at),
            tags: &spec.tags,
            verdict,
            reason,
            flaky: spec.is_flaky(),
            fails_as_flaky,
            duration_ms: millis(spec.duration),
            text: match is_unwell(&spec.verdict) || fails_as_flaky {
                true => Some(text::spec(spec, &Look::plain(), Detail::Normal)),
                false => text::of_stopped(spec),
            },
            attempts: spec.attempts.iter().map(JsonAttempt::from).collect(),
        }
    }
}

fn is_unwell(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Failed | Verdict::Errored)
}

impl<'a> From<&'a Telemetry> for JsonTelemetry<'a> {
    fn from(telemetry: &'a Telemetry) -> Self {
        Self {
            listened: telemetry.listened.iter().map(ToString::to_string).collect(),
            spans: telemetry.spans,
            log_records: telemetry.log_records,
            metric_points: telemetry.metric_points,
            refused_count: telemetry.refused_count,
            refused: &telemetry.refused,
            late_spans: telemetry.late_spans,
        }
    }
}

#[cfg(test)]
mod tests;
