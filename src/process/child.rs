//! A running child, whose group is killed when it is dropped.

use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use tokio::process::{ChildStderr, ChildStdout, Command};

use super::ProcessGroup;

/// The leader of a group. Dropping it kills the whole group.
#[derive(Debug)]
pub(crate) struct Child {
    leader: Box<dyn ChildWrapper>,
    group: ProcessGroup,
}

impl Child {
    pub(super) fn spawn(command: Command) -> io::Result<Self> {
        let mut command = CommandWrap::from(command);
        command.wrap(KillOnDrop);
        #[cfg(unix)]
        command.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::tokio::JobObject);
        let leader = command.spawn()?;
        let id = leader.id().expect("nobody has waited for the child yet");
        #[cfg(unix)]
        super::reaper::note(id);
        Ok(Self {
            leader,
            group: ProcessGroup::led_by(id),
        })
    }

    /// A handle of the group for other tasks and threads.
    pub(crate) fn group(&self) -> ProcessGroup {
        self.group.clone()
    }

    /// The outputs of the child. `None` after the first call.
    pub(crate) fn output(&mut self) -> Option<(ChildStdout, ChildStderr)> {
        Some((self.leader.stdout().take()?, self.leader.stderr().take()?))
    }

    /// Waits for the leader only, since other processes of the group may never end.
    #[cfg(unix)]
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.leader.inner_mut().wait().await?;
        self.group.leader_ended();
        Ok(status)
    }

    /// Waits for the child, and kills it if its group was killed.
    #[cfg(not(unix))]
    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let ended = tokio::select! {
            status = self.leader.wait() => Some(status?),
            () = self.group.killed() => None,
        };
        let status = match ended {
            Some(status) => status,
            None => {
                self.leader.start_kill()?;
                self.leader.wait().await?
            }
        };
        self.group.leader_ended();
        Ok(status)
    }

    /// Sends SIGTERM to the group, and kills the rest of it when the leader has ended or the grace
    /// period is over.
    pub(crate) async fn end(&mut self, grace: Duration) {
        self.group.terminate();
        let grace = if cfg!(unix) { grace } else { Duration::ZERO };
        let _ = tokio::time::timeout(grace, self.wait()).await;
        self.group.kill();
        let _ = self.wait().await;
        self.group.kill();
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.group.kill();
    }
}
