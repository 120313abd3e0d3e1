//! The order of things: fire, follow, settle, judge, report.
//!
//! [`run`] takes specs, a receiver that listens and, through its options, what is known of the
//! services; it tells events to a closure and ends with a [`Report`]. It knows no reporter.

mod attempt;
mod diagnosis;
mod event;
mod keep;
mod mask;
mod report;
mod runner;
mod setting;
mod settle;
mod settler;
mod step;
mod walk;

pub use diagnosis::{absent, missing_parents};
pub use event::RunEvent;
pub use report::{
    Attempt, Phase, Report, SpecReport, StepReport, Telemetry, Timing, Trouble, Verdict,
};
pub use runner::run;
pub use setting::{Options, SaveTraces, Services, Stop};
pub use settle::Flush;
pub use settler::{Settled, Settler};

use setting::Setting;
