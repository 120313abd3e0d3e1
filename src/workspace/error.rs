//! Errors of a project or its specs.

use std::io;
use std::path::PathBuf;

use super::files::{FileError, shown};
use crate::project::FILE_NAME;
use crate::spec::{SpecError, SpecErrors, did_you_mean};

/// The reason why a project or its specs cannot run. Nothing was started or sent.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Files that cannot be read, and errors in the others.
    #[error("{}", listed(unreadable, errors))]
    Wrong {
        /// Files that cannot be read.
        unreadable: Vec<FileError>,
        /// Errors with their places.
        errors: Vec<SpecError>,
    },
    /// No project file and no folder of specs.
    #[error(
        "no {FILE_NAME} in this folder or a parent folder, and no folder specs/: name a spec or a project file (--config), or create one of them"
    )]
    NoProject,
    /// The specs belong to two projects.
    #[error(
        "the specs belong to two projects, {} and {}: run them one after the other, or name one with --config",
        shown(one),
        shown(other)
    )]
    SeveralProjects {
        /// The project file of one spec.
        one: PathBuf,
        /// The project file of another spec.
        other: PathBuf,
    },
    /// The project file does not have the profile.
    #[error("unknown profile `{given}`: {}", profiles(given, known))]
    UnknownProfile {
        /// The name that was asked for.
        given: String,
        /// The profiles of the project file.
        known: Vec<String>,
    },
    /// The services of another session lack this service.
    #[error(
        "the port `{variable}` is not known: the receiver that SPANSPEC_RECEIVER names was started without this service; start `spanspec exec` or `spanspec collect` in this project"
    )]
    UnknownPort {
        /// The variable of the port.
        variable: String,
    },
    /// The system has no free port for a service.
    #[error("the system has no free port")]
    NoPort(#[source] io::Error),
}

impl From<FileError> for LoadError {
    fn from(error: FileError) -> Self {
        Self::Wrong {
            unreadable: vec![error],
            errors: Vec::new(),
        }
    }
}

impl From<SpecErrors> for LoadError {
    fn from(errors: SpecErrors) -> Self {
        Self::Wrong {
            unreadable: Vec::new(),
            errors: errors.0,
        }
    }
}

fn profiles(given: &str, known: &[String]) -> String {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    match known.as_slice() {
        [] => format!("{FILE_NAME} has no `profiles`"),
        known => did_you_mean(given, known)
            .unwrap_or_else(|| format!("the project file has {}", known.join(", "))),
    }
}

/// One line for each.
fn listed(unreadable: &[FileError], errors: &[SpecError]) -> String {
    let unreadable = unreadable.iter().map(ToString::to_string);
    let errors = errors.iter().map(ToString::to_string);
    let lines: Vec<String> = unreadable.chain(errors).collect();
    lines.join("\n")
}
