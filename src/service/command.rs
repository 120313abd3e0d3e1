//! A command in the project file.

use std::fmt;

/// A command: words, or a line for a shell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CommandLine {
    /// The program and its arguments, without a shell.
    Words(Vec<String>),
    /// A line for `sh -c`, or `cmd /C` on Windows.
    Shell(String),
}

impl CommandLine {
    /// The program and its arguments. For a line, the shell and its arguments.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Words(words) => words.clone(),
            Self::Shell(line) => crate::spec::shell_command(line),
        }
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Words(words) => f.write_str(&shell_words::join(words)),
            Self::Shell(line) => f.write_str(line),
        }
    }
}
