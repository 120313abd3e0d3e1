//! Reads the traces of a saved file.

use std::collections::{BTreeSet, HashMap};

use prost::Message;
use serde::Deserialize;

use super::json::nullable;
use super::message::{ResourceSpans, TracesData};
use super::{decode, json};
use crate::trace::{Origin, Span, Trace, TraceId};

/// Why a file holds no traces that we can read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not a single byte.
    #[error("empty: expected OTLP/JSON or OTLP protobuf")]
    Empty,
    /// It begins like JSON and goes on otherwise, or its fields have the wrong types.
    #[error("read as OTLP/JSON, for it begins with `{{` or `[`, and failed")]
    Json(#[source] serde_json::Error),
    /// JSON of something else.
    #[error(
        "JSON, but not OTLP/JSON: no document in it has the key `resourceSpans` (nor `batches` or \
         `trace`, as Tempo answers); Jaeger's and Zipkin's own JSON is not read"
    )]
    OtherJson,
    /// It does not begin like JSON, and protobuf it is not.
    #[error("read as OTLP protobuf, for it does not begin with `{{`, and failed")]
    Protobuf(#[source] prost::DecodeError),
    /// It may pass for protobuf, but nothing in it is a trace.
    #[error("read as OTLP protobuf, for it does not begin with `{{`, and found no spans")]
    OtherProtobuf,
    /// There are spans, and none of them can be told apart.
    #[error(
        "OTLP, but the ids of all {0} spans are invalid: a trace id has 32 hex digits, a span id \
         16, and zeros only do not count"
    )]
    InvalidIds(usize),
}

/// Reads a saved file: OTLP/JSON, also several documents one after the other, OTLP protobuf, or
/// what Tempo answers in either form. Spans of one trace belong together wherever they stand; a
/// trace that a link ties to another is attached to it and stands in the list, too. The order is
/// that of the first appearance.
///
/// # Errors
/// When the bytes are nothing of that kind. OTLP without spans is no error.
pub fn read(bytes: &[u8]) -> Result<Vec<Trace>, ReadError> {
    let (spans, invalid) = decode::spans(messages(bytes)?);
    if spans.is_empty() && invalid > 0 {
        return Err(ReadError::InvalidIds(invalid));
    }
    Ok(tie(assemble(spans)))
}

fn messages(bytes: &[u8]) -> Result<TracesData, ReadError> {
    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    match bytes.trim_ascii_start() {
        [] => Err(ReadError::Empty),
        // Protobuf may begin with a line feed, too: the key of the first field.
        [b'{' | b'[', ..] => from_json(bytes).or_else(|error| match bytes {
            [b'\n', ..] => from_protobuf(bytes).map_err(|_| error),
            _ => Err(error),
        }),
        _ => from_protobuf(bytes),
    }
}

/// A JSON document: an export request, or a trace in one of Tempo's envelopes.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    #[serde(default, deserialize_with = "present")]
    resource_spans: Option<Vec<ResourceSpans>>,
    #[serde(default, deserialize_with = "present")]
    batches: Option<Vec<ResourceSpans>>,
    #[serde(default, deserialize_with = "present")]
    trace: Option<TempoTrace>,
    #[serde(default, deserialize_with = "present")]
    resource_logs: Option<serde::de::IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    resource_metrics: Option<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TempoTrace {
    #[serde(alias = "batches", deserialize_with = "json::nullable")]
    resource_spans: Vec<ResourceSpans>,
}

/// Tells a key that is there, if only with `null`, from one that is not.
fn present<'de, D, T>(json: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    nullable(json).map(Some)
}

impl Envelope {
    /// Files with logs and metrics between the traces are known, though nothing is taken of them.
    fn is_otlp(&self) -> bool {
        let traces = self.resource_spans.is_some() || self.batches.is_some();
        let others = self.resource_logs.is_some() || self.resource_metrics.is_some();
        traces || others || self.trace.is_some()
    }

    fn into_resource_spans(self) -> impl Iterator<Item = ResourceSpans> {
        let trace = self.trace.map(|trace| trace.resource_spans);
        [self.resource_spans, self.batches, trace]
            .into_iter()
            .flatten()
            .flatten()
    }
}

fn from_json(bytes: &[u8]) -> Result<TracesData, ReadError> {
    let mut resource_spans = Vec::new();
    let mut known = false;
    for document in serde_json::Deserializer::from_slice(bytes).into_iter::<Envelope>() {
        let document = document.map_err(ReadError::Json)?;
        known |= document.is_otlp();
        resource_spans.extend(document.into_resource_spans());
    }
    if !known {
        return Err(ReadError::OtherJson);
    }
    Ok(TracesData { resource_spans })
}

/// `TracesData` itself, or one level down, as Tempo's second API wraps it. Whoever reads the one
/// as the other finds no spans.
fn from_protobuf(bytes: &[u8]) -> Result<TracesData, ReadError> {
    #[derive(Clone, PartialEq, Message)]
    struct Wrapped {
        #[prost(message, optional, tag = "1")]
        trace: Option<TracesData>,
    }
    let bare = TracesData::decode(bytes);
    if bare.as_ref().is_ok_and(holds_spans) {
        return bare.map_err(ReadError::Protobuf);
    }
    let wrapped = Wrapped::decode(bytes).ok().and_then(|found| found.trace);
    if let Some(traces) = wrapped.filter(holds_spans) {
        return Ok(traces);
    }
    match bare {
        Ok(traces) if traces.resource_spans.is_empty() => Err(ReadError::OtherProtobuf),
        Ok(traces) => Ok(traces),
        Err(error) => Err(ReadError::Protobuf(error)),
    }
}

fn holds_spans(traces: &TracesData) -> bool {
    let mut scopes = traces.resource_spans.iter().flat_map(|of| &of.scope_spans);
    scopes.any(|scope| !scope.spans.is_empty())
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

/// Attaches to each trace those that a link ties to it, in either direction.
fn tie(traces: Vec<Trace>) -> Vec<Trace> {
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
