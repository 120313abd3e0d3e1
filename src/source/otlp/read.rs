//! Reads the traces of a saved file.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::decode::Rejected;
use super::error::ReadError;
use super::file::Content;
use super::metric_export::MetricExport;
use super::{decode, file};
use crate::trace::{Hole, LogRecord, Origin, Sender, Span, Trace, TraceId};

/// Number of rejected spans that each trace of a file names.
const MOST_HOLES: usize = 20;

/// Reads the traces of a saved file, in the order of their first spans. A trace that a link ties to
/// another one is in the list, and attached to the other one.
///
/// Formats, each also compressed with gzip or zstd:
/// - OTLP/JSON: an export request, arrays of requests, and sequences of documents, such as the lines
///   of the Collector's file exporter; also items of `resourceSpans`, which the Java agent's exporter
///   writes, and answers of Tempo and of version 3 of Jaeger's API;
/// - OTLP protobuf: an export request, an answer of Tempo, and the messages of the Collector's file
///   exporter with length prefixes.
///
/// Log records of these traces are attached to them.
///
/// A span that is left out because an id is invalid is a [hole](Trace::holes) in its trace, and in
/// those that it links to. A part of the file that is not OTLP is a hole in every trace.
///
/// # Errors
/// When the bytes have another format. OTLP without spans is not an error.
pub fn read(bytes: &[u8]) -> Result<Vec<Trace>, ReadError> {
    Ok(file_traces(file::content(bytes)?, |traces, _| tie(traces))?.traces)
}

/// The content of a saved file.
#[cfg_attr(
    not(feature = "_pure"),
    expect(dead_code, reason = "only commands report what is left out")
)]
#[derive(Debug, Default)]
pub(crate) struct FileTraces {
    pub(crate) traces: Vec<Trace>,
    /// The log records that belong to none of these traces, in order.
    pub(crate) other_logs: Vec<LogRecord>,
    pub(crate) metrics: MetricExport,
}

/// Like [`read`], with the other signals.
#[cfg(feature = "_pure")]
pub(crate) fn read_file(bytes: &[u8]) -> Result<FileTraces, ReadError> {
    file_traces(file::content(bytes)?, |traces, _| tie(traces))
}

/// The spans of a saved file as they were sent, in order.
#[cfg(feature = "run")]
#[derive(Debug, Default)]
pub(crate) struct SentSpans {
    /// Also those that were sent several times.
    pub(crate) spans: Vec<Span>,
    /// Spans that are left out, with their traces; `None`: perhaps of any trace.
    pub(crate) holes: Vec<(Option<TraceId>, Hole)>,
    /// The log records without a trace id; `None` if there is no log record at all.
    pub(crate) logs_without_trace: Option<Vec<LogRecord>>,
}

/// Reads the spans of a saved file, in order.
///
/// # Errors
/// As of [`read`].
#[cfg(feature = "run")]
pub(crate) fn read_spans(bytes: &[u8]) -> Result<SentSpans, ReadError> {
    let content = file::content(bytes)?;
    let (mut logs, log_holes) = decode::logs(content.logs);
    let has_logs = !logs.is_empty();
    logs.retain(|record| record.trace_id.is_none());
    let (spans, rejected) = decode::spans(content.traces);
    let rejected = rejected.into_iter().map(|span| (span.trace, span.hole));
    let unread = unread_hole(&content.unread).map(|hole| (None, hole));
    Ok(SentSpans {
        spans,
        holes: rejected.chain(unread).collect(),
        // If one cannot be read, it is not known if it has an id.
        logs_without_trace: (has_logs && log_holes.is_empty()).then_some(logs),
    })
}

/// Reads the log records of a saved file, in order, also those without a trace id.
///
/// # Errors
/// As of [`read`].
#[cfg(feature = "_pure")]
pub fn read_logs(bytes: &[u8]) -> Result<Vec<LogRecord>, ReadError> {
    Ok(decode::logs(file::content(bytes)?.logs).0)
}

/// The content of a file that can be a part of a whole.
#[cfg(feature = "run")]
#[derive(Debug, Default)]
pub(crate) struct UntiedFile {
    /// The traces with their spans only, also empty ones of which all spans are left out.
    pub(crate) traces: Vec<Trace>,
    /// The log records with a trace id.
    pub(crate) logs: Vec<LogRecord>,
    /// There are log records, perhaps without a trace id.
    pub(crate) has_logs: bool,
    /// Log records that may be missing.
    pub(crate) log_holes: Vec<Hole>,
}

/// Like [`read`], with log records separate from traces, since their traces can be in another file.
#[cfg(feature = "run")]
pub(crate) fn read_untied(bytes: &[u8]) -> Result<UntiedFile, ReadError> {
    let mut content = file::content(bytes)?;
    let (mut logs, mut log_holes) = decode::logs(std::mem::take(&mut content.logs));
    log_holes.extend(unread_hole(&content.unread));
    let has_logs = !logs.is_empty();
    logs.retain(|record| record.trace_id.is_some());
    Ok(UntiedFile {
        traces: file_traces(content, with_empty)?.traces,
        logs,
        has_logs,
        log_holes,
    })
}

/// Adds an empty trace for each of which all spans are left out.
#[cfg(feature = "run")]
fn with_empty(mut traces: Vec<Trace>, rejected: &[Rejected]) -> Vec<Trace> {
    for id in rejected.iter().filter_map(|span| span.trace) {
        if !traces.iter().any(|trace| trace.id() == id) {
            traces.push(Trace::assemble(id, Origin::Foreign, []));
        }
    }
    traces
}

fn file_traces(
    content: Content,
    complete: impl Fn(Vec<Trace>, &[Rejected]) -> Vec<Trace>,
) -> Result<FileTraces, ReadError> {
    let Content {
        traces,
        logs,
        metrics,
        unread,
    } = content;
    let (spans, rejected) = decode::spans(traces);
    match rejected.first() {
        Some(first) if spans.is_empty() => {
            let first = first.reason.clone();
            Err(ReadError::InvalidIds(rejected.len(), first))
        }
        _ => {
            let (traces, other_logs) = with_logs(assemble(spans), decode::logs(logs).0);
            Ok(FileTraces {
                traces: with_holes(complete(traces, &rejected), &unread, &rejected),
                other_logs,
                metrics: metrics.into(),
            })
        }
    }
}

/// Adds to each trace its log records, and returns the others.
fn with_logs(traces: Vec<Trace>, logs: Vec<LogRecord>) -> (Vec<Trace>, Vec<LogRecord>) {
    let ids: HashSet<TraceId> = traces.iter().map(Trace::id).collect();
    let (mut by_trace, mut others) = (HashMap::<TraceId, Vec<Arc<LogRecord>>>::new(), Vec::new());
    for record in logs {
        match record.trace_id.filter(|id| ids.contains(id)) {
            Some(id) => by_trace.entry(id).or_default().push(Arc::new(record)),
            None => others.push(record),
        }
    }
    let mut with_logs = |trace: Trace| match by_trace.remove(&trace.id()) {
        Some(own) => trace.with_logs(Arc::new(own)),
        None => trace,
    };
    (traces.into_iter().map(&mut with_logs).collect(), others)
}

/// Adds the holes of rejected spans and of unread parts of the file.
fn with_holes(traces: Vec<Trace>, unread: &[String], rejected: &[Rejected]) -> Vec<Trace> {
    let unread = unread_hole(unread);
    let with_holes = |trace: Trace| {
        let linked = trace.linked().iter().map(Trace::id);
        let ids: Vec<TraceId> = std::iter::once(trace.id()).chain(linked).collect();
        let concerns = |span: &&Rejected| {
            let of = span.trace.iter().chain(&span.links);
            span.trace.is_none() || of.into_iter().any(|id| ids.contains(id))
        };
        let missing = rejected.iter().filter(concerns).take(MOST_HOLES);
        let holes = missing.map(|span| span.hole.clone()).chain(unread.clone());
        trace.with_holes(holes)
    };
    traces.into_iter().map(with_holes).collect()
}

/// The hole of parts of a file that are not OTLP.
fn unread_hole(unread: &[String]) -> Option<Hole> {
    let keys: Vec<String> = unread.iter().map(|key| format!("`{key}`")).collect();
    (!keys.is_empty()).then(|| Hole {
        reason: format!(
            "a part of the file is not OTLP/JSON: found {}",
            keys.join(", ")
        ),
        sender: Sender::default(),
        remedy: "save the traces again, as OTLP/JSON".to_owned(),
    })
}

/// One trace for each trace id, in the order of their first appearance.
pub(crate) fn assemble(spans: Vec<Span>) -> Vec<Trace> {
    let mut order = Vec::new();
    let mut by_trace: HashMap<TraceId, Vec<Span>> = HashMap::new();
    for span in spans {
        let id = span.trace_id;
        by_trace
            .entry(id)
            .or_insert_with(|| {
                order.push(id);
                Vec::new()
            })
            .push(span);
    }
    order
        .into_iter()
        .map(|id| {
            Trace::assemble(
                id,
                Origin::Foreign,
                by_trace.remove(&id).unwrap_or_default(),
            )
        })
        .collect()
}

/// Attaches to each trace the traces that a link, in either direction, ties to it.
pub(crate) fn tie(traces: Vec<Trace>) -> Vec<Trace> {
    let index: HashMap<TraceId, usize> = traces
        .iter()
        .enumerate()
        .map(|(at, trace)| (trace.id(), at))
        .collect();
    let mut ties = vec![BTreeSet::new(); traces.len()];
    for (from, trace) in traces.iter().enumerate() {
        let links = trace.spans().iter().flat_map(|span| &span.links);
        for &to in links.filter_map(|link| index.get(&link.trace_id)) {
            if to != from {
                ties[from].insert(to);
                ties[to].insert(from);
            }
        }
    }
    let attached = ties.iter().zip(&traces).map(|(tied, trace)| {
        let linked = tied.iter().map(|&at| traces[at].clone()).collect();
        trace.clone().with_linked(linked)
    });
    attached.collect()
}
