//! Segments and subsegments as spans.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::source::backend::json::JsonValue;
use crate::trace::{
    Attributes, Event, Link, Nanos, Resource, Span, SpanId, SpanKind, Status, StatusCode, TraceId,
    Value,
};

/// The prefix of attributes of the resource in metadata.
const RESOURCE: &str = "otel.resource.";
/// The prefix of what X-Ray keeps in fields of its own.
const OWN: &str = "xray.";

/// A segment, or a subsegment in it or apart from it.
#[derive(Deserialize)]
struct Segment {
    id: String,
    name: String,
    parent_id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    namespace: Option<String>,
    start_time: Box<RawValue>,
    end_time: Option<Box<RawValue>>,
    #[serde(default)]
    in_progress: bool,
    #[serde(default)]
    inferred: bool,
    #[serde(default)]
    fault: bool,
    #[serde(default)]
    error: bool,
    #[serde(default)]
    throttle: bool,
    #[serde(default)]
    cause: JsonValue,
    #[serde(default)]
    annotations: JsonValue,
    #[serde(default)]
    metadata: JsonValue,
    #[serde(default)]
    http: JsonValue,
    #[serde(default)]
    sql: JsonValue,
    #[serde(default)]
    service: JsonValue,
    user: Option<String>,
    #[serde(default)]
    links: Vec<SegmentLink>,
    #[serde(default)]
    subsegments: Vec<Segment>,
}

#[derive(Deserialize)]
struct SegmentLink {
    trace_id: String,
    id: String,
    #[serde(default)]
    attributes: JsonValue,
}

/// A document that is no segment.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoSegment {
    #[error("a segment document cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    #[error("a segment document has the invalid {what} `{text}`")]
    Invalid { what: &'static str, text: String },
}

/// The spans of a trace.
#[derive(Debug, Default)]
pub(super) struct Spans {
    pub(super) ended: Vec<Span>,
    /// The name of a segment that has not ended.
    pub(super) in_progress: Option<String>,
}

/// `1-5f84c7a1-e7d1852db8c4fd35d88bf49a`.
pub(super) fn id(trace: TraceId) -> String {
    let hex = trace.to_string();
    format!("1-{}-{}", &hex[..8], &hex[8..])
}

pub(super) fn trace_id(text: &str) -> Option<TraceId> {
    let (time, unique) = text.strip_prefix("1-")?.split_once('-')?;
    let is_whole = time.len() == 8 && unique.len() == 24;
    format!("{time}{unique}").parse().ok().filter(|_| is_whole)
}

/// The spans of segment documents.
pub(super) fn spans(
    trace: TraceId,
    documents: &[String],
    keeps_inferred: bool,
) -> Result<Spans, NoSegment> {
    let mut spans = Spans::default();
    let mut guessed = Vec::new();
    let mut has_annotations = false;
    for document in documents {
        let segment: Segment = serde_json::from_str(document)?;
        if segment.inferred && !keeps_inferred {
            continue;
        }
        has_annotations |= is_annotated(&segment);
        let is_part = segment.kind.as_deref() == Some("subsegment");
        let resource = resource(&segment, is_part);
        if resource.is_none() {
            guessed.push(spans.ended.len());
        }
        let resource = Arc::new(resource.unwrap_or_default());
        add(trace, segment, is_part, None, &resource, &mut spans)?;
    }
    inherit_services(&mut spans.ended, &guessed);
    remove_added_segments(&mut spans.ended);
    if has_annotations {
        // Of attributes that become annotations, the Collector's exporter drops arrays, maps and bytes.
        for span in &mut spans.ended {
            span.attributes = std::mem::take(&mut span.attributes).with_dropped(1);
        }
    }
    Ok(spans)
}

fn is_annotated(segment: &Segment) -> bool {
    matches!(&segment.annotations.0, Value::Map(entries) if !entries.is_empty())
        || segment.subsegments.iter().any(is_annotated)
}

/// Removes the segments that the Collector's exporter adds for services whose first span is a call or a message: with
/// an id of their own, and the times and the parent of that span, which is a subsegment of them.
fn remove_added_segments(spans: &mut Vec<Span>) {
    let is_first = |span: &Span| {
        let mut attributes = span.attributes.iter();
        attributes.any(|(key, value)| {
            sanitized(key) == "aws_span_kind" && value.as_str() == Some("LOCAL_ROOT")
        })
    };
    let mut added: Vec<SpanId> = Vec::new();
    for at in 0..spans.len() {
        let span = &spans[at];
        let is_added = |one: &&Span| {
            Some(one.span_id) == span.parent_id && (one.start, one.end) == (span.start, span.end)
        };
        let parent = spans.iter().find(is_added).filter(|_| is_first(span));
        if let Some(parent) = parent.cloned() {
            added.push(parent.span_id);
            spans[at].parent_id = parent.parent_id;
            spans[at].resource = parent.resource;
        }
    }
    spans.retain(|span| !added.contains(&span.span_id));
}

/// Adds a segment and those in it.
fn add(
    trace: TraceId,
    segment: Segment,
    is_part: bool,
    parent: Option<SpanId>,
    resource: &Arc<Resource>,
    spans: &mut Spans,
) -> Result<(), NoSegment> {
    let Some(end) = segment.end_time.as_ref().filter(|_| !segment.in_progress) else {
        spans.in_progress = Some(segment.name);
        return Ok(());
    };
    let span_id: SpanId = parse("id", &segment.id)?;
    let own_parent = segment.parent_id.as_deref().filter(|id| !id.is_empty());
    let own_parent = own_parent.map(|id| parse("parent id", id)).transpose()?;
    let is_error = segment.fault || segment.error || segment.throttle;
    let end = nanos("end", end)?;
    let exceptions = exceptions(&segment.cause);
    let message = exceptions
        .first()
        .and_then(|of| of.get("exception.message")?.as_str());
    let mut span = Span::new(trace, span_id, segment.name.clone());
    span.parent_id = own_parent.or(parent);
    span.kind = match segment.namespace {
        _ if !is_part => SpanKind::Server,
        Some(_) => SpanKind::Client,
        None => SpanKind::Internal,
    };
    span.start = nanos("start", &segment.start_time)?;
    span.end = end;
    if is_error {
        span.status = Status {
            code: StatusCode::Error,
            message: message.unwrap_or_default().to_owned(),
        };
    }
    span.attributes = attributes(&segment);
    span.events = exceptions
        .into_iter()
        .map(|attributes| Event {
            name: "exception".to_owned(),
            time: end,
            attributes,
        })
        .collect();
    span.links = segment.links.into_iter().filter_map(link).collect();
    span.resource = Arc::clone(resource);
    spans.ended.push(span);
    for part in segment.subsegments {
        add(trace, part, true, Some(span_id), resource, spans)?;
    }
    Ok(())
}

/// The resource of a segment; none if a subsegment apart from its segment does not tell its service.
fn resource(segment: &Segment, is_part: bool) -> Option<Resource> {
    let mut entries: Vec<(String, Value)> = entries(segment)
        .filter_map(|(key, value)| Some((key.strip_prefix(RESOURCE)?.to_owned(), value)))
        .collect();
    let has = |entries: &[(String, Value)], name: &str| entries.iter().any(|(key, _)| key == name);
    if !has(&entries, "service.name") {
        if is_part {
            return None;
        }
        entries.push(("service.name".to_owned(), segment.name.as_str().into()));
    }
    let version = segment.service.0.get("version").cloned();
    if let Some(version) = version.filter(|_| !has(&entries, "service.version")) {
        entries.push(("service.version".to_owned(), version));
    }
    Some(Resource {
        attributes: entries.into_iter().collect(),
    })
}

/// Gives spans that do not tell their service that of the nearest ancestor that does. Their resource counts
/// as incomplete, since it is a guess.
fn inherit_services(spans: &mut [Span], guessed: &[usize]) {
    let by_id: HashMap<SpanId, usize> = spans
        .iter()
        .enumerate()
        .map(|(at, span)| (span.span_id, at))
        .collect();
    for &at in guessed {
        let mut seen = 0;
        let mut ancestor = at;
        while let Some(&next) = spans[ancestor].parent_id.and_then(|id| by_id.get(&id))
            && seen <= spans.len()
        {
            (ancestor, seen) = (next, seen + 1);
            if !guessed.contains(&ancestor) {
                break;
            }
        }
        let service = spans[ancestor]
            .resource
            .attributes
            .get("service.name")
            .cloned();
        let service = service.into_iter().map(|value| ("service.name", value));
        let attributes = service.collect::<Attributes>().with_dropped(1);
        spans[at].resource = Arc::new(Resource { attributes });
    }
}

/// The entries of metadata and annotations. The key of an annotation can have `_` for other characters: it is
/// left out if metadata have the attribute.
fn entries(segment: &Segment) -> impl Iterator<Item = (String, Value)> {
    let mut all: Vec<(String, Value)> = Vec::new();
    for (namespace, values) in segment.metadata.clone().into_entries() {
        for (key, value) in JsonValue(values).into_entries() {
            let key = match namespace.as_str() {
                "default" => key,
                _ => format!("{namespace}.{key}"),
            };
            all.push((key, value));
        }
    }
    for (key, value) in segment.annotations.clone().into_entries() {
        let is_known = all
            .iter()
            .any(|(known, _)| sanitized(known) == sanitized(&key));
        if !is_known {
            all.push((key, value));
        }
    }
    all.into_iter()
}

fn sanitized(key: &str) -> String {
    let of = |char: char| if char.is_alphanumeric() { char } else { '_' };
    key.chars().map(of).collect()
}

/// The attributes. What X-Ray keeps in fields of its own has keys of its own, which were not sent.
fn attributes(segment: &Segment) -> Attributes {
    let mut all: Vec<(String, Value)> = entries(segment)
        .filter(|(key, _)| !key.starts_with(RESOURCE))
        .collect();
    for (name, block) in [("http", &segment.http), ("sql", &segment.sql)] {
        flatten(&format!("{OWN}{name}"), &block.0, &mut all);
    }
    let user = segment
        .user
        .iter()
        .map(|user| (format!("{OWN}user"), Value::from(user.as_str())));
    let flags = [
        ("fault", segment.fault),
        ("error", segment.error),
        ("throttle", segment.throttle),
        ("inferred", segment.inferred),
    ];
    let flags = flags.into_iter().filter(|(_, is_set)| *is_set);
    let flags = flags.map(|(name, _)| (format!("{OWN}{name}"), Value::Bool(true)));
    let all = all.into_iter().chain(user).chain(flags);
    all.collect()
}

fn flatten(key: &str, value: &Value, all: &mut Vec<(String, Value)>) {
    match value {
        Value::Map(entries) => {
            for (name, value) in entries {
                flatten(&format!("{key}.{name}"), value, all);
            }
        }
        Value::Null => {}
        value => all.push((key.to_owned(), value.clone())),
    }
}

/// The attributes of the exceptions of a cause.
fn exceptions(cause: &JsonValue) -> Vec<Attributes> {
    let Some(Value::Array(all)) = cause.0.get("exceptions") else {
        return Vec::new();
    };
    let each = all.iter().map(|exception| {
        let part = |name: &str| {
            let text = exception.get(name)?.as_str()?;
            Some((format!("exception.{name}"), text.to_owned()))
        };
        ["type", "message"].into_iter().filter_map(part).collect()
    });
    each.collect()
}

fn link(link: SegmentLink) -> Option<Link> {
    Some(Link {
        trace_id: trace_id(&link.trace_id)?,
        span_id: link.id.parse().ok()?,
        trace_state: String::new(),
        attributes: link.attributes.into_entries().into_iter().collect(),
    })
}

fn parse<T: std::str::FromStr>(what: &'static str, text: &str) -> Result<T, NoSegment> {
    text.parse().map_err(|_| invalid(what, text))
}

fn invalid(what: &'static str, text: &str) -> NoSegment {
    NoSegment::Invalid {
        what,
        text: text.chars().take(40).collect(),
    }
}

fn nanos(what: &'static str, seconds: &RawValue) -> Result<Nanos, NoSegment> {
    let text = seconds.get();
    decimal_nanos(text).ok_or_else(|| invalid(what, text))
}

/// Nanoseconds of a decimal number of seconds, such as `1.478293361271E9`, which no double has exactly.
fn decimal_nanos(text: &str) -> Option<Nanos> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
    let places = i32::try_from(fraction.len()).ok()?;
    let places = places.checked_sub(exponent)?.checked_sub(9)?;
    let power = 10_u128.checked_pow(places.unsigned_abs())?;
    let nanos = match places > 0 {
        true => digits.checked_add(power / 2)? / power,
        false => digits.checked_mul(power)?,
    };
    Nanos::try_from(nanos).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_seconds_keep_their_nanoseconds() {
        for (text, expected) in [
            ("1795873381.335000000", Some(1_795_873_381_335_000_000)),
            ("1795873381.424932029", Some(1_795_873_381_424_932_029)),
            ("1.478293361271E9", Some(1_478_293_361_271_000_000)),
            ("1478293361", Some(1_478_293_361_000_000_000)),
            ("1e9", Some(1_000_000_000_000_000_000)),
            ("1.0000000005", Some(1_000_000_001)),
            ("-1.5", None),
            ("1e99", None),
            ("1e-2147483648", None),
            ("1e2147483647", None),
        ] {
            assert_eq!(decimal_nanos(text), expected, "{text}");
        }
    }

    #[test]
    fn ids_are_converted_in_both_directions() {
        let trace: TraceId = "00f067aa0ba902b7d269b633813fc60d".parse().unwrap();
        assert_eq!(id(trace), "1-00f067aa-0ba902b7d269b633813fc60d");
        assert_eq!(trace_id(&id(trace)), Some(trace));
        assert_eq!(trace_id("00f067aa0ba902b7d269b633813fc60d"), None);
        assert_eq!(trace_id("1-0-f067aa0ba902b7d269b633813fc60d"), None);
    }
}
