//! What keeps a baseline from being read or written.

use std::io;
use std::path::{Path, PathBuf};

use super::SCHEMA_VERSION;
use super::lock::PATIENCE;

/// Why a baseline was not read or written; each names the file.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The file system did not give it.
    #[error("failed to read the baseline {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is no text in this format.
    #[error("the baseline {} is damaged: {what}; restore it, or delete it and record a new one", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place.
        what: String,
    },
    /// A later spanspec wrote it.
    #[error("the baseline {} has schema version {found}, and this spanspec knows up to {SCHEMA_VERSION}; update spanspec", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// It is something else.
    #[error("{} is not a baseline of spanspec, and is left alone; move it away", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file system did not take it.
    #[error("failed to write the baseline {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process has held its lock for long.
    #[error("another process writes the baseline {} and has not ended in {patience} s; nothing was written: end that process, or let one that was stopped go on, and try again", .path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// The seconds that were waited.
        patience: u64,
    },
    /// It would be too large to be read again.
    #[error("the baseline {} would have more than {} MiB, and is left as it is; delete cases of it that are no more", .path.display(), .most >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The bytes that it may have.
        most: u64,
    },
    /// It is not what the user has seen and decided on.
    #[error("the baseline {} or the one beside it was written by another process in the meantime; nothing was changed, look at it once more", .path.display())]
    Changed {
        /// The file that waits.
        path: PathBuf,
    },
    /// There is no new one to accept or reject.
    #[error("there is no {} to accept or reject; a run writes it", .path.display())]
    NothingPending {
        /// The file that is not there.
        path: PathBuf,
    },
}

impl BaselineError {
    /// Nobody waits any longer.
    pub(crate) fn busy(path: &Path) -> Self {
        Self::Busy {
            path: path.to_owned(),
            patience: PATIENCE.as_secs(),
        }
    }
}
