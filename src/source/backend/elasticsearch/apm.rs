//! The documents of Elastic APM: transactions and spans.
//!
//! They have the tree, names, services and durations. Attributes are under other keys, and the outcome of a
//! span is derived from more than its status.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use super::document::{date, parsed, unread};
use super::engine::Documents;
use crate::source::backend::adapter::Fetched;
use crate::source::jaeger_json::{attribute_value, span_id, trace_id};
use crate::trace::{Field, Resource, Span, SpanKind, Status, StatusCode};

const LOSSES: [Field; 10] = [
    Field::Nanoseconds,
    Field::Starts,
    Field::Attributes,
    Field::Resource,
    Field::Scope,
    Field::Kind,
    Field::Status,
    Field::StatusMessage,
    Field::Events,
    Field::Links,
];

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "@timestamp")]
    timestamp: String,
    #[serde(default, rename = "timestamp")]
    micros: Option<Micros>,
    trace: Id,
    #[serde(default)]
    parent: Option<Id>,
    #[serde(default)]
    transaction: Option<Timed>,
    #[serde(default)]
    span: Option<Timed>,
    #[serde(default)]
    event: Outcome,
    #[serde(default)]
    service: Service,
    #[serde(default)]
    labels: Map<String, Json>,
    #[serde(default)]
    numeric_labels: Map<String, Json>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct Micros {
    us: u64,
}

/// A transaction or a span; that to which a span belongs has an id only.
#[derive(Deserialize)]
struct Timed {
    #[serde(default)]
    id: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    duration: Option<Micros>,
    #[serde(default)]
    kind: String,
}

#[derive(Default, Deserialize)]
struct Outcome {
    #[serde(default)]
    outcome: String,
}

#[derive(Default, Deserialize)]
struct Service {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: Option<String>,
}

pub(super) fn read(documents: &Documents) -> serde_json::Result<Fetched> {
    let mut all = Fetched::default();
    for document in parsed::<Document>(documents)? {
        // Errors and metrics of the trace have neither.
        let of = [document.span.as_ref(), document.transaction.as_ref()];
        let timed = of.into_iter().flatten().find(|of| of.duration.is_some());
        let Some(timed) = timed else {
            continue;
        };
        match document.span_of(timed) {
            Ok(span) => all.spans.push(span),
            Err(why) => all.holes.push(unread(&timed.name, &why)),
        }
    }
    if !all.spans.is_empty() {
        all.losses.add(&LOSSES.into_iter().collect());
    }
    Ok(all)
}

impl Document {
    fn span_of(&self, timed: &Timed) -> Result<Span, String> {
        let start = match &self.micros {
            Some(micros) => micros.us.saturating_mul(1_000),
            None => date(&self.timestamp)?,
        };
        let duration = timed.duration.as_ref().map_or(0, |duration| duration.us);
        let parent = self.parent.as_ref().map(|parent| parent.id.as_str());
        let mut kinds = SpanKind::ALL.into_iter();
        let kind = kinds.find(|kind| kind.as_str().eq_ignore_ascii_case(&timed.kind));
        let labels = self.labels.iter().chain(&self.numeric_labels);
        let labels = labels.map(|(key, value)| (key.clone(), attribute_value(value.clone())));
        let version = self.service.version.as_deref();
        let version = version.map(|version| ("service.version", version));
        let name = [("service.name", self.service.name.as_str())].into_iter();
        Ok(Span {
            parent_id: parent.map(span_id).transpose()?,
            kind: kind.unwrap_or_default(),
            start,
            end: start.saturating_add(duration.saturating_mul(1_000)),
            status: Status {
                code: match self.event.outcome.as_str() {
                    "failure" => StatusCode::Error,
                    _ => StatusCode::Unset,
                },
                message: String::new(),
            },
            attributes: labels.collect(),
            resource: Arc::new(Resource {
                attributes: name.chain(version).collect(),
            }),
            ..Span::new(
                trace_id(&self.trace.id)?,
                span_id(&timed.id)?,
                timed.name.clone(),
            )
        })
    }
}
