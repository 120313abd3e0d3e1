//! spanspec tests a distributed system by its traces: it fires a request with a `traceparent` of
//! its own, receives the spans that the services export for it over OTLP, and holds them against a
//! spec.
//!
//! This is the library; the command `spanspec` is made of it, and the manual of both is in `docs/`
//! of the repository. What happens, in the order of the modules:
//!
//! - [`trace`]: what OpenTelemetry says of a trace: spans, attributes, the tree;
//! - [`spec`]: what the author of a spec wrote; text becomes a [`Spec`](spec::Spec), or errors with
//!   their places;
//! - [`budget`]: whether durations got worse: quantiles, bounds, verdicts, baselines;
//! - [`machine`]: what machine this is, for baselines;
//! - [`check`]: judges a response and a trace against a spec; pure;
//! - [`trigger`]: fires the request or command;
//! - [`service`]: starts and stops the system under test;
//! - [`source`]: where spans come from: the OTLP [`Receiver`](source::Receiver), and OTLP files;
//! - [`result`]: reports as data, and the events of a run;
//! - [`step`]: fires one trigger and waits until its trace is complete;
//! - [`load`]: fires one step many times, and judges its budgets;
//! - [`run`]: runs specs;
//! - [`report`]: text, HTML, JSON and JUnit;
//! - [`project`]: the project file, `spanspec.yaml`;
//! - [`workspace`]: a project with its specs, read and understood;
//! - [`api`]: the HTTP API of a running receiver;
//! - `exec`: a command beside one;
//! - [`session`]: the receiver and the services of a workspace, running;
//! - `measure`: runs of a spec whose durations are what counts;
//! - `ab`: two versions, running, against one another;
//! - `schema`: JSON Schema of specs and project file, for editors;
//! - `draft`: a spec for a request, from what it did;
//! - [`harness`]: tests in Rust. Most of them need no more than the [`prelude`].
//!
//! Judging needs no network and no clock. Here a spec looks at a trace that was saved as OTLP JSON:
//!
//! ```
//! use std::path::Path;
//!
//! use spanspec::check::{Evidence, judge};
//! use spanspec::source::otlp;
//! use spanspec::spec::{Context, Source, Spec};
//! use spanspec::trace::Response;
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
//!   [calls](harness::Call) with their traces.
//! - `run`: all that runs a spec: [`http()`], [`trigger`]s, services, projects.
//! - `harness`, on by default: `run`, and [`spec_tests!`] and [`spec_test!`].
//! - `cli`, on by default: `run`, and the command with its arguments, terminal output and reports,
//!   `exec`, `schema` and `draft`.
//! - `opentelemetry_0_33`: [`source`] has an exporter for services of the same process.

#[cfg(feature = "run")]
pub mod ab;
#[cfg(feature = "run")]
pub mod api;
mod background;
#[cfg(feature = "run")]
pub mod budget;
pub mod check;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
#[cfg(feature = "cli")]
pub mod draft;
#[cfg(feature = "cli")]
pub mod exec;
pub mod harness;
#[cfg(feature = "run")]
pub mod load;
#[cfg(feature = "run")]
pub mod machine;
#[cfg(feature = "run")]
pub mod measure;
pub mod prelude;
#[cfg(feature = "run")]
mod process;
#[cfg(feature = "run")]
pub mod project;
pub mod report;
pub mod result;
#[cfg(feature = "run")]
pub mod run;
#[cfg(feature = "cli")]
pub mod schema;
pub mod secret;
#[cfg(feature = "run")]
pub mod service;
#[cfg(feature = "run")]
pub mod session;
pub mod source;
pub mod spec;
pub mod step;
pub mod trace;
pub mod trigger;
#[cfg(feature = "run")]
mod whole_file;
#[cfg(feature = "run")]
pub mod workspace;

pub use background::block_on;
#[cfg(feature = "run")]
pub use harness::http;

/// The examples of these pages are tests, too.
#[cfg(all(doctest, feature = "opentelemetry_0_33"))]
mod pages {
    #[doc = include_str!("../docs/rust.md")]
    struct Rust;
    #[doc = include_str!("../README.md")]
    struct Readme;
}
