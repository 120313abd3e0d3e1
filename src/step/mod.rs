//! One step of a spec: fire the trigger, follow the trace until it is complete, judge, and explain
//! what failed.
//!
//! [`Settler`] waits for traces that were fired elsewhere, `complete` for those of calls in tests.
//! The order of steps, and requests that are repeated, are left to `run` and `load`.

mod complete;
mod completeness;
#[cfg(feature = "run")]
mod context;
mod delays;
#[cfg(feature = "run")]
pub(crate) mod diagnosis;
mod drive;
#[cfg(feature = "run")]
mod fire;
#[cfg(feature = "run")]
mod hasty;
#[cfg(feature = "run")]
mod observation;
#[cfg(feature = "run")]
mod settings;
#[cfg(feature = "run")]
mod settle;
#[cfg(feature = "run")]
mod settler;
#[cfg(feature = "run")]
mod watched;

pub(crate) use complete::{Unsettled, Waiting, complete};
#[cfg(feature = "run")]
pub(crate) use completeness::AtDeadline;
pub use completeness::Flush;
#[cfg(feature = "run")]
pub(crate) use context::{Decided, End, Scene};
#[cfg(feature = "run")]
pub(crate) use delays::ProvenBound;
#[cfg(feature = "run")]
pub(crate) use delays::sufficient;
#[cfg(feature = "run")]
#[cfg(feature = "run")]
pub use diagnosis::{absent, missing_parents};
#[cfg(feature = "run")]
pub(crate) use fire::{
    blank, fire_when_possible, follow, misfit, prepare, run, stopped, with_trouble,
};
#[cfg(feature = "run")]
pub use hasty::hasty_timeouts;
#[cfg(feature = "run")]
pub(crate) use observation::{Looks, Walk};
#[cfg(feature = "run")]
pub(crate) use settings::Setting;
#[cfg(all(test, feature = "run"))]
pub use settings::Shared;
#[cfg(feature = "run")]
pub use settings::{Budgeting, Options, SaveTraces, Services, Stop, Update};
#[cfg(feature = "run")]
pub use settler::{Settled, Settler};
#[cfg(feature = "run")]
pub(crate) use watched::{Again, LateSpans, Watched};
