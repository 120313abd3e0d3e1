//! The result of a run: plain data that reporters read, and the events while it runs.
//!
//! `mask` removes secrets from it. How a result is obtained is left to `step`, `load` and `run`.

#[cfg(feature = "run")]
mod credentials;
mod event;
#[cfg(feature = "run")]
mod kept_share;
#[cfg(feature = "run")]
mod load;
#[cfg(feature = "run")]
mod mask;
mod mask_error;
mod report;
#[cfg(feature = "run")]
mod versions;

#[cfg(feature = "run")]
pub(crate) use credentials::{cookies_of, credentials_of};
pub use event::RunEvent;
#[cfg(feature = "run")]
pub use kept_share::{KeptShare, ShareVerdict};
#[cfg(feature = "run")]
pub use load::{
    Before, EarlierRun, Exemplar, FailedTrace, Failing, FailureShare, HeldBack, Load, Measured,
};
#[cfg(feature = "run")]
pub(crate) use mask::masked;
#[cfg(feature = "_pure")]
pub(crate) use report::word_if_not_run;
pub use report::{
    Attempt, EarlierTrace, Phase, Report, SpecReport, StepReport, Telemetry, Timing, Tries,
    Trouble, Verdict, WithoutSpecs,
};
#[cfg(feature = "run")]
pub use versions::Versions;
