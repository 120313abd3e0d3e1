//! Saved telemetry that is sent again: with fresh ids, and with times shifted to the present.
//!
//! Attributes are sent as they are, also if their text contains an id.

use std::collections::HashMap;

use bytes::Bytes;
use prost::Message;

use super::decode;
use super::error::{Malformed, ReadError};
use super::file;
use super::ids::WrongId;
use super::message::{
    LogRecordMessage, LogsData, ResourceLogs, ResourceSpans, ScopeLogs, ScopeSpans, SpanMessage,
    TracesData,
};
use super::metric_wire::{self, Part};
use super::read::assemble;
use super::signal::Signal;
use crate::trace::{Nanos, Origin, SpanId, Trace, TraceId};

/// Maximum number of spans, or of log records, in one export.
const MOST_RECORDS: usize = 1_000;

/// Telemetry of one or more files.
#[derive(Debug, Default)]
pub(crate) struct SavedTelemetry {
    traces: TracesData,
    logs: LogsData,
    /// Export requests of metrics, with all their fields.
    metrics: Vec<Vec<u8>>,
}

/// Telemetry that is ready to be sent.
#[derive(Debug)]
pub(crate) struct Exports {
    /// The export requests, in protobuf, in this order.
    pub(crate) requests: Vec<(Signal, Vec<u8>)>,
    /// The spans.
    pub(crate) trace: Trace,
    /// The number of log records.
    pub(crate) logs: usize,
    /// The number of data points of metrics.
    pub(crate) points: usize,
}

impl SavedTelemetry {
    /// Reads a file as [`read`](super::read()) does.
    ///
    /// # Errors
    /// As of [`read`](super::read()); also if any span has an invalid id, or a part of the file is not OTLP.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, ResendError> {
        let content = file::content(bytes)?;
        if !content.unread.is_empty() {
            return Err(ResendError::Unread(content.unread.join("`, `")));
        }
        let (_, rejected) = decode::spans(content.traces.clone());
        if let Some(first) = rejected.into_iter().next() {
            return Err(ResendError::WrongId(first.reason));
        }
        let mut traces = content.traces;
        for block in &mut traces.resource_spans {
            let old = std::mem::take(&mut block.instrumentation_library_spans);
            block.scope_spans.extend(old);
        }
        Ok(Self {
            traces,
            logs: content.logs,
            metrics: Vec::new(),
        })
    }

    /// Reads the metrics of a file, and nothing else.
    ///
    /// # Errors
    /// As of [`read`](super::read()); also if a part cannot be written again.
    pub(crate) fn read_metrics(bytes: &[u8]) -> Result<Self, ResendError> {
        let mut metrics = file::metric_requests(bytes)?;
        for request in &mut metrics {
            metric_wire::edit(request, &mut |_, _| {}).map_err(ResendError::Metrics)?;
        }
        Ok(Self {
            metrics,
            ..Self::default()
        })
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.traces
            .resource_spans
            .extend(other.traces.resource_spans);
        self.logs.resource_logs.extend(other.logs.resource_logs);
        self.metrics.extend(other.metrics);
    }

    pub(crate) fn has_spans(&self) -> bool {
        self.spans().next().is_some()
    }

    pub(crate) fn has_logs(&self) -> bool {
        self.records().next().is_some()
    }

    pub(crate) fn has_metrics(&self) -> bool {
        self.points() > 0
    }

    /// The traces of the spans, in the order of their first appearance.
    pub(crate) fn traces(&self) -> Vec<Trace> {
        assemble(decode::spans(self.traces.clone()).0)
    }

    /// The traces of log records.
    pub(crate) fn traces_of_logs(&self) -> Vec<TraceId> {
        let mut all = Vec::new();
        for id in self.records().filter_map(trace_of) {
            if !all.contains(&id) {
                all.push(id);
            }
        }
        all
    }

    /// The traces of exemplars.
    pub(crate) fn traces_of_exemplars(&self) -> Vec<TraceId> {
        let mut all = Vec::new();
        self.read_parts(|part, value| {
            if let (Part::TraceId, Some(id)) = (part, TraceId::from_slice(value))
                && !all.contains(&id)
            {
                all.push(id);
            }
        });
        all
    }

    /// Number of data points.
    fn points(&self) -> usize {
        let mut points = 0;
        self.read_parts(|part, _| points += usize::from(part == Part::Point));
        points
    }

    fn read_parts(&self, mut read: impl FnMut(Part, &[u8])) {
        for request in &self.metrics {
            let mut request = request.clone();
            metric_wire::edit(&mut request, &mut |part, value| read(part, value))
                .expect("it was read before");
        }
    }

    /// Removes the spans and log records of other traces. Log records without a trace remain.
    pub(crate) fn retain(&mut self, trace: TraceId) {
        for scope in scopes_mut(&mut self.traces) {
            let is_wanted = |span: &SpanMessage| *span.trace_id == trace.as_bytes()[..];
            scope.spans.retain(is_wanted);
        }
        for scope in log_scopes_mut(&mut self.logs) {
            let is_wanted =
                |record: &LogRecordMessage| trace_of(record).is_none_or(|of| of == trace);
            scope.log_records.retain(is_wanted);
        }
    }

    /// The same spans and log records in another trace, with fresh span ids. The last span ends at `now`, or
    /// without spans the last record is written then. The last data point of metrics is of that time, too.
    pub(crate) fn renewed(mut self, from: Option<TraceId>, to: TraceId, now: Nanos) -> Self {
        let mut ids = RenewedIds {
            from,
            to,
            spans: HashMap::new(),
        };
        let shift = Shift::until(now, self.last_time());
        for scope in scopes_mut(&mut self.traces) {
            scope
                .spans
                .iter_mut()
                .for_each(|span| renew_span(span, &mut ids, shift));
        }
        for scope in log_scopes_mut(&mut self.logs) {
            let records = scope.log_records.iter_mut();
            records.for_each(|record| renew_record(record, &mut ids, shift));
        }
        let shift = Shift::until(now, self.last_time_of_metrics());
        for request in &mut self.metrics {
            metric_wire::edit(request, &mut |part, value| {
                renew_part(part, value, &mut ids, shift);
            })
            .expect("it was read before");
        }
        self
    }

    /// The last time in metrics, which is that of a data point.
    fn last_time_of_metrics(&self) -> Nanos {
        let mut last = 0;
        self.read_parts(|part, value| {
            if let (Part::Time, Ok(time)) = (part, value.try_into()) {
                last = last.max(Nanos::from_le_bytes(time));
            }
        });
        last
    }

    /// The export requests of this trace: spans first, then log records, then metrics.
    pub(crate) fn exports(self, trace: TraceId) -> Exports {
        let (spans, _) = decode::spans(self.traces.clone());
        let (logs, points) = (self.records().count(), self.points());
        let of_traces = batches_of_spans(self.traces).into_iter();
        let of_traces = of_traces.map(|batch| (Signal::Traces, batch.encode_to_vec()));
        let of_logs = batches_of_logs(self.logs).into_iter();
        let of_logs = of_logs.map(|batch| (Signal::Logs, batch.encode_to_vec()));
        let of_metrics = self.metrics.into_iter();
        let of_metrics = of_metrics.map(|request| (Signal::Metrics, request));
        Exports {
            requests: of_traces.chain(of_logs).chain(of_metrics).collect(),
            trace: Trace::assemble(trace, Origin::Foreign, spans),
            logs,
            points,
        }
    }

    fn spans(&self) -> impl Iterator<Item = &SpanMessage> {
        let scopes = self.traces.resource_spans.iter();
        scopes.flat_map(|of| of.scope_spans.iter().flat_map(|of| &of.spans))
    }

    fn records(&self) -> impl Iterator<Item = &LogRecordMessage> {
        let scopes = self.logs.resource_logs.iter();
        scopes.flat_map(|of| of.scope_logs.iter().flat_map(|of| &of.log_records))
    }

    /// The last end of a span; without ends, the last start; without spans, the time of the last record.
    fn last_time(&self) -> Nanos {
        let ends = self.spans().map(|span| span.end_time_unix_nano);
        let starts = self.spans().map(|span| span.start_time_unix_nano);
        let records = self
            .records()
            .map(|record| record.time_unix_nano.max(record.observed_time_unix_nano));
        let last = |times: &mut dyn Iterator<Item = Nanos>| times.max().filter(|time| *time > 0);
        last(&mut ends.into_iter())
            .or_else(|| last(&mut starts.into_iter()))
            .or_else(|| last(&mut records.into_iter()))
            .unwrap_or(0)
    }
}

/// Saved telemetry that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResendError {
    /// It cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A span has an invalid id.
    #[error("a span cannot be sent: its {0}")]
    WrongId(WrongId),
    /// Keys of a part that is not OTLP.
    #[error("a part of it is not OTLP/JSON: found `{0}`")]
    Unread(String),
    /// A part of metrics in JSON that is not OTLP.
    #[error(transparent)]
    Unwritable(serde_json::Error),
    /// A message of metrics that is not OTLP.
    #[error(transparent)]
    Metrics(Malformed),
}

fn trace_of(record: &LogRecordMessage) -> Option<TraceId> {
    TraceId::from_slice(&record.trace_id)
}

fn scopes_mut(traces: &mut TracesData) -> impl Iterator<Item = &mut ScopeSpans> {
    let blocks = traces.resource_spans.iter_mut();
    blocks.flat_map(|block| &mut block.scope_spans)
}

fn log_scopes_mut(logs: &mut LogsData) -> impl Iterator<Item = &mut ScopeLogs> {
    let blocks = logs.resource_logs.iter_mut();
    blocks.flat_map(|block| &mut block.scope_logs)
}

/// The new ids of a trace.
struct RenewedIds {
    from: Option<TraceId>,
    to: TraceId,
    spans: HashMap<SpanId, SpanId>,
}

impl RenewedIds {
    fn trace(&self, id: &Bytes) -> Bytes {
        match TraceId::from_slice(id) {
            Some(id) if Some(id) == self.from => Bytes::copy_from_slice(self.to.as_bytes()),
            _ => id.clone(),
        }
    }

    /// The new id of a span of the trace. That of spanspec as the caller remains that of the caller.
    fn span(&mut self, id: &Bytes) -> Bytes {
        let Some(old) = SpanId::from_slice(id) else {
            return id.clone();
        };
        let is_caller = self.from.is_some_and(|from| SpanId::of_caller(from) == old);
        let caller = is_caller.then(|| SpanId::of_caller(self.to));
        let new = self.spans.entry(old);
        let new = new.or_insert_with(|| caller.unwrap_or_else(SpanId::random));
        Bytes::copy_from_slice(new.as_bytes())
    }
}

/// The distance between saved times and the present.
#[derive(Clone, Copy)]
struct Shift(i128);

impl Shift {
    fn until(now: Nanos, last: Nanos) -> Self {
        Self(i128::from(now) - i128::from(last))
    }

    /// A time that is not set stays so.
    fn apply(self, time: &mut Nanos) {
        if *time != 0 {
            let shifted = (i128::from(*time) + self.0).clamp(1, i128::from(Nanos::MAX));
            *time = Nanos::try_from(shifted).unwrap_or(Nanos::MAX);
        }
    }
}

fn renew_span(span: &mut SpanMessage, ids: &mut RenewedIds, shift: Shift) {
    span.trace_id = ids.trace(&span.trace_id);
    span.span_id = ids.span(&span.span_id);
    span.parent_span_id = ids.span(&span.parent_span_id);
    shift.apply(&mut span.start_time_unix_nano);
    shift.apply(&mut span.end_time_unix_nano);
    for event in &mut span.events {
        shift.apply(&mut event.time_unix_nano);
    }
    for link in &mut span.links {
        let trace = ids.trace(&link.trace_id);
        if trace != link.trace_id {
            link.span_id = ids.span(&link.span_id);
            link.trace_id = trace;
        }
    }
}

fn renew_record(record: &mut LogRecordMessage, ids: &mut RenewedIds, shift: Shift) {
    if trace_of(record).is_some() {
        record.trace_id = ids.trace(&record.trace_id);
        record.span_id = ids.span(&record.span_id);
    }
    shift.apply(&mut record.time_unix_nano);
    shift.apply(&mut record.observed_time_unix_nano);
}

/// Changes a part of metrics.
fn renew_part(part: Part, value: &mut [u8], ids: &mut RenewedIds, shift: Shift) {
    match part {
        Part::Point => {}
        Part::Time => {
            if let Ok(time) = <[u8; 8]>::try_from(&*value) {
                let mut time = Nanos::from_le_bytes(time);
                shift.apply(&mut time);
                value.copy_from_slice(&time.to_le_bytes());
            }
        }
        Part::TraceId => copy(&ids.trace(&Bytes::copy_from_slice(value)), value),
        Part::SpanId(trace) => {
            if trace.is_some() && trace == ids.from {
                copy(&ids.span(&Bytes::copy_from_slice(value)), value);
            }
        }
    }
}

/// An id that is not valid is not changed, so that both have the same length.
fn copy(from: &Bytes, to: &mut [u8]) {
    if from.len() == to.len() {
        to.copy_from_slice(from);
    }
}

/// One request if possible, with the blocks of the file.
fn batches_of_spans(traces: TracesData) -> Vec<TracesData> {
    let scopes = traces.resource_spans.iter().flat_map(|of| &of.scope_spans);
    let number: usize = scopes.map(|of| of.spans.len()).sum();
    match number {
        0 => return Vec::new(),
        1..=MOST_RECORDS => return vec![traces],
        _ => {}
    }
    let mut batches: Vec<TracesData> = Vec::new();
    let mut room = 0;
    for block in traces.resource_spans {
        for of in block.scope_spans {
            for spans in of.spans.chunks(MOST_RECORDS) {
                let of_scope = ScopeSpans {
                    scope: of.scope.clone(),
                    spans: spans.to_vec(),
                };
                let of_resource = ResourceSpans {
                    resource: block.resource.clone(),
                    scope_spans: vec![of_scope],
                    ..ResourceSpans::default()
                };
                if room < spans.len() {
                    batches.push(TracesData::default());
                    room = MOST_RECORDS;
                }
                room -= spans.len();
                let last = batches.last_mut().into_iter();
                last.for_each(|batch| batch.resource_spans.push(of_resource.clone()));
            }
        }
    }
    batches
}

/// The same with log records.
fn batches_of_logs(logs: LogsData) -> Vec<LogsData> {
    let scopes = logs.resource_logs.iter().flat_map(|of| &of.scope_logs);
    let number: usize = scopes.map(|of| of.log_records.len()).sum();
    match number {
        0 => return Vec::new(),
        1..=MOST_RECORDS => return vec![logs],
        _ => {}
    }
    let mut batches: Vec<LogsData> = Vec::new();
    let mut room = 0;
    for block in logs.resource_logs {
        for of in block.scope_logs {
            for records in of.log_records.chunks(MOST_RECORDS) {
                let of_scope = ScopeLogs {
                    scope: of.scope.clone(),
                    log_records: records.to_vec(),
                };
                let of_resource = ResourceLogs {
                    resource: block.resource.clone(),
                    scope_logs: vec![of_scope],
                };
                if room < records.len() {
                    batches.push(LogsData::default());
                    room = MOST_RECORDS;
                }
                room -= records.len();
                let last = batches.last_mut().into_iter();
                last.for_each(|batch| batch.resource_logs.push(of_resource.clone()));
            }
        }
    }
    batches
}
