//! Tells what a run came to, one file per audience.
//!
//! [`text`] holds the one rendering of a spec that the terminal and JUnit share; [`mod@waterfall`]
//! and [`mod@snippet`] are its parts and can be used alone. What the exit code is, and which
//! reporters there are in a run, is the command's work.

pub mod duration;
mod file;
pub mod github;
pub mod json;
#[cfg(feature = "cli")]
pub mod junit;
mod look;
pub mod markdown;
#[cfg(feature = "cli")]
mod progress;
mod repository;
#[cfg(test)]
mod sample;
pub mod snippet;
pub mod tap;
#[cfg(feature = "cli")]
pub mod terminal;
pub mod text;
pub mod waterfall;

use std::io;

use crate::run::{Report, RunEvent};

pub use duration::duration;
pub use github::{Annotations, Github};
pub use json::Json;
#[cfg(feature = "cli")]
pub use junit::{Granularity, Junit};
pub use look::{Charset, Colors, Look};
pub use markdown::Markdown;
#[cfg(feature = "cli")]
pub use progress::Progress;
pub use snippet::Diagnostic;
pub use tap::Tap;
#[cfg(feature = "cli")]
pub use terminal::Terminal;
pub use text::Detail;
pub use waterfall::{Mark, waterfall};

/// Somebody who is told how a run goes and what it came to.
pub trait Reporter {
    /// Something happened. Most reporters wait for the end.
    fn on_event(&mut self, event: &RunEvent<'_>) {
        let _ = event;
    }

    /// The run is over, also when the user ended it early.
    ///
    /// # Errors
    /// When the report cannot be written; the text names the file.
    fn finish(&mut self, report: &Report) -> io::Result<()>;
}
