//! The order of things: fire, follow, settle, judge, report.
//!
//! [`run`] takes specs, a receiver that listens and, through its options, what is known of the
//! services; it tells events to a closure and ends with a [`Report`]. It knows no reporter.

#[cfg(feature = "run")]
mod attempt;
mod bound;
#[cfg(feature = "run")]
mod budgets;
mod complete;
#[cfg(feature = "run")]
mod diagnosis;
#[cfg(feature = "run")]
mod earlier;
mod event;
#[cfg(feature = "run")]
mod hasty;
#[cfg(feature = "run")]
mod keep;
#[cfg(feature = "run")]
mod late;
#[cfg(feature = "run")]
mod load;
#[cfg(feature = "run")]
mod mask;
mod mask_error;
mod report;
#[cfg(feature = "run")]
mod runner;
#[cfg(feature = "run")]
mod scene;
#[cfg(feature = "run")]
mod setting;
mod settle;
#[cfg(feature = "run")]
mod settler;
#[cfg(feature = "run")]
mod settling;
#[cfg(feature = "run")]
mod step;
mod wait;
#[cfg(feature = "run")]
mod walk;

#[cfg(feature = "run")]
pub use budgets::{case_name, case_of, fingerprint};
pub(crate) use complete::{Unsettled, Waiting, complete};
#[cfg(feature = "run")]
pub use diagnosis::{absent, missing_parents};
pub use event::RunEvent;
#[cfg(feature = "run")]
pub use hasty::hasty_timeouts;
#[cfg(feature = "run")]
pub use late::{OpenRun, RunEnd};
#[cfg(feature = "run")]
pub use load::{Before, Exemplar, Failing, HeldBack, Load, Measured, Versions};
#[cfg(feature = "run")]
pub(crate) use mask::masked;
pub use report::{
    Attempt, EarlierTrace, Phase, Report, SpecReport, StepReport, Telemetry, Timing, Trouble,
    Verdict,
};
#[cfg(feature = "run")]
pub use runner::{run, run_open};
#[cfg(feature = "run")]
pub use setting::{Budgeting, Options, SaveTraces, Services, Shared, Stop, Update};
pub use settle::Flush;
#[cfg(feature = "run")]
pub use settler::{Settled, Settler};

#[cfg(feature = "run")]
use setting::Setting;
