//! The JSON of an attempt, its steps, checks and failures.

use std::time::Duration;

use serde::Serialize;

use super::super::brief;
use super::super::look::Look;
use super::super::text::{self, Detail};
use super::load::JsonLoad;
use crate::check::{Candidate, Difference, Failure, Judged, Outcome, Rejection, Witness};
use crate::result::{self, Phase, StepReport, Timing, Verdict};
use crate::spec;
use crate::trace::{self, Trace};

/// Maximum number of bytes of a body; `body_bytes` is the full length.
const LONGEST_BODY: usize = 16 * 1024;

/// Milliseconds with a resolution of a microsecond.
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
pub(super) struct JsonAttempt<'a> {
    verdict: &'static str,
    started: String,
    duration_ms: f64,
    message: Option<String>,
    kind: Option<&'static str>,
    text: Option<String>,
    steps: Vec<JsonStep<'a>>,
}

#[derive(Serialize)]
pub(super) struct JsonStep<'a> {
    phase: &'static str,
    name: Option<&'a str>,
    trigger: &'a str,
    trace: Option<JsonTrace<'a>>,
    trace_id: Option<String>,
    saved_trace: Option<String>,
    response: Option<JsonResponse<'a>>,
    tries: Option<usize>,
    timing: JsonTiming,
    checks: Vec<JsonCheck<'a>>,
    trouble: Option<JsonTrouble<'a>>,
    notices: &'a [String],
    was_closed: bool,
    load: Option<JsonLoad<'a>>,
}

#[derive(Serialize)]
struct JsonTrace<'a> {
    spans: usize,
    errors: usize,
    orphans: usize,
    services: Vec<&'a str>,
    duration_ms: Option<f64>,
    unended: usize,
    dropped: JsonDropped,
    linked_trace_ids: Vec<String>,
}

/// Numbers of dropped attributes, events and links.
#[derive(Default, Serialize)]
struct JsonDropped {
    attributes: u64,
    events: u64,
    links: u64,
}

impl JsonDropped {
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

/// Of HTTP or of a command; the keys of the other kind are `null`.
#[derive(Default, Serialize)]
pub(in crate::report) struct JsonResponse<'a> {
    kind: &'static str,
    time_ms: f64,
    status: Option<u16>,
    headers: Option<Vec<[&'a str; 2]>>,
    body_bytes: Option<usize>,
    body: Option<String>,
    exit_code: Option<i32>,
    signal: Option<i32>,
    stdout: Option<&'a str>,
    stderr: Option<&'a str>,
    #[serde(flatten)]
    grpc: Option<JsonGrpc<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conformance: Option<super::conformance::JsonConformance<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traffic: Option<super::traffic::JsonTraffic<'a>>,
}

/// The response to a gRPC call.
#[derive(Serialize)]
struct JsonGrpc<'a> {
    grpc_status: String,
    status_message: &'a str,
    metadata: Vec<[&'a str; 2]>,
    trailers: Vec<[&'a str; 2]>,
    message_count: usize,
    messages: Vec<serde_json::Value>,
    details: Vec<serde_json::Value>,
}

#[derive(Serialize)]
pub(in crate::report) struct JsonTiming {
    response_ms: Option<f64>,
    last_span_ms: Option<f64>,
    verdict_ms: Option<f64>,
}

#[derive(Serialize)]
struct JsonCheck<'a> {
    what: &'a str,
    location: JsonLocation<'a>,
    outcome: &'static str,
    reason: Option<String>,
    failure: Option<JsonFailure<'a>>,
}

#[derive(Serialize)]
pub(in crate::report) struct JsonFailure<'a> {
    message: String,
    subject: String,
    location: JsonLocation<'a>,
    expected: &'a str,
    found: &'a str,
    witnesses: Vec<JsonWitness<'a>>,
    more_witnesses: u64,
    nearest: Vec<JsonCandidate<'a>>,
    differences: Vec<JsonDifference<'a>>,
    hints: &'a [String],
}

#[derive(Serialize)]
struct JsonWitness<'a> {
    trace_id: String,
    span_id: String,
    service: &'a str,
    name: &'a str,
    mark: &'a str,
}

#[derive(Serialize)]
struct JsonCandidate<'a> {
    span_id: Option<String>,
    service: &'a str,
    name: &'a str,
    rejected: Vec<JsonRejection<'a>>,
}

#[derive(Serialize)]
struct JsonRejection<'a> {
    key: &'a str,
    expected: &'a str,
    found: &'a str,
}

#[derive(Serialize)]
struct JsonDifference<'a> {
    path: &'a str,
    expected: &'a str,
    found: &'a str,
}

#[derive(Serialize)]
pub(in crate::report) struct JsonTrouble<'a> {
    what: &'a str,
    location: Option<JsonLocation<'a>>,
    details: &'a [String],
    help: &'a [String],
}

#[derive(Serialize)]
pub(super) struct JsonLocation<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl<'a> From<&'a result::Attempt> for JsonAttempt<'a> {
    fn from(attempt: &'a result::Attempt) -> Self {
        let is_unwell = super::is_unwell(&attempt.verdict);
        Self {
            message: is_unwell.then(|| brief::message(attempt)),
            kind: is_unwell.then(|| brief::kind(attempt)),
            text: is_unwell.then(|| text::attempt(attempt, &Look::plain(), Detail::Normal)),
            verdict: verdict(&attempt.verdict).0,
            started: attempt.started.to_string(),
            duration_ms: millis(attempt.duration),
            steps: attempt.steps.iter().map(JsonStep::from).collect(),
        }
    }
}

impl<'a> From<&'a StepReport> for JsonStep<'a> {
    fn from(step: &'a StepReport) -> Self {
        Self {
            phase: match step.phase {
                Phase::Setup => "setup",
                Phase::Test => "test",
                Phase::Teardown => "teardown",
            },
            name: step.name.as_deref(),
            trigger: &step.trigger,
            trace: step.trace.as_deref().map(JsonTrace::from),
            trace_id: step.trace_id.map(|id| id.to_string()),
            saved_trace: step
                .saved_trace
                .as_ref()
                .map(|path| path.display().to_string()),
            response: step.response.as_ref().and_then(response),
            tries: step.tries.as_ref().map(|tries| tries.number),
            timing: JsonTiming::from(step.timing),
            checks: step.checks.iter().map(JsonCheck::from).collect(),
            trouble: step.trouble.as_ref().map(JsonTrouble::from),
            notices: &step.notices,
            was_closed: step.was_closed,
            load: step.load.as_deref().map(JsonLoad::from),
        }
    }
}

impl<'a> From<&'a Trace> for JsonTrace<'a> {
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
            dropped: JsonDropped::of(trace),
            linked_trace_ids: trace
                .linked()
                .iter()
                .map(|other| other.id().to_string())
                .collect(),
        }
    }
}

pub(in crate::report) fn response(of: &trace::Response) -> Option<JsonResponse<'_>> {
    let time_ms = millis(of.time()?);
    match of {
        trace::Response::None => None,
        trace::Response::Http(http) => Some(JsonResponse {
            kind: "http",
            time_ms,
            status: Some(http.status),
            headers: Some(pairs(&http.headers)),
            body_bytes: Some(http.body.len()),
            body: Some(
                String::from_utf8_lossy(&http.body[..http.body.len().min(LONGEST_BODY)])
                    .into_owned(),
            ),
            ..JsonResponse::default()
        }),
        trace::Response::Grpc(grpc) => Some(JsonResponse {
            kind: "grpc",
            time_ms,
            body_bytes: Some(grpc.bytes),
            grpc: Some(json_grpc(grpc)),
            ..JsonResponse::default()
        }),
        trace::Response::Message(message) => Some(JsonResponse {
            kind: "message",
            time_ms,
            body_bytes: Some(message.receipt.len()),
            body: Some(message.receipt.clone()),
            ..JsonResponse::default()
        }),
        trace::Response::Sent(sent) => Some(JsonResponse {
            kind: "sent",
            time_ms,
            body: Some(sent.amount()),
            ..JsonResponse::default()
        }),
        trace::Response::Conformance(conformance) => Some(JsonResponse {
            kind: "conformance",
            time_ms,
            body: Some(conformance.summary()),
            conformance: Some(super::conformance::JsonConformance::from(&**conformance)),
            ..JsonResponse::default()
        }),
        trace::Response::Traffic(traffic) => Some(JsonResponse {
            kind: "traffic",
            time_ms,
            traffic: Some(super::traffic::JsonTraffic::from(&**traffic)),
            ..JsonResponse::default()
        }),
        trace::Response::Command(command) => Some(JsonResponse {
            kind: "command",
            time_ms,
            exit_code: command.exit_code,
            signal: command.signal,
            stdout: Some(&command.stdout),
            stderr: Some(&command.stderr),
            ..JsonResponse::default()
        }),
    }
}

fn pairs(all: &[(String, String)]) -> Vec<[&str; 2]> {
    all.iter()
        .map(|(name, value)| [&**name, &**value])
        .collect()
}

fn json_grpc(grpc: &trace::GrpcResponse) -> JsonGrpc<'_> {
    // As much as of a body.
    let mut rest = LONGEST_BODY;
    let shown = grpc.messages.iter().map_while(|message| {
        let length = message.to_json_text().len();
        rest = rest.checked_sub(length)?;
        Some(message.to_json())
    });
    JsonGrpc {
        grpc_status: grpc.code.to_string(),
        status_message: &grpc.status_message,
        metadata: pairs(&grpc.metadata),
        trailers: pairs(&grpc.trailers),
        message_count: grpc.messages.len(),
        messages: shown.collect(),
        details: grpc.details.iter().map(trace::Value::to_json).collect(),
    }
}

impl From<Timing> for JsonTiming {
    fn from(timing: Timing) -> Self {
        Self {
            response_ms: timing.response.map(millis),
            last_span_ms: timing.last_span.map(millis),
            verdict_ms: timing.verdict.map(millis),
        }
    }
}

impl<'a> From<&'a Judged> for JsonCheck<'a> {
    fn from(judged: &'a Judged) -> Self {
        let (outcome, reason) = match &judged.outcome {
            Outcome::Pass => ("pass", None),
            Outcome::Fail(_) => ("fail", None),
            Outcome::Unjudged(reason) => ("unjudged", Some(reason.to_string())),
        };
        Self {
            what: &judged.what,
            location: JsonLocation::from(&judged.at),
            outcome,
            reason,
            failure: judged.outcome.failure().map(JsonFailure::from),
        }
    }
}

impl<'a> From<&'a Failure> for JsonFailure<'a> {
    fn from(failure: &'a Failure) -> Self {
        Self {
            message: failure.to_string(),
            subject: failure.subject.to_string(),
            location: JsonLocation::from(&failure.at),
            expected: &failure.expected,
            found: &failure.found,
            witnesses: failure.witnesses.iter().map(JsonWitness::from).collect(),
            more_witnesses: failure.more_witnesses,
            nearest: failure.nearest.iter().map(JsonCandidate::from).collect(),
            differences: failure
                .differences
                .iter()
                .map(JsonDifference::from)
                .collect(),
            hints: &failure.hints,
        }
    }
}

impl<'a> From<&'a Witness> for JsonWitness<'a> {
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

impl<'a> From<&'a Candidate> for JsonCandidate<'a> {
    fn from(candidate: &'a Candidate) -> Self {
        Self {
            span_id: candidate.span_id.map(|id| id.to_string()),
            service: &candidate.service,
            name: &candidate.name,
            rejected: candidate.rejected.iter().map(JsonRejection::from).collect(),
        }
    }
}

impl<'a> From<&'a Rejection> for JsonRejection<'a> {
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

impl<'a> From<&'a Difference> for JsonDifference<'a> {
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

impl<'a> From<&'a result::Trouble> for JsonTrouble<'a> {
    fn from(trouble: &'a result::Trouble) -> Self {
        Self {
            what: &trouble.what,
            location: trouble.at.as_ref().map(JsonLocation::from),
            details: &trouble.details,
            help: &trouble.help,
        }
    }
}

impl<'a> From<&'a spec::Location> for JsonLocation<'a> {
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
