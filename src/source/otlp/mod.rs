//! OTLP as bytes: reads requests and saved files, writes files.
//!
//! The shape of OTLP's messages is private to this folder. How bytes arrive is left to `receiver`.

mod answer;
mod attribute;
mod decode;
mod error;
mod file;
mod hint;
mod ids;
mod json;
mod limit;
pub(super) mod message;
mod metric_export;
pub(crate) mod metric_message;
#[cfg(feature = "run")]
mod metric_wire;
mod pack;
mod read;
#[cfg(feature = "run")]
mod record_facts;
#[cfg(feature = "run")]
mod resend;
mod shape;
mod signal;
mod walk;
mod wire;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use answer::{Encoding, partial, status, success};
#[cfg(feature = "run")]
pub(crate) use answer::{accepted, refusal};
pub(crate) use decode::{log_record, resource, scope, service_of, span};
pub use error::{Malformed, ReadError};
#[cfg(feature = "run")]
pub(crate) use file::{decompressed, whole_part};
pub(crate) use hint::service_hint;
pub use ids::WrongId;
pub(crate) use ids::wrong_log_id;
#[cfg(feature = "cli")]
pub use json::protobuf_of_json;
pub(crate) use json::{logs_from_json, metrics_from_json, traces_from_json};
pub(crate) use metric_export::{MetricExport, ProcessExport, SeriesExport};
#[cfg(feature = "run")]
pub(crate) use pack::pack;
pub(crate) use pack::stamp;
pub(crate) use read::assemble;
pub use read::read;
#[cfg(feature = "_pure")]
pub use read::read_logs;
#[cfg(feature = "_pure")]
pub(crate) use read::{FileTraces, read_file};
#[cfg(feature = "run")]
pub(crate) use read::{SentSpans, UntiedFile, read_spans, read_untied, tie};
#[cfg(feature = "run")]
pub(crate) use record_facts::{SpanFacts, log_time, point_times, span_facts};
#[cfg(feature = "run")]
pub(crate) use resend::{Exports, ResendError, SavedTelemetry};
pub(crate) use signal::Signal;
#[cfg(feature = "run")]
pub(crate) use walk::is_server;
pub(crate) use walk::{
    LinkAt, LogAt, LogWalk, MetricWalk, Pieces, ScopeAt, SpanAt, Walk, without_observed_time,
};
pub use write::write_json;
#[cfg(feature = "run")]
pub(crate) use write::{write_gauge_json, write_json_with, write_log_json};

/// Returns `true` if a message that was refused is an export of traces.
pub(crate) fn has_spans(encoding: Encoding, message: &[u8]) -> bool {
    match encoding {
        Encoding::Protobuf => Walk::of(message).is_ok_and(|walk| !walk.spans.is_empty()),
        Encoding::Json => message.windows(15).any(|part| part == b"\"resourceSpans\""),
    }
}

/// Number of spans that the walk finds in a protobuf request. For the benchmark.
#[doc(hidden)]
pub fn walk(request: &[u8]) -> Result<usize, Malformed> {
    Ok(Walk::of(request)?.spans.len())
}
