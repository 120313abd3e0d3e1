//! A child with the standard input and outputs of this process.

use std::io;
use std::process::ExitStatus;

use tokio::process::{Child as Process, Command};

use super::Child;

/// A child in the foreground. Dropping it kills it.
#[derive(Debug)]
pub(crate) enum Attached {
    /// In the group of this process: it gets the signals of the terminal.
    InOurGroup(Process),
    /// In a separate group, which gets the signals that are passed on.
    Leading(Child),
}

impl Attached {
    pub(crate) fn in_our_group(mut command: Command) -> io::Result<Self> {
        command.kill_on_drop(true).spawn().map(Self::InOurGroup)
    }

    pub(crate) fn leading_a_group(command: Command) -> io::Result<Self> {
        Child::spawn(command).map(Self::Leading)
    }

    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        match self {
            Self::InOurGroup(process) => process.wait().await,
            Self::Leading(child) => child.wait().await,
        }
    }

    /// Passes on Ctrl-C, unless the terminal has sent it.
    pub(crate) fn interrupt(&self) {
        if let Self::Leading(child) = self {
            child.group().interrupt();
        }
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) {
        match self {
            Self::InOurGroup(process) => terminate(process),
            Self::Leading(child) => child.group().terminate(),
        }
    }

    /// Kills it.
    pub(crate) fn kill(&mut self) {
        match self {
            // It may have ended.
            Self::InOurGroup(process) => drop(process.start_kill()),
            Self::Leading(child) => child.group().kill(),
        }
    }
}

#[cfg(unix)]
fn terminate(process: &Process) {
    let id = process.id().and_then(|id| i32::try_from(id).ok());
    if let Some(id) = id {
        let id = nix::unistd::Pid::from_raw(id);
        // It may have ended by itself.
        let _ = nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM);
    }
}

#[cfg(not(unix))]
fn terminate(_: &Process) {}
