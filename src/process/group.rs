//! The process group of a child. It exists longer than the child if a descendant does.

use std::sync::{Arc, Mutex, PoisonError};

/// A handle of the process group of a child, for any thread.
#[derive(Clone, Debug)]
pub(crate) struct ProcessGroup {
    #[cfg(unix)]
    id: nix::unistd::Pid,
    #[cfg(not(unix))]
    killed: Arc<tokio::sync::Notify>,
    life: Arc<Mutex<Life>>,
}

/// The state of a group. Its number can be reused when the group is empty, so no signal is sent then.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Life {
    LeaderRuns,
    LeaderEnded,
    Gone,
}

impl ProcessGroup {
    /// The group that the process of this id leads.
    #[cfg(unix)]
    pub(super) fn led_by(leader: u32) -> Self {
        let leader = i32::try_from(leader).expect("a process id is a positive i32");
        Self {
            id: nix::unistd::Pid::from_raw(leader),
            life: Arc::new(Mutex::new(Life::LeaderRuns)),
        }
    }

    /// The group that the process of this id leads.
    #[cfg(not(unix))]
    pub(super) fn led_by(_leader: u32) -> Self {
        Self {
            killed: Arc::default(),
            life: Arc::new(Mutex::new(Life::LeaderRuns)),
        }
    }

    /// Sends SIGTERM to the group. Does nothing on systems without SIGTERM.
    pub(crate) fn terminate(&self) {
        #[cfg(unix)]
        if *self.life() != Life::Gone {
            let _ = nix::sys::signal::killpg(self.id, nix::sys::signal::Signal::SIGTERM);
        }
    }

    /// Sends SIGINT to the group, as Ctrl-C does.
    #[cfg(feature = "cli")]
    pub(crate) fn interrupt(&self) {
        #[cfg(unix)]
        if *self.life() != Life::Gone {
            let _ = nix::sys::signal::killpg(self.id, nix::sys::signal::Signal::SIGINT);
        }
    }

    /// Returns `true` if the process of this id is in the group.
    #[cfg(all(unix, feature = "cli"))]
    pub(crate) fn has(&self, process: u32) -> bool {
        let pid = i32::try_from(process).ok().map(nix::unistd::Pid::from_raw);
        pid.is_some_and(|pid| nix::unistd::getpgid(Some(pid)) == Ok(self.id))
    }

    /// Kills the group.
    pub(crate) fn kill(&self) {
        let mut life = self.life();
        if *life == Life::Gone {
            return;
        }
        self.kill_now();
        if *life == Life::LeaderEnded {
            *life = Life::Gone;
            #[cfg(unix)]
            super::reaper::forget(self.id.as_raw().unsigned_abs());
        }
    }

    #[cfg(unix)]
    fn kill_now(&self) {
        let _ = nix::sys::signal::killpg(self.id, nix::sys::signal::Signal::SIGKILL);
    }

    #[cfg(not(unix))]
    fn kill_now(&self) {
        self.killed.notify_one();
    }

    /// Resolves when the group was killed.
    #[cfg(not(unix))]
    pub(super) async fn killed(&self) {
        self.killed.notified().await;
    }

    pub(super) fn leader_ended(&self) {
        let mut life = self.life();
        if *life == Life::LeaderRuns {
            *life = Life::LeaderEnded;
        }
    }

    fn life(&self) -> std::sync::MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
