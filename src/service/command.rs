//! A command as the project file writes it.

use std::fmt;

/// What is run: words, or a line for a shell.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CommandLine {
    /// The program and its arguments; no shell sees them.
    Words(Vec<String>),
    /// A line for `sh -c`, or `cmd /C` on Windows.
    Shell(String),
}

/// A line that cannot be split into words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsplit {
    /// A quote has no partner.
    #[error("a quote is not closed in `{0}`")]
    OpenQuote(String),
    /// Nothing is there to run.
    #[error("the command is empty: write the program and its arguments")]
    Empty,
    /// It was written for a shell.
    #[error(
        "`{word}` means something to a shell only, and no shell sees this command: set `shell: \
         true`"
    )]
    ForShell {
        /// The word that tells.
        word: String,
    },
}

impl CommandLine {
    /// Splits a line into words as a shell would, without anything else that a shell does.
    ///
    /// ```
    /// use spanspec::internal::service::CommandLine;
    ///
    /// let command = CommandLine::split("cargo run --bin 'my shop'")?;
    /// assert_eq!(command.words(), ["cargo", "run", "--bin", "my shop"]);
    /// # Ok::<(), spanspec::internal::service::Unsplit>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If a quote is open, no word is there, or a word is `&&`, `||`, `|`, `;`, `&`, `<` or `>`.
    pub fn split(line: &str) -> Result<Self, Unsplit> {
        let words =
            shell_words::split(line).map_err(|_| Unsplit::OpenQuote(line.trim().to_owned()))?;
        if words.is_empty() {
            return Err(Unsplit::Empty);
        }
        let shell = ["&&", "||", "|", ";", "&", "<", ">"];
        match words.iter().find(|word| shell.contains(&word.as_str())) {
            Some(word) => Err(Unsplit::ForShell { word: word.clone() }),
            None => Ok(Self::Words(words)),
        }
    }

    /// The program and its arguments; of a line for a shell, the shell and its arguments.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Words(words) => words.clone(),
            Self::Shell(line) if cfg!(windows) => ["cmd", "/C", line].map(str::to_owned).into(),
            Self::Shell(line) => ["sh", "-c", line].map(str::to_owned).into(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_a_shell_understands_is_refused() {
        let refused = CommandLine::split("npm ci && npm start").unwrap_err();
        assert_eq!(refused, Unsplit::ForShell { word: "&&".into() });
        assert!(CommandLine::split("echo 'a").is_err());
        assert_eq!(CommandLine::split("  "), Err(Unsplit::Empty));
    }
}
