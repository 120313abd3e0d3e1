//! Reads, writes, accepts and rejects baseline files.

use std::fs::{self, File};
use std::hash::Hasher;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fnv::FnvHasher;

use super::{Baseline, BaselineError, parse, pending_path, render};
use crate::atomic_file::{open_regular, replace_durably};

/// Maximum size of a baseline in MiB; daily runs of ten years need less.
const MOST_MIB: u64 = 64;

/// Time after which waiting for another writer ends. Writing takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Reads a baseline. Returns `None` if the file does not exist.
///
/// # Errors
/// The file cannot be read, or is not a baseline.
pub fn read(path: &Path) -> Result<Option<Baseline>, BaselineError> {
    let failed = |source| BaselineError::Read {
        path: path.to_owned(),
        source,
    };
    let file = match open_regular(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let mut bytes = Vec::new();
    let mut limited = file.take((MOST_MIB << 20) + 1);
    limited.read_to_end(&mut bytes).map_err(failed)?;
    if is_too_large(&bytes) {
        return Err(BaselineError::Damaged {
            path: path.to_owned(),
            reason: format!("it has more than {MOST_MIB} MiB"),
        });
    }
    parse(path, &bytes).map(Some)
}

/// Writes a baseline atomically, and creates its folders.
///
/// # Errors
/// The existing file is not a baseline, the new one is too large to be read, or the file system
/// fails.
pub fn write(path: &Path, baseline: &Baseline) -> Result<(), BaselineError> {
    read(path)?;
    let text = render(baseline);
    if is_too_large(text.as_bytes()) {
        return Err(BaselineError::TooLarge {
            path: path.to_owned(),
            most: MOST_MIB,
        });
    }
    replace(path, text.as_bytes())
}

/// Writes the proposal for the baseline `path`.
///
/// # Errors
/// As [`write()`], for both files: a proposal beside a damaged baseline could not be accepted.
pub fn propose(path: &Path, proposal: &Baseline) -> Result<(), BaselineError> {
    read(path)?;
    write(&pending_path(path), proposal)
}

/// Moves the proposal into the baseline.
///
/// # Errors
/// There is no proposal, a file cannot be read, or the file system fails.
pub fn accept(path: &Path) -> Result<(), BaselineError> {
    let (_lock, proposal) = pending(path)?;
    let baseline = read(path)?.unwrap_or_default();
    write(path, &baseline.accepting(&proposal))?;
    delete(&pending_path(path))
}

/// Deletes the proposal.
///
/// # Errors
/// There is no proposal, it is not a baseline, or the file system fails.
pub fn reject(path: &Path) -> Result<(), BaselineError> {
    let (_lock, _) = pending(path)?;
    delete(&pending_path(path))
}

fn pending(path: &Path) -> Result<(Lock, Baseline), BaselineError> {
    let pending = pending_path(path);
    let nothing = || BaselineError::NothingPending {
        path: pending.clone(),
    };
    // Taking the lock would create the folder.
    if !pending.exists() {
        return Err(nothing());
    }
    let lock = lock(path)?;
    let proposal = read(&pending)?.ok_or_else(nothing)?;
    Ok((lock, proposal))
}

fn is_too_large(bytes: &[u8]) -> bool {
    bytes.len() as u64 > MOST_MIB << 20
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), BaselineError> {
    replace_durably(path, bytes).map_err(|source| BaselineError::Write {
        path: path.to_owned(),
        source,
    })
}

fn delete(path: &Path) -> Result<(), BaselineError> {
    fs::remove_file(path).map_err(|source| BaselineError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Exclusive access to the baselines of a folder, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: Option<File>,
}

/// Waits until no other process writes the baselines of this folder.
///
/// The lock is a file in the directory of temporary files, so that none is committed. If it cannot
/// be created, the result locks nothing: files are still replaced atomically.
///
/// # Errors
/// Another process holds the lock for more than ten seconds.
pub fn lock(baseline: &Path) -> Result<Lock, BaselineError> {
    let folder = baseline.parent().unwrap_or(baseline).to_owned();
    let (send, locked) = mpsc::channel();
    // After a timeout the send fails, which drops the lock.
    thread::spawn(move || drop(send.send(lock_folder(&folder))));
    let file = locked
        .recv_timeout(PATIENCE)
        .map_err(|_| BaselineError::Busy {
            path: baseline.to_owned(),
            patience: PATIENCE.as_secs(),
        })?;
    Ok(Lock { _file: file.ok() })
}

fn lock_folder(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    let mut hash = FnvHasher::default();
    hash.write(folder.canonicalize()?.as_os_str().as_encoded_bytes());
    let name = format!("spanspec-baselines-{:016x}.lock", hash.finish());
    let path = std::env::temp_dir().join(name);
    let writable = File::options().append(true).create(true).open(&path);
    // The file of another user is readable, which suffices for a lock.
    let file = writable.or_else(|_| File::open(&path))?;
    loop {
        match file.lock() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            locked => return locked.map(|()| file),
        }
    }
}

/// The content of a file before and after a run wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undo {
    file: PathBuf,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

/// The result of [`Undo::undo`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undone {
    /// The file has its earlier content.
    Restored,
    /// The file was not changed, because it was written again in the meantime.
    ChangedSince,
}

impl Undo {
    /// Calls `write`, which writes `file`, and records its content before and after. The caller
    /// holds the lock.
    ///
    /// # Errors
    /// `write` fails, or the file cannot be read.
    pub(crate) fn around(
        file: &Path,
        write: impl FnOnce() -> Result<(), BaselineError>,
    ) -> Result<Self, BaselineError> {
        let before = bytes(file)?;
        write()?;
        Ok(Self {
            file: file.to_owned(),
            before,
            after: bytes(file)?,
        })
    }

    /// The file that was written.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Restores the earlier content.
    ///
    /// # Errors
    /// Another process holds the lock, or the file system fails.
    pub(crate) fn undo(&self) -> Result<Undone, BaselineError> {
        let _lock = lock(&self.file)?;
        if bytes(&self.file)? != self.after {
            return Ok(Undone::ChangedSince);
        }
        match &self.before {
            None => delete(&self.file)?,
            Some(before) => replace(&self.file, before)?,
        }
        Ok(Undone::Restored)
    }
}

fn bytes(file: &Path) -> Result<Option<Vec<u8>>, BaselineError> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(BaselineError::Read {
            path: file.to_owned(),
            source,
        }),
    }
}
