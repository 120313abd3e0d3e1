//! Decodes raw records; each resource and scope only once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Instant;

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

/// The decoded log records of one trace.
#[derive(Debug, Default)]
pub(in crate::source) struct DecodedLogs {
    /// Number of raw records that were read.
    pub(in crate::source) known: usize,
    /// The records that could be decoded.
    pub(in crate::source) records: Arc<Vec<Arc<LogRecord>>>,
    /// Their arrivals.
    pub(in crate::source) arrivals: Vec<Instant>,
    /// The first arrival of each different record, by digest.
    first_arrivals: HashMap<u64, Instant>,
}

/// The scopes of lines that a service printed. Such a line is read once.
const PRINTED: [&str; 2] = ["stdout", "stderr"];

impl DecodedLogs {
    /// Decodes further records.
    pub(in crate::source) fn read(&mut self, new: Vec<RawRecord>, decoder: &mut RecordDecoder) {
        if new.is_empty() {
            return;
        }
        let records = Arc::make_mut(&mut self.records);
        for raw in new {
            self.known += 1;
            let arrived = raw.arrived;
            // The walk accepts no record that cannot be decoded.
            if let Ok(record) = decoder.log_record(raw.clone()) {
                let first = self.first_arrivals.entry(digest(&raw, &record));
                let is_repeated = *first.or_insert(arrived) != arrived;
                self.arrivals.push(arrived);
                records.push(Arc::new(LogRecord {
                    is_repeated,
                    ..record
                }));
            }
        }
    }
}

/// Returns `true` for the record of a line that a service printed.
pub(in crate::source) fn is_printed(record: &LogRecord) -> bool {
    PRINTED.contains(&record.scope.name.as_str())
}

/// A digest that is the same for each copy of a record. A Collector that reads a record again observes it at
/// another time; an SDK sets that time once, as the only time of a record if the logging library has none.
fn digest(raw: &RawRecord, record: &LogRecord) -> u64 {
    let mut digest = DefaultHasher::new();
    let is_of_sdk = record
        .resource
        .attributes
        .get("telemetry.sdk.name")
        .is_some();
    match otlp::without_observed_time(&raw.bytes) {
        Ok((has_time, rest)) if !is_printed(record) && (has_time || !is_of_sdk) => {
            rest.hash(&mut digest)
        }
        _ => raw.bytes.hash(&mut digest),
    }
    (&raw.resource, &raw.scope).hash(&mut digest);
    digest.finish()
}

impl RecordDecoder {
    /// Decodes a span. `None` if its ids are invalid.
    pub(in crate::source) fn span(&mut self, raw: RawRecord) -> Result<Option<Span>, Malformed> {
        let resource = shared(&mut self.resources, raw.resource, otlp::resource)?;
        let scope = shared(&mut self.scopes, raw.scope, otlp::scope)?;
        otlp::span(raw.bytes, &resource, &scope)
    }

    /// Decodes a resource.
    pub(in crate::source) fn resource(&mut self, raw: Bytes) -> Result<Arc<Resource>, Malformed> {
        shared(&mut self.resources, raw, otlp::resource)
    }

    /// Decodes a log record.
    pub(in crate::source) fn log_record(&mut self, raw: RawRecord) -> Result<LogRecord, Malformed> {
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
