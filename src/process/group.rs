//! The process group of a child, which outlives the child if the child left something running.

use std::sync::{Arc, Mutex, PoisonError};

/// Reaches every process of a child's group, from any thread.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    #[cfg(unix)]
    id: nix::unistd::Pid,
    #[cfg(not(unix))]
    killed: Arc<tokio::sync::Notify>,
    life: Arc<Mutex<Life>>,
}

/// The number of a group is free for reuse once it is empty, so nothing is sent after that.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Life {
    LeaderRuns,
    LeaderEnded,
    Gone,
}

impl Group {
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

    /// Asks every process of the group to end. Where there is no SIGTERM, nothing can be asked.
    pub(crate) fn terminate(&self) {
        #[cfg(unix)]
        if *self.life() != Life::Gone {
            let _ = nix::sys::signal::killpg(self.id, nix::sys::signal::Signal::SIGTERM);
        }
    }

    /// Tells every process of the group that the user pressed Ctrl-C.
    #[cfg(feature = "cli")]
    pub(crate) fn interrupt(&self) {
        #[cfg(unix)]
        if *self.life() != Life::Gone {
            let _ = nix::sys::signal::killpg(self.id, nix::sys::signal::Signal::SIGINT);
        }
    }

    /// Ends every process of the group at once.
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

    /// Resolves when somebody asked for the end of the group.
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
