//! Errors of reading and writing baselines.

use std::io;
use std::path::PathBuf;

use super::SCHEMA_VERSION;

/// The reason why a baseline was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// The file could not be read.
    #[error("failed to read the baseline {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the file system.
        #[source]
        source: io::Error,
    },
    /// The file does not follow the format.
    #[error("the baseline {} is damaged: {reason}; restore it, or delete it and record a new one", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The defect, with its position in the file.
        reason: String,
    },
    /// The file was written by a later spanspec.
    #[error("the baseline {} has schema version {found}, and this spanspec reads up to {SCHEMA_VERSION}; update spanspec", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
    },
    /// The file has another format.
    #[error("{} is not a baseline of spanspec and was not changed; name another file, or move it away", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file could not be written.
    #[error("failed to write the baseline {}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The error of the file system.
        #[source]
        source: io::Error,
    },
    /// Another process holds the lock.
    #[error("another process has been writing the baseline {} for {patience} s, and nothing was written; end that process, or resume it if it was stopped, and try again", .path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// The time waited, in seconds.
        patience: u64,
    },
    /// The file would exceed the size that can be read.
    #[error("the baseline {} would have more than {most} MiB and was not changed; delete cases that no longer exist", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The maximum size in MiB.
        most: u64,
    },
    /// There is no proposal to accept or reject.
    #[error("there is no {} to accept or reject; `spanspec run` writes it", .path.display())]
    NothingPending {
        /// The file that does not exist.
        path: PathBuf,
    },
}
