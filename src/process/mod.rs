//! Child processes that lead a group of their own, so that ending one ends what it started.
//!
//! What is run, and when it has to end, is for `trigger` and `service` to say.

#[cfg(feature = "cli")]
mod attached;
mod child;
mod group;
mod launch;
mod lines;
mod open_files;
mod output;
#[cfg(all(unix, feature = "harness"))]
mod reaper;

#[cfg(feature = "cli")]
pub(crate) use attached::Attached;
pub(crate) use child::Child;
pub(crate) use group::Group;
pub(crate) use launch::Launch;
pub use launch::{LaunchError, Searched};
pub(crate) use lines::each_line;
pub(crate) use open_files::allow_requests;
pub(crate) use output::Capture;

/// From now on, children end with this process at the latest, also if it is killed.
#[cfg(feature = "harness")]
pub(crate) fn end_with_us() {
    #[cfg(unix)]
    reaper::start();
}
