//! The parts of a log record that messages name.

use super::unjudged::{DroppedPart, SpanName, Unjudged};
use super::words;
use crate::trace::{LogRecord, Value};

pub(super) fn body(record: &LogRecord) -> Option<&Value> {
    Some(&record.body).filter(|body| **body != Value::Null)
}

/// The name of an event. Older senders have it in an attribute.
pub(super) fn event_name(record: &LogRecord) -> &str {
    let of_attribute = || record.attributes.get("event.name")?.as_str();
    match record.event_name.as_str() {
        "" => of_attribute().unwrap_or_default(),
        name => name,
    }
}

/// The beginning of its text, for messages.
pub(super) fn text_of(record: &LogRecord) -> String {
    match (body(record), event_name(record)) {
        (None, name) => name.to_owned(),
        (Some(body), _) => words::excerpt(&body.to_text()),
    }
}

pub(super) fn name_of(record: &LogRecord) -> SpanName {
    SpanName {
        service: record.service().to_owned(),
        name: text_of(record),
    }
}

/// The reason, if the service of a record is not known.
pub(super) fn unknown_service(record: &LogRecord) -> Option<Unjudged> {
    const KEY: &str = "service.name";
    let attributes = &record.resource.attributes;
    match attributes.get(KEY) {
        Some(Value::String(_)) => None,
        Some(_) => Some(Unjudged::OtherType(name_of(record), KEY.to_owned())),
        None if attributes.dropped() == 0 => None,
        None => Some(Unjudged::Dropped(
            name_of(record),
            DroppedPart::Resource,
            attributes.dropped(),
        )),
    }
}

/// The beginning of its text and its service, for messages about traces.
#[cfg(feature = "run")]
pub(crate) fn record_name(record: &LogRecord) -> String {
    name_of(record).to_string()
}
