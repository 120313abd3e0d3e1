//! Traces, log records and metrics in the data model of OpenTelemetry, and responses of triggers.
//!
//! Plain values: no I/O, no YAML, no protobuf. `source` receives traces, `spec` describes
//! expectations.

#[cfg(test)]
pub(crate) mod any;
mod attributes;
mod calls;
mod conformance;
mod critical;
mod delivery;
mod difference;
mod duration;
mod event;
mod grpc;
mod hole;
mod hops;
mod id;
mod identity;
mod json;
mod kind;
mod link;
mod log_record;
mod log_time;
mod losses;
mod metric;
#[cfg(feature = "run")]
mod named_context;
mod nanos;
mod number;
mod outline;
mod peers;
mod reference;
mod renamed;
mod resource;
mod response;
mod restart;
mod scope;
mod signal;
mod span;
mod status;
mod sum;
mod traffic;
mod tree;
mod value;
mod witness;

pub use attributes::Attributes;
pub use calls::{Calls, Service, ServiceGraph, Tie};
pub use conformance::{CaseEffect, CaseResult, CaseVerdict, ConformanceResponse, Requirement};
pub use delivery::Delivery;
pub(crate) use delivery::RECEIVER;
#[cfg(feature = "run")]
pub(crate) use delivery::marker_value;
pub(crate) use difference::without_ids;
pub use difference::{Change, structural_changes};
pub use duration::NoDuration;
pub use event::Event;
pub use grpc::{GrpcCode, GrpcEnding, GrpcResponse};
pub use hole::{Hole, Sender};
pub(crate) use hops::{Hop, HopEnd, hops};
pub use id::{InvalidId, SpanId, TraceId};
pub use kind::SpanKind;
pub use link::Link;
pub use log_record::{LogRecord, LogsWithoutTrace};
pub(crate) use log_time::{Inside, written_in};
pub use losses::{Field, Losses};
pub use metric::{
    Exemplar, MetricHole, MetricKind, MetricRecords, Naming, Point, PointValue, ProcessId,
    ProcessRecord, Series, SeriesRecord, SpanExemplar, Temporality,
};
#[cfg(feature = "run")]
pub(crate) use named_context::{NamedContext, named_context};
#[cfg(any(feature = "run", feature = "opentelemetry_0_33"))]
pub(crate) use nanos::unix_nanos;
pub(crate) use nanos::{SECOND, nanos_of, unit_of};
pub use number::Number;
pub use outline::{Outline, OutlineSpan};
pub use peers::{Peers, peer_name};
pub use reference::{NoTrace, TraceRef};
pub(crate) use renamed::{merged_into, other_names, renamed_to};
pub use resource::Resource;
#[cfg(feature = "run")]
pub(crate) use response::signal_in_words;
pub use response::{
    CommandResponse, HttpResponse, MessageResponse, Response, SentTelemetry, Undecoded,
};
pub(crate) use restart::Fit;
#[cfg(feature = "run")]
pub(crate) use restart::ends_with_route;
pub(crate) use restart::{distance, fit, is_call_of_a_service, roots, server_roots};
pub use scope::Scope;
pub use signal::Signal;
pub use span::{Nanos, Span};
pub use status::{Status, StatusCode};
pub(crate) use sum::Sum;
pub use traffic::{EdgeKind, RefusedExport, ServiceEdge, ServiceTraffic, SignalTraffic, Traffic};
pub use tree::{Origin, Trace};
pub use value::Value;
pub(crate) use value::last_of_each;
pub use witness::Witness;
