//! The order of things: fire, follow, settle, judge, report.
//!
//! [`run`] takes specs, a receiver that listens and, through its options, what is known of the
//! services; it tells events to a closure and ends with a [`Report`]. It knows no reporter.

mod attempt;
mod diagnosis;
mod earlier;
mod event;
mod keep;
mod mask;
mod report;
mod runner;
mod setting;
mod settle;
mod step;
mod walk;

pub use event::RunEvent;
pub use report::{
    Attempt, EarlierTrace, Phase, Report, SpecReport, StepReport, Telemetry, Timing, Trouble,
    Verdict,
};
pub use runner::run;
pub use setting::{Options, SaveTraces, Services, Stop};
pub use settle::Flush;

use setting::Setting;
