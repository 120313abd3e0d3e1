//! Reads trace files, and reads them again when they change.

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::FetchError;
use crate::source::saved::{self, UntiedFile};
use crate::trace::{Hole, LogRecord, Sender, Trace};

/// Maximum number of files.
const MOST_FILES: usize = 10_000;

/// Maximum size of all files, in bytes. Their spans are kept in memory.
const MOST_BYTES: u64 = 256 << 20;

/// Maximum number of unreadable files that are named.
const MOST_PROBLEMS: usize = 3;

/// A file that changed this recently is read again, because it can change again without another time.
const RECENT: Duration = Duration::from_secs(2);

/// A file that ends within a line and did not change for this long is not being written. The exporter of the
/// Collector writes what it has each second, unless it is set otherwise (`flush_interval`).
const LONGEST_WRITING: Duration = Duration::from_secs(10);

/// A folder of trace files, or one file, as it was last read.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    files: HashMap<PathBuf, TraceFile>,
    /// The time of the last reading.
    read: Option<Instant>,
}

#[derive(Debug)]
struct TraceFile {
    stamp: Stamp,
    content: UntiedFile,
    problem: Option<Hole>,
    /// The problem is that the file is being written.
    is_cut: bool,
}

/// Two equal stamps belong to the same content, unless the file has changed recently.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(found: &Metadata) -> Self {
        Self {
            size: found.len(),
            modified: found.modified().ok(),
        }
    }

    /// Returns `true` if the file changed within this time, as far as is known.
    fn changed_within(self, time: Duration) -> bool {
        let age = self.modified.and_then(|time| time.elapsed().ok());
        age.is_none_or(|age| age < time)
    }
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            files: HashMap::new(),
            read: None,
        }
    }

    /// Reads the files that are new or have changed, unless that was done since this time.
    ///
    /// # Errors
    /// There is no such folder, it cannot be read, or it is too large.
    pub(super) fn refresh(&mut self, since: Instant) -> Result<(), FetchError> {
        if self.read.is_some_and(|read| read >= since) {
            return Ok(());
        }
        let now = Instant::now();
        let found = self.list()?;
        let size: u64 = found.iter().map(|(_, stamp)| stamp.size).sum();
        if size > MOST_BYTES {
            return Err(self.too_large(&format!("has more than {} MiB", MOST_BYTES >> 20)));
        }
        let mut known = std::mem::take(&mut self.files);
        for (path, stamp) in found {
            let file = match known.remove(&path) {
                Some(file) if file.stamp == stamp && !stamp.changed_within(RECENT) => file,
                _ => TraceFile::read(&path, stamp),
            };
            self.files.insert(path, file);
        }
        self.read = Some(now);
        Ok(())
    }

    /// All files but hidden ones, in this folder and those below.
    fn list(&self) -> Result<Vec<(PathBuf, Stamp)>, FetchError> {
        let is_hidden = |entry: &walkdir::DirEntry| {
            entry.depth() > 0 && entry.file_name().to_string_lossy().starts_with('.')
        };
        let walk = walkdir::WalkDir::new(&self.path).follow_links(true);
        let mut files = Vec::new();
        for entry in walk.into_iter().filter_entry(|entry| !is_hidden(entry)) {
            let found = entry.and_then(|entry| {
                let found = entry.metadata()?;
                Ok((entry.into_path(), found))
            });
            match found {
                Ok((path, found)) if found.is_file() => files.push((path, Stamp::of(&found))),
                Ok(_) => {}
                Err(error) if error.loop_ancestor().is_some() => {}
                // It was removed or renamed after the folder was listed.
                Err(error) if is_absence(&error) && error.depth() > 0 => {}
                Err(error) => return Err(self.unreadable(&error)),
            }
            if files.len() > MOST_FILES {
                return Err(self.too_large(&format!("has more than {MOST_FILES} files")));
            }
        }
        Ok(files)
    }

    fn unreadable(&self, error: &walkdir::Error) -> FetchError {
        let path = error.path().unwrap_or(&self.path).display();
        let why = match (is_absence(error), error.io_error()) {
            (true, _) => format!("{path} does not exist"),
            (false, Some(error)) => format!("cannot read {path}: {error}"),
            (false, None) => format!("cannot read {path}"),
        };
        FetchError::Later {
            why,
            after: None,
            help: "check the path of `source`, and that the Collector writes files there"
                .to_owned(),
        }
    }

    fn too_large(&self, what: &str) -> FetchError {
        FetchError::Refused {
            why: format!("{} {what}", self.path.display()),
            help: "name one file or a smaller folder, or let the Collector keep fewer files (`rotation`)"
                .to_owned(),
        }
    }

    /// The traces of all files. A trace can have parts in several files.
    pub(super) fn traces(&self) -> impl Iterator<Item = &Trace> {
        self.files.values().flat_map(|file| &file.content.traces)
    }

    /// Returns `true` if a file has log records.
    pub(super) fn has_logs(&self) -> bool {
        self.files.values().any(|file| file.content.has_logs)
    }

    /// The log records of each file, by path.
    pub(super) fn logs(&self) -> Vec<&[LogRecord]> {
        let mut files: Vec<(&PathBuf, &TraceFile)> = self.files.iter().collect();
        files.sort_by_key(|(path, _)| *path);
        let files = files.into_iter();
        files
            .map(|(_, file)| file.content.logs.as_slice())
            .collect()
    }

    /// The holes of log records that cannot be attributed.
    pub(super) fn log_holes(&self) -> impl Iterator<Item = &Hole> {
        self.files.values().flat_map(|file| &file.content.log_holes)
    }

    /// Returns `true` if a file ends within a line of which the rest is to come.
    pub(super) fn is_being_written(&self) -> bool {
        let mut files = self.files.values();
        files.any(|file| file.is_cut && file.stamp.changed_within(LONGEST_WRITING))
    }

    /// The hole of a file that no further reading can change.
    pub(super) fn lasting_problem(&self) -> Option<&Hole> {
        let mut lasting = self.files.values().filter(|file| !file.is_cut);
        lasting.find_map(|file| file.problem.as_ref())
    }

    /// The holes of files of which a part or all cannot be read.
    pub(super) fn problems(&self) -> Vec<Hole> {
        let mut files: Vec<(&PathBuf, &Hole)> = self
            .files
            .iter()
            .filter_map(|(path, file)| Some((path, file.problem.as_ref()?)))
            .collect();
        files.sort_by_key(|(path, _)| *path);
        let problems = files.into_iter().take(MOST_PROBLEMS);
        problems.map(|(_, problem)| problem.clone()).collect()
    }
}

impl TraceFile {
    fn read(path: &Path, stamp: Stamp) -> Self {
        let file = Self {
            stamp,
            content: UntiedFile::default(),
            problem: None,
            is_cut: false,
        };
        match fs::read(path) {
            Ok(bytes) => file.with_content(path, &bytes),
            // It was removed or renamed after the folder was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => file,
            Err(error) => {
                let why = format!("cannot read {}: {error}", path.display());
                let help = "let this user read it, or move it out of the folder";
                let problem = Some(hole(why, help));
                Self { problem, ..file }
            }
        }
    }

    fn with_content(self, path: &Path, bytes: &[u8]) -> Self {
        let error = match saved::read_untied(bytes) {
            Ok(content) => return Self { content, ..self },
            Err(_) if bytes.is_empty() => return self,
            Err(error) => error,
        };
        let is_cut = error.is_cut();
        let (content, problem) = match is_cut {
            true => (
                saved::read_untied(saved::whole_part(bytes)).unwrap_or_default(),
                hole(
                    format!("{} ends within a line or message", path.display()),
                    "if it is being written, set a larger `timeout`; if not, remove its end",
                ),
            ),
            false => (
                UntiedFile::default(),
                hole(
                    format!("{} is not a trace: {}", path.display(), error.in_full()),
                    "move it out of the folder of traces, or save its traces as OTLP",
                ),
            ),
        };
        Self {
            content,
            problem: Some(problem),
            is_cut,
            ..self
        }
    }
}

fn hole(reason: String, remedy: &str) -> Hole {
    Hole {
        reason,
        sender: Sender::default(),
        remedy: remedy.to_owned(),
    }
}

fn is_absence(error: &walkdir::Error) -> bool {
    let kind = error.io_error().map(io::Error::kind);
    kind == Some(io::ErrorKind::NotFound)
}
