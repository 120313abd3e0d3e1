//! `GET /traces/{trace}`: a trace, once it is complete.

use std::time::{Duration, Instant};

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};

use super::flat;
use super::problem::Problem;
use super::query::{self, Query};
use super::respond::json;
use super::state::{Api, ApiState};
use crate::source::otlp::{write_json, write_json_with};
use crate::spec::Wait;
use crate::step::{Listening, Settled, absent};
use crate::trace::{Hole, Origin, TraceRef};

/// Default of the maximum wait.
pub(super) const DEFAULT_WAIT: Duration = Duration::from_secs(10);

/// Unrelated traces of this time are named if a trace did not arrive.
const OF_LATE: Duration = Duration::from_secs(10);

/// `true` if the trace is complete, else `false`.
const COMPLETE: HeaderName = HeaderName::from_static("spanspec-complete");

/// Number of spans of the trace, without linked traces.
const SPANS: HeaderName = HeaderName::from_static("spanspec-spans");

/// The end of the wait.
#[derive(Clone, Copy)]
enum Until {
    Settled,
    Span,
    Now,
}

#[derive(Clone, Copy)]
enum TraceFormat {
    Otlp,
    Flat,
}

/// Answers with the spans that arrived in time.
pub(super) async fn find(
    State(api): State<Api>,
    trace: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let trace = query::trace_in_path(trace)?;
    let query = Query::of(&uri, &["wait", "until", "tail", "format"])?;
    let wait = Wait {
        timeout: Some(query.duration("wait")?.unwrap_or(DEFAULT_WAIT)),
        tail: query.duration("tail")?,
        ..Wait::default()
    };
    let until = query.one_of(
        "until",
        &[
            ("settled", Until::Settled),
            ("span", Until::Span),
            ("now", Until::Now),
        ],
    )?;
    let format = query.one_of(
        "format",
        &[("otlp", TraceFormat::Otlp), ("flat", TraceFormat::Flat)],
    )?;
    let state = api.state();
    let settled = look(&api, &state, trace, until, wait).await;
    if settled.snapshot.trace.is_empty() {
        let holes = settled.snapshot.trace.holes();
        return Err(nothing(&api, &state, trace, holes));
    }
    Ok(answer(&settled, format))
}

async fn look(api: &Api, state: &ApiState, trace: TraceRef, until: Until, wait: Wait) -> Settled {
    let follow = || api.store().follow(trace.trace_id, trace.origin());
    match until {
        Until::Settled => state.settler.settle(&mut follow(), wait).await,
        Until::Span => state.settler.first_span(&mut follow(), wait).await,
        Until::Now => {
            let snapshot = api.store().peek(trace.trace_id, trace.origin());
            state.settler.judge(snapshot, wait)
        }
    }
}

/// The reason why there is no span of the trace.
fn nothing(api: &Api, state: &ApiState, trace: TraceRef, holes: &[Hole]) -> Problem {
    let now = Instant::now();
    let since = now.checked_sub(OF_LATE).unwrap_or(now);
    let diagnostics = api.store().diagnostics(since);
    let known = &state.known;
    let listening = Listening {
        addresses: &known.listened,
        scheme: known.scheme,
    };
    let mut trouble = absent(&diagnostics, holes, listening, known.services);
    if !trace.sampled {
        let flags = "the flags of this traceparent ask services to record nothing: end it with 01";
        trouble.help.insert(0, flags.to_owned());
    }
    Problem::no_trace(trace.trace_id.to_string(), &trouble)
}

fn answer(settled: &Settled, format: TraceFormat) -> Response {
    let trace = &settled.snapshot.trace;
    let is_complete = settled.is_complete;
    let problems = problems(settled);
    let mut response = match format {
        TraceFormat::Otlp => {
            let content_type = [(header::CONTENT_TYPE, "application/json")];
            let body = match problems.is_empty() {
                true => write_json(trace),
                // Readers of OTLP/JSON ignore unknown keys.
                false => write_json_with(trace, "problems", &problems),
            };
            (content_type, body).into_response()
        }
        TraceFormat::Flat => json(&flat::FlatTrace::of(trace, is_complete, problems)),
    };
    let headers = response.headers_mut();
    let is_complete = if is_complete { "true" } else { "false" };
    headers.insert(COMPLETE, HeaderValue::from_static(is_complete));
    headers.insert(SPANS, trace.len().into());
    response
}

/// The reasons why the trace is incomplete, apart from missing spans.
fn problems(settled: &Settled) -> Vec<String> {
    if settled.is_complete {
        return Vec::new();
    }
    let trace = &settled.snapshot.trace;
    let mut problems: Vec<String> = trace.holes().iter().map(Hole::in_full).collect();
    match trace.origin() {
        Origin::Injected(sent) if !trace.has_entry() => problems.push(format!(
            "the entry of the trace is missing: no span has the parent {sent}, which the traceparent names"
        )),
        _ => {}
    }
    problems.extend(settled.unanswered.iter().cloned());
    if problems.is_empty() && !trace.misses_spans() {
        problems.push("the answer was given before every service had the time to export its spans: use `until=settled` and a longer `wait`".to_owned());
    }
    problems
}
