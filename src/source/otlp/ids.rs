//! Reads and checks the ids of a span.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::trace::{Hole, Sender, SpanId, TraceId};

/// An invalid id of a span.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, thiserror::Error)]
#[error("{field} {found}, expected {} bytes ({} hex digits)", .field.bytes(), 2 * .field.bytes())]
pub struct WrongId {
    /// The first invalid id.
    pub field: IdField,
    /// The value.
    pub found: FoundId,
}

/// One of the three ids of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum IdField {
    /// `trace_id`.
    Trace,
    /// `span_id`.
    Span,
    /// `parent_span_id`.
    Parent,
}

/// The value of an invalid id.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum FoundId {
    /// Nothing.
    Nothing,
    /// Zeros only.
    Zeros,
    /// This number of bytes.
    Bytes(usize),
    /// In OTLP/JSON, this text.
    Text(String),
}

impl WrongId {
    /// The hole that a span with this name leaves when it is rejected.
    pub(crate) fn hole(&self, name: &[u8], sender: Sender) -> Hole {
        let name = String::from_utf8_lossy(name);
        Hole {
            reason: format!("the span `{name}` was rejected: its {self}"),
            sender,
            remedy: self.remedy().to_owned(),
        }
    }

    fn remedy(&self) -> &'static str {
        let is_half = match &self.found {
            FoundId::Bytes(8) => true,
            FoundId::Text(text) => text.len() == 16,
            _ => false,
        };
        match self.field {
            IdField::Trace if is_half => {
                "a tracer or a proxy cuts trace ids to 64 bits: turn on 128-bit ids in it, and use the header `traceparent` (OTEL_PROPAGATORS=tracecontext,baggage)"
            }
            _ => {
                "let the tracer make ids as OpenTelemetry does: 16 bytes for a trace, 8 for a span, not all of them zero"
            }
        }
    }
}

impl IdField {
    fn bytes(self) -> usize {
        match self {
            Self::Trace => 16,
            Self::Span | Self::Parent => 8,
        }
    }

    fn wrong(self, found: &[u8]) -> WrongId {
        let found = match found {
            [] => FoundId::Nothing,
            bytes if bytes.iter().all(|&byte| byte == 0) => FoundId::Zeros,
            bytes => match marked(bytes) {
                Some(text) => FoundId::Text(text.to_owned()),
                None => FoundId::Bytes(bytes.len()),
            },
        };
        WrongId { field: self, found }
    }
}

impl fmt::Display for IdField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Trace => "trace id",
            Self::Span => "span id",
            Self::Parent => "parent span id",
        })
    }
}

impl fmt::Display for FoundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("is missing"),
            Self::Zeros => f.write_str("has only zeros"),
            Self::Bytes(1) => f.write_str("has 1 byte"),
            Self::Text(text) => write!(f, "is `{text}`"),
            Self::Bytes(bytes) => write!(f, "has {bytes} bytes"),
        }
    }
}

/// The first byte of a substitute. UTF-8 never has this byte.
const MARK: u8 = 0xff;

/// A substitute for a text of OTLP/JSON that is not an id of `N` bytes. It does not have `N` bytes,
/// so it is rejected when the protobuf is read, and contains the text for the message.
pub(super) fn mark<const N: usize>(text: &str) -> Bytes {
    const MOST: usize = 64;
    let shown: String = text.chars().take(MOST).collect();
    let mut marked = [&[MARK], shown.as_bytes()].concat();
    if marked.len() == N {
        marked.insert(0, MARK);
    }
    marked.into()
}

fn marked(bytes: &[u8]) -> Option<&str> {
    let text = bytes.strip_prefix(&[MARK])?;
    let text = str::from_utf8(text.strip_prefix(&[MARK]).unwrap_or(text)).ok()?;
    (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
}

/// The ids of a span.
pub(super) struct SpanIds {
    pub(super) trace: TraceId,
    pub(super) span: SpanId,
    pub(super) parent: Option<SpanId>,
}

impl SpanIds {
    /// Reads the ids of a `Span` message. An empty parent id, or one of zeros, means no parent.
    pub(super) fn read(trace: &[u8], span: &[u8], parent: &[u8]) -> Result<Self, WrongId> {
        Ok(Self {
            trace: TraceId::from_slice(trace).ok_or_else(|| IdField::Trace.wrong(trace))?,
            span: SpanId::from_slice(span).ok_or_else(|| IdField::Span.wrong(span))?,
            parent: match parent.len() {
                0 => None,
                8 => SpanId::from_slice(parent),
                _ => return Err(IdField::Parent.wrong(parent)),
            },
        })
    }
}

/// The hole that a log record with an id of a wrong length leaves: it may belong to any trace, or to any span
/// of its trace.
pub(crate) fn wrong_log_id(has_trace: bool) -> Hole {
    let (id, bytes) = match has_trace {
        true => ("span id", 8),
        false => ("trace id", 16),
    };
    Hole {
        reason: format!(
            "the {id} of a log record does not have {bytes} bytes ({} hex digits)",
            2 * bytes
        ),
        sender: Sender::default(),
        remedy: "let the logging bridge send the ids of the current span, or none".to_owned(),
    }
}
