//! Starts a program, or explains why it cannot be started.

use std::env;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::Child;
use super::strays::{ProcessMark, VARIABLE};

/// A program, its working directory, and the changes of its environment.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The program and its arguments.
    pub(crate) words: Vec<String>,
    /// The working directory. The path of a program with a slash is relative to it.
    pub(crate) dir: PathBuf,
    /// Variables that are added.
    pub(crate) set: Vec<(String, String)>,
    /// Variables that are not inherited, unless they are in `set`.
    pub(crate) unset: Vec<String>,
    /// The mark of its descendants.
    pub(crate) mark: ProcessMark,
}

/// A program could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// The list of words is empty.
    #[error("the command is empty: write the program and its arguments")]
    Empty,
    /// There is no such program.
    #[error("`{program}` was not found {place}{hint}")]
    NotFound {
        /// The first word of the command.
        program: String,
        /// The places that were searched.
        place: Searched,
        /// A suggestion; empty if there is none.
        hint: String,
    },
    /// The working directory does not exist.
    #[error("the folder {} to run `{program}` in does not exist: correct `dir`", dir.display())]
    NoFolder {
        /// The first word of the command.
        program: String,
        /// The folder.
        dir: PathBuf,
    },
    /// The file is not executable.
    #[error("{} is not executable: try `chmod +x {}`", path.display(), path.display())]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The system refused for another reason.
    #[error("failed to start `{program}` in {}", dir.display())]
    Start {
        /// The first word of the command.
        program: String,
        /// The working directory.
        dir: PathBuf,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
}

/// The places that were searched for a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Searched {
    /// In the folders of `PATH`, which has this value.
    Path(String),
    /// This path, since the name has a slash.
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
    /// Starts the program with an empty standard input and piped outputs.
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

    /// The file of a name with a slash. In the standard library, it is unspecified whether such a
    /// name is relative to the directory of this process or of the child.
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
