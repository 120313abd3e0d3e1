//! The JSON of an attempt and of all within it.

use std::time::Duration;

use serde::Serialize;

use super::super::brief;
use super::super::look::Look;
use super::super::text::{self, Detail};
use super::load::Load;
use crate::check::{Candidate, Difference, Failure, Judged, Outcome, Rejection, Witness};
use crate::result::{self, Phase, StepReport, Timing, Verdict};
use crate::spec;
use crate::trace::{self, Trace};

/// Of a body, so many bytes are kept; `body_bytes` tells how many there were.
const LONGEST_BODY: usize = 16 * 1024;

/// With three decimals: microseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "exact for 285 years of microseconds"
)]
pub(in crate::report) fn millis(of: Duration) -> f64 {
    (of.as_nanos() / 1_000) as f64 / 1_000.0
}

pub(in crate::report) fn verdict(of: &Verdict) -> (&'static str, Option<&str>) {
    match of {
        Verdict::Passed => ("passed", None),
        Verdict::Failed => ("failed", None),
        Verdict::Errored => ("errored", None),
        Verdict::Skipped(reason) => ("skipped", Some(reason)),
        Verdict::NotRun(reason) => ("not_run", Some(reason)),
    }
}

#[derive(Serialize)]
pub(super) struct Attempt<'a> {
    verdict: &'static str,
    started: String,
    duration_ms: f64,
    message: Option<String>,
    kind: Option<&'static str>,
    text: Option<String>,
    steps: Vec<Step<'a>>,
}

#[derive(Serialize)]
pub(super) struct Step<'a> {
    phase: &'static str,
    name: Option<&'a str>,
    trigger: &'a str,
    trace: Option<TraceFacts<'a>>,
    trace_id: Option<String>,
    saved_trace: Option<String>,
    response: Option<Response<'a>>,
    timing: Times,
    checks: Vec<Check<'a>>,
    trouble: Option<Trouble<'a>>,
    notices: &'a [String],
    was_closed: bool,
    load: Option<Load<'a>>,
}

#[derive(Serialize)]
struct TraceFacts<'a> {
    spans: usize,
    errors: usize,
    orphans: usize,
    services: Vec<&'a str>,
    duration_ms: Option<f64>,
    unended: usize,
    dropped: Dropped,
    linked_trace_ids: Vec<String>,
}

/// Parts of spans that are missing.
#[derive(Default, Serialize)]
struct Dropped {
    attributes: u64,
    events: u64,
    links: u64,
}

impl Dropped {
    fn of(trace: &Trace) -> Self {
        trace
            .spans()
            .iter()
            .fold(Self::default(), |all, span| Self {
                attributes: all.attributes + u64::from(span.attributes.dropped()),
                events: all.events + u64::from(span.dropped_events),
                links: all.links + u64::from(span.dropped_links),
            })
    }
}

/// One of two kinds; the keys of the other are `null`.
#[derive(Default, Serialize)]
pub(in crate::report) struct Response<'a> {
    kind: &'static str,
    time_ms: f64,
    status: Option<u16>,
    headers: Option<Vec<[&'a str; 2]>>,
    body_bytes: Option<usize>,
    body: Option<String>,
    exit_code: Option<i32>,
    stdout: Option<&'a str>,
    stderr: Option<&'a str>,
}

#[derive(Serialize)]
pub(in crate::report) struct Times {
    response_ms: Option<f64>,
    last_span_ms: Option<f64>,
    verdict_ms: Option<f64>,
}

#[derive(Serialize)]
struct Check<'a> {
    what: &'a str,
    location: Location<'a>,
    outcome: &'static str,
    reason: Option<String>,
    failure: Option<Failed<'a>>,
}

#[derive(Serialize)]
pub(in crate::report) struct Failed<'a> {
    message: String,
    subject: String,
    location: Location<'a>,
    expected: &'a str,
    found: &'a str,
    witnesses: Vec<Shows<'a>>,
    more_witnesses: u64,
    nearest: Vec<Near<'a>>,
    differences: Vec<Differs<'a>>,
    hints: &'a [String],
}

#[derive(Serialize)]
struct Shows<'a> {
    trace_id: String,
    span_id: String,
    service: &'a str,
    name: &'a str,
    mark: &'a str,
}

#[derive(Serialize)]
struct Near<'a> {
    span_id: String,
    service: &'a str,
    name: &'a str,
    rejected: Vec<Rejected<'a>>,
}

#[derive(Serialize)]
struct Rejected<'a> {
    key: &'a str,
    expected: &'a str,
    found: &'a str,
}

#[derive(Serialize)]
struct Differs<'a> {
    path: &'a str,
    expected: &'a str,
    found: &'a str,
}

#[derive(Serialize)]
pub(in crate::report) struct Trouble<'a> {
    what: &'a str,
    location: Option<Location<'a>>,
    details: &'a [String],
    help: &'a [String],
}

#[derive(Serialize)]
pub(super) struct Location<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl<'a> From<&'a result::Attempt> for Attempt<'a> {
    fn from(attempt: &'a result::Attempt) -> Self {
        let is_unwell = super::is_unwell(&attempt.verdict);
        Self {
            message: is_unwell.then(|| brief::message(attempt)),
            kind: is_unwell.then(|| brief::kind(attempt)),
            text: is_unwell.then(|| text::attempt(attempt, &Look::plain(), Detail::Normal)),
            verdict: verdict(&attempt.verdict).0,
            started: attempt.started.to_string(),
            duration_ms: millis(attempt.duration),
            steps: attempt.steps.iter().map(Step::from).collect(),
        }
    }
}

impl<'a> From<&'a StepReport> for Step<'a> {
    fn from(step: &'a StepReport) -> Self {
        Self {
            phase: match step.phase {
                Phase::Setup => "setup",
                Phase::Test => "test",
                Phase::Teardown => "teardown",
            },
            name: step.name.as_deref(),
            trigger: &step.trigger,
            trace: step.trace.as_deref().map(TraceFacts::from),
            trace_id: step.trace_id.map(|id| id.to_string()),
            saved_trace: step
                .saved_trace
                .as_ref()
                .map(|path| path.display().to_string()),
            response: step.response.as_ref().and_then(response),
            timing: Times::from(step.timing),
            checks: step.checks.iter().map(Check::from).collect(),
            trouble: step.trouble.as_ref().map(Trouble::from),
            notices: &step.notices,
            was_closed: step.was_closed,
            load: step.load.as_deref().map(Load::from),
        }
    }
}

impl<'a> From<&'a Trace> for TraceFacts<'a> {
    fn from(trace: &'a Trace) -> Self {
        Self {
            spans: trace.len(),
            errors: trace.errors().count(),
            orphans: trace.orphans().count(),
            services: trace.services().into_iter().collect(),
            duration_ms: trace.duration().map(Duration::from_nanos).map(millis),
            unended: trace
                .spans()
                .iter()
                .filter(|span| span.duration().is_err())
                .count(),
            dropped: Dropped::of(trace),
            linked_trace_ids: trace
                .linked()
                .iter()
                .map(|other| other.id().to_string())
                .collect(),
        }
    }
}

pub(in crate::report) fn response(of: &trace::Response) -> Option<Response<'_>> {
    let time_ms = millis(of.time()?);
    match of {
        trace::Response::None => None,
        trace::Response::Http(http) => Some(Response {
            kind: "http",
            time_ms,
            status: Some(http.status),
            headers: Some(
                http.headers
                    .iter()
                    .map(|(name, value)| [&**name, &**value])
                    .collect(),
            ),
            body_bytes: Some(http.body.len()),
            body: Some(
                String::from_utf8_lossy(&http.body[..http.body.len().min(LONGEST_BODY)])
                    .into_owned(),
            ),
            ..Response::default()
        }),
        trace::Response::Command(command) => Some(Response {
            kind: "command",
            time_ms,
            exit_code: command.exit_code,
            stdout: Some(&command.stdout),
            stderr: Some(&command.stderr),
            ..Response::default()
        }),
    }
}

impl From<Timing> for Times {
    fn from(timing: Timing) -> Self {
        Self {
            response_ms: timing.response.map(millis),
            last_span_ms: timing.last_span.map(millis),
            verdict_ms: timing.verdict.map(millis),
        }
    }
}

impl<'a> From<&'a Judged> for Check<'a> {
    fn from(judged: &'a Judged) -> Self {
        let (outcome, reason) = match &judged.outcome {
            Outcome::Pass => ("pass", None),
            Outcome::Fail(_) => ("fail", None),
            Outcome::Unjudged(reason) => ("unjudged", Some(reason.to_string())),
        };
        Self {
            what: &judged.what,
            location: Location::from(&judged.at),
            outcome,
            reason,
            failure: judged.outcome.failure().map(Failed::from),
        }
    }
}

impl<'a> From<&'a Failure> for Failed<'a> {
    fn from(failure: &'a Failure) -> Self {
        Self {
            message: failure.to_string(),
            subject: failure.subject.to_string(),
            location: Location::from(&failure.at),
            expected: &failure.expected,
            found: &failure.found,
            witnesses: failure.witnesses.iter().map(Shows::from).collect(),
            more_witnesses: failure.more_witnesses,
            nearest: failure.nearest.iter().map(Near::from).collect(),
            differences: failure.differences.iter().map(Differs::from).collect(),
            hints: &failure.hints,
        }
    }
}

impl<'a> From<&'a Witness> for Shows<'a> {
    fn from(witness: &'a Witness) -> Self {
        Self {
            trace_id: witness.trace_id.to_string(),
            span_id: witness.span_id.to_string(),
            service: &witness.service,
            name: &witness.name,
            mark: &witness.mark,
        }
    }
}

impl<'a> From<&'a Candidate> for Near<'a> {
    fn from(candidate: &'a Candidate) -> Self {
        Self {
            span_id: candidate.span_id.to_string(),
            service: &candidate.service,
            name: &candidate.name,
            rejected: candidate.rejected.iter().map(Rejected::from).collect(),
        }
    }
}

impl<'a> From<&'a Rejection> for Rejected<'a> {
    fn from(
        Rejection {
            key,
            expected,
            found,
            form: _,
        }: &'a Rejection,
    ) -> Self {
        Self {
            key,
            expected,
            found,
        }
    }
}

impl<'a> From<&'a Difference> for Differs<'a> {
    fn from(
        Difference {
            path,
            expected,
            found,
        }: &'a Difference,
    ) -> Self {
        Self {
            path,
            expected,
            found,
        }
    }
}

impl<'a> From<&'a result::Trouble> for Trouble<'a> {
    fn from(trouble: &'a result::Trouble) -> Self {
        Self {
            what: &trouble.what,
            location: trouble.at.as_ref().map(Location::from),
            details: &trouble.details,
            help: &trouble.help,
        }
    }
}

impl<'a> From<&'a spec::Location> for Location<'a> {
    fn from(at: &'a spec::Location) -> Self {
        let (end_line, end_column) = at.source.position(at.place.end);
        Self {
            file: at.source.name(),
            line: at.line(),
            column: at.column(),
            end_line,
            end_column,
        }
    }
}
