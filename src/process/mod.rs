//! Child processes, each the leader of a process group, so that ending a child ends what it started.
//!
//! Which commands run, and when they end, is left to `trigger` and `service`.

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
pub(crate) use group::ProcessGroup;
pub(crate) use launch::Launch;
pub use launch::LaunchError;
pub(crate) use lines::{LONGEST_LINE, Line, each_line};
pub(crate) use open_files::allow_requests;
pub(crate) use output::CapturedOutput;
pub(crate) use strays::ProcessMark;

/// The signal that ended a process.
#[cfg(unix)]
pub(crate) fn signal(status: std::process::ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

/// The signal that ended a process.
#[cfg(not(unix))]
pub(crate) fn signal(_status: std::process::ExitStatus) -> Option<i32> {
    None
}

/// Makes orphaned descendants of this process its children, if the system supports that (Linux).
/// Dropping it ends all remaining children except the helper shell. Only for programs that start all
/// their children here.
#[derive(Debug)]
#[must_use = "dropping it ends the children"]
pub struct OrphanGuard(());

impl OrphanGuard {
    /// Starts to adopt orphans.
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
