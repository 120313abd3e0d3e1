//! Reporters: text, HTML, JSON, JUnit, Markdown, TAP, annotations, progress.
//!
//! [`text`] renders a spec for the terminal and JUnit; [`mod@waterfall`] and [`mod@snippet`] are parts
//! of it. The command chooses the reporters and the exit code.

#[cfg(feature = "cli")]
pub mod ab;
#[cfg(feature = "cli")]
pub mod baseline;
#[cfg(feature = "run")]
mod brief;
#[cfg(test)]
pub(crate) mod conforms;
#[cfg(feature = "run")]
mod file;
#[cfg(feature = "cli")]
pub mod github;
#[cfg(feature = "cli")]
pub mod html;
#[cfg(feature = "run")]
pub mod json;
#[cfg(feature = "_pure")]
pub mod junit;
mod look;
#[cfg(feature = "cli")]
pub mod markdown;
#[cfg(feature = "cli")]
pub mod merge;
#[cfg(feature = "cli")]
pub(crate) mod mutation;
#[cfg(all(test, feature = "cli"))]
mod numbers_tests;
#[cfg(any(all(test, feature = "cli"), feature = "_fuzzing"))]
pub(crate) mod planted;
#[cfg(feature = "cli")]
mod progress;
#[cfg(feature = "run")]
mod remarks;
#[cfg(feature = "_pure")]
mod repository;
#[cfg(any(test, feature = "_fuzzing"))]
mod sample;
#[cfg(all(test, feature = "cli"))]
mod secrets_tests;
#[cfg(feature = "cli")]
mod shape;
pub mod snippet;
#[cfg(feature = "cli")]
pub mod tap;
#[cfg(feature = "cli")]
pub mod terminal;
pub mod text;
pub mod waterfall;

use std::io;

use crate::result::{Report, RunEvent};

pub use crate::number::duration;
#[cfg(feature = "run")]
pub use file::write as write_file;
#[cfg(feature = "cli")]
pub use github::{Annotations, Github};
#[cfg(feature = "cli")]
pub use html::Html;
#[cfg(feature = "run")]
pub use json::{Json, TestAttempt};
#[cfg(feature = "_pure")]
pub use junit::{Granularity, Junit};
#[cfg(feature = "cli")]
pub(crate) use look::printable;
pub use look::{Colors, Look, inert};
#[cfg(feature = "cli")]
pub use markdown::Markdown;
#[cfg(feature = "cli")]
pub use progress::Progress;
#[cfg(feature = "cli")]
pub(crate) use shape::shape_changes;
pub use snippet::Diagnostic;
#[cfg(feature = "cli")]
pub use tap::Tap;
#[cfg(feature = "cli")]
pub use terminal::Terminal;
pub use text::Detail;
#[cfg(feature = "cli")]
pub use text::attributes;
#[cfg(feature = "cli")]
pub use waterfall::Records;
pub use waterfall::waterfall;

/// Receives the events and the report of a run.
pub trait Reporter {
    /// Called for each event. Does nothing by default.
    fn on_event(&mut self, event: &RunEvent<'_>) {
        let _ = event;
    }

    /// Called at the end of a run, also if it was interrupted.
    ///
    /// # Errors
    /// If the report cannot be written; the text contains the path.
    fn finish(&mut self, report: &Report) -> io::Result<()>;
}
