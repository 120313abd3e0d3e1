//! What a run came to: plain data that every reporter reads.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::check::{Judged, Outcome, Unjudged};
use crate::secret::Secrets;
use crate::spec::Location;
use crate::trace::{Hole, Response, Trace, TraceId};

/// A whole run.
#[derive(Clone, Debug)]
pub struct Report {
    /// When it began.
    pub started: jiff::Timestamp,
    /// Until the last verdict.
    pub duration: Duration,
    /// Every selected spec, in the order of files and of cases within them.
    pub specs: Vec<SpecReport>,
    /// What went wrong before any spec could run, such as a service that did not start.
    pub trouble: Vec<Trouble>,
    /// What the user should know of the whole run.
    pub notices: Vec<String>,
    /// What the receiver saw.
    pub telemetry: Telemetry,
    /// Whether the user ended it early.
    pub interrupted: bool,
    /// Values that its reporters must not write.
    pub secrets: Secrets,
}

/// What the receiver saw in the course of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telemetry {
    /// The addresses on which it listened.
    pub listened: Vec<std::net::SocketAddr>,
    /// Spans received in all, of whichever trace.
    pub spans: u64,
    /// Log records received.
    pub log_records: u64,
    /// Metric data points received.
    pub metric_points: u64,
    /// Export requests that were refused, each with the reason; the last few.
    pub refused: Vec<String>,
    /// How many export requests were refused.
    pub refused_count: u64,
    /// Spans that arrived after the verdict on their trace.
    pub late_spans: u64,
}

/// One spec, or one case of a matrix.
#[derive(Clone, Debug)]
pub struct SpecReport {
    /// Its name, with the case: `placing an order [sku=A1]`.
    pub name: String,
    /// Where it begins; its source is the file.
    pub at: Location,
    /// Its tags.
    pub tags: Vec<String>,
    /// What became of it.
    pub verdict: Verdict,
    /// Each attempt, the last one last: more than one only with `--retries`.
    pub attempts: Vec<Attempt>,
    /// Of all attempts.
    pub duration: Duration,
}

/// What became of a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every check holds.
    Passed,
    /// A check does not hold.
    Failed,
    /// No check failed, and at least one could not be judged.
    Errored,
    /// The spec says why it is left out.
    Skipped(String),
    /// The run ended before its turn; says why.
    NotRun(String),
}

/// One attempt at a spec, with captures and traces of its own.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What became of it.
    pub verdict: Verdict,
    /// When it began.
    pub started: jiff::Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// What it did, in order.
    pub steps: Vec<StepReport>,
}

/// What a step is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Seeds; a failure here makes the spec errored.
    Setup,
    /// Is what the spec tests.
    Test,
    /// Cleans up, even after a failure.
    Teardown,
}

/// One trigger, its trace, and what was found.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// What it is for.
    pub phase: Phase,
    /// Its name, if the author gave one.
    pub name: Option<String>,
    /// What was fired, in short: `POST http://127.0.0.1:8080/orders`.
    pub trigger: String,
    /// Of its trace; nothing if it never came so far.
    pub trace_id: Option<TraceId>,
    /// What was received; nothing if the spec asks nothing of the trace.
    pub trace: Option<Arc<Trace>>,
    /// What came back.
    pub response: Option<Response>,
    /// Every check, in the order of the spec.
    pub checks: Vec<Judged>,
    /// Why it could not be judged, if so.
    pub trouble: Option<Trouble>,
    /// What the user should know of this step, whatever its verdict.
    pub notices: Vec<String>,
    /// Whether the verdict rests on the trace being complete, so that a span that comes later
    /// casts doubt on it.
    pub was_closed: bool,
    /// How long things took.
    pub timing: Timing,
    /// Where the trace was saved as OTLP/JSON.
    pub saved_trace: Option<PathBuf>,
    /// Of a step that did not pass: its trace of the last time when it did, if that was saved.
    pub earlier: Option<EarlierTrace>,
    /// Of a step that was fired many times: what all of them came to. What else is here is of one
    /// of them: the first that is not well, or the slowest.
    #[cfg(feature = "run")]
    pub load: Option<Arc<super::Load>>,
}

/// The trace of a step in an attempt that passed.
#[derive(Clone, Debug)]
pub struct EarlierTrace {
    /// The trace.
    pub trace: Arc<Trace>,
    /// The file that holds it.
    pub path: PathBuf,
    /// When that attempt began.
    pub started: jiff::Timestamp,
}

/// How long the parts of a step took, each from the moment when the trigger was fired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// Until the response was read.
    pub response: Option<Duration>,
    /// Until the last span arrived.
    pub last_span: Option<Duration>,
    /// Until the verdict.
    pub verdict: Option<Duration>,
}

/// Why something could not be judged: not news about the user's system, but our inability to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Trouble {
    /// One sentence: what was tried, and what happened.
    pub what: String,
    /// The part of the spec that it is about.
    pub at: Option<Location>,
    /// What is known about it, a line each; may be the end of a service's output.
    pub details: Vec<String>,
    /// What to do, a line each.
    pub help: Vec<String>,
}

impl Trouble {
    /// What an error says: its first line is what happened, and further lines and the cause at
    /// the bottom of it are details.
    #[must_use]
    pub fn of(error: &dyn std::error::Error, at: Option<Location>) -> Self {
        let cause = std::iter::successors(error.source(), |cause| cause.source()).last();
        let mut trouble = Self::told(&error.to_string(), at);
        let cause = cause.map(ToString::to_string);
        let is_news = |cause: &String| !error.to_string().contains(cause.as_str());
        trouble.details.splice(0..0, cause.filter(is_news));
        trouble
    }

    /// The first line of a text is what happened, further lines are details.
    #[must_use]
    pub fn told(text: &str, at: Option<Location>) -> Self {
        const INTRODUCTION: &str = "; the end of its output:";
        let mut lines = text.lines().map(|line| line.trim_end().to_owned());
        let mut what = lines.next().unwrap_or_default();
        let mut details: Vec<String> = lines.collect();
        // A headline stands alone elsewhere too, and must not promise what does not follow there.
        if let Some(alone) = what.strip_suffix(INTRODUCTION) {
            what = alone.to_owned();
            details.insert(0, "the end of its output:".to_owned());
        }
        Self {
            what,
            at,
            details,
            help: Vec::new(),
        }
    }
}

impl Report {
    /// How many specs came to this.
    pub fn count(&self, is: impl Fn(&Verdict) -> bool) -> usize {
        self.specs.iter().filter(|spec| is(&spec.verdict)).count()
    }

    /// What the process should end with: 130 interrupted, 1 a spec failed, 3 something could not be
    /// judged, 4 nothing was selected, else 0.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let any = |verdict: &Verdict| self.count(|is| is == verdict) > 0;
        if self.interrupted {
            130
        } else if any(&Verdict::Failed) {
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

impl SpecReport {
    /// The attempt that decided.
    #[must_use]
    pub fn last_attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// Passed, but not at the first attempt.
    #[must_use]
    pub fn is_flaky(&self) -> bool {
        self.verdict == Verdict::Passed && self.attempts.len() > 1
    }

    /// The step that best stands for the spec: the one that failed, else the last one tested.
    #[must_use]
    pub fn telling_step(&self) -> Option<&StepReport> {
        let steps = &self.last_attempt()?.steps;
        let tested = || steps.iter().filter(|step| step.phase == Phase::Test);
        steps
            .iter()
            .find(|step| step.has_failed())
            .or_else(|| tested().next_back())
    }
}

impl StepReport {
    /// Every check that failed.
    pub fn failures(&self) -> impl Iterator<Item = &crate::check::Failure> {
        self.checks
            .iter()
            .filter_map(|judged| judged.outcome.failure())
    }

    /// Losses of spans because of which a check is unjudged.
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

    /// Every failure of a check that had passed, which spans show that arrived later.
    pub fn contradictions(&self) -> impl Iterator<Item = &crate::check::Failure> {
        self.checks
            .iter()
            .filter_map(|judged| judged.outcome.contradiction())
    }

    /// Whether it stops the steps after it.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.trouble.is_some()
            || self
                .checks
                .iter()
                .any(|judged| !matches!(judged.outcome, Outcome::Pass))
    }
}
