//! What a log record is called in messages.

use super::outcome::SpanName;
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
