//! The report of a run, as plain data.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::check::{Judged, Outcome, Unjudged};
use crate::number::count;
use crate::secret::Secrets;
use crate::spec::{Location, SpecError, SpecErrors};
use crate::trace::{Hole, Response, SpanExemplar, Trace, TraceId};

/// The report of a run.
#[derive(Clone, Debug)]
pub struct Report {
    /// The start of the run.
    pub started: jiff::Timestamp,
    /// From the start to the last verdict.
    pub duration: Duration,
    /// All selected specs, in the order of files and of cases within them.
    pub specs: Vec<SpecReport>,
    /// Errors that do not belong to a spec, such as a service that did not start.
    pub trouble: Vec<Trouble>,
    /// Notes about the whole run.
    pub notices: Vec<String>,
    /// Counts of the receiver.
    pub telemetry: Telemetry,
    /// `true` if the user ended the run early.
    pub interrupted: bool,
    /// The reason why there is no spec to run.
    pub without_specs: Option<WithoutSpecs>,
    /// `true` if a flaky spec fails the run.
    pub fail_flaky: bool,
    /// Values that reporters must mask.
    pub secrets: Secrets,
}

/// The reason why a run has no specs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutSpecs {
    /// The specs or the project file have errors.
    Invalid,
    /// The arguments select none.
    NotSelected,
}

/// Counts of the receiver during a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telemetry {
    /// The addresses of the receiver.
    pub listened: Vec<std::net::SocketAddr>,
    /// Spans received, of any trace.
    pub spans: u64,
    /// Log records received.
    pub log_records: u64,
    /// Metric data points received.
    pub metric_points: u64,
    /// The last refused export requests, each with the reason.
    pub refused: Vec<String>,
    /// Number of refused export requests.
    pub refused_count: u64,
    /// Spans that arrived after the verdict about their trace.
    pub late_spans: u64,
}

/// The report of a spec, or of one case of a matrix.
#[derive(Clone, Debug)]
pub struct SpecReport {
    /// The name of the spec, with the case: `placing an order [sku=A1]`.
    pub name: String,
    /// The start of the spec; its source is the file.
    pub at: Location,
    /// The tags of the spec.
    pub tags: Vec<String>,
    /// The verdict of the last attempt.
    pub verdict: Verdict,
    /// All attempts in order. More than one only with `--retries`.
    pub attempts: Vec<Attempt>,
    /// The duration of all attempts.
    pub duration: Duration,
}

/// The verdict about a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All checks hold.
    Passed,
    /// A check does not hold.
    Failed,
    /// No check failed, and at least one could not be judged.
    Errored,
    /// The spec has `skip`, with this reason.
    Skipped(String),
    /// The run ended before the spec, for this reason.
    NotRun(String),
}

/// One attempt at a spec. Each has its own captures and traces.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The verdict of this attempt.
    pub verdict: Verdict,
    /// The start of the attempt.
    pub started: jiff::Timestamp,
    /// The duration of the attempt.
    pub duration: Duration,
    /// The steps in order, with setup and teardown.
    pub steps: Vec<StepReport>,
}

/// The purpose of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Prepares the test; a failure here makes the spec errored.
    Setup,
    /// Is tested by the spec.
    Test,
    /// Cleans up, even after a failure.
    Teardown,
}

/// The report of a step: a trigger, its trace and the outcomes of the checks.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// The purpose of the step.
    pub phase: Phase,
    /// The name of the step, if the spec has one.
    pub name: Option<String>,
    /// A short description of the trigger: `POST http://127.0.0.1:8080/orders`.
    pub trigger: String,
    /// The id of the trace; `None` if the step ended before its trigger was fired.
    pub trace_id: Option<TraceId>,
    /// The spans received; `None` if there are none, or if no check needs them.
    pub trace: Option<Arc<Trace>>,
    /// Exemplars of metrics in the spans of the trace, if a check needs metrics.
    pub exemplars: Vec<SpanExemplar>,
    /// The response to the trigger.
    pub response: Option<Response>,
    /// The tries of a step with `poll`. The other fields describe one of them.
    pub tries: Option<Tries>,
    /// All checks, in the order of the spec.
    pub checks: Vec<Judged>,
    /// The reason why the step could not be judged.
    pub trouble: Option<Trouble>,
    /// Notes for any verdict.
    pub notices: Vec<String>,
    /// `true` if the verdict assumes that the trace is complete, so that a late span makes it
    /// doubtful.
    pub was_closed: bool,
    /// The durations of the parts of the step.
    pub timing: Timing,
    /// The file of the saved trace, as OTLP/JSON.
    pub saved_trace: Option<PathBuf>,
    /// The saved trace of the last attempt in which this step passed; only for a step that did not
    /// pass.
    pub earlier: Option<EarlierTrace>,
    /// The number of its evidence among that of the run, if the run keeps it.
    pub kept: Option<usize>,
    /// The statistics of a step with `repeat`. The other fields then describe one request: the first
    /// that did not pass, or the slowest.
    #[cfg(feature = "run")]
    pub load: Option<Arc<super::Load>>,
}

/// The tries of a step with `poll`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tries {
    /// Number of all tries.
    pub number: usize,
    /// The traces of the tries that the report does not describe.
    pub others: Vec<TraceId>,
}

/// The saved trace of a step in an earlier attempt that passed.
#[derive(Clone, Debug)]
pub struct EarlierTrace {
    /// The trace.
    pub trace: Arc<Trace>,
    /// The file of the trace.
    pub path: PathBuf,
    /// The start of that attempt.
    pub started: jiff::Timestamp,
}

/// Durations of the parts of a step, each from the moment when the trigger was fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Until the response was complete.
    pub response: Option<Duration>,
    /// Until the last span arrived.
    pub last_span: Option<Duration>,
    /// Until the verdict.
    pub verdict: Option<Duration>,
}

/// The reason why something could not be judged. It is an error of the test, not a failure of the
/// system under test.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// One sentence: what was tried, and what happened.
    pub what: String,
    /// The part of the spec that it concerns.
    pub at: Option<Location>,
    /// Facts, a line each, such as the end of a service's output.
    pub details: Vec<String>,
    /// Instructions, a line each.
    pub help: Vec<String>,
}

impl Trouble {
    /// The first line of the text becomes `what`, the others `details`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        const INTRODUCTION: &str = "; the end of its output:";
        let mut lines = text.lines().map(|line| line.trim_end().to_owned());
        let mut what = lines.next().unwrap_or_default();
        let mut details: Vec<String> = lines.collect();
        // Some reports print `what` alone, where the introduction would introduce nothing.
        if let Some(alone) = what.strip_suffix(INTRODUCTION) {
            what = alone.to_owned();
            details.insert(0, "the end of its output:".to_owned());
        }
        Self {
            what,
            at: None,
            details,
            help: Vec::new(),
        }
    }

    /// The text of an error as in [`new`](Self::new); its root cause becomes the first of `details`.
    #[must_use]
    pub fn from_error(error: &dyn std::error::Error) -> Self {
        let text = error.to_string();
        let cause = std::iter::successors(error.source(), |cause| cause.source()).last();
        let cause = cause.map(ToString::to_string);
        let mut trouble = Self::new(&text);
        let is_new = |cause: &String| !text.contains(cause.as_str());
        trouble.details.splice(0..0, cause.filter(is_new));
        trouble
    }

    /// Sets the part of the spec.
    #[must_use]
    pub fn with_location(mut self, at: Option<Location>) -> Self {
        self.at = at;
        self
    }

    /// Appends instructions.
    #[must_use]
    pub fn with_help<S: Into<String>>(mut self, help: impl IntoIterator<Item = S>) -> Self {
        self.help.extend(help.into_iter().map(Into::into));
        self
    }

    /// Appends facts.
    #[must_use]
    pub fn with_details<S: Into<String>>(mut self, details: impl IntoIterator<Item = S>) -> Self {
        self.details.extend(details.into_iter().map(Into::into));
        self
    }
}

impl From<&SpecError> for Trouble {
    fn from(error: &SpecError) -> Self {
        Self {
            what: error.what.clone(),
            at: Some(error.at.clone()),
            details: Vec::new(),
            help: error.help.iter().cloned().collect(),
        }
    }
}

impl From<&SpecErrors> for Trouble {
    /// The first error; the others become `details`.
    fn from(errors: &SpecErrors) -> Self {
        match errors.0.split_first() {
            Some((first, others)) => {
                Self::from(first).with_details(others.iter().map(ToString::to_string))
            }
            None => Self::new("this cannot be read"),
        }
    }
}

impl Report {
    /// Number of specs with such a verdict.
    pub fn count(&self, is: impl Fn(&Verdict) -> bool) -> usize {
        self.specs.iter().filter(|spec| is(&spec.verdict)).count()
    }

    /// Returns `true` if a spec passed, but not at the first attempt.
    #[must_use]
    pub fn has_flaky(&self) -> bool {
        self.specs.iter().any(SpecReport::is_flaky)
    }

    /// Returns `true` if this spec fails the run because it passed only on a retry.
    #[must_use]
    pub fn fails_as_flaky(&self, spec: &SpecReport) -> bool {
        self.fail_flaky && spec.is_flaky()
    }

    /// The exit code of the process: 130 interrupted, 2 errors in the specs or the project file, 1 a spec
    /// failed or a flaky one fails the run, 3 something could not be judged, 4 no spec was selected, else
    /// 0.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let any = |verdict: &Verdict| self.count(|is| is == verdict) > 0;
        if self.interrupted {
            130
        } else if let Some(reason) = self.without_specs {
            match reason {
                WithoutSpecs::Invalid => 2,
                WithoutSpecs::NotSelected => 4,
            }
        } else if any(&Verdict::Failed) || self.fail_flaky && self.has_flaky() {
            1
        } else if any(&Verdict::Errored) || !self.trouble.is_empty() {
            3
        } else if self.specs.is_empty() {
            4
        } else {
            0
        }
    }
}

impl Verdict {
    /// The verdict of an attempt. A failed check of a tested step makes it failed; otherwise, any
    /// step that did not pass makes it errored.
    #[must_use]
    pub fn of_steps(steps: &[StepReport]) -> Self {
        let has_failed = |step: &StepReport| {
            let fails = |judged: &Judged| matches!(judged.outcome, Outcome::Fail(_));
            step.phase == Phase::Test && step.checks.iter().any(fails)
        };
        if steps.iter().any(has_failed) {
            Self::Failed
        } else if steps.iter().any(StepReport::has_failed) {
            Self::Errored
        } else {
            Self::Passed
        }
    }
}

/// `1 try`, `48 tries`.
impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            1 => f.write_str("1 try"),
            number => write!(f, "{} tries", count(number)),
        }
    }
}

#[cfg(feature = "run")]
impl Tries {
    /// A single try, which the report describes.
    pub(crate) fn one() -> Self {
        Self {
            number: 1,
            others: Vec::new(),
        }
    }

    /// Adds a try, and the trace of one that the report does not describe.
    pub(crate) fn add(&mut self, other: TraceId) {
        self.number += 1;
        self.others.push(other);
    }
}

/// The word for a spec without a verdict that began this number of attempts.
pub(crate) fn word_if_not_run(attempts: usize) -> &'static str {
    match attempts {
        0 => "not run",
        _ => "stopped",
    }
}

impl SpecReport {
    /// The attempt with the verdict of the spec.
    #[must_use]
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// Returns `true` if the spec passed, but not at the first attempt.
    #[must_use]
    pub fn is_flaky(&self) -> bool {
        self.verdict == Verdict::Passed && self.attempts.len() > 1
    }

    /// The word for a spec without a verdict, which was interrupted perhaps.
    #[must_use]
    pub fn word_if_not_run(&self) -> &'static str {
        word_if_not_run(self.attempts.len())
    }

    /// The step that represents the spec: the first that failed, else the last tested one.
    #[must_use]
    pub fn decisive_step(&self) -> Option<&StepReport> {
        let steps = &self.last_attempt()?.steps;
        let tested = || steps.iter().filter(|step| step.phase == Phase::Test);
        steps
            .iter()
            .find(|step| step.has_failed())
            .or_else(|| tested().next_back())
    }
}

impl StepReport {
    /// A report without any result.
    #[must_use]
    pub fn blank(phase: Phase) -> Self {
        Self {
            phase,
            name: None,
            trigger: String::new(),
            trace_id: None,
            trace: None,
            exemplars: Vec::new(),
            response: None,
            tries: None,
            checks: Vec::new(),
            trouble: None,
            notices: Vec::new(),
            was_closed: false,
            timing: Timing::default(),
            saved_trace: None,
            earlier: None,
            kept: None,
            #[cfg(feature = "run")]
            load: None,
        }
    }

    /// Sets the reason why the step could not be judged.
    #[must_use]
    #[cfg(feature = "run")]
    pub(crate) fn with_trouble(mut self: Box<Self>, trouble: Trouble) -> Box<Self> {
        self.trouble = Some(trouble);
        self
    }

    /// The failures of checks.
    pub fn failures(&self) -> impl Iterator<Item = &crate::check::Failure> {
        self.checks
            .iter()
            .filter_map(|judged| judged.outcome.failure())
    }

    /// Keeps a run from proposing the shapes of the trace, because it was not complete.
    #[cfg(feature = "run")]
    pub(crate) fn withdraw_shapes(&mut self) {
        let checks = self.checks.iter_mut();
        for shape in checks.filter_map(|judged| judged.outcome.found_shape_mut()) {
            shape.text = None;
        }
    }

    /// Losses of spans that leave a check unjudged.
    #[must_use]
    pub fn holes(&self) -> Vec<&Hole> {
        let named = self
            .checks
            .iter()
            .filter_map(|judged| match &judged.outcome {
                Outcome::Unjudged(Unjudged::Hole(hole)) => Some(&**hole),
                _ => None,
            });
        let mut holes: Vec<&Hole> = named.collect();
        if !holes.is_empty() {
            holes.extend(self.trace.iter().flat_map(|trace| trace.holes()));
        }
        let mut seen = HashSet::new();
        holes.retain(|hole| seen.insert(*hole));
        holes
    }

    /// Failures that late spans show, of checks that had passed.
    pub fn contradictions(&self) -> impl Iterator<Item = &crate::check::Failure> {
        self.checks
            .iter()
            .filter_map(|judged| judged.outcome.contradiction())
    }

    /// Returns `true` if the step did not pass, which stops the steps after it.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.trouble.is_some()
            || self
                .checks
                .iter()
                .any(|judged| !matches!(judged.outcome, Outcome::Pass))
    }
}
