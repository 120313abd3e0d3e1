//! `GET /traces/{trace}`: a trace, once it is complete.

use std::time::{Duration, Instant};

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};

use super::problem::Problem;
use super::query::{self, Query};
use super::{Api, Running, flat, json};
use crate::source::otlp::{write_json, write_json_with};
use crate::spec::Wait;
use crate::step::{Settled, absent};
use crate::trace::{Hole, Origin, TraceRef};

/// How long a client waits that does not say it.
pub(super) const DEFAULT_WAIT: Duration = Duration::from_secs(10);

/// Requests of this time may be the one whose trace did not come.
const OF_LATE: Duration = Duration::from_secs(10);

/// Tells whether more may come: `true` or `false`.
const COMPLETE: HeaderName = HeaderName::from_static("spanspec-complete");

/// How many spans the trace has, those of linked traces not counted.
const SPANS: HeaderName = HeaderName::from_static("spanspec-spans");

/// What is waited for.
#[derive(Clone, Copy)]
enum Until {
    Settled,
    Span,
    Now,
}

#[derive(Clone, Copy)]
enum Format {
    Otlp,
    Flat,
}

/// Answers with the trace: whole, or as much as came in time.
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
    let format = query.one_of("format", &[("otlp", Format::Otlp), ("flat", Format::Flat)])?;
    let running = api.running();
    let settled = look(&api, &running, trace, until, wait).await;
    if settled.snapshot.trace.is_empty() {
        let holes = settled.snapshot.trace.holes();
        return Err(nothing(&api, &running, trace, holes));
    }
    Ok(answer(&settled, format))
}

async fn look(api: &Api, running: &Running, trace: TraceRef, until: Until, wait: Wait) -> Settled {
    let follow = || api.store().follow(trace.trace_id, trace.origin());
    match until {
        Until::Settled => running.settler.settle(&mut follow(), wait).await,
        Until::Span => running.settler.first_span(&mut follow(), wait).await,
        Until::Now => {
            let snapshot = api.store().peek(trace.trace_id, trace.origin());
            running.settler.judge(snapshot, wait)
        }
    }
}

/// Nothing of the trace came; says what did.
fn nothing(api: &Api, running: &Running, trace: TraceRef, holes: &[Hole]) -> Problem {
    let now = Instant::now();
    let since = now.checked_sub(OF_LATE).unwrap_or(now);
    let sightings = api.store().sightings(since);
    let known = &running.known;
    let mut trouble = absent(&sightings, &known.listened, known.services);
    for hole in holes {
        trouble.details.push(hole.to_string());
        trouble.help.push(hole.remedy.clone());
    }
    if !trace.sampled {
        let flags = "the flags of this traceparent ask services to record nothing: end it with 01";
        trouble.help.insert(0, flags.to_owned());
    }
    Problem::no_trace(trace.trace_id.to_string(), &trouble)
}

fn answer(settled: &Settled, format: Format) -> Response {
    let trace = &settled.snapshot.trace;
    let is_complete = settled.is_complete;
    let problems = problems(settled);
    let mut response = match format {
        Format::Otlp => {
            let content_type = [(header::CONTENT_TYPE, "application/json")];
            let body = match problems.is_empty() {
                true => write_json(trace),
                // Readers of OTLP/JSON pass over keys that they do not know.
                false => write_json_with(trace, "problems", &problems),
            };
            (content_type, body).into_response()
        }
        Format::Flat => json(&flat::Trace::of(trace, is_complete, problems)),
    };
    let headers = response.headers_mut();
    let is_complete = if is_complete { "true" } else { "false" };
    headers.insert(COMPLETE, HeaderValue::from_static(is_complete));
    headers.insert(SPANS, trace.len().into());
    response
}

/// What keeps the trace from being complete, beside parents that are missing.
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
    if problems.is_empty() && trace.orphans().next().is_none() {
        problems.push("the answer was given before every service had the time to export its spans: use `until=settled` and a longer `wait`".to_owned());
    }
    problems
}
