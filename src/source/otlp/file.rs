//! Reads the messages of a saved file: compression, framing, JSON or protobuf.

use std::borrow::Cow;
use std::io::{self, Read as _};

use prost::Message;
use serde::de::{MapAccess, SeqAccess};

use super::error::ReadError;
use super::json::{Object, Read, has_span, ignore, objects};
use super::message::{LogRecordMessage, LogsData, ResourceLogs, ResourceSpans, TracesData};
use super::metric_message::{MetricData, MetricsData, ResourceMetrics};
#[cfg(feature = "run")]
use super::{json::camel_case, metric_wire, resend::ResendError};

/// Maximum size after decompression.
const MOST_BYTES: u64 = 512 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Number of unread keys that a message names.
const MOST_UNREAD: usize = 5;

/// The content of a file.
#[derive(Default)]
pub(super) struct Content {
    /// All messages as one.
    pub(super) traces: TracesData,
    pub(super) logs: LogsData,
    pub(super) metrics: MetricsData,
    /// The first unknown keys of JSON documents that may have spans.
    pub(super) unread: Vec<String>,
}

/// Reads a file.
pub(super) fn content(file: &[u8]) -> Result<Content, ReadError> {
    let mut all = Content::default();
    for message in messages(file)? {
        let Content {
            traces,
            logs,
            metrics,
            unread,
        } = document(&message)?;
        all.traces.resource_spans.extend(traces.resource_spans);
        all.logs.resource_logs.extend(logs.resource_logs);
        all.metrics
            .resource_metrics
            .extend(metrics.resource_metrics);
        all.unread.extend(unread);
    }
    all.unread.truncate(MOST_UNREAD);
    Ok(all)
}

/// The messages of a file, decompressed.
fn messages(file: &[u8]) -> Result<Vec<Cow<'_, [u8]>>, ReadError> {
    let mut budget = MOST_BYTES;
    let file = decompressed_within(file, &mut budget)?;
    let Some(frames) = frames(&file)? else {
        return Ok(vec![file]);
    };
    let messages = frames.into_iter().map(|frame| {
        let message = decompressed_within(frame, &mut budget)?;
        Ok(Cow::Owned(message.into_owned()))
    });
    messages.collect()
}

/// The export requests of metrics in a file, with all their fields, in protobuf.
///
/// # Errors
/// As of [`content`]; also if a part of the JSON cannot be written as protobuf.
#[cfg(feature = "run")]
pub(super) fn metric_requests(file: &[u8]) -> Result<Vec<Vec<u8>>, ResendError> {
    // Refuses repeated keys, of which only one would be read below.
    content(file)?;
    let mut requests = Vec::new();
    for message in messages(file)? {
        let bytes = message.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&message);
        match from_protobuf(bytes) {
            Ok(of) if !of.metrics.resource_metrics.is_empty() => requests.push(bytes.to_vec()),
            _ if bytes.trim_ascii_start().starts_with(b"{")
                || bytes.trim_ascii_start().starts_with(b"[") =>
            {
                requests.extend(metric_requests_of_json(bytes)?);
            }
            _ => {}
        }
    }
    Ok(requests)
}

#[cfg(feature = "run")]
fn metric_requests_of_json(bytes: &[u8]) -> Result<Vec<Vec<u8>>, ResendError> {
    let text = String::from_utf8_lossy(bytes);
    let mut requests = Vec::new();
    for document in serde_json::Deserializer::from_str(&text).into_iter() {
        let document: serde_json::Value = document.map_err(ReadError::Json)?;
        let items = match document {
            serde_json::Value::Array(items) => items,
            other => vec![other],
        };
        for item in items {
            let serde_json::Value::Object(mut item) = item else {
                continue;
            };
            // A document can have several signals.
            item.retain(|key, _| camel_case(key) == "resourceMetrics");
            if !item.is_empty() {
                requests.push(metric_wire::from_json(&item)?);
            }
        }
    }
    Ok(requests)
}

/// Decompresses bytes if they are compressed.
#[cfg(feature = "run")]
pub(crate) fn decompressed(bytes: &[u8]) -> Result<Cow<'_, [u8]>, ReadError> {
    let mut budget = MOST_BYTES;
    decompressed_within(bytes, &mut budget)
}

/// The same. The result is subtracted from the budget.
fn decompressed_within<'a>(bytes: &'a [u8], budget: &mut u64) -> Result<Cow<'a, [u8]>, ReadError> {
    match bytes {
        [0x1f, 0x8b, ..] => {
            let decoder = flate2::read::MultiGzDecoder::new(bytes);
            inflate(decoder, "gzip", budget).map(Cow::Owned)
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => unzstd(bytes, budget).map(Cow::Owned),
        _ => Ok(Cow::Borrowed(bytes)),
    }
}

#[cfg(feature = "zstd")]
fn unzstd(bytes: &[u8], budget: &mut u64) -> Result<Vec<u8>, ReadError> {
    let failed = |error| ReadError::Compressed("zstd", error);
    let decoder = zstd::Decoder::with_buffer(bytes).map_err(failed)?;
    inflate(decoder, "zstd", budget)
}

#[cfg(not(feature = "zstd"))]
fn unzstd(_: &[u8], _: &mut u64) -> Result<Vec<u8>, ReadError> {
    let missing = io::Error::other("the feature `zstd` of spanspec is off");
    Err(ReadError::Compressed("zstd", missing))
}

fn inflate(
    decoder: impl io::Read,
    format: &'static str,
    budget: &mut u64,
) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let read = decoder.take(*budget + 1).read_to_end(&mut bytes);
    read.map_err(|error| ReadError::Compressed(format, error))?;
    *budget = budget
        .checked_sub(bytes.len() as u64)
        .ok_or(ReadError::TooLarge(MOST_BYTES))?;
    Ok(bytes)
}

/// The messages of a file with a four-byte length before each message, as the Collector's file
/// exporter writes protobuf and compressed data. `None` for another file.
///
/// Neither JSON nor protobuf begins with a zero, the first byte of every length below 16 MiB.
fn frames(file: &[u8]) -> Result<Option<Vec<&[u8]>>, ReadError> {
    let (mut frames, mut rest) = (Vec::new(), file);
    while !rest.is_empty() {
        let frame = rest.split_first_chunk().and_then(|(length, rest)| {
            let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
            rest.split_at_checked(length)
        });
        match frame {
            Some((frame, after)) => {
                frames.push(frame);
                rest = after;
            }
            None if file.starts_with(&[0]) => return Err(ReadError::CutOff),
            None => return Ok(None),
        }
    }
    Ok(Some(frames).filter(|frames| !frames.is_empty()))
}

/// The part of a file that ends with a whole line or message, if the file ends within one.
#[cfg(feature = "run")]
pub(crate) fn whole_part(file: &[u8]) -> &[u8] {
    if file.starts_with(&[0]) {
        let mut rest = file;
        while let Some((length, after)) = rest.split_first_chunk()
            && let Ok(length) = usize::try_from(u32::from_be_bytes(*length))
            && let Some(after) = after.get(length..)
        {
            rest = after;
        }
        return &file[..file.len() - rest.len()];
    }
    let end = file.iter().rposition(|&byte| byte == b'\n');
    &file[..end.unwrap_or_default()]
}

/// A protobuf document, or a sequence of JSON documents.
fn document(bytes: &[u8]) -> Result<Content, ReadError> {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    match bytes.trim_ascii_start() {
        [] => Err(ReadError::Empty),
        // Protobuf may also begin with a line feed: the key of the first field.
        [b'{' | b'[', ..] => from_json(bytes).or_else(|error| match bytes {
            [b'\n', ..] => from_protobuf(bytes).map_err(|_| error),
            _ => Err(error),
        }),
        _ => from_protobuf(bytes),
    }
}

/// A JSON document: an export request, a trace in an envelope, or an array of these.
#[derive(Default)]
struct Envelope {
    is_otlp: bool,
    resource_spans: Vec<ResourceSpans>,
    resource_logs: Vec<ResourceLogs>,
    resource_metrics: Vec<ResourceMetrics>,
    /// The fields of an item of `resourceSpans` that stands alone.
    alone: ResourceSpans,
    /// Unknown keys that have spans, and those of a document without any known key.
    unread: Vec<String>,
    /// The other unknown keys.
    ignored: Vec<String>,
}

impl Object for Envelope {
    const NAME: &'static str = "an export request";
    const FIELDS: &'static [&'static str] = &[
        "resourceSpans",
        "batches",
        "trace",
        "result",
        "scopeSpans",
        "instrumentationLibrarySpans",
        "resource",
        "resourceLogs",
        "resourceMetrics",
        "resourceProfiles",
    ];

    fn field<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "resourceSpans" | "batches" => self.resource_spans.extend(objects(map)?),
            // Tempo's API v2 and Jaeger's API v3.
            "trace" | "result" => {
                let inner: Option<Read<Self>> = map.next_value()?;
                let inner = inner.map(|Read(inner)| inner).unwrap_or_default();
                self.add(inner);
            }
            "scopeSpans" | "instrumentationLibrarySpans" | "resource" => {
                self.alone.field(key, map)?;
                self.is_otlp |= key != "resource";
                return Ok(());
            }
            "resourceLogs" => self.resource_logs.extend(objects(map)?),
            "resourceMetrics" => self.resource_metrics.extend(objects(map)?),
            // Profiles may stand between the traces of a file.
            _ => ignore(map)?,
        }
        self.is_otlp = true;
        Ok(())
    }

    fn other<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        let keys = match has_span(key, map)? {
            true => &mut self.unread,
            false => &mut self.ignored,
        };
        if keys.len() < MOST_UNREAD {
            keys.push(key.to_owned());
        }
        Ok(())
    }

    fn check<E: serde::de::Error>(&mut self) -> Result<(), E> {
        let ignored = std::mem::take(&mut self.ignored);
        if !self.is_otlp {
            self.unread.extend(ignored);
        }
        Ok(())
    }

    fn array<'de, S: SeqAccess<'de>>(mut items: S) -> Result<Self, S::Error> {
        let mut all = Self::default();
        while let Some(Read(item)) = items.next_element::<Read<Self>>()? {
            all.add(item);
        }
        Ok(all)
    }
}

impl Envelope {
    /// Adds the content of another document.
    fn add(&mut self, mut other: Self) {
        self.is_otlp |= other.is_otlp;
        let room = MOST_UNREAD.saturating_sub(self.unread.len());
        self.unread.extend(other.unread.iter().take(room).cloned());
        self.resource_logs.append(&mut other.resource_logs);
        self.resource_metrics.append(&mut other.resource_metrics);
        self.resource_spans.extend(other.into_resource_spans());
    }

    fn into_resource_spans(self) -> impl Iterator<Item = ResourceSpans> {
        let alone = self.alone;
        let is_empty =
            alone.scope_spans.is_empty() && alone.instrumentation_library_spans.is_empty();
        let alone = (!is_empty).then_some(alone);
        self.resource_spans.into_iter().chain(alone)
    }
}

fn from_json(bytes: &[u8]) -> Result<Content, ReadError> {
    let text = String::from_utf8_lossy(bytes);
    let mut all = Envelope::default();
    for document in serde_json::Deserializer::from_str(&text).into_iter::<Read<Envelope>>() {
        let Read(document) = document.map_err(ReadError::Json)?;
        all.add(document);
    }
    if !all.is_otlp {
        return Err(ReadError::OtherJson);
    }
    Ok(Content {
        traces: TracesData {
            resource_spans: all.resource_spans,
        },
        logs: LogsData {
            resource_logs: all.resource_logs,
        },
        metrics: MetricsData {
            resource_metrics: all.resource_metrics,
        },
        unread: all.unread,
    })
}

/// Reads the message of one signal. The first fields of spans are bytes, those of log records are numbers, and
/// the times of metrics have other places, so that a message cannot be read as that of another signal.
fn from_protobuf(bytes: &[u8]) -> Result<Content, ReadError> {
    match (LogsData::decode(bytes), MetricsData::decode(bytes)) {
        (Ok(logs), _) if holds_records(&logs) => Ok(Content {
            logs,
            ..Content::default()
        }),
        (_, Ok(metrics)) if holds_points(&metrics) => Ok(Content {
            metrics,
            ..Content::default()
        }),
        _ => traces_from_protobuf(bytes),
    }
}

/// Reads `TracesData`, or a message with `TracesData` in its first field, as in version 2 of Tempo's
/// API. Each of them has no spans if it is read as the other.
fn traces_from_protobuf(bytes: &[u8]) -> Result<Content, ReadError> {
    #[derive(Clone, PartialEq, Message)]
    struct Wrapped {
        #[prost(message, optional, tag = "1")]
        trace: Option<TracesData>,
    }
    let bare = TracesData::decode(bytes);
    let wrapped = || Wrapped::decode(bytes).ok().and_then(|found| found.trace);
    let traces = match bare {
        Ok(traces) if holds_spans(&traces) => traces,
        bare => match wrapped().filter(holds_spans) {
            Some(traces) => traces,
            None => bare.map_err(ReadError::Protobuf)?,
        },
    };
    if traces.resource_spans.is_empty() {
        return Err(ReadError::OtherProtobuf);
    }
    Ok(Content {
        traces,
        ..Content::default()
    })
}

fn holds_records(logs: &LogsData) -> bool {
    let scopes = logs.resource_logs.iter().flat_map(|of| &of.scope_logs);
    let mut records = scopes.flat_map(|of| &of.log_records);
    records.any(|record| *record != LogRecordMessage::default())
}

/// Returns `true` if a metric has a point with a time.
fn holds_points(metrics: &MetricsData) -> bool {
    let scopes = metrics.resource_metrics.iter();
    let mut metrics = scopes.flat_map(|of| of.scope_metrics.iter().flat_map(|of| &of.metrics));
    metrics.any(|metric| metric.data.as_ref().is_some_and(MetricData::has_time))
}

fn holds_spans(traces: &TracesData) -> bool {
    let mut scopes = traces.resource_spans.iter().flat_map(|of| {
        let old = &of.instrumentation_library_spans;
        of.scope_spans.iter().chain(old)
    });
    scopes.any(|scope| !scope.spans.is_empty())
}

#[cfg(test)]
mod tests;
