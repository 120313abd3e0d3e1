//! The schemas of spans in an index: names, queries, and the reading of their documents.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::document::parsed;
use super::engine::Documents;
use super::{apm, data_prepper, open_telemetry};
use crate::source::backend::adapter::{Fetched, SearchQuery};
use crate::source::jaeger_json::{Binary, JaegerSpan, JaegerSpans};
use crate::trace::{Nanos, TraceId, Value};

/// Longer texts are not indexed in Jaeger's schema, and may not be in others.
const LONGEST_TEXT: usize = 256;

/// Engines read times in milliseconds, and some schemas only write these.
const MILLI: Nanos = 1_000_000;
const MICRO: Nanos = 1_000;

/// The service of a resource without `service.name`, which schemas name otherwise.
const NO_SERVICE: &str = "unknown_service";

/// The schemas, those that lose less first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Schema {
    /// The data streams of the Collector's `elasticsearch` exporter in its mode `otel`.
    OpenTelemetry,
    /// The index of Data Prepper.
    DataPrepper,
    /// The index of Jaeger.
    Jaeger,
    /// The data streams of Elastic APM.
    Apm,
}

impl Schema {
    pub(super) const ALL: [Self; 4] = [
        Self::OpenTelemetry,
        Self::DataPrepper,
        Self::Jaeger,
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

    /// Fields with names of services and spans, and with durations.
    fn names(
        self,
    ) -> (
        &'static str,
        &'static [&'static str],
        &'static [&'static str],
    ) {
        match self {
            Self::Jaeger => ("process.serviceName", &["operationName"], &["duration"]),
            Self::OpenTelemetry => ("resource.attributes.service.name", &["name"], &["duration"]),
            Self::DataPrepper => ("serviceName", &["name"], &["durationInNanos"]),
            Self::Apm => (
                "service.name",
                &["transaction.name", "span.name"],
                &["transaction.duration.us", "span.duration.us"],
            ),
        }
    }

    /// The fields that the queries of a search can use.
    pub(super) fn fields(query: &SearchQuery) -> Vec<String> {
        let names = Self::ALL.map(Self::names).into_iter();
        let names = names.flat_map(|(service, names, _)| {
            names.iter().chain([&service]).copied().collect::<Vec<_>>()
        });
        let others = [
            "status.code",
            "tags.key",
            "tags.value",
            "process.tags.value",
        ];
        let of = |path: &'static str, attributes: &[(String, Value)]| -> Vec<String> {
            let each = attributes.iter();
            each.map(|(key, _)| format!("{path}.{key}")).collect()
        };
        names
            .chain(others)
            .map(str::to_owned)
            .chain(of("attributes", &query.attributes))
            .chain(of("resource.attributes", &query.resource))
            .filter(|field| is_plain(field))
            .collect()
    }

    /// A query for the spans of a search. It may find further spans. Only these fields are compared as a whole.
    pub(super) fn of_query(self, query: &SearchQuery, exact: &BTreeSet<String>) -> Json {
        let is_exact = |field: &str| exact.contains(field);
        let (service_field, names, durations) = self.names();
        let short = |text: &&str| text.len() <= LONGEST_TEXT;
        let service = query.service.as_deref().filter(short);
        let service = service.filter(|name| *name != NO_SERVICE && is_exact(service_field));
        let name = query.name.as_deref().filter(short);
        let name = name.filter(|_| names.iter().all(|field| is_exact(field)));
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
            let ranges = |range: &Json| -> Vec<Json> {
                let each = durations.iter();
                each.map(|field| json!({ "range": { *field: range } }))
                    .collect()
            };
            // Spans without an end have a negative duration or none, about which a check is in doubt.
            let no_end = json!({ "bool": { "must_not": ranges(&json!({ "gte": 0 })) } });
            filter.push(any([ranges(&range), vec![no_end]].concat()));
        }
        if query.is_error {
            filter.extend(self.is_error(exact));
        }
        filter.extend(self.attributes(query, exact));
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

    fn is_error(self, exact: &BTreeSet<String>) -> Option<Json> {
        let field = match self {
            Self::Jaeger => "tags.value",
            _ => "status.code",
        };
        if !exact.contains(field) {
            return None;
        }
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
    fn attributes(self, query: &SearchQuery, exact: &BTreeSet<String>) -> Vec<Json> {
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
                let of = |path: &'static str, attributes: &[(String, Value)]| {
                    let is_exact = exact.contains(&format!("{path}s.value"));
                    let each = all(attributes).into_iter().filter(move |_| is_exact);
                    each.map(move |(key, value)| {
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
                    let each = all(attributes).into_iter();
                    each.filter_map(move |(key, value)| {
                        let field = format!("{path}.{key}");
                        // A value that was not indexed may be this one.
                        let ignored = json!({ "exists": { "field": "_ignored" } });
                        let is_exact = exact.contains(&field);
                        is_exact.then(|| any(vec![json!({ "term": { field: value } }), ignored]))
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

/// Returns `true` for the name of a field that a list of names with patterns can have.
fn is_plain(field: &str) -> bool {
    !field.contains(|char: char| char.is_whitespace() || ",*?/\"\\<>|".contains(char))
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
        ..Fetched::default()
    })
}
