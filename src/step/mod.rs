//! One step of a spec: fire the trigger, follow the trace until it is complete, judge, and explain
//! what failed.
//!
//! [`Settler`] waits for traces that were fired elsewhere, `complete` for those of calls in tests.
//! The order of steps, and requests that are repeated, are left to `run` and `load`.

mod complete;
mod completeness;
#[cfg(feature = "run")]
mod conformance;
#[cfg(feature = "run")]
mod context;
#[cfg(feature = "run")]
mod control;
mod delays;
#[cfg(feature = "run")]
pub(crate) mod diagnosis;
mod drive;
#[cfg(feature = "run")]
mod each_trace;
#[cfg(feature = "cli")]
mod explained;
#[cfg(feature = "run")]
mod fire;
#[cfg(feature = "run")]
mod first_hop;
#[cfg(feature = "run")]
mod kept;
#[cfg(feature = "run")]
mod messages;
#[cfg(feature = "run")]
mod metrics;
#[cfg(feature = "run")]
mod missing;
#[cfg(feature = "run")]
mod observation;
#[cfg(feature = "run")]
mod observe;
#[cfg(feature = "run")]
mod pipeline;
#[cfg(feature = "run")]
mod poll;
#[cfg(feature = "run")]
mod run_context;
#[cfg(feature = "run")]
mod sampled_flag;
#[cfg(feature = "run")]
mod sent_context;
#[cfg(feature = "run")]
mod settings;
#[cfg(feature = "run")]
mod settle;
#[cfg(feature = "run")]
mod settler;
#[cfg(feature = "run")]
mod short_timeouts;
#[cfg(feature = "run")]
mod step_reader;
#[cfg(feature = "run")]
mod wait_end;
#[cfg(feature = "run")]
mod watched;
#[cfg(feature = "run")]
mod window;

pub use self::completeness::Flush;
#[cfg(feature = "run")]
pub use self::diagnosis::{Listening, absent};
#[cfg(feature = "cli")]
pub use self::drive::drive;
#[cfg(feature = "cli")]
pub use self::explained::ArrivedTraces;
#[cfg(feature = "run")]
pub use self::kept::KeptEvidence;
#[cfg(feature = "cli")]
pub(crate) use self::kept::StepEvidence;
#[cfg(feature = "cli")]
pub use self::metrics::metrics_of_exports;
#[cfg(feature = "run")]
pub use self::missing::missing_spans;
#[cfg(all(test, feature = "run"))]
pub use self::settings::Shared;
#[cfg(feature = "run")]
pub use self::settings::{Budgeting, Options, SaveTraces, Services, Stop, Update};
#[cfg(feature = "run")]
pub use self::settler::{Settled, Settler};
#[cfg(feature = "run")]
pub use self::short_timeouts::short_timeouts;

pub(crate) use self::complete::{Unsettled, Waiting, complete};

#[cfg(feature = "run")]
pub(crate) use self::{
    completeness::AtDeadline,
    context::{DecidedStep, StepContext},
    delays::{ExportDelays, sufficient},
    fire::{blank, fire_when_possible, follow, prepare, run_step},
    observation::Observation,
    observe::{Window, run_observation},
    poll::response_notes,
    run_context::RunContext,
    settle::{JudgeWhen, TraceUse},
    step_reader::StepReader,
    wait_end::WaitEnd,
    watched::{LateSpans, Rejudged, WatchedTrace},
};
