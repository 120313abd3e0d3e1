//! Reads the messages of a saved file: compression, framing, JSON or protobuf.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read as _};

use bytes::Bytes;
use prost::Message;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::error::ReadError;
use super::json::{
    FieldValue, How, InvalidAttributes, Key, KeyOf, Nullable, Output, Seen, UnknownFields, has_span,
};
use super::message::{LogRecordMessage, LogsData, TracesData};
use super::metric_message::{MetricData, MetricsData};
#[cfg(feature = "run")]
use super::resend::ResendError;
use super::shape::ShapeField;
use super::shape::document::DOCUMENT;

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
    // So that an error in another part is named as for traces.
    content(file)?;
    let mut requests = Vec::new();
    for message in messages(file)? {
        let bytes = message.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&message);
        match from_protobuf(bytes) {
            Ok(of) if !of.metrics.resource_metrics.is_empty() => requests.push(bytes.to_vec()),
            _ if bytes.trim_ascii_start().starts_with(b"{")
                || bytes.trim_ascii_start().starts_with(b"[") =>
            {
                let json = Documents::read(bytes, UnknownFields::Refused);
                requests.extend(json.map_err(ResendError::Unwritable)?.metrics);
            }
            _ => {}
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

/// The telemetry of JSON documents, in protobuf.
struct Documents {
    /// The fields of a `TracesData`.
    traces: Output,
    /// The fields of a `LogsData`.
    logs: Output,
    /// Each export request.
    metrics: Vec<Vec<u8>>,
    /// A document is OTLP.
    is_otlp: bool,
    /// The first unknown keys that have spans, and those of documents without any known key.
    unread: Vec<String>,
    /// Of metrics.
    unknown_fields: UnknownFields,
}

impl Documents {
    fn read(bytes: &[u8], unknown_fields: UnknownFields) -> Result<Self, serde_json::Error> {
        let text = String::from_utf8_lossy(bytes);
        let mut all = Self {
            traces: Output::new(How::of_file(), 0),
            logs: Output::new(How::of_file(), 0),
            metrics: Vec::new(),
            is_otlp: false,
            unread: Vec::new(),
            unknown_fields,
        };
        let mut json = serde_json::Deserializer::from_str(&text);
        loop {
            Document(&mut all).deserialize(&mut json)?;
            // Only white space may be left.
            if json.end().is_ok() {
                return Ok(all);
            }
        }
    }

    /// Reads the metrics of a document.
    fn read_metrics<'de, M: MapAccess<'de>>(
        &mut self,
        field: &'static ShapeField,
        map: &mut M,
    ) -> Result<(), M::Error> {
        let (attributes, unknown_fields) = match self.unknown_fields {
            UnknownFields::Ignored => (InvalidAttributes::Dropped, UnknownFields::Ignored),
            UnknownFields::Refused => (InvalidAttributes::FailRequest, UnknownFields::Refused),
        };
        let how = How {
            attributes,
            unknown_fields,
            ..How::of_file()
        };
        let mut request = Output::new(how, 0);
        map.next_value_seed(FieldValue::of(field, &mut request))?;
        self.metrics.push(request.bytes);
        Ok(())
    }
}

/// An export request, a trace in an envelope, or an array of these.
struct Document<'a>(&'a mut Documents);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as an object", DOCUMENT.name)
    }
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let (mut seen, mut of_it) = (Seen::default(), OfDocument::new());
        while let Some(key) = map.next_key_seed(KeyOf::new(&DOCUMENT, 0))? {
            match key {
                Key::Other(key) => of_it.other(&key, &mut map)?,
                Key::Field(at) => {
                    let field = &DOCUMENT.fields[at];
                    seen.add(at, field.name, DOCUMENT.name)?;
                    of_it.field(field, &mut map, self.0)?;
                }
            }
        }
        of_it.finish(self.0);
        Ok(())
    }
    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<(), S::Error> {
        while let Some(()) = items.next_element_seed(Document(self.0))? {}
        Ok(())
    }
}

/// The parts of one document that are not in [`Documents`] yet.
struct OfDocument {
    is_otlp: bool,
    /// The fields of an item of `resourceSpans` that stands alone.
    alone: Output,
    has_scopes: bool,
    /// The first unknown keys that have spans.
    unread: Vec<String>,
    /// The first other unknown keys.
    ignored: Vec<String>,
}

impl OfDocument {
    fn new() -> Self {
        Self {
            is_otlp: false,
            alone: Output::new(How::of_file(), 0),
            has_scopes: false,
            unread: Vec::new(),
            ignored: Vec::new(),
        }
    }

    /// Reads the value of a known key.
    fn field<'de, M: MapAccess<'de>>(
        &mut self,
        field: &'static ShapeField,
        map: &mut M,
        all: &mut Documents,
    ) -> Result<(), M::Error> {
        self.is_otlp |= field.name != "resource";
        let output = match field.name {
            "trace" | "result" => return map.next_value_seed(Nullable(Document(all))),
            "resourceMetrics" => return all.read_metrics(field, map),
            "resource" => &mut self.alone,
            "scopeSpans" | "instrumentationLibrarySpans" => {
                self.has_scopes = true;
                &mut self.alone
            }
            "resourceLogs" => &mut all.logs,
            _ => &mut all.traces,
        };
        map.next_value_seed(FieldValue::of(field, output))
    }

    /// Skips the value of an unknown key.
    fn other<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        let has_span = has_span(key, map)?;
        let keys = match (has_span, key) {
            // Profiles may stand between the traces of a file.
            (_, "resourceProfiles") => {
                self.is_otlp = true;
                return Ok(());
            }
            (true, _) => &mut self.unread,
            (false, _) => &mut self.ignored,
        };
        if keys.len() < MOST_UNREAD {
            keys.push(key.to_owned());
        }
        Ok(())
    }

    /// Adds it to the other documents.
    fn finish(mut self, all: &mut Documents) {
        if self.has_scopes {
            all.traces.text(1, &self.alone.bytes);
        }
        if !self.is_otlp {
            self.unread.append(&mut self.ignored);
        }
        all.is_otlp |= self.is_otlp;
        let room = MOST_UNREAD.saturating_sub(all.unread.len());
        all.unread.extend(self.unread.into_iter().take(room));
    }
}

fn from_json(bytes: &[u8]) -> Result<Content, ReadError> {
    let all = Documents::read(bytes, UnknownFields::Ignored).map_err(ReadError::Json)?;
    if !all.is_otlp {
        return Err(ReadError::OtherJson);
    }
    let mut metrics = MetricsData::default();
    for request in all.metrics {
        let request = MetricsData::decode(Bytes::from(request)).map_err(ReadError::Protobuf)?;
        metrics.resource_metrics.extend(request.resource_metrics);
    }
    let (traces, logs) = (Bytes::from(all.traces.bytes), Bytes::from(all.logs.bytes));
    Ok(Content {
        traces: TracesData::decode(traces).map_err(ReadError::Protobuf)?,
        logs: LogsData::decode(logs).map_err(ReadError::Protobuf)?,
        metrics,
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
