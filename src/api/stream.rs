//! The endpoints for spanspec in another process: the spans of a trace and metrics as they arrive, and
//! diagnostics. `source::remote` is the client.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::problem::Problem;
use super::query::{self, Query};
use super::respond::json;
use super::state::Api;
use crate::source::remote::{StreamLine, WireDiagnostics, WireLogs};
use crate::source::{Follow, MetricArrival, Signal};

/// `GET /traces/{trace}/spans`: an endless stream with a line of JSON for all spans that arrived
/// together.
pub(super) async fn spans(
    State(api): State<Api>,
    trace: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let trace = query::trace_in_path(trace)?;
    query::none(&uri)?;
    let follow = api.store().follow(trace.trace_id, trace.origin());
    let lines = stream::unfold(follow, |mut follow| async move {
        let lines = next_lines(&mut follow).await;
        Some((Ok::<_, std::convert::Infallible>(lines), follow))
    });
    Ok(streamed(Body::from_stream(lines)))
}

fn streamed(body: Body) -> Response {
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

/// A line of JSON.
fn written(line: &StreamLine) -> String {
    let line = serde_json::to_string(line);
    line.expect("structs of numbers and texts") + "\n"
}

/// Waits for the next lines.
async fn next_lines(follow: &mut Follow) -> String {
    loop {
        let (parcels, holes) = follow.parcels();
        // Holes first: a trace that looks complete with these spans is not.
        let holes = holes
            .into_iter()
            .map(|(signal, hole)| StreamLine::lost(signal, hole));
        let mut lines = String::new();
        for line in holes.chain(parcels.iter().map(StreamLine::of)) {
            lines.push_str(&written(&line));
        }
        if !lines.is_empty() {
            return lines;
        }
        follow.changed().await;
    }
}

/// `GET /metrics`: an endless stream with a line of JSON for each export that arrives.
pub(super) async fn metrics(State(api): State<Api>, uri: Uri) -> Result<Response, Problem> {
    query::none(&uri)?;
    let lines = stream::unfold(api.store().metric_feed(), |mut feed| async move {
        let line = match feed.next().await {
            MetricArrival::Export(parcel) => StreamLine::of(&parcel),
            MetricArrival::Lost(hole) => StreamLine::lost(Signal::Metrics, hole),
        };
        Some((Ok::<_, std::convert::Infallible>(written(&line)), feed))
    });
    Ok(streamed(Body::from_stream(lines)))
}

/// `GET /logs`: the log records by their correlation.
pub(super) async fn logs(State(api): State<Api>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::of(&uri, &["age"])?;
    let age = query.duration("age")?;
    let since = age.and_then(|age| Instant::now().checked_sub(age));
    let (requests, has_all) = api.store().packed_logs(since);
    Ok(json(&WireLogs::new(requests, has_all)))
}

/// `GET /sightings`: the diagnostics of the receiver.
pub(super) async fn sightings(State(api): State<Api>, uri: Uri) -> Result<Response, Problem> {
    let query = Query::of(&uri, &["age"])?;
    let age = query.duration("age")?.unwrap_or(Duration::ZERO);
    let now = Instant::now();
    let since = now.checked_sub(age).unwrap_or(now);
    Ok(json(&WireDiagnostics::of(&api.store().diagnostics(since))))
}
