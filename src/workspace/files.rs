//! Finds and reads files of the user, with limits on size and kind, so that no file can block.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::recognized::FileKind;
use crate::atomic_file::{irregular, open_regular};
use crate::project::FILE_NAME;
use crate::spec::{MAX_FILE_SIZE, Source};

/// The reason why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file does not exist, or permission is denied.
    #[error("cannot read {}: {source}", shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system error.
        source: std::io::Error,
    },
    /// The file is too large.
    #[error("{} is larger than {} MiB: check that it is the right file", shown(path), MAX_FILE_SIZE >> 20)]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is not UTF-8.
    #[error(
        "{} is not UTF-8 (byte {offset}, on line {line}): save it as UTF-8",
        shown(path)
    )]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Offset of the first invalid byte, from 0.
        offset: usize,
        /// Its line, from 1.
        line: usize,
    },
    /// The path or glob has no match.
    #[error("no file, folder or match for `{given}`{hint}")]
    NotFound {
        /// The text of the user.
        given: String,
        /// Accepted kinds of paths, as a part of the message.
        hint: &'static str,
    },
    /// The path is a pipe, socket or device.
    #[error(
        "{} is {kind}, not a regular file: write the spec to a file",
        shown(path)
    )]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// The kind of file, with its article.
        kind: &'static str,
    },
    /// The target of a symbolic link does not exist.
    #[error("{} is a symbolic link to {}, which does not exist: correct or remove the link", shown(path), target.display())]
    DanglingLink {
        /// The link.
        path: PathBuf,
        /// Its target.
        target: PathBuf,
    },
    /// The file is of another kind.
    #[error("{} is {}, not {wanted}: {}", shown(path), kind.name(), kind.command(path))]
    Mistaken {
        /// The file.
        path: PathBuf,
        /// Its kind.
        kind: FileKind,
        /// The kind that is needed, with its article.
        wanted: &'static str,
    },
    /// The glob is invalid.
    #[error("invalid glob `{given}`: {source}")]
    Glob {
        /// The text of the user.
        given: String,
        /// The syntax error.
        source: glob::PatternError,
    },
}

/// The text of a file, with its path for messages.
///
/// # Errors
/// If it cannot be read, is larger than 4 MiB, or is not UTF-8.
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

/// The bytes of a file. A pipe with a name of its own is refused: it could block forever.
///
/// # Errors
/// If it cannot be read, or has more than `most` bytes.
pub fn read_bytes(path: &Path, most: usize) -> Result<Vec<u8>, FileError> {
    // The shell's `<(command)` is a pipe below `/dev`, and has a writer.
    let opened = if path.starts_with("/dev") || path.starts_with("/proc") {
        std::fs::File::open(path)
    } else {
        open_regular(path)
    };
    read_opened(path, opened, most)
}

/// The bytes of a regular file, and of nothing else.
///
/// # Errors
/// If it is not a regular file, cannot be read, or has more than `most` bytes.
pub fn read_regular(path: &Path, most: usize) -> Result<Vec<u8>, FileError> {
    read_opened(path, open_regular(path), most)
}

fn read_opened(
    path: &Path,
    opened: std::io::Result<std::fs::File>,
    most: usize,
) -> Result<Vec<u8>, FileError> {
    let failed = |source| FileError::Read {
        path: path.to_owned(),
        source,
    };
    let file = opened.map_err(failed)?;
    // With room for the whole file and its end, it is read in one call.
    let size = file.metadata().map_or(0, |found| found.len());
    let mut bytes = Vec::with_capacity(usize::try_from(size).map_or(0, |size| size.min(most) + 64));
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

/// A path as a user types it: relative to the working directory, if it is below it.
#[must_use]
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.and_then(|here| path.strip_prefix(here).ok().map(Path::to_path_buf));
    let path = relative.unwrap_or_else(|| path.to_path_buf());
    let path = path.strip_prefix(".").unwrap_or(&path);
    path.to_string_lossy().replace('\\', "/")
}

/// The project file of the folder, or of the nearest parent folder that has one.
///
/// # Errors
/// If a project file is not a regular file, or permission is denied.
pub(super) fn find_project(dir: &Path) -> Result<Option<PathBuf>, FileError> {
    for folder in dir.ancestors() {
        let path = folder.join(FILE_NAME);
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return regular(&path).map(Some),
            Err(error) if is_absence(&error) => {}
            Err(source) => return Err(FileError::Read { path, source }),
        }
    }
    Ok(None)
}

/// The spec files of files, folders and globs, in their order, each once.
///
/// # Errors
/// The first that has no match or cannot be read: a folder without permission, a broken link, a
/// pipe.
pub fn find_specs(given: &[String], from: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut all = Vec::new();
    for one in given {
        all.extend(find(one, from)?);
    }
    Ok(each_once(all))
}

/// The files without repetitions. Of several paths to a file, the one without links remains.
fn each_once(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut places = std::collections::HashMap::new();
    let mut all: Vec<PathBuf> = Vec::new();
    for path in paths {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let is_real = std::path::absolute(&path).is_ok_and(|path| path == real);
        match places.entry(real) {
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(all.len());
                all.push(path);
            }
            std::collections::hash_map::Entry::Occupied(place) if is_real => {
                all[*place.get()] = path;
            }
            std::collections::hash_map::Entry::Occupied(_) => {}
        }
    }
    all
}

fn find(given: &str, from: &Path) -> Result<Vec<PathBuf>, FileError> {
    let path = from.join(given);
    match std::fs::symlink_metadata(&path) {
        Ok(_) => in_path(&path),
        Err(error) if is_absence(&error) => matching(&path.to_string_lossy(), given),
        Err(source) => Err(FileError::Read { path, source }),
    }
}

/// The spec files of an existing path: the file itself, or all files below a folder.
fn in_path(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    if !metadata(path)?.is_dir() {
        return Ok(vec![regular(path)?]);
    }
    let mut found = Vec::new();
    // Links to folders are followed, except to a parent folder.
    for entry in walkdir::WalkDir::new(path).follow_links(true) {
        match entry {
            Ok(entry) if is_spec_name(entry.path()) && !entry.file_type().is_dir() => {
                found.push(regular(entry.path())?);
            }
            Ok(_) => {}
            Err(error) if error.loop_ancestor().is_some() => {}
            Err(error) => ignore_or_fail(error, path)?,
        }
    }
    found.sort();
    Ok(found)
}

/// Ignores a broken link if its name is that of another kind of file, or of an Emacs lock. Without
/// an extension, the link was possibly a folder of specs.
fn ignore_or_fail(error: walkdir::Error, folder: &Path) -> Result<(), FileError> {
    let path = error.path().unwrap_or(folder).to_owned();
    let is_link = std::fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink());
    if is_link {
        let has_other_ending = path.extension().is_some() && !is_spec_name(&path);
        match metadata(&path) {
            Err(FileError::DanglingLink { .. }) if has_other_ending || is_lock(&path) => {
                return Ok(());
            }
            found => found?,
        };
    }
    let source = error.into();
    Err(FileError::Read { path, source })
}

/// Emacs marks an open file by a link to nothing.
fn is_lock(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b".#"))
}

fn is_spec_name(path: &Path) -> bool {
    let is_yaml = path
        .extension()
        .is_some_and(|ending| ending == "yaml" || ending == "yml");
    is_yaml && path.file_name().is_some_and(|name| name != FILE_NAME)
}

/// The path, if it is a regular file.
fn regular(path: &Path) -> Result<PathBuf, FileError> {
    match irregular(&metadata(path)?) {
        None => Ok(path.to_owned()),
        Some(kind) => Err(FileError::NotRegular {
            path: path.to_owned(),
            kind,
        }),
    }
}

fn metadata(path: &Path) -> Result<std::fs::Metadata, FileError> {
    std::fs::metadata(path).map_err(|source| match std::fs::read_link(path) {
        Ok(target) if is_absence(&source) => FileError::DanglingLink {
            path: path.to_owned(),
            target,
        },
        _ => FileError::Read {
            path: path.to_owned(),
            source,
        },
    })
}

fn is_absence(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
    )
}

fn matching(pattern: &str, given: &str) -> Result<Vec<PathBuf>, FileError> {
    let paths = glob::glob(pattern).map_err(|source| FileError::Glob {
        given: given.to_owned(),
        source,
    })?;
    let mut found = Vec::new();
    for path in paths {
        let path = path.map_err(|error| FileError::Read {
            path: error.path().to_owned(),
            source: error.into(),
        })?;
        if !is_lock(&path) && !metadata(&path)?.is_dir() {
            found.push(regular(&path)?);
        }
    }
    if found.is_empty() {
        return Err(nothing_matches(given));
    }
    Ok(found)
}

fn nothing_matches(given: &str) -> FileError {
    let is_glob = given.contains(['*', '?', '[']);
    let hint = if is_glob {
        ""
    } else {
        ": name a spec file, a folder of specs, or a glob"
    };
    FileError::NotFound {
        given: given.to_owned(),
        hint,
    }
}
