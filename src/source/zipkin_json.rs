//! Reads spans in Zipkin's JSON, version 2.
//!
//! Links, status, scope, `tracestate`, and the attributes of events are read as the Collector writes them.

use std::str::FromStr;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::trace::{
    Attributes, Event, Field, Hole, Link, Nanos, Resource, Scope, Sender, Span, SpanId, SpanKind,
    Status, StatusCode, TraceId, Value,
};

/// The fields that spans lose in this format.
pub(super) const LOSSES: &[Field] = &[
    Field::AttributeTypes,
    Field::Nanoseconds,
    Field::NameCase,
    Field::AttributeOrigin,
    Field::RewrittenAttributes,
    // A scope without a name gets that of the scope before it from the Collector.
    Field::Scope,
    // Only the Collector writes them.
    Field::Links,
    Field::TraceContext,
];

/// Maximum number of invalid spans that are named.
const MOST_HOLES: usize = 20;

/// The name of a service that had none, as the Collector writes it, in lower case.
const NO_SERVICE: &str = "otlpresourcenoservicename";

/// The spans of a document, and those that are left out because an id is invalid.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ZipkinSpans {
    pub(super) spans: Vec<Span>,
    pub(super) holes: Vec<Hole>,
}

/// Spans, an array of spans, or an array of these: a trace, a request, or the answer to a search.
#[derive(Deserialize)]
#[serde(untagged)]
enum Document {
    Several(Vec<Document>),
    One(Box<ZipkinSpan>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ZipkinSpan {
    trace_id: String,
    id: String,
    parent_id: Option<String>,
    kind: Option<String>,
    name: Option<String>,
    timestamp: Option<u64>,
    duration: Option<u64>,
    local_endpoint: Option<Endpoint>,
    remote_endpoint: Option<Endpoint>,
    annotations: Option<Vec<Annotation>>,
    tags: Option<Map<String, Json>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    service_name: Option<String>,
    ipv4: Option<String>,
    ipv6: Option<String>,
    port: Option<u16>,
}

#[derive(Deserialize)]
struct Annotation {
    timestamp: Option<u64>,
    value: String,
}

/// Returns `true` if the first span of JSON documents is one of Zipkin.
pub(super) fn is_zipkin(text: &str) -> bool {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Head {
        Several(Vec<Head>),
        One(Map<String, Json>),
    }
    fn is_span(head: &Head) -> bool {
        match head {
            Head::Several(several) => several.iter().any(is_span),
            Head::One(keys) => keys.contains_key("traceId") && keys.contains_key("id"),
        }
    }
    let mut documents = serde_json::Deserializer::from_str(text).into_iter::<Head>();
    matches!(documents.next(), Some(Ok(head)) if is_span(&head))
}

/// Reads JSON documents of Zipkin, one after the other.
///
/// # Errors
/// They are not JSON, or fields have other types.
pub(super) fn read(text: &str) -> Result<ZipkinSpans, serde_json::Error> {
    let mut read = ZipkinSpans::default();
    for document in serde_json::Deserializer::from_str(text).into_iter::<Json>() {
        read.add(Document::of(document?)?);
    }
    Ok(read)
}

impl Document {
    /// Like the derived reader, with the error of the span.
    fn of(json: Json) -> Result<Self, serde_json::Error> {
        Ok(match json {
            Json::Array(several) => {
                let several = several.into_iter().map(Self::of);
                Self::Several(several.collect::<Result<_, _>>()?)
            }
            one => Self::One(serde_json::from_value(one)?),
        })
    }
}

impl ZipkinSpans {
    fn add(&mut self, document: Document) {
        match document {
            Document::Several(several) => several.into_iter().for_each(|one| self.add(one)),
            Document::One(span) => match span.ids() {
                Ok(ids) => self.spans.push(span.into_span(ids)),
                Err(reason) if self.holes.len() < MOST_HOLES => {
                    self.holes.push(span.hole(&reason));
                }
                Err(_) => {}
            },
        }
    }
}

/// The trace, the span and its parent.
type Ids = (TraceId, SpanId, Option<SpanId>);

impl ZipkinSpan {
    fn ids(&self) -> Result<Ids, String> {
        let parent = self.parent_id.as_deref().filter(|id| !id.is_empty());
        let parent = parent.map(|id| padded(id, 16)).transpose()?;
        let id: SpanId = padded(&self.id, 16)?;
        // Some tracers make a root its own parent.
        Ok((
            padded(&self.trace_id, 32)?,
            id,
            parent.filter(|&it| it != id),
        ))
    }

    fn hole(&self, reason: &str) -> Hole {
        let name = self.name.as_deref().unwrap_or_default();
        Hole {
            reason: format!("the span `{name}` was left out: {reason}"),
            sender: Sender {
                service: self.service().map(str::to_owned),
                ..Sender::default()
            },
            remedy: "let the tracer make ids of hex digits, 32 for a trace and 16 for a span"
                .to_owned(),
        }
    }

    fn service(&self) -> Option<&str> {
        let name = self.local_endpoint.as_ref()?.service_name.as_deref()?;
        (!name.is_empty() && !name.eq_ignore_ascii_case(NO_SERVICE)).then_some(name)
    }

    fn into_span(self, (trace_id, span_id, parent_id): Ids) -> Span {
        let mut tags = Tags::of(self.tags.as_ref());
        let source = tags.take("otlp.service.name.source");
        let service_key = source.unwrap_or_else(|| "service.name".to_owned());
        let service = self.service().map(|name| (service_key, name));
        let start = nanos(self.timestamp);
        let end = self
            .duration
            .map(|time| start.saturating_add(nanos(Some(time))));
        let kind = kind(self.kind.as_deref(), &mut tags);
        let status = status(&mut tags);
        let scope = scope(&mut tags);
        let trace_state = tags.take("w3c.tracestate").unwrap_or_default();
        let (links, dropped_links) = links(&mut tags);
        let annotations = self.annotations.iter().flatten();
        Span {
            parent_id,
            kind,
            start,
            end: if start == 0 {
                0
            } else {
                end.unwrap_or_default()
            },
            status,
            events: annotations.map(event).collect(),
            links,
            dropped_links,
            resource: Arc::new(Resource {
                attributes: service.into_iter().collect(),
            }),
            scope: Arc::new(scope),
            trace_state,
            attributes: attributes(tags, &self.local_endpoint, &self.remote_endpoint),
            ..Span::new(trace_id, span_id, self.name.unwrap_or_default())
        }
        .with_usual_limits()
    }
}

/// An id whose leading zeros can be missing.
fn padded<T: FromStr<Err: ToString>>(text: &str, digits: usize) -> Result<T, String> {
    format!("{text:0>digits$}")
        .parse()
        .map_err(|error: T::Err| error.to_string())
}

fn nanos(micros: Option<u64>) -> Nanos {
    micros.unwrap_or_default().saturating_mul(1_000)
}

/// The tags that are not read yet, in order.
struct Tags(Vec<(String, String)>);

impl Tags {
    fn of(tags: Option<&Map<String, Json>>) -> Self {
        let text = |value: &Json| match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        let tags = tags.into_iter().flatten();
        Self(
            tags.map(|(key, value)| (key.clone(), text(value)))
                .collect(),
        )
    }

    fn get(&self, key: &str) -> Option<&str> {
        let tag = self.0.iter().find(|(name, _)| name == key)?;
        Some(&tag.1)
    }

    fn take(&mut self, key: &str) -> Option<String> {
        let at = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(at).1)
    }

    fn take_first(&mut self, keys: [&str; 2]) -> Option<String> {
        let mut taken = keys.map(|key| self.take(key));
        taken.iter_mut().find_map(Option::take)
    }
}

fn kind(kind: Option<&str>, tags: &mut Tags) -> SpanKind {
    match kind.unwrap_or_default() {
        "CLIENT" => SpanKind::Client,
        "SERVER" => SpanKind::Server,
        "PRODUCER" => SpanKind::Producer,
        "CONSUMER" => SpanKind::Consumer,
        _ if tags.get("span.kind") == Some("internal") => {
            tags.take("span.kind");
            SpanKind::Internal
        }
        _ => SpanKind::Unspecified,
    }
}

/// `otel.status_code` decides, then `error`, whose value is the message, or `true`.
fn status(tags: &mut Tags) -> Status {
    let code = tags.take("otel.status_code").map(|code| {
        let code = code.to_ascii_uppercase();
        code.trim_start_matches("STATUS_CODE_").to_owned()
    });
    let message = tags.take("otel.status_description");
    let error = tags.take("error");
    let code = match code.as_deref() {
        Some("ERROR") => StatusCode::Error,
        Some("OK") => StatusCode::Ok,
        _ if error.is_some() => StatusCode::Error,
        _ => StatusCode::Unset,
    };
    let of_error = error
        .filter(|text| code == StatusCode::Error && !matches!(text.as_str(), "true" | "false"));
    Status {
        code,
        message: message.or(of_error).unwrap_or_default(),
    }
}

fn scope(tags: &mut Tags) -> Scope {
    let name = tags.take_first(["otel.scope.name", "otel.library.name"]);
    let version = tags.take_first(["otel.scope.version", "otel.library.version"]);
    Scope {
        name: name.unwrap_or_default(),
        version: version.unwrap_or_default(),
        attributes: Attributes::default(),
    }
}

/// The links, and the number of those that cannot be read.
fn links(tags: &mut Tags) -> (Vec<Link>, u32) {
    let (mut links, mut unread) = (Vec::new(), 0);
    for number in 0.. {
        match tags.take(&format!("otlp.link.{number}")) {
            None => break,
            Some(text) => match link(&text) {
                Some(link) => links.push(link),
                None => unread += 1,
            },
        }
    }
    (links, unread)
}

/// `<trace id>|<span id>|<tracestate>|{<attributes>}|<number of dropped attributes>`.
fn link(text: &str) -> Option<Link> {
    let (trace, rest) = text.split_once('|')?;
    let (span, rest) = rest.split_once('|')?;
    let (trace_state, attributes) = with_attributes(rest)?;
    Some(Link {
        trace_id: padded(trace, 32).ok()?,
        span_id: padded(span, 16).ok()?,
        trace_state: trace_state.to_owned(),
        attributes,
    })
}

/// An annotation: `<name>`, `<name>|{<attributes>}|<dropped>` of the Collector, or `"<name>":{<attributes>}` of SDKs.
fn event(annotation: &Annotation) -> Event {
    let text = &annotation.value;
    let of_sdk = || match Value::from_json(format!("{{{text}}}").as_bytes()).ok()? {
        Value::Map(entries) => match <[_; 1]>::try_from(entries).ok()? {
            [(name, Value::Map(attributes))] => Some((name, typed(attributes))),
            _ => None,
        },
        _ => None,
    };
    let of_collector = || with_attributes(text).map(|(name, all)| (name.to_owned(), all));
    let (name, attributes) = of_collector()
        .or_else(of_sdk)
        .unwrap_or_else(|| (text.clone(), Attributes::default()));
    Event {
        name,
        time: nanos(annotation.timestamp),
        attributes,
    }
}

/// The parts of `<text>|{<attributes>}|<dropped>`. The text can contain `|` too.
fn with_attributes(text: &str) -> Option<(&str, Attributes)> {
    let (text, dropped) = text.rsplit_once('|')?;
    let dropped: u32 = dropped.parse().ok()?;
    let mut bars = text.match_indices("|{");
    bars.find_map(|(bar, _)| {
        let Ok(Value::Map(entries)) = Value::from_json(&text.as_bytes()[bar + 1..]) else {
            return None;
        };
        Some((&text[..bar], typed(entries).with_dropped(dropped)))
    })
}

/// Attributes as OTLP has them: a number is an integer or a double.
fn typed(entries: Vec<(String, Value)>) -> Attributes {
    fn typed(value: Value) -> Value {
        match value {
            Value::Number(number) => Value::Double(number.as_str().parse().unwrap_or(f64::NAN)),
            Value::Array(items) => Value::Array(items.into_iter().map(typed).collect()),
            Value::Map(all) => {
                Value::Map(all.into_iter().map(|(key, of)| (key, typed(of))).collect())
            }
            other => other,
        }
    }
    entries
        .into_iter()
        .map(|(key, value)| (key, typed(value)))
        .collect()
}

/// The other tags, and the endpoints under their names in the semantic conventions.
fn attributes(tags: Tags, local: &Option<Endpoint>, remote: &Option<Endpoint>) -> Attributes {
    let address = |of: &Option<Endpoint>| {
        let of = of.as_ref()?;
        of.ipv4.clone().or_else(|| of.ipv6.clone())
    };
    let port = |of: &Option<Endpoint>| Some(of.as_ref()?.port?.to_string());
    let peer = || remote.as_ref()?.service_name.clone();
    let of_endpoints = [
        ("peer.service", peer()),
        ("network.peer.address", address(remote)),
        ("network.peer.port", port(remote)),
        ("network.local.address", address(local)),
        ("network.local.port", port(local)),
    ];
    let of_endpoints = of_endpoints.into_iter().filter_map(|(key, value)| {
        let value = value.filter(|text| !text.is_empty() && tags.get(key).is_none())?;
        Some((key.to_owned(), value))
    });
    let of_endpoints: Vec<_> = of_endpoints.collect();
    tags.0.into_iter().chain(of_endpoints).collect()
}

#[cfg(test)]
mod tests;
