//! Where baselines are: files beside the spec, and new ones beside those.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use super::{Baseline, BaselineError, Proposal, lock, parse, render};
use crate::atomic_file::{open_regular, replace_durably};

/// A larger file is none of ours: 64 MiB hold the runs of ten years.
const MAX_SIZE: u64 = 64 << 20;

/// The file of a spec's baseline: `baselines/<spec file>.json` beside it.
///
/// ```
/// use std::path::Path;
/// use spanspec::internal::budget::baseline::path_beside;
/// let path = path_beside(Path::new("specs/place-order.yaml"));
/// assert_eq!(path, Path::new("specs/baselines/place-order.yaml.json"));
/// ```
#[must_use]
pub fn path_beside(spec: &Path) -> PathBuf {
    let mut name = spec.file_name().unwrap_or_default().to_owned();
    name.push(".json");
    spec.with_file_name("baselines").join(name)
}

/// The file of a spec's baseline: beside the spec, or in a folder for all baselines, named there as
/// the spec is from `root`, the folder of the project.
///
/// ```
/// use std::path::Path;
/// use spanspec::internal::budget::baseline::path_of;
/// let (spec, folder) = (Path::new("specs/place-order.yaml"), Path::new("kept"));
/// let path = path_of(spec, Some(folder), Path::new("."));
/// assert_eq!(path, Path::new("kept/specs/place-order.yaml.json"));
/// ```
#[must_use]
pub fn path_of(spec: &Path, folder: Option<&Path>, root: &Path) -> PathBuf {
    let Some(folder) = folder else {
        return path_beside(spec);
    };
    let mut path = folder.join(from(root, spec)).into_os_string();
    path.push(".json");
    PathBuf::from(path)
}

/// A path as it is from a folder; of one that is elsewhere, the whole, without its root.
fn from(root: &Path, path: &Path) -> PathBuf {
    let absolute = |path: &Path| std::path::absolute(path).ok();
    let real = |path: &Path| {
        let absolute = std::path::absolute(path).ok()?;
        // What a link leads to may be anywhere; the link itself is in the project.
        let folder = absolute.parent()?.canonicalize().ok()?;
        Some(folder.join(absolute.file_name()?))
    };
    let within = |root: Option<PathBuf>, path: Option<PathBuf>| {
        let path = path?.strip_prefix(root?).ok()?.to_owned();
        let is_below = path.components().all(|part| part != Component::ParentDir);
        is_below.then_some(path)
    };
    within(absolute(root), absolute(path))
        .or_else(|| within(root.canonicalize().ok(), real(path)))
        .unwrap_or_else(|| {
            let path = real(path).unwrap_or_else(|| path.to_owned());
            let names = path.components();
            names
                .filter(|part| matches!(part, Component::Normal(_)))
                .collect()
        })
}

/// The file in which a new baseline waits to be accepted: the same with `.new` behind it.
#[must_use]
pub fn pending_path(baseline: &Path) -> PathBuf {
    let mut name = baseline.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// The baselines of a folder that have a new one waiting, sorted; of a folder that is not there,
/// none.
///
/// # Errors
/// The folder cannot be read.
pub fn pending_in(folder: &Path) -> Result<Vec<PathBuf>, BaselineError> {
    let failed = |source| BaselineError::Read {
        path: folder.to_owned(),
        source,
    };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let baseline = path.with_extension("");
        if pending_path(&baseline) == path && baseline.extension().is_some_and(|it| it == "json") {
            found.push(baseline);
        }
    }
    found.sort();
    Ok(found)
}

/// Reads a baseline; None where there is no file.
///
/// # Errors
/// There is a file, and it cannot be read, or is not ours.
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
    let mut limited = file.take(MAX_SIZE + 1);
    limited.read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_SIZE {
        return Err(BaselineError::Damaged {
            path: path.to_owned(),
            what: format!("it has more than {} MiB", MAX_SIZE >> 20),
        });
    }
    parse(path, &bytes).map(Some)
}

/// Writes a baseline, whole or not at all. Folders above it are created.
///
/// # Errors
/// What is there already cannot be read as a baseline, and so is kept; this one is too large to be
/// read again; or the file system does not take it.
pub fn write(path: &Path, baseline: &Baseline) -> Result<(), BaselineError> {
    write_up_to(MAX_SIZE, path, baseline)
}

pub(super) fn write_up_to(
    most: u64,
    path: &Path,
    baseline: &Baseline,
) -> Result<(), BaselineError> {
    read(path)?;
    let text = render(baseline);
    if text.len() as u64 > most {
        return Err(BaselineError::TooLarge {
            path: path.to_owned(),
            most,
        });
    }
    replace_durably(path, text.as_bytes()).map_err(|source| BaselineError::Write {
        path: path.to_owned(),
        source,
    })
}

/// Writes what waits to be accepted as the baseline `path`.
///
/// # Errors
/// As [`write()`], of both files: a new baseline beside a damaged one could not be accepted.
pub fn record(path: &Path, baseline: &Baseline) -> Result<(), BaselineError> {
    read(path)?;
    write(&pending_path(path), baseline)
}

/// Takes what waits over into the baseline, and deletes the file in which it waited, while nobody
/// else writes them. Who has `shown` it to somebody gets that accepted, or an error.
///
/// # Errors
/// Nothing waits; what waits is not what was shown; one of both files cannot be read; or the file
/// system refuses.
pub fn accept(path: &Path, shown: Option<&Proposal>) -> Result<(), BaselineError> {
    let _lock = lock(path)?;
    let proposal = expected(path, shown)?;
    write(path, &proposal.accepted())?;
    delete(pending_path(path))
}

/// Deletes what waits, while nobody else writes it. Who has `shown` it to somebody gets that
/// rejected, or an error.
///
/// # Errors
/// Nothing waits; what waits is not what was shown; it cannot be read, and so may be something
/// else; or the file system refuses.
pub fn reject(path: &Path, shown: Option<&Proposal>) -> Result<(), BaselineError> {
    let _lock = lock(path)?;
    match shown {
        Some(_) => drop(expected(path, shown)?),
        // The old one may be damaged; it is nothing to us.
        None => drop(expect_pending(path)?),
    }
    delete(pending_path(path))
}

/// What waits beside a baseline.
///
/// # Errors
/// Nothing does, or one of both files cannot be read.
pub fn proposal(path: &Path) -> Result<Proposal, BaselineError> {
    let waiting = expect_pending(path)?;
    let current = read(path)?.unwrap_or_default();
    Ok(Proposal { current, waiting })
}

fn expected(path: &Path, shown: Option<&Proposal>) -> Result<Proposal, BaselineError> {
    let now = proposal(path)?;
    match shown {
        Some(shown) if *shown != now => Err(BaselineError::Changed {
            path: pending_path(path),
        }),
        _ => Ok(now),
    }
}

fn expect_pending(path: &Path) -> Result<Baseline, BaselineError> {
    let pending = pending_path(path);
    read(&pending)?.ok_or(BaselineError::NothingPending { path: pending })
}

pub(super) fn delete(path: PathBuf) -> Result<(), BaselineError> {
    fs::remove_file(&path).map_err(|source| BaselineError::Write { path, source })
}
