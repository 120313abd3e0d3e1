//! The input of a `send`: files, or spans of the spec.

use std::path::Path;

use super::spans;
use crate::number::counted;
use crate::source::otlp::{Exports, ResendError, SavedTelemetry, Signal};
use crate::spec::{SendTelemetry, SpecError};
use crate::trace::{Nanos, Trace, TraceId};

/// Maximum number of traces that a message names.
const MOST_NAMED: usize = 4;

/// The telemetry of one trace.
pub(super) struct Input {
    saved: SavedTelemetry,
    /// Its trace; `None` for log records without one.
    trace: Option<TraceId>,
    has_root: bool,
}

/// Reads the input without sending it.
///
/// # Errors
/// It cannot be read, or has no spans or log records of one trace.
pub(crate) fn check(send: &SendTelemetry) -> Result<(), SpecError> {
    Input::read(send).map(drop)
}

impl Input {
    pub(super) fn read(send: &SendTelemetry) -> Result<Self, SpecError> {
        let mut saved = SavedTelemetry::default();
        for file in &send.traces {
            saved.add(read(file, send)?);
        }
        if !send.traces.is_empty() && !saved.has_spans() {
            let files: Vec<String> = send.traces.iter().map(|file| named(file)).collect();
            return Err(wrong(
                send,
                format!("no spans in {}", files.join(", ")),
                "write files with spans here, and those with log records under `logs`",
            ));
        }
        for file in &send.logs {
            let of_file = read(file, send)?;
            if !of_file.has_logs() {
                let what = format!("no log records in {}", named(file));
                return Err(wrong(send, what, "write files with spans under `traces`"));
            }
            saved.add(of_file);
        }
        for file in &send.metrics {
            let of_file = read_with(file, send, SavedTelemetry::read_metrics)?;
            if !of_file.has_metrics() {
                let what = format!("no data points of metrics in {}", named(file));
                let help = "write files with spans under `traces`, and those with log records under `logs`";
                return Err(wrong(send, what, help));
            }
            saved.add(of_file);
        }
        if !send.spans.is_empty() {
            saved.add(spans::saved(&send.spans));
        }
        let traces = saved.traces();
        let trace = chosen(send, &traces, &saved)?;
        if let Some(trace) = trace {
            saved.retain(trace);
        }
        let mut of_trace = traces.iter().filter(|one| Some(one.id()) == trace);
        let has_root = of_trace
            .next()
            .is_none_or(|trace| trace.entries().next().is_some());
        Ok(Self {
            saved,
            trace,
            has_root,
        })
    }

    /// Returns `true` if a span has no parent, by which samplers find out that a trace is complete.
    pub(super) fn has_root(&self) -> bool {
        self.has_root
    }

    pub(super) fn signals(&self) -> Vec<Signal> {
        let signals = [
            (Signal::Traces, self.saved.has_spans()),
            (Signal::Logs, self.saved.has_logs()),
            (Signal::Metrics, self.saved.has_metrics()),
        ];
        let sent = signals.into_iter().filter(|(_, is_sent)| *is_sent);
        sent.map(|(signal, _)| signal).collect()
    }

    pub(super) fn renewed(self, to: TraceId, now: Nanos) -> Exports {
        self.saved.renewed(self.trace, to, now).exports(to)
    }
}

fn read(file: &Path, send: &SendTelemetry) -> Result<SavedTelemetry, SpecError> {
    read_with(file, send, SavedTelemetry::read)
}

fn read_with(
    file: &Path,
    send: &SendTelemetry,
    read: fn(&[u8]) -> Result<SavedTelemetry, ResendError>,
) -> Result<SavedTelemetry, SpecError> {
    let bytes = std::fs::read(file).map_err(|error| {
        let what = format!("failed to read {}: {error}", named(file));
        wrong(
            send,
            what,
            "check the path; it is relative to the folder of this file",
        )
    })?;
    read(&bytes).map_err(|error| {
        let cause = std::iter::successors(std::error::Error::source(&error), |error| error.source());
        let cause = cause.last().map(|cause| format!(": {cause}"));
        let cause = cause.filter(|_| !matches!(error, ResendError::WrongId(_)));
        let what = format!("{}: {error}{}", named(file), cause.unwrap_or_default());
        let help = match error {
            ResendError::WrongId(_) => "correct the id, or remove the span",
            ResendError::Unwritable(_) => {
                "correct the file: what is not OTLP could not be sent as it is"
            }
            ResendError::Unread(_) | ResendError::Read(_) | ResendError::Metrics(_) => {
                "save the traces as OTLP/JSON or OTLP protobuf: spanspec, the Collector's file exporter, Tempo and Jaeger do"
            }
        };
        wrong(send, what, help)
    })
}

/// The trace to send. Exactly one is sent.
fn chosen(
    send: &SendTelemetry,
    traces: &[Trace],
    saved: &SavedTelemetry,
) -> Result<Option<TraceId>, SpecError> {
    let mut ids: Vec<TraceId> = traces.iter().map(Trace::id).collect();
    if ids.is_empty() {
        ids = saved.traces_of_logs();
    }
    if ids.is_empty() {
        ids = saved.traces_of_exemplars();
        // They are of many traces, and only those of a chosen one become those of this step.
        if ids.len() > 1 && send.trace.is_none() {
            return Ok(None);
        }
    }
    match (send.trace, ids.as_slice()) {
        (Some(wanted), ids) if ids.contains(&wanted) => Ok(Some(wanted)),
        (Some(wanted), _) => Err(wrong(
            send,
            format!(
                "no trace {wanted} in the input: it has {}",
                listed(&ids, traces)
            ),
            "correct `trace`",
        )),
        (None, []) => Ok(None),
        (None, [one]) => Ok(Some(*one)),
        (None, [first, ..]) => Err(wrong(
            send,
            format!(
                "the input has {} traces, and a step sends one: {}",
                ids.len(),
                listed(&ids, traces)
            ),
            &format!("choose one: `trace: {first}`"),
        )),
    }
}

fn listed(ids: &[TraceId], traces: &[Trace]) -> String {
    let name = |id: &TraceId| {
        let trace = traces.iter().find(|trace| trace.id() == *id);
        let Some(root) = trace.and_then(|trace| trace.spans().first()) else {
            return id.to_string();
        };
        let spans = counted(trace.map_or(0, Trace::len) as u64, "span");
        format!("{id} (`{}` of {}, {spans})", root.name, root.service())
    };
    let mut names: Vec<String> = ids.iter().take(MOST_NAMED).map(name).collect();
    if let Some(more) = ids.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

fn named(file: &Path) -> String {
    file.file_name().unwrap_or_default().display().to_string()
}

fn wrong(send: &SendTelemetry, what: String, help: &str) -> SpecError {
    SpecError {
        what,
        at: send.at.clone(),
        label: "this input".to_owned(),
        help: Some(help.to_owned()),
    }
}
