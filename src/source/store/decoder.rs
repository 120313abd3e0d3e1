//! Decodes raw records; each resource and scope only once.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::entry::RawRecord;
use crate::source::otlp::{self, Malformed};
use crate::trace::{Hole, LogRecord, Resource, Scope, Sender, Span};

/// The resources and scopes that were decoded already.
#[derive(Debug, Default)]
pub(in crate::source) struct RecordDecoder {
    resources: HashMap<Bytes, Arc<Resource>>,
    scopes: HashMap<Bytes, Arc<Scope>>,
}

impl RecordDecoder {
    /// Decodes a span. `None` if its ids are invalid.
    pub(in crate::source) fn span(&mut self, raw: RawRecord) -> Result<Option<Span>, Malformed> {
        let resource = shared(&mut self.resources, raw.resource, otlp::resource)?;
        let scope = shared(&mut self.scopes, raw.scope, otlp::scope)?;
        otlp::span(raw.bytes, &resource, &scope)
    }

    /// Decodes a log record. `None` if its trace id is invalid.
    pub(in crate::source) fn log_record(
        &mut self,
        raw: RawRecord,
    ) -> Result<Option<LogRecord>, Malformed> {
        let resource = shared(&mut self.resources, raw.resource, otlp::resource)?;
        let scope = shared(&mut self.scopes, raw.scope, otlp::scope)?;
        otlp::log_record(raw.bytes, &resource, &scope)
    }
}

fn shared<T>(
    known: &mut HashMap<Bytes, Arc<T>>,
    bytes: Bytes,
    decode: impl Fn(Bytes) -> Result<T, Malformed>,
) -> Result<Arc<T>, Malformed> {
    if let Some(known) = known.get(&bytes) {
        return Ok(Arc::clone(known));
    }
    let decoded = Arc::new(decode(bytes.clone())?);
    known.insert(bytes, Arc::clone(&decoded));
    Ok(decoded)
}

/// The hole that a span leaves if it cannot be decoded.
pub(in crate::source) fn undecoded(error: &Malformed) -> Hole {
    Hole {
        reason: format!("a span of this trace cannot be decoded: {error}"),
        sender: Sender::default(),
        remedy: "update the OpenTelemetry SDK or Collector that sent it".to_owned(),
    }
}
