//! An exporter for version 0.33 of `opentelemetry_sdk`, which stores the spans of services in this
//! process without a socket.
//!
//! ```
//! use std::collections::HashMap;
//!
//! use opentelemetry::KeyValue;
//! use opentelemetry::propagation::TextMapPropagator;
//! use opentelemetry::trace::{Span, Tracer, TracerProvider};
//! use opentelemetry_sdk::Resource;
//! use opentelemetry_sdk::propagation::TraceContextPropagator;
//! use opentelemetry_sdk::trace::SdkTracerProvider;
//! use spanspec::prelude::*;
//! use spanspec::{Store, opentelemetry_0_33::Exporter};
//!
//! let store = Store::new().flush_within(ms(0));
//! let provider = SdkTracerProvider::builder()
//!     .with_resource(Resource::builder().with_service_name("payment").build())
//!     .with_simple_exporter(Exporter::new(&store))
//!     .build();
//!
//! let call = store.call();
//! let headers = HashMap::from([("traceparent".to_owned(), call.traceparent())]);
//! let caller = TraceContextPropagator::new().extract(&headers);
//! let mut span = provider.tracer("shop").start_with_context("process_payment", &caller);
//! span.set_attribute(KeyValue::new("payment.method", "card"));
//! span.end();
//!
//! let trace = spanspec::block_on(call.trace())?;
//! assert_span!(trace, "process_payment", service: "payment", attributes: { "payment.method" => "card" });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use opentelemetry::trace as otel;
use opentelemetry::{Array, InstrumentationScope, KeyValue, Value};
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use prost::Message;

use super::otlp::message;
use super::store::Store;
use crate::trace::unix_nanos;

/// Adds the spans of this process to a store.
#[derive(Clone, Debug)]
pub struct Exporter {
    store: Store,
    resource: message::ResourceMessage,
}

impl Exporter {
    /// An exporter to a store, or to that of a [`Receiver`](super::Receiver).
    #[must_use]
    pub fn new(store: impl AsRef<Store>) -> Self {
        let store = store.as_ref().clone();
        store.is_filled();
        store.note_exporter(|presence| presence.exporters += 1);
        Self {
            store,
            resource: message::ResourceMessage::default(),
        }
    }
}

impl SpanExporter for Exporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let request = request(self.resource.clone(), batch).encode_to_vec();
        match self.store.ingest(&request) {
            Ok(_) => Ok(()),
            Err(error) => Err(OTelSdkError::InternalFailure(error.to_string())),
        }
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        self.store.note_exporter(|presence| presence.shut_down += 1);
        Ok(())
    }

    fn set_resource(&mut self, resource: &opentelemetry_sdk::Resource) {
        let attributes = resource.iter();
        self.resource = message::ResourceMessage {
            attributes: attributes
                .map(|(key, value)| key_value(key.as_str(), value).encode_to_vec().into())
                .collect(),
            dropped_attributes_count: 0,
        };
    }
}

fn request(resource: message::ResourceMessage, batch: Vec<SpanData>) -> message::TracesData {
    let mut scopes: HashMap<InstrumentationScope, Vec<message::SpanMessage>> = HashMap::new();
    for span in batch {
        let scope = span.instrumentation_scope.clone();
        scopes.entry(scope).or_default().push(of_span(span));
    }
    let scope_spans = scopes
        .into_iter()
        .map(|(scope, spans)| message::ScopeSpans {
            scope: Some(of_scope(&scope)),
            spans,
        });
    message::TracesData {
        resource_spans: vec![message::ResourceSpans {
            resource: Some(resource),
            scope_spans: scope_spans.collect(),
            instrumentation_library_spans: Vec::new(),
        }],
    }
}

fn of_scope(scope: &InstrumentationScope) -> message::ScopeMessage {
    message::ScopeMessage {
        name: text(scope.name()),
        version: text(scope.version().unwrap_or_default()),
        attributes: attributes(scope.attributes()),
        dropped_attributes_count: 0,
    }
}

/// The trace flags, and where the parent is: `SpanFlags` of OTLP.
fn flags(span: &SpanData) -> u32 {
    const PARENT_IS_KNOWN: u32 = 0x100;
    const PARENT_IS_REMOTE: u32 = 0x200;
    let remote = match span.parent_span_is_remote {
        true => PARENT_IS_REMOTE,
        false => 0,
    };
    u32::from(span.span_context.trace_flags().to_u8()) | PARENT_IS_KNOWN | remote
}

fn of_span(span: SpanData) -> message::SpanMessage {
    let context = &span.span_context;
    let parent = span.parent_span_id;
    message::SpanMessage {
        trace_id: bytes(context.trace_id().to_bytes()),
        span_id: bytes(context.span_id().to_bytes()),
        trace_state: text(&context.trace_state().header()),
        flags: flags(&span),
        parent_span_id: if parent == otel::SpanId::INVALID {
            Bytes::new()
        } else {
            bytes(parent.to_bytes())
        },
        name: text(&span.name),
        kind: kind(&span.span_kind),
        start_time_unix_nano: unix_nanos(span.start_time),
        end_time_unix_nano: unix_nanos(span.end_time),
        attributes: attributes(&span.attributes),
        dropped_attributes_count: span.dropped_attributes_count,
        events: span.events.iter().map(of_event).collect(),
        dropped_events_count: span.events.dropped_count,
        links: span.links.iter().map(of_link).collect(),
        dropped_links_count: span.links.dropped_count,
        status: Some(of_status(&span.status)),
    }
}

fn of_event(event: &otel::Event) -> message::EventMessage {
    message::EventMessage {
        time_unix_nano: unix_nanos(event.timestamp),
        name: text(&event.name),
        attributes: attributes(&event.attributes),
        dropped_attributes_count: event.dropped_attributes_count,
    }
}

fn of_link(link: &otel::Link) -> message::LinkMessage {
    let context = &link.span_context;
    message::LinkMessage {
        trace_id: bytes(context.trace_id().to_bytes()),
        span_id: bytes(context.span_id().to_bytes()),
        trace_state: text(&context.trace_state().header()),
        attributes: attributes(&link.attributes),
        dropped_attributes_count: link.dropped_attributes_count,
    }
}

/// The numbers are OTLP's.
fn of_status(status: &otel::Status) -> message::StatusMessage {
    let (code, description) = match status {
        otel::Status::Unset => (0, ""),
        otel::Status::Ok => (1, ""),
        otel::Status::Error { description } => (2, description.as_ref()),
    };
    message::StatusMessage {
        message: text(description),
        code,
    }
}

/// The numbers are OTLP's.
fn kind(kind: &otel::SpanKind) -> i32 {
    match kind {
        otel::SpanKind::Internal => 1,
        otel::SpanKind::Server => 2,
        otel::SpanKind::Client => 3,
        otel::SpanKind::Producer => 4,
        otel::SpanKind::Consumer => 5,
    }
}

fn attributes<'a>(all: impl IntoIterator<Item = &'a KeyValue>) -> Vec<Bytes> {
    let all = all.into_iter();
    all.map(|one| {
        key_value(one.key.as_str(), &one.value)
            .encode_to_vec()
            .into()
    })
    .collect()
}

fn key_value(key: &str, value: &Value) -> message::KeyValue {
    message::KeyValue {
        key: text(key),
        value: Some(any(of_value(value))),
    }
}

fn of_value(value: &Value) -> message::ValueKind {
    match value {
        Value::Bool(value) => message::ValueKind::Bool(*value),
        Value::I64(value) => message::ValueKind::Int(*value),
        Value::F64(value) => message::ValueKind::Double(*value),
        Value::String(value) => message::ValueKind::String(text(value.as_str())),
        Value::Array(values) => array(values),
        // Types of later versions are converted to text by the SDK.
        other => message::ValueKind::String(text(&other.as_str())),
    }
}

fn array(values: &Array) -> message::ValueKind {
    let kinds: Vec<message::ValueKind> = match values {
        Array::Bool(all) => all.iter().copied().map(message::ValueKind::Bool).collect(),
        Array::I64(all) => all.iter().copied().map(message::ValueKind::Int).collect(),
        Array::F64(all) => all
            .iter()
            .copied()
            .map(message::ValueKind::Double)
            .collect(),
        Array::String(all) => all
            .iter()
            .map(|one| message::ValueKind::String(text(one.as_str())))
            .collect(),
        other => vec![message::ValueKind::String(text(&other.to_string()))],
    };
    let values = kinds.into_iter().map(any).collect();
    message::ValueKind::Array(message::ArrayValue { values })
}

fn any(kind: message::ValueKind) -> message::AnyValue {
    message::AnyValue { kind: Some(kind) }
}

fn text(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn bytes<const N: usize>(id: [u8; N]) -> Bytes {
    Bytes::copy_from_slice(&id)
}
