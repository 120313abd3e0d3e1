//! Spans of Datadog as ours.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;

use crate::source::backend::json::JsonValue;
use crate::trace::{Nanos, Resource, Span, SpanId, SpanKind, StatusCode, TraceId, Value};

/// A span of an answer.
#[derive(Deserialize)]
pub(super) struct FoundSpan {
    trace_id: String,
    span_id: String,
    #[serde(default)]
    parent_id: Option<String>,
    #[serde(default)]
    service: Option<String>,
    #[serde(default)]
    resource_name: String,
    start_timestamp: String,
    end_timestamp: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    pub(super) single_span: bool,
    #[serde(default)]
    custom: JsonValue,
}

/// The form of the ids of spans in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdForm {
    Decimal,
    Hex,
}

/// A span that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("a span has the invalid {what} `{text}`")]
pub(super) struct NoSpan {
    what: &'static str,
    text: String,
}

impl IdForm {
    /// Decimal, unless an id has letters or leading zeros.
    pub(super) fn of(spans: &[FoundSpan]) -> Self {
        let is_hex = |text: &str| {
            let is_padded = text.len() == 16 && text.starts_with('0');
            is_padded || text.bytes().any(|byte| byte.is_ascii_alphabetic())
        };
        let parents = spans.iter().filter_map(|span| span.parent_id.as_deref());
        let mut all = spans
            .iter()
            .map(|span| span.span_id.as_str())
            .chain(parents);
        match all.any(is_hex) {
            true => Self::Hex,
            false => Self::Decimal,
        }
    }

    /// The id; none for 0.
    fn read(self, what: &'static str, text: &str) -> Result<Option<SpanId>, NoSpan> {
        let number = match self {
            Self::Decimal => text.parse().ok(),
            Self::Hex => u64::from_str_radix(text, 16).ok(),
        };
        let number: u64 = number.ok_or_else(|| invalid(what, text))?;
        Ok(SpanId::from_bytes(number.to_be_bytes()))
    }
}

/// The low half of a trace id in decimal, under which Datadog keeps it, too.
pub(super) fn low(trace: TraceId) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = *trace.as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The traces of spans, each once. A trace of which only the low half is known cannot be read by its id.
pub(super) fn traces(spans: &[FoundSpan]) -> Vec<TraceId> {
    let mut all: Vec<TraceId> = Vec::new();
    for span in spans {
        let low = span.trace_id.parse::<u64>().ok();
        let low = low.filter(|_| span.trace_id.len() != 32);
        let id = match low {
            Some(low) => TraceId::from_bytes(u128::from(low).to_be_bytes()),
            None => format!("{:0>32}", span.trace_id).parse().ok(),
        };
        all.extend(id.filter(|id| !all.contains(id)));
    }
    all
}

impl FoundSpan {
    /// Returns `true` if it can be a span of this trace: it has its id, or the low half.
    pub(super) fn is_of(&self, trace: TraceId) -> bool {
        let whole = trace.to_string();
        let text = self.trace_id.to_ascii_lowercase();
        match text.len() {
            32 => text == whole,
            _ => text == low(trace).to_string() || format!("{text:0>16}") == whole[16..],
        }
    }

    pub(super) fn into_span(self, trace: TraceId, form: IdForm) -> Result<Span, NoSpan> {
        let id = form.read("id", &self.span_id)?;
        let id = id.ok_or_else(|| invalid("id", &self.span_id))?;
        let mut span = Span::new(trace, id, self.resource_name);
        let parent = self.parent_id.as_deref().filter(|id| !id.is_empty());
        span.parent_id = match parent {
            Some(parent) => form.read("parent id", parent)?,
            None => None,
        };
        span.start = time("start", &self.start_timestamp)?;
        // Times are cut to milliseconds, but durations are not.
        span.end = match self.custom.0.get("duration").and_then(whole) {
            Some(duration) => span.start.saturating_add(duration),
            None => time("end", &self.end_timestamp)?,
        };
        let kind = self.custom.0.get("span").and_then(|span| span.get("kind"));
        let kind = kind.and_then(Value::as_str).unwrap_or_default();
        let mut kinds = SpanKind::ALL.into_iter();
        span.kind = kinds
            .find(|one| one.as_str().eq_ignore_ascii_case(kind))
            .unwrap_or_default();
        let is_error =
            self.status.as_deref() == Some("error") || self.custom.0.get("error").is_some();
        if is_error {
            span.status.code = StatusCode::Error;
        }
        let mut attributes = Vec::new();
        for (key, value) in self.custom.into_entries() {
            flatten(key, value, &mut attributes);
        }
        span.attributes = attributes.into_iter().collect();
        let service = self.service.map(|name| ("service.name", name));
        span.resource = Arc::new(Resource {
            attributes: service.into_iter().collect(),
        });
        Ok(span)
    }
}

fn flatten(key: String, value: Value, all: &mut Vec<(String, Value)>) {
    match value {
        Value::Map(entries) => {
            for (name, value) in entries {
                flatten(format!("{key}.{name}"), value, all);
            }
        }
        value => all.push((key, value)),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "nanoseconds from 0"
)]
fn whole(value: &Value) -> Option<Nanos> {
    match value {
        Value::Int(int) => Nanos::try_from(*int).ok(),
        Value::Double(double) if *double >= 0.0 => Some(double.round() as Nanos),
        _ => None,
    }
}

fn time(what: &'static str, text: &str) -> Result<Nanos, NoSpan> {
    let time: Option<Timestamp> = text.parse().ok();
    let nanos = time.and_then(|time| Nanos::try_from(time.as_nanosecond()).ok());
    nanos.ok_or_else(|| invalid(what, text))
}

fn invalid(what: &'static str, text: &str) -> NoSpan {
    NoSpan {
        what,
        text: text.chars().take(40).collect(),
    }
}
