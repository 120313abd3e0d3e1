//! Trace tests as tests of `cargo test`: specs by [`spec_tests!`](crate::spec_tests) and
//! [`spec_test!`](crate::spec_test), assertions in Rust by [`assert_span!`](crate::assert_span) and
//! its like.
//!
//! The macros expand to calls of what is in here. Each test process has one session of each
//! project: a receiver and the project's services, started by the first test that runs.

mod assertion;
mod assertions;
mod call;
#[cfg(feature = "harness")]
mod environment;
mod error_text;
#[cfg(feature = "harness")]
mod filter;
mod fragment;
#[cfg(feature = "run")]
mod http;
mod impossible;
mod late;
#[cfg(feature = "harness")]
mod live;
mod log_assertions;
mod log_pattern;
mod macros;
mod pattern;
#[cfg(feature = "harness")]
mod project;
mod query;
#[cfg(feature = "harness")]
mod results;
#[cfg(feature = "harness")]
mod single;
#[cfg(feature = "harness")]
mod trials;
mod value;
#[cfg(feature = "harness")]
mod verdict;

#[doc(hidden)]
pub use assertion::{LogAssertion, SpanAssertion};
pub use call::{Call, Incomplete};
#[doc(hidden)]
pub use fragment::assert_file;
#[cfg(feature = "run")]
pub use http::{Http, Reply, Request, SendError, http};
pub use log_pattern::{IntoSeverities, LogPattern, Severity, any_log, log};
pub use pattern::{SpanPattern, any_span, service, span};
#[cfg(feature = "harness")]
pub use single::run_file;
#[cfg(feature = "harness")]
pub use trials::main;
pub use value::{
    IntoCount, IntoDurations, IntoMatcher, absent, contains, exists, ms, not, regex, secs,
};
