//! Processes that left the group of the child that started them, as daemons do with `setsid`.
//!
//! Each child gets a variable with a unique value, the mark. Its descendants inherit the variable
//! and are found by it. A program that overwrites its environment is found as an orphan that this
//! process has adopted (Linux). On Windows, job objects do all of this.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(unix)]
pub(super) use processes::{adopt_orphans, end_adopted};

/// The variable that marks the descendants of a child.
pub(super) const VARIABLE: &str = "SPANSPEC_STARTED_BY";

/// The prefix of all marks of this process.
static OWN: LazyLock<String> = LazyLock::new(|| format!("{:032x}.", rand::random::<u128>()));

/// The mark of some children and of their descendants.
#[derive(Clone, Debug)]
pub(crate) struct ProcessMark(String);

/// The prefix of all marks of this process.
#[cfg(unix)]
pub(super) fn own() -> &'static str {
    &OWN
}

impl ProcessMark {
    /// A mark that no other child has.
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(format!("{}{number}.", *OWN))
    }

    /// A mark for one of several children. This mark finds it, too.
    pub(crate) fn of_one(&self, number: usize) -> Self {
        Self(format!("{}{number}.", self.0))
    }

    pub(super) fn value(&self) -> &str {
        &self.0
    }
}

#[cfg(unix)]
mod processes {
    use std::ffi::OsString;
    use std::time::{Duration, Instant};

    use nix::sys::signal::{Signal, kill};
    use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
    use nix::unistd::{Pid, getsid};
    use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

    use super::super::reaper;
    use super::{ProcessMark, VARIABLE};

    /// The pause between two searches. The system only reports the end of children, and a stray is
    /// not a child.
    const PAUSE: Duration = Duration::from_millis(20);

    /// Time for an adopted orphan to end after SIGTERM.
    const GRACE: Duration = Duration::from_secs(1);

    /// Number of attempts: a process may fork between the search and the signal.
    const LOOKS: usize = 5;

    impl ProcessMark {
        /// Sends SIGTERM to the processes with this mark that are in another session. The others got
        /// it with their group, and some programs abort on a second SIGTERM.
        pub(crate) fn terminate(&self) {
            let own = getsid(None);
            let is_outside = |pid: &Pid| getsid(Some(*pid)) != own;
            send(self.find().into_iter().filter(is_outside), Signal::SIGTERM);
        }

        /// Sends SIGTERM to the processes with this mark, and kills those that remain at the deadline.
        pub(crate) async fn end(&self, deadline: tokio::time::Instant) {
            let found = self.find();
            if found.is_empty() {
                return;
            }
            send(found, Signal::SIGTERM);
            let gone = async {
                while !self.find().is_empty() {
                    tokio::time::sleep(PAUSE).await;
                }
            };
            if tokio::time::timeout_at(deadline, gone).await.is_err() {
                self.kill();
            }
        }

        /// Kills the processes with this mark.
        pub(crate) fn kill(&self) {
            for _ in 0..LOOKS {
                let found = self.find();
                if found.is_empty() {
                    return;
                }
                send(found, Signal::SIGKILL);
            }
        }

        fn find(&self) -> Vec<Pid> {
            let wanted = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always);
            find(wanted, |process| {
                process.environ().iter().any(|it| self.is(it))
            })
        }

        fn is(&self, variable: &OsString) -> bool {
            let value = variable
                .as_encoded_bytes()
                .strip_prefix(VARIABLE.as_bytes());
            let value = value.and_then(|value| value.strip_prefix(b"="));
            value.is_some_and(|value| value.starts_with(self.0.as_bytes()))
        }
    }

    /// Makes orphaned descendants children of this process (Linux).
    pub(in super::super) fn adopt_orphans() {
        #[cfg(target_os = "linux")]
        // If it fails, orphans without a mark are not found.
        let _ = nix::sys::prctl::set_child_subreaper(true);
    }

    /// Ends all remaining children of this process.
    pub(in super::super) fn end_adopted() {
        let Some(helper) = reaper::helper() else {
            // No child was started.
            return;
        };
        let asked = Instant::now();
        let mut signal = Some(Signal::SIGTERM);
        loop {
            let left = children_except(helper);
            if left.is_empty() {
                return;
            }
            if asked.elapsed() >= GRACE {
                signal = Some(Signal::SIGKILL);
            }
            if let Some(signal) = signal.take() {
                send(left, signal);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// The running children of this process. Children that have ended are reaped.
    fn children_except(helper: u32) -> Vec<Pid> {
        let own = sysinfo::Pid::from_u32(std::process::id());
        let is_child =
            |process: &Process| process.parent() == Some(own) && process.pid().as_u32() != helper;
        let mut children = find(ProcessRefreshKind::nothing(), is_child);
        children.retain(|child| {
            let status = waitpid(*child, Some(WaitPidFlag::WNOHANG));
            status == Ok(WaitStatus::StillAlive)
        });
        children
    }

    fn find(wanted: ProcessRefreshKind, is_meant: impl Fn(&Process) -> bool) -> Vec<Pid> {
        let Ok(mut system) = System::new() else {
            return Vec::new();
        };
        system.refresh_processes_specifics(ProcessesToUpdate::All, false, wanted);
        let found = system
            .processes()
            .values()
            .filter(|process| is_meant(process));
        found
            .filter_map(|process| i32::try_from(process.pid().as_u32()).ok())
            .map(Pid::from_raw)
            .collect()
    }

    fn send(processes: impl IntoIterator<Item = Pid>, signal: Signal) {
        for process in processes {
            // It may have ended in the meantime.
            let _ = kill(process, signal);
        }
    }
}
