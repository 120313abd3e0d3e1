//! Parts of documents that all schemas have.

use serde::Deserialize;

use super::engine::Documents;
use crate::trace::{Hole, Nanos, Sender};

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
