//! Reads spans of Jaeger's model, which is older than OTLP: the JSON of its old API and of its user
//! interface, and the documents of its index in Elasticsearch.
//!
//! The model has no kind, status, scope, events and trace state. Their values are in tags with fixed keys,
//! as the OpenTelemetry Collector and Jaeger write them.

use std::collections::HashMap;
use std::sync::Arc;

use base64::Engine;
use serde::Deserialize;

use crate::trace::{
    Attributes, Event, Field, Hole, Link, Losses, Resource, Scope, Sender, Span, SpanId, SpanKind,
    Status, StatusCode, TraceId, Value,
};

/// The fields that spans lose in this model.
pub(crate) const LOSSES: &[Field] = &[
    Field::Nanoseconds,
    Field::Links,
    Field::TraceContext,
    Field::TagFields,
    Field::Structures,
];

/// The service of a resource without `service.name`.
const NO_SERVICE: &str = "OTLPResourceNoServiceName";

/// Spans of Jaeger's model.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct JaegerSpans {
    pub(crate) spans: Vec<Span>,
    /// Spans that cannot be read.
    pub(crate) holes: Vec<Hole>,
    pub(crate) losses: Losses,
}

/// A span of Jaeger's model, as JSON.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct JaegerSpan {
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
    #[serde(default, rename = "parentSpanID")]
    parent_id: Option<String>,
    #[serde(default)]
    operation_name: String,
    #[serde(default)]
    references: Option<Vec<Reference>>,
    /// Microseconds.
    start_time: u64,
    #[serde(default)]
    duration: u64,
    #[serde(default)]
    tags: Option<Vec<Tag>>,
    /// The tags that Elasticsearch keeps as fields, with `@` for dots.
    #[serde(default)]
    tag: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(default)]
    logs: Option<Vec<Log>>,
    #[serde(default, rename = "processID")]
    process_id: Option<String>,
    #[serde(default)]
    process: Option<Process>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reference {
    ref_type: String,
    #[serde(rename = "traceID")]
    trace_id: String,
    #[serde(rename = "spanID")]
    span_id: String,
}

#[derive(Debug, Deserialize)]
struct Tag {
    key: String,
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    value: serde_json::Value,
}

#[derive(Debug, Deserialize)]
struct Log {
    /// Microseconds.
    timestamp: u64,
    #[serde(default)]
    fields: Option<Vec<Tag>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Process {
    #[serde(default)]
    service_name: String,
    #[serde(default)]
    tags: Option<Vec<Tag>>,
    #[serde(default)]
    tag: Option<serde_json::Map<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    data: Option<Vec<TraceJson>>,
}

#[derive(Deserialize)]
struct TraceJson {
    #[serde(default)]
    spans: Vec<JaegerSpan>,
    #[serde(default)]
    processes: HashMap<String, Process>,
}

/// The form of bytes in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Base64,
    Hex,
}

/// The spans of an answer of Jaeger's old API: `{"data": [{"traceID": …, "spans": […], "processes": …}]}`.
///
/// # Errors
/// It is not such an answer.
pub(crate) fn spans(json: &[u8]) -> serde_json::Result<JaegerSpans> {
    let answer: Answer = serde_json::from_slice(json)?;
    let mut all = JaegerSpans::default();
    for trace in answer.data.into_iter().flatten() {
        let resources: HashMap<&str, Arc<Resource>> = trace
            .processes
            .iter()
            .map(|(id, process)| (id.as_str(), Arc::new(resource(process, Binary::Base64))))
            .collect();
        for span in trace.spans {
            let of = span.process_id.as_deref().and_then(|id| resources.get(id));
            let of = of.cloned();
            all.add(span, of, Binary::Base64);
        }
    }
    Ok(all)
}

/// Returns `true` for JSON that begins as an answer of Jaeger's old API.
pub(super) fn is_jaeger(json: &str) -> bool {
    #[derive(Deserialize)]
    struct Head {
        data: Vec<TraceHead>,
    }
    #[derive(Deserialize)]
    struct TraceHead {
        #[serde(rename = "traceID")]
        _trace_id: String,
        #[serde(rename = "spans")]
        _spans: serde::de::IgnoredAny,
    }
    serde_json::from_str(json).is_ok_and(|head: Head| !head.data.is_empty())
}

impl JaegerSpans {
    /// Adds a span; its resource is that of its own `process` unless another one is given.
    pub(crate) fn add(&mut self, span: JaegerSpan, of: Option<Arc<Resource>>, binary: Binary) {
        self.losses.add(&LOSSES.iter().copied().collect());
        if span.has_untyped_numbers() {
            self.losses.add(&[Field::ExactTypes].into_iter().collect());
        }
        let name = span.operation_name.clone();
        match read(span, of, binary) {
            Ok((span, parent)) => {
                if parent == Parent::PerhapsLink {
                    self.losses.add(&[Field::Parents].into_iter().collect());
                }
                self.spans.push(span);
            }
            Err(why) => self.holes.push(Hole {
                reason: format!("the span `{name}` cannot be read: {why}"),
                sender: Sender::default(),
                remedy: "check what wrote the span into the backend".to_owned(),
            }),
        }
    }
}

impl JaegerSpan {
    /// Returns `true` if a tag that is a field is a number.
    fn has_untyped_numbers(&self) -> bool {
        let of_process = self
            .process
            .as_ref()
            .and_then(|process| process.tag.as_ref());
        let mut tags = self.tag.iter().chain(of_process).flatten();
        tags.any(|(_, value)| value.is_number())
    }
}

/// The evidence for the parent of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parent {
    Known,
    /// A link to the parent replaces the reference to the parent, so it may be a link only.
    PerhapsLink,
}

/// The parts of a span that are tags.
#[derive(Default)]
struct Tags {
    attributes: Vec<(String, Value)>,
    kind: SpanKind,
    code: Option<StatusCode>,
    message: String,
    error: Option<Value>,
    scope: Scope,
    trace_state: String,
}

fn read(
    span: JaegerSpan,
    of: Option<Arc<Resource>>,
    binary: Binary,
) -> Result<(Span, Parent), String> {
    let trace_id = trace_id(&span.trace_id)?;
    let (parent_id, links, parent) = references(&span, trace_id)?;
    let resource = of.or_else(|| {
        let process = span.process.as_ref()?;
        Some(Arc::new(resource(process, binary)))
    });
    let mut tags = Tags::default();
    let listed = span.tags.into_iter().flatten();
    for (key, value) in listed.map(|tag| tag.read(binary)).chain(fields(span.tag)) {
        tags.take(key, value);
    }
    let status = tags.status();
    let start = nanos(span.start_time);
    let logs = span.logs.into_iter().flatten();
    let span = Span {
        parent_id,
        kind: tags.kind,
        start,
        end: start.saturating_add(nanos(span.duration)),
        status,
        attributes: tags.attributes.into_iter().collect(),
        events: logs.map(|log| log.read(binary)).collect(),
        links,
        resource: resource.unwrap_or_default(),
        scope: Arc::new(tags.scope),
        trace_state: tags.trace_state,
        ..Span::new(trace_id, span_id(&span.span_id)?, span.operation_name)
    };
    Ok((span.with_usual_limits(), parent))
}

impl Tags {
    fn take(&mut self, key: String, value: Value) {
        let text = value.as_str().unwrap_or_default();
        match key.as_str() {
            "span.kind" => match SpanKind::ALL.into_iter().find(|kind| kind.as_str() == text) {
                Some(kind) => self.kind = kind,
                None => self.attributes.push((key, value)),
            },
            "otel.status_code" => match text {
                "OK" => self.code = Some(StatusCode::Ok),
                "ERROR" => self.code = Some(StatusCode::Error),
                "UNSET" => self.code = Some(StatusCode::Unset),
                _ => self.attributes.push((key, value)),
            },
            "otel.status_description" => text.clone_into(&mut self.message),
            "otel.scope.name" | "otel.library.name" => text.clone_into(&mut self.scope.name),
            "otel.scope.version" | "otel.library.version" => {
                text.clone_into(&mut self.scope.version);
            }
            "w3c.tracestate" => text.clone_into(&mut self.trace_state),
            "error" => self.error = Some(value),
            // Jaeger's own note on the protocol.
            "internal.span.format" => {}
            _ => self.attributes.push((key, value)),
        }
    }

    /// The status. `error` is a part of it where the status is not given, or is an error.
    fn status(&mut self) -> Status {
        let is_true = |value: &Value| *value == Value::Bool(true) || value.as_str() == Some("true");
        let error = self.error.take();
        let is_error = error.as_ref().is_some_and(is_true);
        let code = match self.code {
            Some(code) => code,
            None if is_error => StatusCode::Error,
            None => StatusCode::Unset,
        };
        if let Some(error) = error
            && !(is_error && code == StatusCode::Error)
        {
            self.attributes.push(("error".to_owned(), error));
        }
        Status {
            code,
            message: std::mem::take(&mut self.message),
        }
    }
}

impl Tag {
    fn read(self, binary: Binary) -> (String, Value) {
        (self.key, value(&self.kind, self.value, binary))
    }
}

impl Log {
    fn read(self, binary: Binary) -> Event {
        let mut name = None;
        let mut attributes = Vec::new();
        for tag in self.fields.into_iter().flatten() {
            let (key, value) = tag.read(binary);
            match value {
                Value::String(text) if key == "event" && name.is_none() => name = Some(text),
                value => attributes.push((key, value)),
            }
        }
        Event {
            name: name.unwrap_or_default(),
            time: nanos(self.timestamp),
            attributes: attributes.into_iter().collect(),
        }
    }
}

/// The parent of a span, and its links. The first reference to its own trace is the parent whatever its
/// type: where a span has a link to its parent, only that reference is kept.
fn references(
    span: &JaegerSpan,
    trace: TraceId,
) -> Result<(Option<SpanId>, Vec<Link>, Parent), String> {
    let mut parent = match span.parent_id.as_deref() {
        None | Some("") => None,
        Some(id) => Some(span_id(id)?),
    };
    let (mut links, mut known) = (Vec::new(), Parent::Known);
    for reference in span.references.iter().flatten() {
        let (of, id) = (trace_id(&reference.trace_id)?, span_id(&reference.span_id)?);
        if of == trace && (parent.is_none() || parent == Some(id)) {
            parent = Some(id);
            if reference.ref_type != "CHILD_OF" {
                known = Parent::PerhapsLink;
            }
            continue;
        }
        links.push(Link {
            trace_id: of,
            span_id: id,
            trace_state: String::new(),
            attributes: Attributes::default(),
        });
    }
    Ok((parent, links, known))
}

fn resource(process: &Process, binary: Binary) -> Resource {
    let name = Some(process.service_name.as_str())
        .filter(|name| !name.is_empty() && *name != NO_SERVICE)
        .map(|name| ("service.name".to_owned(), Value::from(name)));
    let tags = process.tags.iter().flatten();
    let tags = tags.map(|tag| (tag.key.clone(), value(&tag.kind, tag.value.clone(), binary)));
    Resource {
        attributes: name
            .into_iter()
            .chain(tags)
            .chain(fields(process.tag.clone()))
            .collect(),
    }
}

/// Tags that are fields of a document.
fn fields(
    tag: Option<serde_json::Map<String, serde_json::Value>>,
) -> impl Iterator<Item = (String, Value)> {
    let entries = tag.into_iter().flatten();
    entries.map(|(key, value)| (key.replace('@', "."), attribute_value(value)))
}

fn value(kind: &str, json: serde_json::Value, binary: Binary) -> Value {
    let read = match (kind, &json) {
        // Integers beyond 2^53 are strings.
        ("int64", serde_json::Value::String(text)) => text.parse().ok().map(Value::Int),
        ("float64", serde_json::Value::String(text)) => text.parse().ok().map(Value::Double),
        ("float64", serde_json::Value::Number(number)) => number.as_f64().map(Value::Double),
        ("bool", serde_json::Value::String(text)) => text.parse().ok().map(Value::Bool),
        ("binary", serde_json::Value::String(text)) => bytes(text, binary).map(Value::Bytes),
        _ => None,
    };
    read.unwrap_or_else(|| attribute_value(json))
}

/// A value of JSON, with numbers as attributes have them.
pub(crate) fn attribute_value(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(double)) => Value::Double(double),
            (None, None) => Value::from(serde_json::Value::Number(number)),
        },
        serde_json::Value::Array(items) => {
            Value::Array(items.into_iter().map(attribute_value).collect())
        }
        serde_json::Value::Object(entries) => {
            let entries = entries.into_iter();
            Value::Map(
                entries
                    .map(|(key, value)| (key, attribute_value(value)))
                    .collect(),
            )
        }
        other => Value::from(other),
    }
}

fn bytes(text: &str, binary: Binary) -> Option<Vec<u8>> {
    match binary {
        Binary::Base64 => base64::engine::general_purpose::STANDARD.decode(text).ok(),
        Binary::Hex => {
            let digits: Vec<u8> = text
                .chars()
                .map(|digit| {
                    digit
                        .to_digit(16)
                        .and_then(|digit| u8::try_from(digit).ok())
                })
                .collect::<Option<_>>()?;
            let pairs = digits.chunks(2);
            pairs
                .map(|pair| match pair {
                    [high, low] => Some(high << 4 | low),
                    _ => None,
                })
                .collect()
        }
    }
}

/// A trace id, of which leading zeros may be missing.
pub(crate) fn trace_id(text: &str) -> Result<TraceId, String> {
    format!("{text:0>32}")
        .parse()
        .map_err(|_| format!("its trace id is `{text}`"))
}

/// A span id, of which leading zeros may be missing.
pub(crate) fn span_id(text: &str) -> Result<SpanId, String> {
    format!("{text:0>16}")
        .parse()
        .map_err(|_| format!("a span id is `{text}`"))
}

fn nanos(micros: u64) -> u64 {
    micros.saturating_mul(1_000)
}

#[cfg(test)]
pub(crate) mod tests;
