//! spanspec tests a distributed system by its traces. It sends a request with its own
//! `traceparent`, receives the spans that the services export for it over OTLP, and checks them
//! against a spec.
//!
//! This is the library behind the command `spanspec`. The manual of both is in `docs/` of the
//! repository. A test in Rust usually needs only the [`prelude`]:
//!
//! ```no_run
//! use spanspec::prelude::*;
//!
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! let receiver = Receiver::start()?;
//! let call = receiver.call();
//! // Send a request with `call.traceparent()` here.
//! let trace = call.trace().await?;
//! assert_span!(trace, "process_payment", duration: ..ms(600));
//! # Ok(())
//! # }
//! ```
//!
//! Judging needs neither a network nor a clock. This example checks a trace that was saved as OTLP
//! JSON:
//!
//! ```
//! use std::path::Path;
//!
//! use spanspec::{Context, Evidence, Response, Source, Spec, judge, otlp};
//!
//! let saved = br#"{ "resourceSpans": [{
//!     "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "payment" } }] },
//!     "scopeSpans": [{ "spans": [{
//!         "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
//!         "spanId": "00f067aa0ba902b7",
//!         "name": "process_payment",
//!         "startTimeUnixNano": "1000000000",
//!         "endTimeUnixNano": "1412000000",
//!         "attributes": [{ "key": "payment.method", "value": { "stringValue": "paypal" } }]
//!     }] }]
//! }] }"#;
//! let trace = &otlp::read(saved)?[0];
//!
//! let source = Source::new("specs/payment.yaml", r"
//! trace_id: 4bf92f3577b34da6a3ce929d0e0e4736
//! expect:
//!   errors: 0
//!   spans:
//!     - find: { name: process_payment, service: payment }
//!       attributes: { payment.method: card }
//!       duration: < 600ms
//! ");
//! let specs = Spec::read_all(&source, Path::new("specs"), &Context::default())?;
//! let expect = specs[0].steps[0].expect(&specs[0].scope())?;
//!
//! let judgements = judge(&expect, &Evidence::new(&Response::None, Some(trace), true));
//! let failures: Vec<String> = judgements
//!     .iter()
//!     .filter_map(|one| one.judged.outcome.failure())
//!     .map(ToString::to_string)
//!     .collect();
//! assert_eq!(
//!     failures,
//!     ["attribute `payment.method` of span `process_payment`: expected \"card\", found \"paypal\""],
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! - None: the receiver, traces, the spec language, the judge, [assertions](assert_span) and
//!   [calls](Call) with their traces.
//! - `run`: everything that runs a spec: [`http()`], triggers, services, projects.
//! - `harness`, on by default: `run`, and [`spec_tests!`] and [`spec_test!`].
//! - `grpc`, on by default: `run`, and the `grpc` trigger.
//! - `tls`, on with `cli`: `https` URLs.
//! - `cli`, on by default: `run`, and the command with its arguments, terminal output and reports.
//! - `kafka`, `nats`, `amqp` and `sqs`, on with `cli`: brokers for `publish`.
//! - `zstd`, on with `cli`: exports and saved traces that are compressed with zstd.
//! - `opentelemetry_0_33`: an exporter for services in the same process.

// Without the command line or the harness, some items have no user.
#![cfg_attr(
    not(all(feature = "cli", feature = "harness")),
    allow(dead_code, unused_imports)
)]

#[cfg(feature = "cli")]
mod ab;
#[cfg(feature = "cli")]
mod api;
#[cfg(feature = "run")]
mod atomic_file;
#[cfg(feature = "run")]
mod aws_signature;
mod background;
#[cfg(feature = "run")]
mod budget;
mod check;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
mod conformance;
#[cfg(feature = "cli")]
mod coverage;
#[cfg(feature = "_pure")]
mod draft;
#[cfg(feature = "cli")]
mod exec;
#[cfg(feature = "_fuzzing")]
mod fuzzing;
mod harness;
#[cfg(feature = "_pure")]
mod import;
mod instrumentation;
#[doc(hidden)]
pub mod internal;
#[cfg(feature = "run")]
mod load;
#[cfg(feature = "run")]
mod machine;
#[cfg(feature = "run")]
mod measure;
#[cfg(feature = "cli")]
mod mutate;
mod number;
pub mod prelude;
#[cfg(feature = "run")]
mod probe;
#[cfg(feature = "run")]
mod process;
#[cfg(feature = "run")]
mod project;
#[cfg_attr(not(feature = "grpc"), path = "no_proto.rs")]
mod proto;
mod report;
mod result;
#[cfg(feature = "run")]
mod run;
mod sampling;
#[cfg(feature = "_pure")]
mod schema;
mod secret;
#[cfg(feature = "run")]
mod send;
#[cfg(feature = "run")]
mod service;
#[cfg(feature = "run")]
mod session;
#[cfg(feature = "cli")]
mod shape_file;
mod source;
mod spec;
mod step;
mod trace;
mod trigger;
#[cfg(feature = "run")]
mod workspace;
mod yaml;

pub use background::block_on;
pub use check::{
    Candidate, CheckRef, Difference, DroppedPart, EntryCheck, Evidence, Failure, Finality, Judged,
    Judgement, Missing, NoNumber, Outcome, Rejection, RejectionForm, SpanName, Subject, Unjudged,
    Witness, judge,
};
pub use harness::{
    Call, Incomplete, IntoCount, IntoDurations, IntoMatcher, IntoSeverities, LogPattern, Severity,
    SpanPattern, absent, any_log, any_span, contains, exists, log, ms, not, regex, secs, service,
    span,
};
#[cfg(feature = "run")]
pub use harness::{Http, Reply, Request, SendError, http};
#[cfg(feature = "run")]
pub use report::Json;
pub use report::{Detail, Look, Reporter};
#[cfg(feature = "cli")]
pub use report::{Granularity, Html, Junit, Markdown, Progress, Tap, Terminal};
pub use result::{Attempt, Report, RunEvent, SpecReport, StepReport, Trouble, Verdict};
pub use secret::Secrets;
#[cfg(feature = "run")]
pub use session::{Listener, Session, Stopper};
pub use source::receiver::BindError;
pub use source::{Receiver, Store};
pub use spec::{
    Context, Defaults, Expect, Globals, Location, NamedFiles, Source, SpanType, Spec, SpecError,
    SpecErrors, Step, Variables,
};
pub use step::Flush;
#[cfg(feature = "run")]
pub use step::{Options, SaveTraces, Services, Stop};
pub use trace::{
    Attributes, CaseEffect, CaseResult, CaseVerdict, CommandResponse, ConformanceResponse,
    EdgeKind, Event, GrpcCode, GrpcEnding, GrpcResponse, Hole, HttpResponse, InvalidId, Link,
    LogRecord, LogsWithoutTrace, MessageResponse, Nanos, Number, Origin, Outline, OutlineSpan,
    RefusedExport, Requirement, Resource, Response, Scope, SentTelemetry, ServiceEdge,
    ServiceTraffic, Signal, SignalTraffic, Span, SpanExemplar, SpanId, SpanKind, Status,
    StatusCode, Trace, TraceId, Traffic, Undecoded, Value,
};
#[cfg(feature = "run")]
pub use workspace::{FileError, LoadError, Ports, Search, Workspace};

/// Traces as OTLP JSON, as Collectors write it to files, and as OTLP protobuf.
pub mod otlp {
    pub use crate::source::otlp::{Malformed, ReadError, read, write_json};
}

/// An exporter for services that run in the test's own process.
#[cfg(feature = "opentelemetry_0_33")]
pub mod opentelemetry_0_33 {
    pub use crate::source::opentelemetry_0_33::Exporter;
}

/// The examples of these pages are tests, too.
#[cfg(all(doctest, feature = "opentelemetry_0_33"))]
mod pages {
    #[doc = include_str!("../docs/rust.md")]
    struct Rust;
    #[doc = include_str!("../README.md")]
    struct Readme;
}
