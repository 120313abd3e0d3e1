//! Items that the macros, integration tests and benches of this package use.
//!
//! They are not part of the API and may change in any release.

#![allow(missing_docs, reason = "not part of the API")]

#[cfg(feature = "run")]
pub mod api {
    pub use crate::api::{Api, OPENAPI, REMEMBERED, SystemInfo};
}
#[cfg(feature = "run")]
pub mod budget {
    pub use crate::budget::{
        AbVerdict, Against, Alpha, Claim, ClaimVerdict, FEWEST_RUNS, JudgedClaim, Pair,
        PairedClaim, Quantile, Reference, SampleSize, Samples, Scatter, Sketch, judge, judge_pairs,
        lower_rank, pairs_needed, samples_for_bounds, smallest_count, spread, too_few_requests,
        upper_rank,
    };
    pub mod baseline {
        pub use crate::budget::baseline::{
            Baseline, Budget, Case, Fingerprint, LoadModel, ReceivedBy, Run, path_beside, path_of,
            read, render, write,
        };
    }
}
pub mod check {
    pub use crate::check::capture;
}
pub mod harness {
    pub use crate::harness::{Assertion, assert_file};
    #[cfg(feature = "harness")]
    pub use crate::harness::{main, run_file};
}
#[cfg(feature = "run")]
pub mod project {
    pub use crate::project::{Project, read_variables};
}
pub mod report {
    pub use crate::report::{Diagnostic, duration};
    #[cfg(feature = "cli")]
    pub mod html {
        pub use crate::report::html::render;
    }
    pub mod snippet {
        pub use crate::report::snippet::{Diagnostic, diagnostics};
    }
}
pub mod result {
    #[cfg(feature = "run")]
    pub use crate::result::{Before, Exemplar, Failing, Load, Measured, Versions};
    pub use crate::result::{Phase, Telemetry, Timing};
}
#[cfg(feature = "run")]
pub mod run {
    pub use crate::run::{RunEnd, run, run_open};
}
#[cfg(feature = "run")]
pub mod service {
    pub use crate::service::{
        CommandLine, ExitReason, Ready, Service, ServiceEvent, StartError, System, TelemetryTarget,
        UnexpectedExit, free_port, start,
    };
}
pub mod source {
    #[cfg(feature = "run")]
    pub use crate::source::connect;
    pub use crate::source::{Follow, TraceSource};
    pub mod otlp {
        pub use crate::source::otlp::walk;
    }
}
pub mod spec {
    pub use crate::spec::{
        Allowance, Arrivals, Body, Budget, Command, Measure, Pace, Part, PartContent, Place, Rate,
        Repeat, Request, Scope, Tls, Trigger, Wait,
    };
}
pub mod step {
    #[cfg(feature = "run")]
    pub use crate::step::{Budgeting, Update};
}
pub mod trigger {
    pub use crate::trigger::TraceContext;
    #[cfg(feature = "run")]
    pub use crate::trigger::{Session, TriggerError, fire};
}
