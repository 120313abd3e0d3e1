//! The order of things: fire, follow, settle, judge, report.

mod event;
mod report;

pub use event::RunEvent;
pub use report::{
    Attempt, Phase, Report, SpecReport, StepReport, Telemetry, Timing, Trouble, Verdict,
};
