//! What is started, and why it could not be.

use std::env;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::Child;
use super::strays::{Mark, VARIABLE};

/// A program, where it runs, and how its environment differs from ours.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The program and its arguments.
    pub(crate) words: Vec<String>,
    /// Where it runs; a program with a slash in its name is looked for from here.
    pub(crate) dir: PathBuf,
    /// Variables that it gets beside ours.
    pub(crate) set: Vec<(String, String)>,
    /// Variables of ours that it does not get; those in `set` it does.
    pub(crate) unset: Vec<String>,
    /// The mark by which its descendants are found.
    pub(crate) mark: Mark,
}

/// Why a program could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The list of words has none.
    #[error("the command is empty: write the program and its arguments")]
    Empty,
    /// Nothing of this name is there.
    #[error("`{program}` was not found {place}{hint}")]
    NotFound {
        /// The first word of the command.
        program: String,
        /// Where it was looked for.
        place: Searched,
        /// What to do, where something can be guessed.
        hint: String,
    },
    /// The folder to run in is missing.
    #[error("the folder {} to run `{program}` in does not exist: correct `dir`", dir.display())]
    NoFolder {
        /// The first word of the command.
        program: String,
        /// The folder.
        dir: PathBuf,
    },
    /// The file is there and may not be executed.
    #[error("{} is not executable: try `chmod +x {}`", path.display(), path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The system refused for another reason.
    #[error("failed to start `{program}` in {}", dir.display())]
    Start {
        /// The first word of the command.
        program: String,
        /// Where it should have run.
        dir: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Where a program was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Searched {
    /// In the folders of `PATH`, which has this value.
    Path(String),
    /// At this place, as the name has a slash.
    File(PathBuf),
}

impl fmt::Display for Searched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "in PATH ({path})"),
            Self::File(path) => write!(f, "at {}", path.display()),
        }
    }
}

impl Launch {
    /// Starts the program with nothing to read and its output piped.
    pub(crate) fn spawn(&self) -> Result<Child, LaunchError> {
        let program = self.words.first().ok_or(LaunchError::Empty)?;
        if !self.dir.is_dir() {
            return Err(self.no_folder(program));
        }
        Child::spawn(self.command(program)).map_err(|source| self.explain(program, source))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.locate(program).unwrap_or_else(|| program.into()));
        command
            .args(&self.words[1..])
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for name in &self.unset {
            command.env_remove(name);
        }
        command.envs(self.set.iter().map(|(name, value)| (name, value)));
        command.env(VARIABLE, self.mark.value());
        command
    }

    /// The file that a name with a slash means; the standard library leaves open whether such a
    /// name is relative to our folder or to the child's.
    fn locate(&self, program: &str) -> Option<PathBuf> {
        let path = Path::new(program);
        let joined = (path.components().count() > 1).then(|| self.dir.join(path))?;
        Some(std::path::absolute(&joined).unwrap_or(joined))
    }

    fn no_folder(&self, program: &str) -> LaunchError {
        LaunchError::NoFolder {
            program: program.to_owned(),
            dir: self.dir.clone(),
        }
    }

    fn explain(&self, program: &str, source: io::Error) -> LaunchError {
        match source.kind() {
            io::ErrorKind::NotFound => self.not_found(program),
            io::ErrorKind::PermissionDenied => LaunchError::NotExecutable {
                path: self.locate(program).unwrap_or_else(|| program.into()),
                source,
            },
            _ => LaunchError::Start {
                program: program.to_owned(),
                dir: self.dir.clone(),
                source,
            },
        }
    }

    fn not_found(&self, program: &str) -> LaunchError {
        let located = self.locate(program);
        LaunchError::NotFound {
            hint: self.hint(program, located.as_deref()),
            program: program.to_owned(),
            place: located.map_or_else(|| Searched::Path(self.search_path()), Searched::File),
        }
    }

    fn search_path(&self) -> String {
        let own = self.set.iter().rev().find(|(name, _)| name == "PATH");
        own.map(|(_, value)| value.clone())
            .or_else(|| env::var("PATH").ok())
            .unwrap_or_default()
    }

    fn hint(&self, program: &str, located: Option<&Path>) -> String {
        if located.is_some_and(Path::exists) {
            return ": the file is there, so the interpreter that its first line names is missing"
                .to_owned();
        }
        if let Some((name, _)) = program.split_once('=') {
            return format!(": no shell sees the command, so put `{name}` into `env`");
        }
        if self.dir.join(program).is_file() {
            return format!(
                ": write `./{program}` for the one in {}",
                self.dir.display()
            );
        }
        ": is it installed, and spelled right?".to_owned()
    }
}
