//! Finds the saved trace of the last attempt in which a step passed.
//!
//! It serves only for comparison. A file that is missing, damaged or unrelated is ignored.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use serde::Deserialize;

use super::file::{About, stem};
use crate::result::EarlierTrace;
use crate::source::otlp;
use crate::trace::{Origin, Trace};

/// Maximum number of files of a spec that are read, the latest first.
const MAX_FILES: usize = 100;
/// Maximum size of a file that is read: 64 MiB.
const MAX_BYTES: u64 = 64 << 20;

/// The files in the folder of saved traces, as of the first query.
#[derive(Debug, Default)]
pub(super) struct Archive(OnceLock<HashMap<String, Vec<PathBuf>>>);

impl Archive {
    /// The saved trace of the last attempt in which this step passed.
    pub(super) fn latest_passing(&self, folder: Option<&Path>, of: &About) -> Option<EarlierTrace> {
        let folder = folder?;
        let by_stem = self.0.get_or_init(|| files(folder));
        let mut files: Vec<(SystemTime, &PathBuf)> = by_stem
            .get(&stem(&of.spec))?
            .iter()
            .filter_map(|path| Some((modified(path)?, path)))
            .collect();
        files.sort_unstable();
        files
            .into_iter()
            .rev()
            .take(MAX_FILES)
            .find_map(|(_, path)| read(path, of))
    }
}

fn files(folder: &Path) -> HashMap<String, Vec<PathBuf>> {
    let mut by_stem: HashMap<String, Vec<PathBuf>> = HashMap::new();
    let paths = std::fs::read_dir(folder).into_iter().flatten();
    for path in paths.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().and_then(|name| name.to_str());
        let stem = name.and_then(|name| name.strip_suffix(".json")?.rsplit_once('-'));
        if let Some((stem, _)) = stem {
            by_stem.entry(stem.to_owned()).or_default().push(path);
        }
    }
    by_stem
}

/// The time of the last modification; `None` if the file is too large.
fn modified(path: &Path) -> Option<SystemTime> {
    let file = std::fs::metadata(path).ok()?;
    let is_small = file.is_file() && file.len() <= MAX_BYTES;
    file.modified().ok().filter(|_| is_small)
}

/// The part of a file that is not spans.
#[derive(Deserialize)]
struct SavedFacts {
    spanspec: About,
}

fn read(path: &Path, of: &About) -> Option<EarlierTrace> {
    let bytes = std::fs::read(path).ok()?;
    let facts: SavedFacts = serde_json::from_slice(&bytes).ok()?;
    let about = facts.spanspec;
    if !about.has_passed() || !about.is_same_step(of) {
        return None;
    }
    let id = about.trace_id.parse().ok()?;
    let trace = otlp::read(&bytes)
        .ok()?
        .into_iter()
        .find(|trace| trace.id() == id)?;
    Some(EarlierTrace {
        trace: std::sync::Arc::new(with_caller(trace, &about)),
        path: path.to_owned(),
        started: about.started.parse().ok()?,
    })
}

/// Marks the span id that the trigger sent, which is not a missing parent.
fn with_caller(trace: Trace, about: &About) -> Trace {
    let Some(caller) = about.caller.as_ref().and_then(|id| id.parse().ok()) else {
        return trace;
    };
    let linked = trace.linked().to_vec();
    let spans = trace.spans().iter().cloned();
    Trace::assemble(trace.id(), Origin::Injected(caller), spans).with_linked(linked)
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;
    use crate::atomic_file::Readers;
    use crate::result::Verdict;
    use crate::secret::Secrets;
    use crate::trace::{Span, SpanId, TraceId};

    fn trace(number: u8) -> Trace {
        let id = TraceId::from_bytes([number; 16]).unwrap();
        let span_id = |n: u8| SpanId::from_bytes([n; 8]).unwrap();
        let span = Span {
            parent_id: Some(span_id(1)),
            ..Span::new(id, span_id(2), "root")
        };
        Trace::assemble(id, Origin::Injected(span_id(1)), [span])
    }

    fn save(folder: &Path, number: u8, spec: &str, verdict: &Verdict) -> PathBuf {
        let trace = trace(number);
        let started = jiff::Timestamp::UNIX_EPOCH;
        let about = About::new(spec, "specs/a.yaml", 0, verdict, started, &trace);
        file::write(folder, Readers::Usual, &about, &trace, &Secrets::default()).unwrap()
    }

    fn found(folder: &Path, spec: &str) -> Option<EarlierTrace> {
        let now = trace(9);
        let started = jiff::Timestamp::UNIX_EPOCH;
        let about = About::new(spec, "a.yaml", 0, &Verdict::Failed, started, &now);
        Archive::default().latest_passing(Some(folder), &about)
    }

    #[test]
    fn the_latest_trace_of_a_spec_that_passed_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let first = save(folder.path(), 1, "a spec", &Verdict::Passed);
        let second = save(folder.path(), 2, "a spec", &Verdict::Passed);
        save(folder.path(), 3, "a spec", &Verdict::Failed);
        save(folder.path(), 4, "a spec: another", &Verdict::Passed);
        let age = |path: &Path, seconds| {
            let file = std::fs::File::options().write(true).open(path).unwrap();
            let when = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            file.set_modified(when).unwrap();
        };
        age(&first, 200);
        age(&second, 100);
        let earlier = found(folder.path(), "a spec").unwrap();
        assert_eq!(earlier.path, first);
        assert_eq!(earlier.trace.orphans().count(), 0);
    }

    #[test]
    fn damaged_and_unrelated_files_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = save(folder.path(), 1, "a spec", &Verdict::Passed);
        std::fs::write(folder.path().join("a-spec-00000000.json"), "{ \"spanspec\"").unwrap();
        std::fs::write(folder.path().join("a-spec-11111111.json"), "[]").unwrap();
        std::fs::create_dir(folder.path().join("a-spec-22222222.json")).unwrap();
        assert_eq!(found(folder.path(), "a spec").unwrap().path, path);
        std::fs::write(&path, b"\xff\xfe").unwrap();
        assert!(found(folder.path(), "a spec").is_none());
        assert!(found(&folder.path().join("nowhere"), "a spec").is_none());
    }

    #[test]
    fn a_spec_of_the_same_name_in_another_file_is_another_spec() {
        let folder = tempfile::tempdir().unwrap();
        let now = trace(1);
        let started = jiff::Timestamp::UNIX_EPOCH;
        let about = About::new("a spec", "b.yaml", 0, &Verdict::Passed, started, &now);
        file::write(
            folder.path(),
            Readers::Usual,
            &about,
            &now,
            &Secrets::default(),
        )
        .unwrap();
        assert!(found(folder.path(), "a spec").is_none());
    }

    #[test]
    fn a_saved_trace_is_readable_as_otlp_json() {
        let folder = tempfile::tempdir().unwrap();
        let path = save(folder.path(), 1, "a spec", &Verdict::Passed);
        let traces = otlp::read(&std::fs::read(path).unwrap()).unwrap();
        assert_eq!(traces[0].id(), trace(1).id());
    }
}
