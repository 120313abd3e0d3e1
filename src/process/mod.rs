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
#[cfg(unix)]
mod reaper;
mod strays;

#[cfg(feature = "cli")]
pub(crate) use attached::Attached;
pub(crate) use child::Child;
pub(crate) use group::Group;
pub(crate) use launch::Launch;
pub use launch::LaunchError;
pub(crate) use lines::{Line, each_line};
pub(crate) use open_files::allow_requests;
pub(crate) use output::Capture;
pub(crate) use strays::Mark;

/// While it lives, orphaned descendants of this process become its children where the system can do
/// that (Linux). Dropping it ends every child that is left, except the helper that outlives us. For
/// programs whose children are all started here.
#[derive(Debug)]
#[must_use = "dropping it ends the children"]
pub struct OrphanGuard(());

impl OrphanGuard {
    /// Adopts orphans from now on.
    pub fn adopt() -> Self {
        #[cfg(unix)]
        strays::adopt_orphans();
        Self(())
    }
}

impl Drop for OrphanGuard {
    fn drop(&mut self) {
        #[cfg(unix)]
        strays::end_adopted();
    }
}
