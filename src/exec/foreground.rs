//! The command itself, which has the terminal.

use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use tokio::process::Command;

use super::Environment;
use crate::process::{Attached, LaunchError};

/// A request to end, from the user or the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Ctrl-C, or SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// The end of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit code.
    Code(u8),
    /// By this signal.
    Signal(i32),
}

/// A program that is not there.
#[derive(Debug, thiserror::Error)]
#[error("`{program}` was not found {place}: is it installed, and spelled right?")]
pub struct NotFound {
    program: String,
    place: String,
}

/// The command while it runs. It reads our standard input and writes to our outputs; dropping it
/// kills it.
#[derive(Debug)]
pub struct Foreground(Attached);

impl Foreground {
    /// Starts the command in the working folder.
    ///
    /// At a terminal it stays in our process group, so that Ctrl-C reaches it and it can read;
    /// elsewhere it leads a group of its own, which can be ended as a whole.
    ///
    /// # Errors
    /// When the system does not start it.
    pub fn start(words: &[OsString], environment: &Environment) -> Result<Self, LaunchError> {
        let program = words.first().ok_or(LaunchError::Empty)?;
        let mut command = Command::new(program);
        command
            .args(&words[1..])
            .stdin(Stdio::inherit())
            .stdout(Stdio::inherit())
            .stderr(Stdio::inherit());
        for name in &environment.unset {
            command.env_remove(name);
        }
        command.envs(environment.set.iter().map(|(name, value)| (name, value)));
        let started = if io::stdin().is_terminal() {
            Attached::in_our_group(command)
        } else {
            Attached::leading_a_group(command)
        };
        started.map(Self).map_err(|source| LaunchError::Start {
            program: program.to_string_lossy().into_owned(),
            dir: std::env::current_dir().unwrap_or_default(),
            source,
        })
    }

    /// Waits for its end. Cancel-safe.
    ///
    /// # Errors
    /// If the system does not report the end.
    pub async fn ended(&mut self) -> io::Result<Ended> {
        self.0.wait().await.map(Ended::of)
    }

    /// Passes on that we are to end. At a terminal, Ctrl-C has reached the command already.
    pub fn interrupt(&self, how: Interruption) {
        match how {
            Interruption::Interrupt => self.0.interrupt(),
            Interruption::Terminate => self.0.terminate(),
        }
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.0.kill();
    }
}

impl Ended {
    /// The exit code of a shell that ran the command: 128 and the number of the signal.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(number) => u8::try_from(128 + number).unwrap_or(u8::MAX),
        }
    }

    fn of(status: ExitStatus) -> Self {
        #[cfg(unix)]
        if let Some(number) = std::os::unix::process::ExitStatusExt::signal(&status) {
            return Self::Signal(number);
        }
        // Windows has larger codes; what is left of them must not look like success.
        let code = status.code().unwrap_or(1);
        Self::Code(u8::try_from(code).unwrap_or(1))
    }
}

/// Looks for a program before anything is started for it.
///
/// # Errors
/// When there is none of this name, with the places where it was looked for.
pub fn find(program: &OsStr, search: Option<OsString>) -> Result<(), NotFound> {
    let path = Path::new(program);
    let missing = |place: String| NotFound {
        program: program.to_string_lossy().into_owned(),
        place,
    };
    if path.components().count() > 1 {
        return match is_there(path) {
            true => Ok(()),
            false => Err(missing("here".to_owned())),
        };
    }
    let search = search.unwrap_or_default();
    let mut folders = std::env::split_paths(&search);
    match folders.any(|folder| is_there(&folder.join(program))) {
        true => Ok(()),
        false => Err(missing(format!("in PATH ({})", search.to_string_lossy()))),
    }
}

/// On Windows, names of programs may be written without their ending.
fn is_there(path: &Path) -> bool {
    let endings = ["exe", "cmd", "bat", "com"];
    let with = |ending: &&str| -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{ending}"));
        name.into()
    };
    path.is_file() || cfg!(windows) && endings.iter().any(|ending| with(ending).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_path_or_the_folders_are_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mytest"), "").unwrap();
        let search = || Some(folder.path().as_os_str().to_owned());
        assert!(find("mytest".as_ref(), search()).is_ok());
        let error = find("other".as_ref(), search()).unwrap_err().to_string();
        assert!(error.contains(&*folder.path().to_string_lossy()), "{error}");
        assert!(find("./no-such-program".as_ref(), search()).is_err());
    }

    #[test]
    fn a_signal_is_128_and_its_number() {
        assert_eq!(Ended::Signal(15).code(), 143);
        assert_eq!(Ended::Code(7).code(), 7);
    }
}
