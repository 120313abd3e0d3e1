//! Shape files: proposals, and their acceptance.
//!
//! A proposal is a file beside the shape file, as for baselines.

use std::io;
use std::path::{Path, PathBuf};

use crate::atomic_file::replace_durably;
use crate::budget::baseline::pending_path;
use crate::spec::{Shape, SpecError};
use crate::workspace::{FileError, read, shown};

/// The reason why a shape file was not read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShapeFileError {
    /// The file could not be read.
    #[error(transparent)]
    Read(#[from] FileError),
    /// The content is no shape.
    #[error("{}: {}; correct the line, or delete the file: a run proposes a new one", .0.at, .0.what)]
    Damaged(Box<SpecError>),
    /// The file could not be written.
    #[error("failed to write the shape {}", shown(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the file system.
        #[source]
        source: io::Error,
    },
    /// There is no proposal to accept or reject.
    #[error(
        "there is no {} to accept or reject; `spanspec run` writes it",
        shown(path)
    )]
    NothingPending {
        /// The file that does not exist.
        path: PathBuf,
    },
}

/// The text of a shape file; `None` if it does not exist.
///
/// # Errors
/// It cannot be read, or its content is no shape.
pub(crate) fn text(path: &Path) -> Result<Option<String>, ShapeFileError> {
    if !path.exists() {
        return Ok(None);
    }
    let source = read(path)?;
    match Shape::parse(&source) {
        Ok(_) => Ok(Some(source.text().to_owned())),
        Err(error) => Err(ShapeFileError::Damaged(Box::new(error.into()))),
    }
}

/// Replaces the file, and creates its folders.
///
/// # Errors
/// The file system fails.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), ShapeFileError> {
    replace_durably(path, text.as_bytes()).map_err(|source| ShapeFileError::Write {
        path: path.to_owned(),
        source,
    })
}

/// The proposal for a shape file.
///
/// # Errors
/// There is none, it cannot be read, or its content is no shape.
pub(crate) fn proposal(path: &Path) -> Result<String, ShapeFileError> {
    let pending = pending_path(path);
    text(&pending)?.ok_or(ShapeFileError::NothingPending { path: pending })
}

/// Moves the proposal into the shape file.
///
/// # Errors
/// As [`proposal`], or the file system fails.
pub(crate) fn accept(path: &Path) -> Result<(), ShapeFileError> {
    write(path, &proposal(path)?)?;
    delete(&pending_path(path))
}

/// Deletes the proposal.
///
/// # Errors
/// There is no proposal, or the file system fails.
pub(crate) fn reject(path: &Path) -> Result<(), ShapeFileError> {
    let pending = pending_path(path);
    match pending.exists() {
        true => delete(&pending),
        false => Err(ShapeFileError::NothingPending { path: pending }),
    }
}

fn delete(path: &Path) -> Result<(), ShapeFileError> {
    std::fs::remove_file(path).map_err(|source| ShapeFileError::Write {
        path: path.to_owned(),
        source,
    })
}
