//! The schemas of spans in an index: names, queries, and the reading of their documents.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::engine::Documents;
use super::{apm, data_prepper, open_telemetry};
use crate::source::backend::adapter::{Fetched, SearchQuery};
use crate::source::jaeger_json::{Binary, JaegerSpan, JaegerSpans};
use crate::trace::{Hole, Nanos, Sender, TraceId, Value};

/// Longer texts are not indexed in Jaeger's schema, and may not be in others.
const LONGEST_TEXT: usize = 256;

/// Engines read times in milliseconds, and some schemas only write these.
const MILLI: Nanos = 1_000_000;
const MICRO: Nanos = 1_000;

/// The service of a resource without `service.name`, which schemas name otherwise.
const NO_SERVICE: &str = "unknown_service";

/// The schemas, in the order in which an index is examined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Schema {
    /// The index of Jaeger.
    Jaeger,
    /// The data streams of the Collector's `elasticsearch` exporter in its mode `otel`.
    OpenTelemetry,
    /// The index of Data Prepper.
    DataPrepper,
    /// The data streams of Elastic APM.
    Apm,
}

impl Schema {
    pub(super) const ALL: [Self; 4] = [
        Self::Jaeger,
        Self::OpenTelemetry,
        Self::DataPrepper,
        Self::Apm,
    ];

    pub(super) fn usual_index(self) -> &'static str {
        match self {
            Self::Jaeger => "*jaeger-span-*",
            Self::OpenTelemetry => "traces-*.otel-*",
            Self::DataPrepper => "otel-v1-apm-span-*",
            Self::Apm => "traces-apm*",
        }
    }

    /// The field with the trace id, by which the schema of an index is known.
    pub(super) fn trace_id(self) -> &'static str {
        match self {
            Self::Jaeger => "traceID",
            Self::OpenTelemetry => "trace_id",
            Self::DataPrepper => "traceId",
            Self::Apm => "trace.id",
        }
    }

    /// The index with span events, where they are documents of their own.
    pub(super) fn events_index(self, index: &str) -> Option<String> {
        if self != Self::OpenTelemetry {
            return None;
        }
        let each = index.split(',').map(str::trim);
        let logs: Vec<String> = each
            .filter_map(|index| Some(format!("logs-{}", index.strip_prefix("traces-")?)))
            .collect();
        match logs.is_empty() {
            true => Some("logs-*.otel-*".to_owned()),
            false => Some(logs.join(",")),
        }
    }

    pub(super) fn of_trace(self, trace: TraceId) -> Json {
        let id = trace.to_string();
        let mut ids = vec![id.as_str()];
        if self == Self::Jaeger {
            // Versions before 1.16 left out leading zeros.
            let short = id.strip_prefix(&"0".repeat(16)).unwrap_or(&id);
            ids.extend([short, id.trim_start_matches('0')]);
            ids.dedup();
        }
        json!({ "terms": { self.trace_id(): ids } })
    }

    /// The order of documents, which must be the same for each page.
    pub(super) fn order(self) -> Json {
        let by =
            |field: &str, kind: &str| json!({ field: { "order": "asc", "unmapped_type": kind } });
        match self {
            Self::Jaeger => json!([by("startTime", "long"), by("spanID", "keyword")]),
            Self::OpenTelemetry => json!([by("@timestamp", "date"), by("span_id", "keyword")]),
            Self::DataPrepper => json!([by("startTime", "date"), by("spanId", "keyword")]),
            Self::Apm => json!([
                by("@timestamp", "date"),
                by("span.id", "keyword"),
                by("transaction.id", "keyword")
            ]),
        }
    }

    /// A query for the spans of a search. It may find further spans.
    pub(super) fn of_query(self, query: &SearchQuery) -> Json {
        let service = query.service.as_deref().filter(|name| *name != NO_SERVICE);
        let service = service.filter(|text| text.len() <= LONGEST_TEXT);
        let name = query
            .name
            .as_deref()
            .filter(|text| text.len() <= LONGEST_TEXT);
        let (service_field, names, durations) = match self {
            Self::Jaeger => (
                "process.serviceName",
                ["operationName"].as_slice(),
                ["duration"].as_slice(),
            ),
            Self::OpenTelemetry => (
                "resource.attributes.service.name",
                ["name"].as_slice(),
                ["duration"].as_slice(),
            ),
            Self::DataPrepper => (
                "serviceName",
                ["name"].as_slice(),
                ["durationInNanos"].as_slice(),
            ),
            Self::Apm => (
                "service.name",
                ["transaction.name", "span.name"].as_slice(),
                ["transaction.duration.us", "span.duration.us"].as_slice(),
            ),
        };
        let mut filter = vec![self.window(query)];
        filter.extend(service.map(|name| json!({ "term": { service_field: name } })));
        filter.extend(name.map(|name| {
            let each = names
                .iter()
                .map(|field| json!({ "term": { *field: name } }));
            any(each.collect())
        }));
        if query.at_least.is_some() || query.at_most.is_some() {
            let unit = match self {
                Self::Jaeger | Self::Apm => MICRO,
                Self::OpenTelemetry | Self::DataPrepper => 1,
            };
            let range = json!({
                "gte": query.at_least.map_or(0, |nanos| nanos / unit),
                "lte": query.at_most.map_or(i64::MAX.cast_unsigned(), |nanos| nanos.div_ceil(unit)),
            });
            let each = durations.iter();
            let each = each.map(|field| json!({ "range": { *field: range.clone() } }));
            filter.push(any(each.collect()));
        }
        if query.is_error {
            filter.extend(self.is_error());
        }
        filter.extend(self.attributes(query));
        json!({ "bool": { "filter": filter } })
    }

    fn window(self, query: &SearchQuery) -> Json {
        if self == Self::Jaeger {
            let (from, to) = (query.from / MICRO, query.to.div_ceil(MICRO));
            return json!({ "range": { "startTime": { "gte": from, "lte": to } } });
        }
        let field = match self {
            Self::DataPrepper => "startTime",
            _ => "@timestamp",
        };
        // The engine reads what OpenTelemetry's schema writes with an error of up to 1 ms.
        let from = (query.from / MILLI).saturating_sub(1);
        let to = query.to.div_ceil(MILLI) + 1;
        json!({ "range": { field: { "gte": from, "lte": to, "format": "epoch_millis" } } })
    }

    fn is_error(self) -> Option<Json> {
        match self {
            Self::Jaeger => Some(any(vec![
                json!({ "term": { "tag.error": "true" } }),
                tag("tags", "error", "true"),
                tag("tags", "otel.status_code", "ERROR"),
                json!({ "term": { "tag.otel@status_code": "ERROR" } }),
            ])),
            Self::OpenTelemetry => Some(json!({ "term": { "status.code": "Error" } })),
            Self::DataPrepper => Some(json!({ "term": { "status.code": 2 } })),
            // The outcome of a span is not its status.
            Self::Apm => None,
        }
    }

    /// Conditions on attributes, where all short values are indexed.
    fn attributes(self, query: &SearchQuery) -> Vec<Json> {
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Int(int) => Some(int.to_string()),
            Value::Bool(bool) => Some(bool.to_string()),
            _ => None,
        };
        let all = |attributes: &[(String, Value)]| -> Vec<(String, String)> {
            let each = attributes.iter();
            let each = each.filter_map(|(key, value)| Some((key.clone(), text(value)?)));
            each.filter(|(key, value)| key.len().max(value.len()) <= LONGEST_TEXT)
                .collect()
        };
        match self {
            Self::Jaeger => {
                let of = |path: &'static str, attributes| {
                    all(attributes).into_iter().map(move |(key, value)| {
                        let field = format!("{path}.{}", key.replace('.', "@"));
                        let nested = tag(&format!("{path}s"), &key, &value);
                        any(vec![nested, json!({ "term": { field: value } })])
                    })
                };
                let resource: Vec<(String, Value)> = query
                    .resource
                    .iter()
                    .filter(|(key, _)| key != "service.name")
                    .cloned()
                    .collect();
                let spans = of("tag", &query.attributes);
                spans.chain(of("process.tag", &resource)).collect()
            }
            Self::OpenTelemetry => {
                let of = |path: &'static str, attributes| {
                    all(attributes).into_iter().map(move |(key, value)| {
                        let field = format!("{path}.{key}");
                        // A value that was not indexed may be this one.
                        let ignored = json!({ "exists": { "field": "_ignored" } });
                        any(vec![json!({ "term": { field: value } }), ignored])
                    })
                };
                let spans = of("attributes", &query.attributes);
                let resource = of("resource.attributes", &query.resource);
                spans.chain(resource).collect()
            }
            Self::DataPrepper | Self::Apm => Vec::new(),
        }
    }

    /// The spans of these documents.
    pub(super) fn read(
        self,
        spans: &Documents,
        events: Option<&Documents>,
    ) -> serde_json::Result<Fetched> {
        match self {
            Self::Jaeger => jaeger(spans),
            Self::OpenTelemetry => open_telemetry::read(spans, events),
            Self::DataPrepper => data_prepper::read(spans),
            Self::Apm => apm::read(spans),
        }
    }
}

/// A tag among nested documents.
fn tag(path: &str, key: &str, value: &str) -> Json {
    let (key_field, value_field) = (format!("{path}.key"), format!("{path}.value"));
    let both = [
        json!({ "term": { key_field: key } }),
        json!({ "term": { value_field: value } }),
    ];
    json!({ "nested": { "path": path, "ignore_unmapped": true, "query": { "bool": { "filter": both } } } })
}

fn any(conditions: Vec<Json>) -> Json {
    json!({ "bool": { "should": conditions, "minimum_should_match": 1 } })
}

fn jaeger(documents: &Documents) -> serde_json::Result<Fetched> {
    let mut all = JaegerSpans::default();
    for document in parsed::<JaegerSpan>(documents)? {
        all.add(document, None, Binary::Hex);
    }
    Ok(Fetched {
        spans: all.spans,
        holes: all.holes,
        losses: all.losses,
    })
}

pub(super) fn parsed<'d, T: Deserialize<'d>>(
    documents: &'d Documents,
) -> serde_json::Result<Vec<T>> {
    let each = documents.sources.iter();
    each.map(|source| serde_json::from_str(source.get()))
        .collect()
}

/// The hole of a document that is no span.
pub(super) fn unread(name: &str, why: &str) -> Hole {
    Hole {
        reason: format!("the span `{name}` cannot be read: {why}"),
        sender: Sender::default(),
        remedy: "check what wrote the span into the backend".to_owned(),
    }
}

/// Nanoseconds of a date such as `2026-11-28T13:43:01.335000001Z`.
pub(super) fn date(text: &str) -> Result<Nanos, String> {
    let read: Result<jiff::Timestamp, _> = text.parse();
    let nanos = read
        .ok()
        .and_then(|date| Nanos::try_from(date.as_nanosecond()).ok());
    nanos.ok_or_else(|| format!("its time is `{text}`"))
}
