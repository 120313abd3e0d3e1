//! Finds and reads files that a user wrote, with limits: nothing here takes long, whatever the file.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::project::FILE_NAME;
use crate::spec::{MAX_FILE_SIZE, Source};

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there, or not ours to read.
    #[error("cannot read {}: {source}", shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Nobody wrote this by hand.
    #[error("{} has more than {} MiB: is it the right file?", shown(path), MAX_FILE_SIZE >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Its bytes are no text.
    #[error(
        "{} is not UTF-8 (byte {offset}, on line {line}): save it as UTF-8",
        shown(path)
    )]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Of the first byte that is wrong, from 0.
        offset: usize,
        /// Its line, from 1.
        line: usize,
    },
    /// Nothing has this name.
    #[error("there is no file, folder or match for `{given}`{hint}")]
    NotFound {
        /// As the user wrote it.
        given: String,
        /// What can be given.
        hint: &'static str,
    },
    /// A pattern that cannot be understood.
    #[error("`{given}` is no glob: {source}")]
    Glob {
        /// As the user wrote it.
        given: String,
        /// What is wrong with it.
        source: glob::PatternError,
    },
}

/// The text of a file, under the path that messages give it.
///
/// # Errors
/// When it cannot be read, has more than 4 MiB, or is no UTF-8.
pub fn read(path: &Path) -> Result<Source, FileError> {
    let bytes = read_bytes(path, MAX_FILE_SIZE)?;
    match String::from_utf8(bytes) {
        Ok(text) => {
            let text = text
                .strip_prefix('\u{feff}')
                .map(str::to_owned)
                .unwrap_or(text);
            Ok(Source::new(shown(path), text))
        }
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let before = &error.as_bytes()[..offset];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(FileError::NotUtf8 {
                path: path.to_owned(),
                offset,
                line,
            })
        }
    }
}

/// The bytes of a file.
///
/// # Errors
/// When it cannot be read, or has more than `most` bytes.
pub fn read_bytes(path: &Path, most: usize) -> Result<Vec<u8>, FileError> {
    let failed = |source| FileError::Read {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    file.take(most as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > most {
        return Err(FileError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(bytes)
}

/// A path as the user would type it: relative to the working directory where it is below it.
#[must_use]
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    let path = relative.unwrap_or_else(|| path.to_path_buf());
    let path = path.strip_prefix(".").unwrap_or(&path);
    path.to_string_lossy().replace('\\', "/")
}

/// The spec files that files, folders and globs stand for, in their order, each once.
///
/// # Errors
/// With the first that stands for nothing.
pub fn find_specs(given: &[String], from: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut all = Vec::new();
    for one in given {
        all.extend(find(one, from)?);
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    Ok(all)
}

fn find(given: &str, from: &Path) -> Result<Vec<PathBuf>, FileError> {
    let path = from.join(given);
    if path.is_file() {
        return Ok(vec![path]);
    }
    if path.is_dir() {
        let folder = glob::Pattern::escape(&path.to_string_lossy());
        let mut found = matching(&format!("{folder}/**/*.yaml"), given)?;
        found.extend(matching(&format!("{folder}/**/*.yml"), given)?);
        found.retain(|path| path.file_name().is_none_or(|name| name != FILE_NAME));
        found.sort();
        return Ok(found);
    }
    let found = matching(&path.to_string_lossy(), given)?;
    if found.is_empty() {
        let is_glob = given.contains(['*', '?', '[']);
        let hint = if is_glob {
            ""
        } else {
            ": give a spec file, a folder of them, or a glob"
        };
        return Err(FileError::NotFound {
            given: given.to_owned(),
            hint,
        });
    }
    Ok(found)
}

fn matching(pattern: &str, given: &str) -> Result<Vec<PathBuf>, FileError> {
    let paths = glob::glob(pattern).map_err(|source| FileError::Glob {
        given: given.to_owned(),
        source,
    })?;
    Ok(paths
        .filter_map(Result::ok)
        .filter(|path| path.is_file())
        .collect())
}
