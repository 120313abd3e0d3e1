//! Takes back what a run wrote, when it turns out that the run proves nothing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::store::delete;
use super::{BaselineError, lock};
use crate::atomic_file::replace_durably;

/// A file of baselines before and after a run wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Undo {
    baseline: PathBuf,
    file: PathBuf,
    before: Option<Vec<u8>>,
    after: Vec<u8>,
}

/// What became of a file that was to be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Undone {
    /// It is as it was before.
    Restored,
    /// Something else has been written since, and is kept.
    ChangedSince,
}

impl Undo {
    /// Calls `write`, which writes this file of the baseline, and keeps what was there before. The
    /// caller holds the lock.
    ///
    /// # Errors
    /// That of `write`, or the file cannot be read.
    pub(crate) fn around<T>(
        baseline: &Path,
        file: &Path,
        write: impl FnOnce() -> Result<T, BaselineError>,
    ) -> Result<(T, Self), BaselineError> {
        let before = bytes(file)?;
        let written = write()?;
        let undo = Self {
            baseline: baseline.to_owned(),
            file: file.to_owned(),
            before,
            after: bytes(file)?.unwrap_or_default(),
        };
        Ok((written, undo))
    }

    /// The file that was written.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Restores the file, unless something else has been written since.
    ///
    /// # Errors
    /// Another process has the lock for too long, or the file system refuses.
    pub(crate) fn undo(&self) -> Result<Undone, BaselineError> {
        let _lock = lock(&self.baseline)?;
        if bytes(&self.file)?.as_ref() != Some(&self.after) {
            return Ok(Undone::ChangedSince);
        }
        match &self.before {
            None => delete(self.file.clone())?,
            Some(before) => {
                replace_durably(&self.file, before).map_err(|source| BaselineError::Write {
                    path: self.file.clone(),
                    source,
                })?;
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn written(file: &Path, text: &str) -> Undo {
        let write = || {
            fs::write(file, text).unwrap();
            Ok(())
        };
        Undo::around(file, file, write).unwrap().1
    }

    #[test]
    fn a_file_is_as_it_was_before_unless_it_has_changed_since() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml.json");
        let first = written(&file, "one");
        let second = written(&file, "two");
        assert_eq!(first.undo().unwrap(), Undone::ChangedSince);
        assert_eq!(second.undo().unwrap(), Undone::Restored);
        assert_eq!(fs::read_to_string(&file).unwrap(), "one");
        assert_eq!(first.undo().unwrap(), Undone::Restored);
        assert!(!file.exists());
        assert_eq!(first.undo().unwrap(), Undone::ChangedSince);
    }
}
