//! Items that the macros, integration tests and benches of this package use.
//!
//! They are not part of the API and may change in any release. Those of tests and benches exist only
//! with the feature `cli`: items that are reachable from outside lengthen the builds of users.

#![allow(missing_docs, reason = "not part of the API")]

#[cfg(feature = "cli")]
pub mod api {
    pub use crate::api::{Api, OPENAPI, REMEMBERED, SystemInfo};
}
#[cfg(feature = "cli")]
pub mod budget {
    pub use crate::budget::{
        AbVerdict, Against, Alpha, Claim, ClaimVerdict, Contention, FEWEST_RUNS, JudgedClaim, Pair,
        PairedClaim, Quantile, Reference, SampleSize, Samples, Scatter, Sketch, comparable,
        confirmations, judge, judge_pairs, lower_rank, pairs_needed, samples_for_bounds,
        smallest_count, spread, spread_of, too_few_requests, upper_rank,
    };
    pub mod baseline {
        pub use crate::budget::baseline::{
            Baseline, Budget, Case, Fingerprint, LoadModel, ReceivedBy, Run, path_beside, path_of,
            read, render, write,
        };
    }
}
#[cfg(feature = "cli")]
pub mod check {
    pub use crate::check::{MetricEvidence, capture, outcomes};
}
#[cfg(feature = "_fuzzing")]
pub mod fuzzing {
    pub use crate::fuzzing::*;
    pub use crate::report::Look;
    pub use crate::source::otlp::Malformed;
}
pub mod harness {
    pub use crate::harness::{LogAssertion, SpanAssertion, assert_file};
    #[cfg(feature = "harness")]
    pub use crate::harness::{main, run_file};
}
#[cfg(feature = "cli")]
pub mod mutate {
    pub use crate::mutate::judge_faults;
}
#[cfg(feature = "cli")]
pub mod project {
    pub use crate::project::{Project, read_variables};
}
#[cfg(feature = "cli")]
pub mod report {
    pub use crate::report::{Diagnostic, duration};
    pub mod html {
        pub use crate::report::html::render;
    }
    pub mod snippet {
        pub use crate::report::snippet::{Diagnostic, diagnostics};
    }
}
#[cfg(feature = "cli")]
pub mod result {
    pub use crate::result::{Before, Exemplar, Failing, Load, Measured, Versions};
    pub use crate::result::{Phase, Telemetry, Timing};
}
#[cfg(feature = "cli")]
pub mod run {
    pub use crate::run::{RunEnd, run, run_open};
}
#[cfg(feature = "cli")]
pub mod sampling {
    pub use crate::sampling::bench::TailReplay;
}
#[cfg(feature = "cli")]
pub mod service {
    pub use crate::service::{
        CommandLine, ExitReason, Ready, Service, ServiceEvent, StartError, System, TelemetryTarget,
        UnexpectedExit, free_port, start,
    };
}
#[cfg(feature = "cli")]
pub mod source {
    pub use crate::source::connect;
    pub use crate::source::{Follow, MetricWatch, TraceSource};
    pub mod otlp {
        pub use crate::source::otlp::{protobuf_of_json, read_logs, walk};
    }
}
#[cfg(feature = "cli")]
pub mod spec {
    pub use crate::spec::{
        Allowance, Arrivals, Body, Budget, Command, GraphQl, Measure, Pace, Part, PartContent,
        Place, Propagation, Rate, Repeat, Request, Scope, Tls, Trigger, Wait,
    };
}
#[cfg(feature = "cli")]
pub mod step {
    pub use crate::step::{ArrivedTraces, Budgeting, Update, drive, metrics_of_exports};
}
#[cfg(feature = "cli")]
pub mod trigger {
    pub use crate::trigger::TraceContext;
    pub use crate::trigger::{Session, TriggerError, fire};
}
