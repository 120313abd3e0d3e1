//! Why a project cannot be understood.

use std::io;

use super::FileError;
use crate::project::FILE_NAME;
use crate::spec::{SpecError, SpecErrors};

/// Why a project and its specs cannot be run. Nothing has been started or fired.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Files that cannot be read, and the mistakes in all others.
    #[error("{}", listed(unreadable, mistakes))]
    Wrong {
        /// Each with the reason.
        unreadable: Vec<FileError>,
        /// Each with its place.
        mistakes: Vec<SpecError>,
    },
    /// Neither a project file nor a folder of specs.
    #[error(
        "there is no {FILE_NAME} here or in a folder above, and no folder specs/ here: name a spec, or create one of them"
    )]
    NoProject,
    /// A service wants a free port, and the system has none.
    #[error("no port is free")]
    NoPort(#[source] io::Error),
}

impl From<FileError> for LoadError {
    fn from(error: FileError) -> Self {
        Self::Wrong {
            unreadable: vec![error],
            mistakes: Vec::new(),
        }
    }
}

impl From<SpecErrors> for LoadError {
    fn from(errors: SpecErrors) -> Self {
        Self::Wrong {
            unreadable: Vec::new(),
            mistakes: errors.0,
        }
    }
}

/// A line for each.
fn listed(unreadable: &[FileError], mistakes: &[SpecError]) -> String {
    let unreadable = unreadable.iter().map(ToString::to_string);
    let mistakes = mistakes.iter().map(ToString::to_string);
    let lines: Vec<String> = unreadable.chain(mistakes).collect();
    lines.join("\n")
}
